import { expect, test } from "vitest";
import { keyFrom, normal } from "../../base/index.ts";
import { dieboldMariano, lossDifferencesPerDate } from "./diebold-mariano.ts";

const differences = [0.5, -0.2, 0.8, 0.1, 0.4, -0.3, 0.9, 0.2, 0.6, -0.1, 0.3, 0.7];

test("is the one-sample t-test at horizon 1", () => {
  // scipy.stats.ttest_1samp(d, 0): the correction √((n - 1)/n) turns the divisor n into n - 1
  const found = dieboldMariano(differences, 1);
  expect(found.statistic).toBeCloseTo(2.845055293424279, 12);
  expect(found.pValue).toBeCloseTo(0.015937086466279397, 12);
});

test("agrees with the formula evaluated in numpy and scipy.stats.t at horizon 3, both kernels", () => {
  const rectangular = dieboldMariano(differences, 3);
  expect(rectangular.statistic).toBeCloseTo(3.903905859767092, 12);
  expect(rectangular.pValue).toBeCloseTo(0.0024599887398697316, 12);
  const bartlett = dieboldMariano(differences, 3, { kernel: "bartlett" });
  expect(bartlett.statistic).toBeCloseTo(3.8922233222720206, 12);
  expect(bartlett.pValue).toBeCloseTo(0.0025099557457686737, 12);
});

test("takes Bartlett weights, and says so, where the rectangular variance is negative", () => {
  const found = dieboldMariano(differences, 2); // γ(0) + 2 γ(1) = -0.0386
  expect(found.kernel).toBe("bartlett");
  expect(found.statistic).toBeCloseTo(4.296600351202601, 12);
  expect(found.pValue).toBeCloseTo(0.0012631242562675866, 12);
});

test("changes only its sign when the two forecasts change places", () => {
  const there = dieboldMariano(differences, 3);
  const back = dieboldMariano(
    differences.map((d) => -d),
    3,
  );
  expect(back.statistic).toBeCloseTo(-there.statistic, 12);
  expect(back.pValue).toBeCloseTo(there.pValue, 12);
});

test("does not take the symbols of one date for independent cases", () => {
  // 50 symbols with one common difference a day: as many rows as one likes, 40 days of evidence.
  const common = normal(keyFrom(9), 40, 0.2, 1);
  const date = Array.from({ length: 2000 }, (_, row) => row % 40);
  const first = date.map((d) => 1 + common[d]);
  const second = date.map(() => 1);
  const perDate = lossDifferencesPerDate(date, first, second);
  expect(perDate.length).toBe(40);
  const panel = dieboldMariano(perDate, 1);
  expect(panel.statistic).toBeCloseTo(dieboldMariano(common, 1).statistic, 10);
  const pooled = dieboldMariano(
    date.map((d) => common[d]),
    1,
  );
  expect(Math.abs(pooled.statistic)).toBeGreaterThan(6 * Math.abs(panel.statistic));
});

test("finds nothing between forecasts that never differ, and certainty where they always differ alike", () => {
  expect(dieboldMariano([0, 0, 0], 1)).toMatchObject({ statistic: 0, pValue: 1 });
  expect(dieboldMariano([0.1, 0.1, 0.1], 1)).toMatchObject({
    statistic: Number.POSITIVE_INFINITY,
    pValue: 0,
  });
});

test("refuses too few dates and differences that are not finite", () => {
  expect(() => dieboldMariano([1, 2], 2)).toThrow("received horizon 2 and 2 dates");
  expect(() => dieboldMariano([1], 1)).toThrow("received horizon 1 and 1 dates");
  expect(() => dieboldMariano([1, Number.NaN], 1)).toThrow("received NaN at 1");
  expect(() => lossDifferencesPerDate([1], [1, 2], [1, 2])).toThrow("expected 2 dates, received 1");
});
