import fc from "fast-check";
import { expect, test } from "vitest";
import { keyFrom, matrix, matrixFrom, normal } from "../../../base/index.ts";
import { priceRelatives, testWithData } from "../testing/shared.ts";
import { bestAsset, bestConstantlyRebalanced, buyAndHold, constantlyRebalanced } from "./benchmarks.ts";
import {
  exponentiatedGradient,
  geometricMedian,
  movingAverageReversion,
  robustMedianReversion,
  universalPortfolio,
} from "./learners.ts";
import { projectToSimplex } from "./strategy.ts";

/** Final wealth without costs: buy and hold, best stock, uniform rebalanced, best rebalanced in hindsight. */
const reference = {
  nyse_o: [14.5, 54.14, 27.08, 250.6],
  djia: [0.764, 1.188, 0.813, 1.24],
  msci: [0.906, 1.504, 0.927, 1.506],
} as const;

testWithData.each(["nyse_o", "djia", "msci"] as const)("reaches the wealth known for %s", (name) => {
  const relatives = priceRelatives(name);
  const [hold, best, rebalanced, hindsight] = reference[name];
  const digits = name === "nyse_o" ? 2 : 3;
  expect(buyAndHold(relatives).finalWealth).toBeCloseTo(hold, digits);
  expect(bestAsset(relatives).finalWealth).toBeCloseTo(best, digits);
  expect(constantlyRebalanced(relatives).finalWealth).toBeCloseTo(rebalanced, digits);
  const answer = bestConstantlyRebalanced(relatives);
  expect(answer.finalWealth).toBeCloseTo(hindsight, digits);
  expect(answer.certificate.gap).toBeLessThanOrEqual(answer.certificate.tolerance);
});

testWithData("learns on the New York stocks what the papers report", () => {
  const relatives = priceRelatives("nyse_o");
  // Li and Hoi (2014), "Online portfolio selection: a survey": EG 27.09, UP 26.99 (a Monte Carlo mean).
  expect(exponentiatedGradient(relatives).finalWealth).toBeCloseTo(27.09, 1);
  const universal = universalPortfolio(relatives, keyFrom(1), { samples: 300 }).finalWealth;
  expect(universal).toBeGreaterThan(25);
  expect(universal).toBeLessThan(30);
  // The papers on mean reversion report wealths of 1e16 and more on these days, before costs.
  expect(movingAverageReversion(relatives).finalWealth).toBeGreaterThan(1e16);
  expect(robustMedianReversion(relatives).finalWealth).toBeGreaterThan(1e16);
});

/** Cover's example: one asset stays, the other doubles and halves in turn. */
const volatile = matrixFrom(Array.from({ length: 40 }, (_, t) => [1, t % 2 === 0 ? 2 : 0.5]));

test("rebalances between two assets that go nowhere and grows by an eighth every two days", () => {
  expect(constantlyRebalanced(volatile).finalWealth).toBeCloseTo((1.5 * 0.75) ** 20, 9);
  expect(buyAndHold(volatile).finalWealth).toBeCloseTo(1, 12);
  const { target, finalWealth } = bestConstantlyRebalanced(volatile);
  expect(target[0]).toBeCloseTo(0.5, 6);
  expect(finalWealth).toBeCloseTo(1.125 ** 20, 8);
});

test("universal portfolio reaches the mean wealth of all constant portfolios", () => {
  const { finalWealth } = universalPortfolio(volatile, keyFrom(3), { samples: 4000 });
  let mean = 0;
  for (let k = 0; k < 1000; k++) {
    const b = (k + 0.5) / 1000;
    mean += ((b + 2 * (1 - b)) * (b + 0.5 * (1 - b))) ** 20 / 1000;
  }
  expect(finalWealth / mean).toBeGreaterThan(0.97);
  expect(finalWealth / mean).toBeLessThan(1.03);
});

test("decides without the day it decides for: changing a day changes no weight up to it", () => {
  const returns = normal(keyFrom(6), 90, 0, 0.02);
  const before = matrix(
    30,
    3,
    returns.map((value) => Math.exp(value)),
  );
  const after = matrix(
    30,
    3,
    before.data.map((value, k) => (k >= 60 ? value * 1.3 : value)),
  );
  const strategies = [
    buyAndHold,
    constantlyRebalanced,
    exponentiatedGradient,
    movingAverageReversion,
    robustMedianReversion,
    (x: typeof before) => universalPortfolio(x, keyFrom(1), { samples: 50 }),
  ];
  for (const strategy of strategies) {
    const first = strategy(before).weights.data;
    const second = strategy(after).weights.data;
    expect(second.slice(0, 63)).toEqual(first.slice(0, 63)); // day 21 is decided on days 1 to 20
    for (let t = 0; t < 30; t++)
      expect(first[t * 3] + first[t * 3 + 1] + first[t * 3 + 2]).toBeCloseTo(1, 12);
  }
});

test("finds the nearest point of the simplex", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 8 }),
      (values) => {
        const x = projectToSimplex(Float64Array.from(values));
        expect(Math.min(...x)).toBeGreaterThanOrEqual(0);
        expect(x.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 10);
        // Kolmogorov's condition: no corner lies further along the residual.
        const residual = x.map((value, i) => values[i] - value);
        const here = residual.reduce((sum, value, i) => sum + value * x[i], 0);
        expect(Math.max(...residual)).toBeLessThanOrEqual(here + 1e-9);
      },
    ),
  );
});

test("finds the geometric median, also where it is one of the points", () => {
  const points = (...rows: number[][]) => rows.map((row) => Float64Array.from(row));
  // Of a triangle with an angle above 120° it is that corner; of a square it is the centre.
  expect(Array.from(geometricMedian(points([0, 0], [10, 1], [-10, 1])))).toEqual([
    expect.closeTo(0, 6),
    expect.closeTo(0, 6),
  ]);
  expect(Array.from(geometricMedian(points([0, 0], [2, 0], [0, 2], [2, 2])))).toEqual([1, 1]);
});

test("refuses a price relative that is not above 0", () => {
  expect(() =>
    buyAndHold(
      matrixFrom([
        [1, 1],
        [1, 0],
      ]),
    ),
  ).toThrow(/received 0 on day 2/);
});
