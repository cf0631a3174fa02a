import fc from "fast-check";
import { expect, test } from "vitest";
import { keyFrom, type Matrix, matrix, matrixFrom, normal, symmetricEigen } from "../../../../base/index.ts";
import { completeReturns } from "../../returns.ts";
import { referenceCases } from "../../testing/estimators-reference.ts";
import { stockReturns, testWithData } from "../../testing/shared.ts";
import { sampleCovariance } from "../moments.ts";
import { centreRows, correlationOf, secondMoments, zeroWhereMissing } from "./centre.ts";
import { factorModel, principalFactorModel } from "./factor-model.ts";
import { gerberCovariance } from "./gerber.ts";
import { graphicalLasso } from "./graphical-lasso.ts";
import { nearestPositiveDefinite } from "./nearest.ts";
import { nonlinearShrinkage } from "./nonlinear-shrinkage.ts";
import { denoise, detone } from "./random-matrix.ts";
import {
  ledoitWolfConstantCorrelation,
  ledoitWolfConstantVariance,
  ledoitWolfSingleFactor,
  oracleApproximating,
} from "./shrinkage.ts";
import { semiCovariance, weightedCovariance } from "./weighted.ts";

/** The largest difference, in units of the largest expected value. */
function difference(actual: Matrix, expected: readonly (readonly number[])[]): number {
  const flat = expected.flat();
  const size = Math.max(...flat.map(Math.abs));
  return Math.max(...flat.map((value, k) => Math.abs(value - actual.data[k]))) / size;
}

function noise(assets: number, periods: number, seed = 5): Matrix {
  return matrix(assets, periods, normal(keyFrom(seed), assets * periods, 0, 0.01));
}

test("gives the covariances of scikit-learn, numpy and pandas", () => {
  for (const reference of referenceCases) {
    const x = matrixFrom(reference.returns);
    const ledoitWolf = ledoitWolfConstantVariance(x);
    expect(ledoitWolf.intensity).toBeCloseTo(reference.ledoitWolf.intensity, 11);
    expect(difference(ledoitWolf.covariance, reference.ledoitWolf.covariance)).toBeLessThan(1e-11);
    const oas = oracleApproximating(x);
    expect(oas.intensity).toBeCloseTo(reference.oas.intensity, 11);
    expect(difference(oas.covariance, reference.oas.covariance)).toBeLessThan(1e-11);
    if (reference.nonlinear)
      expect(difference(nonlinearShrinkage(x), reference.nonlinear)).toBeLessThan(1e-9);
    expect(difference(correlationOf(gerberCovariance(x)), reference.gerber)).toBeLessThan(1e-12);
    expect(difference(weightedCovariance(x, 10), reference.ewm)).toBeLessThan(1e-11);
    const { penalty, correlation, precision } = reference.graphicalLasso;
    const lasso = graphicalLasso(secondMoments(centreRows(x), 1), penalty, 1e-10);
    expect(difference(correlationOf(lasso.covariance), correlation)).toBeLessThan(1e-6);
    expect(difference(lasso.precision, precision)).toBeLessThan(1e-6);
  }
});

testWithData(
  "shrinks with the intensities of PyPortfolioOpt, which fills missing returns with 0",
  async () => {
    const panel = await stockReturns();
    const filled = zeroWhereMissing(panel.returns);
    const pairwise = sampleCovariance(panel, "pairwise");
    expect(ledoitWolfConstantVariance(filled).intensity).toBeCloseTo(0.006256103367537105, 12);
    expect(oracleApproximating(filled).intensity).toBeCloseTo(0.002063961513856287, 12);
    expect(ledoitWolfConstantCorrelation(filled, pairwise).intensity).toBeCloseTo(0.017955063987226138, 12);
    expect(ledoitWolfSingleFactor(filled).intensity).toBeCloseTo(0.018506888954080914, 12);
  },
);

test("weighs all periods alike for an infinite span, and only falls count in the semi-covariance", () => {
  const x = noise(3, 40);
  const sample = secondMoments(centreRows(x), 39);
  expect(difference(weightedCovariance(x, 1e9), [Array.from(sample.data)])).toBeLessThan(1e-6);
  const one = semiCovariance(matrixFrom([[0.01, -0.02, 0.03, -0.04]]));
  expect(one.data[0]).toBeCloseTo((0.02 ** 2 + 0.04 ** 2) / 4, 15);
  const two = semiCovariance(
    matrixFrom([
      [-0.01, 0.02],
      [-0.03, -0.01],
    ]),
  );
  expect(two.data[1]).toBeCloseTo((0.01 * 0.03) / 2, 15); // both fall only in the first period
});

test("keeps a correlation of pure noise nearly the identity when it is denoised, and a factor when there is one", () => {
  const x = noise(40, 200);
  const none = denoise(secondMoments(centreRows(x), 199), 200);
  expect(none.factors).toBe(0);
  const off = correlationOf(none.covariance).data.filter((value) => value !== 1);
  expect(Math.max(...off.map(Math.abs))).toBeLessThan(1e-9);
  const market = normal(keyFrom(9), 200, 0, 0.01);
  const moved = matrix(
    40,
    200,
    x.data.map((value, k) => value + market[k % 200]),
  );
  const one = denoise(secondMoments(centreRows(moved), 199), 200);
  expect(one.factors).toBe(1);
  expect(symmetricEigen(correlationOf(one.covariance)).values[38]).toBeLessThan(one.edge);
  const left = symmetricEigen(correlationOf(detone(one.covariance))).values;
  expect(left[39]).toBeLessThan(3); // the market held about 20 of 40
  expect(Math.abs(left[0])).toBeLessThan(1e-9);
});

test("refuses to remove every component", () => {
  expect(() => detone(matrixFrom([[1]]))).toThrow(/expected 1 to 0 components/);
});

test("recovers the covariance that a factor model made", () => {
  const factors = noise(2, 4000, 3);
  const own = noise(3, 4000, 4);
  const loadings = [
    [1, 0],
    [0.5, 1],
    [0, -1],
  ];
  const x = matrix(
    3,
    4000,
    own.data.map((value, k) => {
      const [i, t] = [Math.floor(k / 4000), k % 4000];
      return value + loadings[i][0] * factors.data[t] + loadings[i][1] * factors.data[4000 + t];
    }),
  );
  const model = factorModel(x, factors);
  expect(difference(model.loadings, loadings)).toBeLessThan(0.06);
  const sample = secondMoments(centreRows(x), 3999);
  for (let i = 0; i < 3; i++) expect(model.covariance.data[i * 4]).toBeCloseTo(sample.data[i * 4], 6);
  const full = principalFactorModel(sample, 3);
  expect(Math.max(...full.covariance.data.map((value, k) => Math.abs(value - sample.data[k])))).toBeLessThan(
    1e-15,
  );
  const one = principalFactorModel(sample, 1);
  for (let i = 0; i < 3; i++) expect(one.covariance.data[i * 4]).toBeCloseTo(sample.data[i * 4], 15);
});

test("says which factors it cannot use", () => {
  const x = noise(2, 30);
  const twice = matrixFrom([x.data.slice(0, 30), x.data.slice(0, 30)]);
  expect(() => factorModel(x, twice)).toThrow(/linearly independent/);
  expect(() => factorModel(x, noise(1, 29))).toThrow(/expected 30 periods/);
  expect(() => factorModel(noise(2, 3), noise(2, 3))).toThrow(/at least 4 periods/);
  expect(() => principalFactorModel(secondMoments(x, 30), 3)).toThrow(/expected 1 to 2/);
});

test("moves Higham's example to his answer and leaves a valid matrix as it is", () => {
  // Higham (2002), section 4: the nearest correlation matrix, to four digits.
  const given = matrixFrom([
    [1, 1, 0],
    [1, 1, 1],
    [0, 1, 1],
  ]);
  const { covariance, moved, smallestEigenvalue } = nearestPositiveDefinite(given);
  expect(covariance.data[1]).toBeCloseTo(0.7607, 4);
  expect(covariance.data[2]).toBeCloseTo(0.1573, 4);
  expect(smallestEigenvalue).toBeCloseTo(1 - Math.SQRT2, 12);
  expect(moved).toBeCloseTo(0.5278 / Math.sqrt(7), 4); // the distance is 0.5278
  expect(symmetricEigen(covariance).values[0]).toBeGreaterThan(0);
  const fine = secondMoments(noise(4, 50), 50);
  expect(nearestPositiveDefinite(fine)).toMatchObject({ covariance: fine, moved: 0, iterations: 0 });
});

test("repairs any symmetric matrix with a positive diagonal, and keeps its variances", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -0.99, max: 0.99, noNaN: true }), { minLength: 6, maxLength: 6 }),
      (rho) => {
        let k = 0;
        const given = matrix(4, 4);
        for (let i = 0; i < 4; i++) {
          given.data[i * 5] = (i + 1) ** 2;
          for (let j = 0; j < i; j++)
            given.data[i * 4 + j] = given.data[j * 4 + i] = rho[k++] * (i + 1) * (j + 1);
        }
        const { covariance, moved, smallestEigenvalue } = nearestPositiveDefinite(given);
        expect(symmetricEigen(covariance).values[0]).toBeGreaterThan(0);
        for (let i = 0; i < 4; i++) expect(covariance.data[i * 5]).toBeCloseTo((i + 1) ** 2, 9);
        expect(moved > 0).toBe(smallestEigenvalue < 1e-8 * (1 - 1e-6));
      },
    ),
    { numRuns: 200 },
  );
});

test("makes independent assets of all when the penalty of the graphical lasso is above every correlation", () => {
  const sample = secondMoments(centreRows(noise(5, 100)), 99);
  const { precision, gap } = graphicalLasso(sample, 0.9);
  expect(precision.data.filter((value) => value !== 0)).toHaveLength(5);
  expect(Math.abs(gap)).toBeLessThan(1e-7);
  expect(() => graphicalLasso(sample, 0)).toThrow(/above 0/);
});

test("scales with the returns, and permuting assets permutes the covariance", () => {
  const x = noise(5, 60, 11);
  const scaled = matrix(
    5,
    60,
    x.data.map((value) => 3 * value),
  );
  const order = [3, 0, 4, 1, 2];
  const permuted = matrixFrom(order.map((i) => x.data.slice(i * 60, (i + 1) * 60)));
  const estimators: readonly ((returns: Matrix) => Matrix)[] = [
    (r) => ledoitWolfConstantVariance(r).covariance,
    (r) => ledoitWolfSingleFactor(r).covariance,
    (r) => ledoitWolfConstantCorrelation(r).covariance,
    (r) => oracleApproximating(r).covariance,
    nonlinearShrinkage,
    (r) => gerberCovariance(r, 0.5, "positive-semidefinite"),
    (r) => denoise(secondMoments(centreRows(r), 59), 60).covariance,
    (r) => graphicalLasso(secondMoments(centreRows(r), 59), 0.1).covariance,
  ];
  for (const estimate of estimators) {
    const base = estimate(x);
    const times9 = estimate(scaled);
    const moved = estimate(permuted);
    base.data.forEach((value, k) => {
      expect(times9.data[k]).toBeCloseTo(9 * value, 10);
    });
    order.forEach((from, i) => {
      order.forEach((fromJ, j) => {
        expect(moved.data[i * 5 + j]).toBeCloseTo(base.data[from * 5 + fromJ], 9);
      });
    });
  }
});

testWithData("keeps every estimator positive definite on real returns", async () => {
  const { returns } = completeReturns(await stockReturns());
  const sample = secondMoments(centreRows(returns), returns.columns - 1);
  for (const covariance of [
    ledoitWolfConstantVariance(returns).covariance,
    ledoitWolfSingleFactor(returns).covariance,
    ledoitWolfConstantCorrelation(returns).covariance,
    oracleApproximating(returns).covariance,
    nonlinearShrinkage(returns),
    denoise(sample, returns.columns).covariance,
    principalFactorModel(sample, 3).covariance,
    graphicalLasso(sample, 0.1).covariance,
  ])
    expect(symmetricEigen(covariance).values[0]).toBeGreaterThan(1e-6);
});
