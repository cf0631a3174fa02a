import { expect, test } from "vitest";
import {
  informationCoefficient,
  pearson,
  rankInformationCoefficient,
  spearman,
} from "./information-coefficient.ts";

const x = [1.2, 3.4, -0.5, 2.2, 2.2];
const y = [0.1, 0.9, -0.4, 0.9, 0.2];

test("agrees with scipy.stats.pearsonr and spearmanr, ties included", () => {
  expect(pearson(x, y)).toBeCloseTo(0.8930852123823596, 14);
  expect(spearman(x, y)).toBeCloseTo(0.9210526315789475, 14);
});

test("has no correlation with a constant, rounding or not", () => {
  expect(pearson([0.1, 0.1, 0.1], [1, 2, 3])).toBeNaN();
  expect(spearman([5, 5], [1, 2])).toBeNaN();
  expect(pearson([1e-9, 2e-9, 3e-9], [3, 2, 1])).toBeCloseTo(-1, 14);
});

test("averages the correlation of each date and divides by its spread", () => {
  // Dates 10 and 20 in mixed order: correlations 1 and 0.5 (deviations -1 0 1 against -1 1 0).
  const panel = {
    date: [20, 10, 20, 10, 20, 10, 30, 30, 30, 40],
    forecast: [1, 1, 2, 2, 3, 3, 5, 5, 5, 1],
    outcome: [1, 10, 3, 20, 2, 30, 1, 2, 3, 1],
  };
  const found = informationCoefficient(panel);
  expect([...found.dates]).toEqual([10, 20]); // 30 has constant forecasts, 40 has one asset
  expect(found.perDate[0]).toBeCloseTo(1, 14);
  expect(found.perDate[1]).toBeCloseTo(0.5, 14);
  expect(found.mean).toBeCloseTo(0.75, 14);
  expect(found.ir).toBeCloseTo(0.75 / (0.25 * Math.SQRT2), 12);
  expect(found.skippedDates).toBe(2);
  expect(rankInformationCoefficient(panel).mean).toBeCloseTo(0.75, 14);
});

test("lets one extreme return decide the IC but not the RankIC", () => {
  const panel = { date: [1, 1, 1, 1], forecast: [1, 2, 3, 4], outcome: [1000, 1, 2, 3] };
  expect(informationCoefficient(panel).mean).toBeLessThan(-0.7);
  expect(rankInformationCoefficient(panel).mean).toBeCloseTo(-0.2, 14); // 1 - 6 (9 + 1 + 1 + 1) / (4 * 15)
});

test("says NaN, and counts the dates, when there is no cross-section", () => {
  const found = informationCoefficient({ date: [1, 2], forecast: [1, 2], outcome: [1, 2] });
  expect(found.mean).toBeNaN();
  expect(found.skippedDates).toBe(2);
  expect(() => informationCoefficient({ date: [1], forecast: [1, 2], outcome: [1, 2] })).toThrow(
    "expected 2 dates",
  );
});
