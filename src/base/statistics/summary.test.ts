import fc from "fast-check";
import { expect, test } from "vitest";
import { autocovariance, mean, median, quantile, quantiles, standardDeviation, variance } from "./summary.ts";

const sample = [3.1, -1.2, 4.7, 0, 2.2, 9.9, -3.3];

test("agrees with numpy on a sample of seven", () => {
  // np.mean(s), np.var(s, ddof=1), np.std(s), np.quantile(s, [.05, .3, .9])
  expect(mean(sample)).toBeCloseTo(2.2, 14);
  expect(variance(sample)).toBeCloseTo(113 / 6, 12);
  expect(standardDeviation(sample, 0)).toBeCloseTo(Math.sqrt(113 / 7), 12);
  expect(quantiles(sample, [0.05, 0.3, 0.9]).map((q) => Number(q.toFixed(12)))).toEqual([-2.67, -0.24, 6.78]);
});

test("keeps the digits of a small variance on a large mean", () => {
  expect(variance([1e9 + 1, 1e9 + 2, 1e9 + 3])).toBe(1);
});

test("interpolates between order statistics and meets them at the ends", () => {
  expect(quantile([1, 2], 0.25)).toBe(1.25);
  expect(quantile(sample, 0)).toBe(-3.3);
  expect(quantile(sample, 1)).toBe(9.9);
  expect(median([5])).toBe(5);
  expect(quantile([1, Number.NaN, 3], 0.5)).toBeNaN();
  expect(quantile([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 1], 0.25)).toBe(
    Number.NEGATIVE_INFINITY,
  );
});

test("is moved and scaled with its values", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 2, maxLength: 30 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, level) => {
        const moved = values.map((v) => 2 * v + 7);
        expect(quantile(moved, level)).toBeCloseTo(2 * quantile(values, level) + 7, 8);
        expect(variance(moved)).toBeCloseTo(4 * variance(values), 5);
      },
    ),
  );
});

test("computes autocovariances with divisor n", () => {
  // mean 2.5, deviations -1.5 -0.5 0.5 1.5; lag 1: (0.75 - 0.25 + 0.75) / 4, lag 3: -2.25 / 4
  expect(autocovariance([1, 2, 3, 4], 0)).toBe(variance([1, 2, 3, 4], 0));
  expect(autocovariance([1, 2, 3, 4], 1)).toBe(0.3125);
  expect(autocovariance([1, 2, 3, 4], 3)).toBe(-0.5625);
});

test("refuses too few values and options outside their range", () => {
  expect(() => mean([])).toThrow("mean: expected at least 1 value, received 0");
  expect(() => variance([1])).toThrow("variance: expected at least 2 values, received 1");
  expect(() => quantile([1], 1.5)).toThrow("quantile: expected a level inside [0, 1], received 1.5");
  expect(() => quantile([1], Number.NaN)).toThrow("received NaN");
  expect(() => autocovariance([1, 2], 2)).toThrow("autocovariance: expected a lag inside [0, 2), received 2");
});
