/** Rows of blocks bound a drawdown measure from below everywhere, exactly where they were made, and lead to its minimum. */
import { describe, expect, test } from "vitest";
import { dot, keyFrom, type Matrix, matrix, normal, rowOf, uniform } from "../../../base/index.ts";
import { feasibleSet } from "../constraints/feasible.ts";
import { defaultLimits } from "../constraints/limits.ts";
import { estimateMarket } from "../estimate.ts";
import { returnPanel } from "../returns.ts";
import { BlockCuts } from "./block-cuts.ts";
import { minimise } from "./minimise.ts";
import type { ScenarioMeasure } from "./scenario-measures.ts";
import { ScenarioPool } from "./scenario-pool.ts";

const assets = 5;
const periods = 430; // more than one period for each block, and a last block that is shorter
const returns: Matrix = {
  rows: assets,
  columns: periods,
  data: normal(keyFrom(3), assets * periods, 0.0004, 0.01),
};
const { market } = estimateMarket(returnPanel(["A", "B", "C", "D", "E"], returns), { periodsPerYear: 252 });
const set = feasibleSet(defaultLimits, market);

const measures: readonly (readonly [string, ScenarioMeasure])[] = [
  ["the average drawdown", { loss: "drawdown", statistic: { name: "mean" } }],
  ["the ulcer index", { loss: "drawdown", statistic: { name: "mean-square" } }],
  ["CDaR", { loss: "drawdown", statistic: { name: "tail-mean", level: 0.9 } }],
];

/** Weights of a simplex, different for each seed. */
function someWeights(seed: number): Float64Array {
  const raw = uniform(keyFrom(seed), assets, 0, 1).map((value) => -Math.log(1 - value));
  const total = raw.reduce((sum, value) => sum + value, 0);
  return raw.map((value) => value / total);
}

/** What the rows of a pool say at weights; a threshold takes its best value of some hundred. */
function bound(pool: BlockCuts, weights: Float64Array): number {
  const { set: wide, linear, excesses } = pool.part(set);
  if (excesses === null) throw new Error("a part without rows");
  const at = (threshold: number) => {
    const x = new Float64Array(wide.size);
    x.set(weights);
    if (wide.size > assets) x[assets] = threshold;
    const hidden = new Float64Array(excesses.cost.length);
    excesses.owner.forEach((owner, r) => {
      hidden[owner] = Math.max(hidden[owner], dot(rowOf(excesses.matrix, r), x) - excesses.bounds[r]);
    });
    let sum = dot(linear, x);
    hidden.forEach((u, k) => {
      sum += excesses.cost[k] * u + (excesses.curvature[k] * u * u) / 2;
    });
    return sum;
  };
  if (wide.size === assets) return at(0);
  return Math.min(...Array.from({ length: 3000 }, (_, k) => at(k / 10_000)));
}

describe.each(measures)("rows of blocks of %s", (_, measure) => {
  test("are below it everywhere, and meet it where they were made", () => {
    const pool = new BlockCuts(returns, measure);
    for (let round = 0; round < 4; round++) {
      const here = someWeights(round);
      expect(pool.add(here)).toBeGreaterThan(0);
      expect(bound(pool, here)).toBeGreaterThan(pool.value(here) * (1 - 1e-9));
      for (let other = 10; other < 20; other++) {
        const there = someWeights(other);
        // The grid of thresholds is above the least of them, by less than its step.
        expect(bound(pool, there)).toBeLessThan(pool.value(there) + 1e-4);
      }
      expect(pool.add(here)).toBe(0);
    }
  });

  test("lead to the same minimum as a row for each period and peak", () => {
    const found = minimise({ set, scenario: { measure, returns, factor: 1, scaleAt: -1 }, tolerance: 1e-7 });
    const single = minimise({
      set,
      scenario: { measure, returns, factor: 1, scaleAt: -1, pool: new ScenarioPool(returns, measure) },
      tolerance: 1e-7,
    });
    expect(Math.abs(found.objective / single.objective - 1)).toBeLessThan(2e-7);
    expect(found.lowerBound).toBeLessThanOrEqual(single.objective * (1 + 1e-9));
    expect(found.certificate.gap).toBeLessThanOrEqual(1e-7);
  });
});

test("a history that only rises has no drawdown to bound", () => {
  const rising = matrix(assets, 30, new Float64Array(assets * 30).fill(0.01));
  const pool = new BlockCuts(rising, { loss: "drawdown", statistic: { name: "mean" } });
  expect(pool.add(someWeights(1))).toBe(0);
  expect(pool.size).toBe(0);
  expect(pool.value(someWeights(1))).toBe(0);
});
