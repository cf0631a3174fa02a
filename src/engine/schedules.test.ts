import { describe, expect, test } from "vitest";
import { constantRate, cosineRate, oneCycleRate, reduceOnPlateau, stepRate } from "./index.ts";

test("warms up in equal parts and reaches the full rate at the end of it", () => {
  const schedule = cosineRate({ rate: 0.8, steps: 100, warmUpSteps: 4 });
  expect([0, 1, 2, 3, 4].map(schedule)).toEqual([0.2, 0.4, 0.6000000000000001, 0.8, 0.8]);
});

test("falls along a cosine, ever lower, to the final rate and stays there", () => {
  const schedule = cosineRate({ rate: 1, steps: 50, warmUpSteps: 5, finalRate: 0.1 });
  const rates = Array.from({ length: 46 }, (_, i) => schedule(5 + i));
  rates.slice(1).forEach((rate, i) => {
    expect(rate).toBeLessThan(rates[i]);
  });
  // A quarter of the way down: 0.1 + 0.9 (1 + cos 45°) / 2
  expect(cosineRate({ rate: 1, steps: 40, finalRate: 0.1 })(10)).toBeCloseTo(
    0.1 + 0.45 * (1 + Math.SQRT1_2),
    12,
  );
  expect(schedule(50)).toBeCloseTo(0.1, 12);
  expect(schedule(500)).toBeCloseTo(0.1, 12);
});

test("never leaves the warm-up when training is shorter than it", () => {
  const schedule = cosineRate({ rate: 1, steps: 3, warmUpSteps: 10 });
  expect([0, 1, 2].map(schedule)).toEqual([0.1, 0.2, 0.3]);
});

test("multiplies by the factor after every so many steps", () => {
  const schedule = stepRate({ rate: 8, every: 3, factor: 0.5 });
  expect([0, 2, 3, 5, 6, 9].map(schedule)).toEqual([8, 8, 4, 4, 2, 1]);
});

test("stays as it is", () => {
  expect([0, 7, 1e9].map(constantRate(0.25))).toEqual([0.25, 0.25, 0.25]);
});

describe("one cycle has the rates of torch 1.13's OneCycleLR", () => {
  test.each<[string, Omit<Parameters<typeof oneCycleRate>[0], "rate" | "steps">, readonly number[]]>([
    [
      "in two phases",
      {},
      [0.04, 0.52, 1, 0.950484632, 0.8117456539, 0.611262022, 0.3887419781, 0.1882583461, 0.049519368, 4e-6],
    ],
    [
      "in three phases",
      { phases: 3 },
      [0.04, 0.52, 1, 0.52, 0.04, 0.0361807219, 0.0261817219, 0.0138222781, 0.0038232781, 4e-6],
    ],
    [
      "in straight lines",
      { shape: "linear", rise: 0.4, divide: 10, divideFinal: 100 },
      [0.1, 0.4, 0.7, 1, 0.8335, 0.667, 0.5005, 0.334, 0.1675, 0.001],
    ],
  ])("%s", (_, options, expected) => {
    const schedule = oneCycleRate({ rate: 1, steps: 10, ...options });
    expected.forEach((rate, step) => {
      expect(schedule(step)).toBeCloseTo(rate, 9);
    });
    expect(schedule(50)).toBe(schedule(9)); // and stays there
  });
});

describe("a plateau reduces where torch 1.13's ReduceLROnPlateau does", () => {
  const scores = [1, 0.9, 0.9, 0.9, 0.9, 0.95, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8];
  test.each([
    ["without a pause", 0, [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]],
    ["with a pause of two epochs", 2, [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]],
  ])("%s", (_, cooldown, expected) => {
    const plateau = reduceOnPlateau({ factor: 0.5, patience: 2, cooldown });
    expect(scores.map((_, epoch) => plateau(scores.slice(0, epoch + 1)))).toEqual(expected);
  });

  test("and not below the least", () => {
    const plateau = reduceOnPlateau({ factor: 0.5, patience: 0, least: 0.3 });
    expect([1, 2, 3, 4].map((n) => plateau(new Array(n).fill(1)))).toEqual([1, 0.5, 0.3, 0.3]);
  });

  test("and where a score below zero becomes better", () => {
    const plateau = reduceOnPlateau({ factor: 0.5, patience: 0, threshold: 0.1 });
    expect(plateau([-1, -1.05])).toBe(0.5); // not by a tenth of the best
    expect(plateau([-1, -1.2])).toBe(1);
  });
});

describe("refuses", () => {
  test.each<[string, () => unknown]>([
    ["rate > 0, received 0", () => constantRate(0)],
    ["rate > 0, received NaN", () => cosineRate({ rate: Number.NaN, steps: 1 })],
    ["steps > 0, received 0", () => cosineRate({ rate: 1, steps: 0 })],
    ["warmUpSteps >= 0, received -1", () => cosineRate({ rate: 1, steps: 5, warmUpSteps: -1 })],
    ["finalRate >= 0, received -0.1", () => cosineRate({ rate: 1, steps: 5, finalRate: -0.1 })],
    ["rise inside (0, 1), received 1", () => oneCycleRate({ rate: 1, steps: 5, rise: 1 })],
    ["rise inside (0, 0.5), received 0.5", () => oneCycleRate({ rate: 1, steps: 5, rise: 0.5, phases: 3 })],
    ["factor inside (0, 1), received 1", () => reduceOnPlateau({ factor: 1 })],
    ["patience >= 0, received -1", () => reduceOnPlateau({ patience: -1 })],
    ["every > 0, received 0", () => stepRate({ rate: 1, every: 0, factor: 1 })],
    [
      "factor > 0, received Infinity",
      () => stepRate({ rate: 1, every: 1, factor: Number.POSITIVE_INFINITY }),
    ],
  ])("what is not: %s", (message, make) => {
    expect(make).toThrow(
      expect.objectContaining({
        code: "MODEL_OPTION_INVALID",
        message: `learning rate schedule: expected ${message}`,
      }),
    );
  });
});
