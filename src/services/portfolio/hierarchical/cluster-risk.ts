/** The risk of some assets held together, which hierarchical methods share out. */
import type { Matrix } from "../../../base/index.ts";

/** The risk of `items` held with `weights` of the same order. */
export type ClusterRisk = (items: readonly number[], weights: Float64Array) => number;

export function varianceRisk({ rows: n, data }: Matrix): ClusterRisk {
  return (items, weights) => {
    let sum = 0;
    for (let a = 0; a < items.length; a++) {
      const row = items[a] * n;
      let inner = 0;
      for (let b = 0; b < a; b++) inner += weights[b] * data[row + items[b]];
      sum += weights[a] * (2 * inner + weights[a] * data[row + items[a]]);
    }
    return Math.max(0, sum);
  };
}

export function volatilityRisk(covariance: Matrix): ClusterRisk {
  const variance = varianceRisk(covariance);
  return (items, weights) => Math.sqrt(variance(items, weights));
}

/**
 * A measure of the portfolio's returns, such as `expectedShortfall`.
 *
 * @param scenarios returns `[assets, scenarios]`
 */
export function scenarioRisk(
  { columns, data }: Matrix,
  measure: (returns: Float64Array) => number,
): ClusterRisk {
  return (items, weights) => {
    const returns = new Float64Array(columns);
    items.forEach((item, a) => {
      for (let t = 0; t < columns; t++) returns[t] += weights[a] * data[item * columns + t];
    });
    return Math.max(0, measure(returns));
  };
}

/**
 * Weights in proportion to one over each item's own risk. An item without risk takes all, shared with others like it.
 *
 * @returns `[items]`, adding up to one
 */
export function naiveRiskParity(items: readonly number[], risk: ClusterRisk): Float64Array {
  const one = Float64Array.of(1);
  const own = Float64Array.from(items, (item) => risk([item], one));
  const free = own.some((value) => value === 0);
  const inverse = own.map((value) => (free ? (value === 0 ? 1 : 0) : 1 / value));
  const total = inverse.reduce((sum, value) => sum + value, 0);
  return inverse.map((value) => value / total);
}

/** How a budget is split between two risks: the riskier part gets the less. */
export function shareOfFirst(first: number, second: number): number {
  return first + second === 0 ? 0.5 : second / (first + second);
}
