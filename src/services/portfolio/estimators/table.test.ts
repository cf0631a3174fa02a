import { expect, test } from "vitest";
import { keyFrom, matrix, normal, symmetricEigen } from "../../../base/index.ts";
import { returnPanel } from "../returns.ts";
import { covarianceEstimators, expectedReturnsEstimators } from "./table.ts";

const periods = 120;
const values = normal(keyFrom(8), 4 * periods, 0.001, 0.02);
const assets = ["A", "B", "C", "D"];
const full = returnPanel(assets, matrix(4, periods, values));
const gaps = returnPanel(
  assets,
  matrix(
    4,
    periods,
    Float64Array.from(values, (value, k) => (k < 30 ? Number.NaN : value)),
  ),
);
const options = { periodsPerYear: 252, riskFree: 0.01, span: 60 };

test("gives annual covariances near the truth with every estimator, and says what it did about gaps", () => {
  for (const [name, estimate] of Object.entries(covarianceEstimators)) {
    const { covariance } = estimate(full, options);
    const scale = name === "semi" ? 0.5 : 1; // about half of the periods fall
    const mean = covariance.data.reduce((sum, value, k) => sum + (k % 5 === 0 ? value / 4 : 0), 0);
    expect(mean / scale / (252 * 0.02 ** 2), name).toBeGreaterThan(0.8);
    expect(mean / scale / (252 * 0.02 ** 2), name).toBeLessThan(1.25);
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < i; j++)
        expect(covariance.data[i * 4 + j], name).toBeCloseTo(covariance.data[j * 4 + i], 14);
    expect(symmetricEigen(covariance).values[0], name).toBeGreaterThan(-1e-12);
    const { warnings } = estimate(gaps, options);
    if (name !== "sample" && name !== "sample-complete")
      expect(warnings.join(" "), name).toMatch(/the 90 of 120 periods in which all assets have a return/);
  }
});

test("counts missing returns as zero when it is told to", () => {
  const { covariance, warnings } = covarianceEstimators["ledoit-wolf"](gaps, { ...options, missing: "zero" });
  expect(warnings[0]).toMatch(/counts missing returns as 0/);
  const complete = covarianceEstimators["ledoit-wolf"](gaps, options).covariance;
  expect(covariance.data[0]).toBeLessThan(complete.data[0]);
});

test("uses given factors over the periods that are left", () => {
  const factors = matrix(1, periods, values.slice(0, periods));
  const { covariance } = covarianceEstimators.factor(gaps, { ...options, factorReturns: factors });
  // The first asset is the factor, so that nothing of it is left over.
  const sample = covarianceEstimators["sample-complete"](gaps, options).covariance;
  expect(covariance.data[0]).toBeCloseTo(sample.data[0], 10);
  expect(covariance.data[1]).toBeCloseTo(sample.data[1], 10);
});

test("shrinks means between their own values and a common one", () => {
  const mean = expectedReturnsEstimators.mean(full, options);
  for (const name of ["james-stein", "bayes-stein"] as const) {
    const shrunk = expectedReturnsEstimators[name](full, options);
    const spread = (x: Float64Array) => Math.max(...x) - Math.min(...x);
    expect(spread(shrunk)).toBeLessThan(spread(mean));
  }
});
