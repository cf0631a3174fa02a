import { describe, expect, test } from "vitest";
import { constantRate, cosineRate, stepRate } from "./index.ts";

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

describe("refuses", () => {
  test.each<[string, () => unknown]>([
    ["rate > 0, received 0", () => constantRate(0)],
    ["rate > 0, received NaN", () => cosineRate({ rate: Number.NaN, steps: 1 })],
    ["steps > 0, received 0", () => cosineRate({ rate: 1, steps: 0 })],
    ["warmUpSteps >= 0, received -1", () => cosineRate({ rate: 1, steps: 5, warmUpSteps: -1 })],
    ["finalRate >= 0, received -0.1", () => cosineRate({ rate: 1, steps: 5, finalRate: -0.1 })],
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
