import fc from "fast-check";
import { expect, test } from "vitest";
import {
  diagonalMatrix,
  keyFrom,
  type Matrix,
  matrix,
  matrixFrom,
  multiplyVector,
  normal,
  quadraticForm,
} from "../../../../base/index.ts";
import { stockReturns, testWithData } from "../../testing/shared.ts";
import { sampleCovariance } from "../moments.ts";
import { blackLitterman, equilibriumReturns } from "./black-litterman.ts";
import { entropyPooling, meanView, momentsUnder, tailView, volatilityView } from "./entropy-pooling.ts";
import { forecastReturns, forecastViews } from "./forecasts.ts";
import { bayesSteinMeans, jamesSteinMeans } from "./shrunk-means.ts";
import { parseView } from "./views.ts";

const close = (actual: ArrayLike<number>, expected: readonly number[], digits = 10) =>
  expected.forEach((value, i) => {
    expect(actual[i]).toBeCloseTo(value, digits);
  });

test("pulls means by James and Stein's amount, and by Jorion's towards the minimum-variance portfolio", () => {
  const covariance = diagonalMatrix([0.04, 0.04, 0.04, 0.04]);
  const means = [0.1, 0.2, 0.3, 0.4];
  // (4 λ̄ - 2 λ_max) / n / Σ (m - 0.25)² = (0.16 - 0.08) / 10 / 0.05 = 0.16
  const shrunk = jamesSteinMeans(means, covariance, 10);
  expect(shrunk.intensity).toBeCloseTo(0.16, 12);
  close(shrunk.means, [0.124, 0.208, 0.292, 0.376]);
  // (4 + 2) / (6 + 10 * 0.05 / 0.04) = 6 / 18.5
  expect(bayesSteinMeans(means, covariance, 10)).toMatchObject({ target: 0.25, intensity: 6 / 18.5 });
  expect(jamesSteinMeans([0.1, 0.1], diagonalMatrix([1, 1]), 5).means[0]).toBe(0.1);
  expect(() =>
    bayesSteinMeans(
      [0.1, 0.2],
      matrixFrom([
        [1, 1],
        [1, 1],
      ]),
      10,
    ),
  ).toThrow(/singular/);
});

test("reads views in words as numbers", () => {
  const names = ["AAPL", "BRK-B", "BRK", "MSFT"];
  expect(parseView("AAPL = 10%", names)).toEqual({ coefficients: { AAPL: 1 }, value: 0.1 });
  expect(parseView("BRK-B - 2 * BRK = 0.02 @ 75%", names)).toEqual({
    coefficients: { "BRK-B": 1, BRK: -2 },
    value: 0.02,
    confidence: 0.75,
  });
  expect(parseView("MSFT = AAPL + 1%", names)).toEqual({ coefficients: { MSFT: 1, AAPL: -1 }, value: 0.01 });
  expect(() => parseView("AAPL >= 1%", names)).toThrow(/one equation/);
  expect(() => parseView("APL = 1%", names)).toThrow(/"APL"/);
  expect(() => parseView("AAPL = 1% @ 120%", names)).toThrow(/confidence/);
});

testWithData("reproduces PyPortfolioOpt's Black-Litterman portfolio of absolute views", async () => {
  const panel = await stockReturns();
  const { assets } = panel;
  const daily = sampleCovariance(panel, "pairwise");
  const covariance = matrix(
    20,
    20,
    daily.data.map((value) => 252 * value),
  );
  const views = { AAPL: 0.2, BBY: -0.3, BAC: 0, SBUX: -0.2, T: 0.131321 };
  const { expectedReturns, covariance: posterior } = blackLitterman(assets, covariance, {
    prior: new Float64Array(20).fill(1 / 20),
    views: Object.entries(views).map(([asset, value]) => ({ coefficients: { [asset]: 1 }, value })),
  });
  const weights = optimal(covariance, expectedReturns); // that library weighs by the prior covariance and measures by the posterior
  const performance = weights.reduce((sum, weight, i) => sum + weight * expectedReturns[i], 0);
  const volatility = Math.sqrt(quadraticForm(posterior, weights));
  close(
    [performance, volatility, (performance - 0.02) / volatility],
    [0.1877432247395778, 0.3246889329226965, 0.5166274785827545],
    9,
  );
});

/** `Σ⁻¹ μ` scaled to add up to one, by conjugate gradients: the optimum without constraints. */
function optimal(covariance: Matrix, means: Float64Array): Float64Array {
  const x = new Float64Array(means.length);
  let r = Float64Array.from(means);
  let p = Float64Array.from(r);
  for (let k = 0; k < 400; k++) {
    const ap = multiplyVector(covariance, p);
    const rr = r.reduce((sum, value) => sum + value * value, 0);
    if (rr < 1e-30) break;
    const alpha = rr / p.reduce((sum, value, i) => sum + value * ap[i], 0);
    p.forEach((value, i) => {
      x[i] += alpha * value;
    });
    r = r.map((value, i) => value - alpha * ap[i]);
    const beta = r.reduce((sum, value) => sum + value * value, 0) / rr;
    p = p.map((value, i) => r[i] + beta * value);
  }
  const total = x.reduce((sum, value) => sum + value, 0);
  return x.map((value) => value / total);
}

test("meets a certain view exactly, stays at the prior without one, and goes half way at half confidence", () => {
  const covariance = matrixFrom([
    [0.04, 0.01],
    [0.01, 0.09],
  ]);
  const prior = equilibriumReturns(covariance, [0.5, 0.5]);
  close(prior, [0.0625, 0.125]);
  const at = (confidence: number) =>
    blackLitterman(["A", "B"], covariance, {
      prior,
      views: [{ coefficients: { A: 1, B: -1 }, value: 0.02, confidence }],
    }).expectedReturns;
  const spread = (means: Float64Array) => means[0] - means[1];
  expect(spread(at(1))).toBeCloseTo(0.02, 12);
  expect(spread(at(0.5))).toBeCloseTo((0.02 - 0.0625) / 2, 12);
  expect(spread(at(1e-9))).toBeCloseTo(-0.0625, 8);
  close(blackLitterman(["A", "B"], covariance, { prior, views: [] }).expectedReturns, Array.from(prior));
});

test("refuses views that contradict each other with certainty, that are not finite, or that nobody can hold", () => {
  const covariance = diagonalMatrix([0.04, 0.09]);
  const views = (...list: { coefficients: Record<string, number>; value: number; confidence?: number }[]) =>
    blackLitterman(["A", "B"], covariance, { prior: [0, 0], views: list });
  const sure = { coefficients: { A: 1 }, confidence: 1 };
  expect(() => views({ ...sure, value: 0.1 }, { ...sure, value: 0.2 })).toThrow(/full confidence/);
  expect(() => views({ coefficients: { A: 1 }, value: Number.NaN })).toThrow(/"A = NaN": expected finite/);
  expect(() => views({ coefficients: { C: 1 }, value: 0.1 })).toThrow(/one of A, B, received "C"/);
  expect(() => views({ coefficients: { A: 0 }, value: 0.1 })).toThrow(/at least one asset/);
  expect(() => views({ coefficients: { A: 1 }, value: 0.1, confidence: 2 })).toThrow(/at most 1/);
});

test("tilts two scenarios to the mean that is asked for, and keeps the prior when a view holds already", () => {
  const { probabilities, relativeEntropy, multipliers } = entropyPooling([
    { name: "mean", values: [-1, 1], relation: "=", target: 0.5 },
  ]);
  close(probabilities, [0.25, 0.75]);
  expect(relativeEntropy).toBeCloseTo(0.75 * Math.log(1.5) + 0.25 * Math.log(0.5), 12);
  expect(multipliers[0]).toBeCloseTo(-Math.log(3) / 2, 9); // q ∝ exp(-λ v), so exp(-2 λ) = 3
  const slack = entropyPooling([{ name: "mean", values: [-1, 1], relation: "<=", target: 0.5 }]);
  close(slack.probabilities, [0.5, 0.5]);
  expect(slack.multipliers[0]).toBe(0);
});

test("satisfies random views on means, volatility and tails, to the tolerance of the certificate", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 10_000 }),
      fc.double({ min: -0.5, max: 0.5, noNaN: true }),
      (seed, shift) => {
        const scenarios = matrix(3, 400, normal(keyFrom(seed), 1200, 0.001, 0.02));
        const before = momentsUnder(scenarios, new Float64Array(400).fill(1 / 400));
        const target = before.means[0] + shift * 0.02;
        const views = [
          meanView(scenarios, [1, 0, 0], "=", target, "first"),
          meanView(scenarios, [0, 1, -1], ">=", 0.001, "second over third"),
          ...volatilityView(scenarios, [0, 1, 0], "=", 0.019, "second's volatility"),
          tailView(scenarios, [0, 0, 1], -0.03, ">=", 0.08, "third's tail"),
        ];
        const { probabilities, certificate } = entropyPooling(views);
        expect(certificate.gap).toBeLessThanOrEqual(certificate.tolerance);
        const after = momentsUnder(scenarios, probabilities);
        expect(after.means[0]).toBeCloseTo(target, 9);
        expect(after.means[1] - after.means[2]).toBeGreaterThan(0.001 - 1e-9);
        expect(Math.sqrt(after.covariance.data[4])).toBeCloseTo(0.019, 8);
        const tail = scenarios.data
          .slice(800)
          .reduce((sum, value, t) => sum + (value <= -0.03 ? probabilities[t] : 0), 0);
        expect(tail).toBeGreaterThan(0.08 - 1e-9);
        expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
      },
    ),
    { numRuns: 30 },
  );
});

test("names the views that contradict each other or that no scenario reaches", () => {
  const values = [-1, 0, 1, 0.5];
  expect(() => entropyPooling([{ name: "up", values, relation: "=", target: 2 }])).toThrow(
    /view "up": expected a target between the scenarios' smallest -1 and largest 1, received 2/,
  );
  expect(() =>
    entropyPooling([
      { name: "up", values, relation: ">=", target: 0.6 },
      { name: "down", values, relation: "<=", target: 0.2 },
    ]),
  ).toThrow(/up, down/);
  expect(() => entropyPooling([{ name: "odd", values: [0, Number.NaN], relation: "=", target: 0 }])).toThrow(
    /finite values/,
  );
});

test("turns forecasts and their quantiles into annual returns and views", () => {
  const forecasts = {
    A: { mean: 0.01, horizonPeriods: 21, quantiles: { 0.1: -0.03, 0.5: 0.01, 0.9: 0.05 } },
    B: { mean: -0.002, horizonPeriods: 1 },
  };
  const annual = forecastReturns(["A", "B"], forecasts, 252);
  close(annual.expectedReturns, [1.01 ** 12 - 1, 0.998 ** 252 - 1]);
  // 0.08 over twice the 90% quantile of the normal distribution, times √12
  expect(annual.deviations[0]).toBeCloseTo((0.08 / (2 * 1.2815515655446004)) * Math.sqrt(12), 10);
  expect(annual.deviations[1]).toBeNaN();
  const [first, second] = forecastViews(["A", "B"], annual, Float64Array.of(0.04, 0.09), 0.05);
  const d2 = annual.deviations[0] ** 2;
  expect(first.confidence).toBeCloseTo(0.002 / (0.002 + d2), 12);
  expect(second).not.toHaveProperty("confidence");
  const { viewVariances } = blackLitterman(["A", "B"], diagonalMatrix([0.04, 0.09]), {
    prior: [0, 0],
    views: [first, second],
  });
  close(viewVariances, [d2, 0.05 * 0.09]);
});

test("refuses forecasts that are missing or impossible", () => {
  expect(() => forecastReturns(["A"], {}, 252)).toThrow(/forecast of A: expected a forecast, received none/);
  expect(() => forecastReturns(["A"], { A: { mean: -1.5, horizonPeriods: 5 } }, 252)).toThrow(/above -1/);
  expect(() =>
    forecastReturns(["A"], { A: { mean: 0, horizonPeriods: 5, quantiles: { 0.1: 0.1, 0.9: -0.1 } } }, 252),
  ).toThrow(/rise with their level/);
});
