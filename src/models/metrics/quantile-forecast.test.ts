import { expect, test } from "vitest";
import { keyFrom, normal, normalQuantile } from "../../base/index.ts";
import {
  calibrationTable,
  crpsFromQuantiles,
  crpsNormal,
  intervalCoverage,
  pinballLoss,
} from "./quantile-forecast.ts";

test("agrees with scikit-learn's mean_pinball_loss(y, f, alpha=0.1)", () => {
  expect(pinballLoss([3, -0.5, 2, 7, 4.2], [2.5, 0, 2, 8, 3.9], 0.1)).toBeCloseTo(0.286, 14);
});

test("knows the CRPS of the standard normal distribution at 0, 1 and 2", () => {
  expect(crpsNormal(0, 0, 1)).toBeCloseTo(0.23369497725510913, 15);
  expect(crpsNormal(1, 0, 1)).toBeCloseTo(0.6024413576276163, 15);
  expect(crpsNormal(-2, 0, 1)).toBeCloseTo(1.4527918216859033, 14);
  expect(crpsNormal(7, 5, 2)).toBeCloseTo(2 * 0.6024413576276163, 14); // in the unit of the outcome
});

test("approaches the CRPS of the normal as the quantiles fill the levels", () => {
  const levels = Array.from({ length: 2000 }, (_, k) => (k + 0.5) / 2000);
  const quantiles = levels.map(normalQuantile);
  for (const y of [0, 1, -2]) {
    expect(crpsFromQuantiles([y], quantiles, levels)).toBeCloseTo(crpsNormal(y, 0, 1), 5);
  }
});

test("weighs a level by the share of levels it stands for", () => {
  // Levels 0.1, 0.5, 0.9 stand for 0.3, 0.4, 0.3 of the levels; pinball 0.1 * 4, 0.5 * 3, 0.1 * 3 for y = 5.
  const expected = 2 * (0.3 * 0.4 + 0.4 * 1.5 + 0.3 * 0.3);
  expect(crpsFromQuantiles([5], [1, 2, 8], [0.1, 0.5, 0.9])).toBeCloseTo(expected, 14);
});

test("finds a calibrated forecast calibrated within three standard errors", () => {
  const outcome = normal(keyFrom(3), 20_000);
  const levels = [0.05, 0.25, 0.5, 0.75, 0.95];
  const row = levels.map(normalQuantile);
  const quantiles = Array.from(outcome, () => row).flat();
  for (const { level, observed, standardError } of calibrationTable(outcome, quantiles, levels)) {
    expect(Math.abs(observed - level)).toBeLessThan(3 * standardError);
  }
  const lower = outcome.map(() => row[0]);
  const upper = outcome.map(() => row[4]);
  const { coverage, below, above, meanWidth } = intervalCoverage(outcome, lower, upper);
  expect(coverage + below + above).toBeCloseTo(1, 14);
  expect(coverage).toBeCloseTo(0.9, 2);
  expect(meanWidth).toBeCloseTo(2 * 1.6448536269514722, 9);
});

test("counts outcomes on the border of an interval as inside and those of NaN nowhere", () => {
  expect(intervalCoverage([1, 2, Number.NaN], [1, 1, 1], [2, 2, 2]).coverage).toBe(2 / 3);
});

test("refuses levels that do not rise inside (0, 1) and quantiles of another size", () => {
  expect(() => pinballLoss([1], [1], 1)).toThrow("received [1]");
  expect(() => calibrationTable([1], [1, 2], [0.5, 0.5])).toThrow("expected levels that rise inside (0, 1)");
  expect(() => crpsFromQuantiles([1], [1, 2, 3], [0.2, 0.8])).toThrow("expected quantiles [1, 2]");
  expect(() => crpsNormal(0, 0, -1)).toThrow("expected a deviation >= 0");
});
