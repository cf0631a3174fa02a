import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  choleskyFactor,
  choleskySolve,
  keyFrom,
  type Matrix,
  matrix,
  matrixFrom,
  normal,
  submatrix,
} from "../../../base/index.ts";
import { centreRows, secondMoments } from "../estimators/covariance/centre.ts";
import { pairwiseCorrelation } from "../estimators/covariance/pairwise.ts";
import { sampleCovariance } from "../estimators/moments.ts";
import { referenceCases } from "../testing/estimators-reference.ts";
import { sharedFile, stockReturns, testWithData } from "../testing/shared.ts";
import { scenarioRisk, varianceRisk } from "./cluster-risk.ts";
import { clusterCount } from "./clusters.ts";
import { distanceMatrix } from "./distances.ts";
import { hierarchicalEqualRiskContribution } from "./equal-risk-contribution.ts";
import { hierarchyOf } from "./hierarchy.ts";
import { cutTree, leavesOf, linkage, linkages, optimallyOrdered } from "./linkage.ts";
import { nestedClusters } from "./nested-clusters.ts";
import { hierarchicalRiskParity } from "./risk-parity.ts";

const covarianceOfReturns = (returns: Matrix) => secondMoments(centreRows(returns), returns.columns - 1);
const randomCovariance = (seed: number, assets: number) =>
  covarianceOfReturns(matrix(assets, 60, normal(keyFrom(seed), assets * 60, 0, 0.01)));
const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);

/** `Σ⁻¹ 1`, scaled: the minimum-variance portfolio without bounds. */
function minimumVariance(covariance: Matrix): Float64Array {
  const raw = choleskySolve(choleskyFactor(covariance)!, new Float64Array(covariance.rows).fill(1));
  return raw.map((value) => value / sum(raw));
}

test("merges and cuts as scipy does for every linkage, and finds the best order", () => {
  for (const reference of referenceCases) {
    const distances = distanceMatrix(covarianceOfReturns(matrixFrom(reference.returns)));
    for (const method of linkages) {
      const expected = reference.linkage[method];
      const tree = linkage(distances, method);
      tree.forEach(({ left, right, distance, size }, k) => {
        expect([left, right, size]).toEqual([
          expected.merges[k][0],
          expected.merges[k][1],
          expected.merges[k][3],
        ]);
        expect(distance).toBeCloseTo(expected.merges[k][2], 11);
      });
      expect(leavesOf(tree)).toEqual(expected.leaves);
      const labels = new Map<number, number>();
      cutTree(tree, 3).forEach((group, c) => {
        for (const leaf of group) labels.set(leaf, c);
      });
      for (let i = 0; i < expected.clusters3.length; i++)
        for (let j = 0; j < i; j++)
          expect(labels.get(i) === labels.get(j)).toBe(expected.clusters3[i] === expected.clusters3[j]);
      const length = (order: readonly number[]) =>
        order
          .slice(1)
          .reduce((total, leaf, k) => total + distances.data[order[k] * distances.rows + leaf], 0);
      const best = leavesOf(optimallyOrdered(tree, distances));
      if (expected.shortestOrder !== null) expect(length(best)).toBeCloseTo(expected.shortestOrder, 11);
      expect(length(best)).toBeLessThanOrEqual(length(expected.leaves) + 1e-12);
      expect([...best].sort((a, b) => a - b)).toEqual([...expected.leaves].sort((a, b) => a - b));
    }
  }
});

testWithData("reproduces PyPortfolioOpt's HRP portfolio to every digit of its file", async () => {
  const panel = await stockReturns();
  const { weights, order } = hierarchicalRiskParity(sampleCovariance(panel, "pairwise"), {
    correlation: pairwiseCorrelation(panel),
  });
  expect(order.slice(0, 5)).toEqual([12, 6, 15, 14, 2]);
  const rows = readFileSync(sharedFile("equities-close-pypfopt/weights_hrp.csv"), "utf8").trim().split("\n");
  let compared = 0;
  for (const row of rows) {
    const [asset, weight] = row.split(",");
    const at = panel.assets.indexOf(asset);
    if (at < 0) continue; // the header
    expect(weights[at]).toBeCloseTo(Number(weight), 10);
    compared++;
  }
  expect(compared).toBe(20);
});

test("shares two independent assets by inverse variance, and follows bounds where they bind", () => {
  const covariance = matrixFrom([
    [0.04, 0],
    [0, 0.01],
  ]);
  expect(Array.from(hierarchicalRiskParity(covariance).weights)).toEqual([expect.closeTo(0.2, 12), 0.8]);
  expect(Array.from(hierarchicalRiskParity(covariance, { maximum: [1, 0.7] }).weights)).toEqual([
    expect.closeTo(0.3, 12),
    0.7,
  ]);
  expect(() => hierarchicalRiskParity(covariance, { maximum: [0.4, 0.4] })).toThrow(
    /between whose sums 1 lies/,
  );
  expect(Array.from(hierarchicalRiskParity(matrixFrom([[0.04]])).weights)).toEqual([1]);
});

test("gives long-only weights that add up to one, unmoved by scale and by the order of the assets", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 2, max: 12 }), (seed, assets) => {
      const covariance = randomCovariance(seed, assets);
      const order = Array.from({ length: assets }, (_, i) => assets - 1 - i);
      const scaled = matrix(
        assets,
        assets,
        covariance.data.map((value) => 9 * value),
      );
      for (const fit of [hierarchicalRiskParity, hierarchicalEqualRiskContribution]) {
        // Ward's tree has no ties here and its splits are the same sets whatever the order.
        const { weights } = fit(covariance, { linkage: "ward" });
        expect(sum(weights)).toBeCloseTo(1, 12);
        expect(Math.min(...weights)).toBeGreaterThan(0);
        fit(scaled, { linkage: "ward" }).weights.forEach((value, i) => {
          expect(value).toBeCloseTo(weights[i], 9);
        });
      }
      const herc = hierarchicalEqualRiskContribution(covariance).weights;
      const turned = hierarchicalEqualRiskContribution(submatrix(covariance, order)).weights;
      order.forEach((from, i) => {
        expect(turned[i]).toBeCloseTo(herc[from], 9);
      });
      const bounded = hierarchicalRiskParity(covariance, {
        minimum: new Float64Array(assets).fill(0.5 / assets),
        maximum: new Float64Array(assets).fill(1.2 / assets),
      }).weights;
      expect(Math.max(...bounded)).toBeLessThan(1.2 / assets + 1e-12);
      expect(Math.min(...bounded)).toBeGreaterThan(0.5 / assets - 1e-12);
    }),
    { numRuns: 30 },
  );
});

test("finds the clusters that are there, and shares risk between them", () => {
  // Two blocks of three assets each: correlation 0.8 inside, 0 between; the second block is twice as volatile.
  const deviations = [0.1, 0.1, 0.1, 0.2, 0.2, 0.2];
  const covariance = matrix(6, 6);
  for (let i = 0; i < 6; i++)
    for (let j = 0; j < 6; j++) {
      const same = Math.floor(i / 3) === Math.floor(j / 3);
      covariance.data[i * 6 + j] = (i === j ? 1 : same ? 0.8 : 0) * deviations[i] * deviations[j];
    }
  const { tree, distances } = hierarchyOf(covariance, { linkage: "ward" });
  expect(clusterCount(tree, distances)).toBe(2);
  const herc = hierarchicalEqualRiskContribution(covariance);
  expect(herc.clusters).toEqual([
    [0, 1, 2],
    [3, 4, 5],
  ]);
  // Volatilities of the blocks are as 1 to 2, so that they get 2/3 and 1/3.
  herc.weights.forEach((weight, i) => {
    expect(weight).toBeCloseTo(i < 3 ? 2 / 9 : 1 / 9, 12);
  });
  const nco = nestedClusters(covariance, new Float64Array(6), { inner: minimumVariance });
  // Variances of the blocks are as 1 to 4.
  nco.weights.forEach((weight, i) => {
    expect(weight).toBeCloseTo(i < 3 ? 0.8 / 3 : 0.2 / 3, 12);
  });
});

test("is plain minimum variance when nested clusters are one, or one for each asset", () => {
  const covariance = randomCovariance(4, 7);
  const expected = minimumVariance(covariance);
  for (const clusters of [1, 7]) {
    const { weights } = nestedClusters(covariance, new Float64Array(7), { inner: minimumVariance, clusters });
    weights.forEach((weight, i) => {
      expect(weight).toBeCloseTo(expected[i], 10);
    });
  }
});

test("shares out any measure of the returns: their second moment is the variance", () => {
  const returns = centreRows(matrix(5, 80, normal(keyFrom(2), 400, 0, 0.01)));
  const covariance = secondMoments(returns, 80);
  const moment = scenarioRisk(
    returns,
    (r) => r.reduce((total, value) => total + value * value, 0) / r.length,
  );
  const plain = hierarchicalRiskParity(covariance, { risk: varianceRisk(covariance) }).weights;
  hierarchicalRiskParity(covariance, { risk: moment }).weights.forEach((value, i) => {
    expect(value).toBeCloseTo(plain[i], 12);
  });
});

test("refuses distances that are none", () => {
  expect(() =>
    linkage(
      matrixFrom([
        [0, Number.NaN],
        [Number.NaN, 0],
      ]),
      "ward",
    ),
  ).toThrow(/finite values/);
});
