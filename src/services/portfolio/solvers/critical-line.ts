/**
 * Markowitz's critical line (1956; Bailey and López de Prado 2013): all mean-variance efficient portfolios between bounds, as
 * the corners between which weights are linear. From the minimum of variance upwards: at each corner one asset meets a bound or
 * leaves one.
 */
import {
  choleskyFactor,
  choleskySolve,
  type Matrix,
  multiplyTransposedVector,
  submatrix,
} from "../../../base/index.ts";

export interface Corner {
  /** The price of variance: these weights minimise `wᵀ Σ w / 2 - lambda μ w`. */
  readonly lambda: number;
  readonly weights: Float64Array;
}

export interface EfficientProblem {
  readonly covariance: Matrix;
  readonly expectedReturns: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/**
 * The corners from the minimum of variance, where lambda is 0, to the largest return.
 *
 * @param start the minimum of variance under the bounds and the sum that it has itself
 * @returns null where the covariance of the free assets is singular, or more corners come than can be
 */
export function criticalLine(problem: EfficientProblem, start: Float64Array): Corner[] | null {
  const { covariance, expectedReturns: mu, lower, upper } = problem;
  const n = start.length;
  const total = start.reduce((sum, value) => sum + value, 0);
  const weights = Float64Array.from(start);
  let free = Array.from(weights.keys()).filter((i) => weights[i] > lower[i] && weights[i] < upper[i]);
  if (free.length === 0) return null;
  const corners: Corner[] = [{ lambda: 0, weights: Float64Array.from(weights) }];
  let lambda = 0;
  let last = -1;
  for (let count = 0; count < 20 * n + 100; count++) {
    const line = lineOf(covariance, mu, weights, free, total);
    if (line === null) return null;
    const { constant, slope, price, priceSlope } = line;
    // The weights of this line at lambda 0 and their change with lambda, all assets.
    const at = Float64Array.from(weights);
    const change = new Float64Array(n);
    free.forEach((i, f) => {
      at[i] = constant[f];
      change[i] = slope[f];
    });
    const gradient = multiplyTransposedVector(covariance, at);
    const gradientChange = multiplyTransposedVector(covariance, change);
    let next = Number.POSITIVE_INFINITY;
    let event = -1;
    const isFree = new Uint8Array(n);
    for (const i of free) isFree[i] = 1;
    for (let i = 0; i < n; i++) {
      let meets = Number.POSITIVE_INFINITY;
      if (isFree[i] === 1) {
        if (free.length === 1) continue;
        if (change[i] < 0) meets = (lower[i] - at[i]) / change[i];
        else if (change[i] > 0) meets = (upper[i] - at[i]) / change[i];
      } else if (lower[i] !== upper[i]) {
        const held = gradient[i] - price;
        const heldChange = gradientChange[i] - mu[i] - priceSlope;
        if (weights[i] === lower[i] ? heldChange < 0 : heldChange > 0) meets = -held / heldChange;
      }
      if (i === last && meets <= lambda * (1 + 1e-12) + 1e-15) continue; // it has just moved there
      if (meets < next) {
        next = Math.max(meets, lambda);
        event = i;
      }
    }
    if (event < 0) break;
    lambda = next;
    for (const i of free) weights[i] = at[i] + lambda * change[i];
    if (isFree[event] === 1) {
      weights[event] = change[event] < 0 ? lower[event] : upper[event];
      free = free.filter((i) => i !== event);
    } else free = [...free, event];
    last = event;
    corners.push({ lambda, weights: Float64Array.from(weights) });
  }
  return corners;
}

/** `w = constant + lambda slope` on the free assets, and the price of the budget. */
function lineOf(
  covariance: Matrix,
  mu: Float64Array,
  weights: Float64Array,
  free: readonly number[],
  total: number,
) {
  const lower = choleskyFactor(submatrix(covariance, free), 1e-13);
  if (lower === null) return null;
  const held = Float64Array.from(weights);
  for (const i of free) held[i] = 0;
  const fromHeld = multiplyTransposedVector(covariance, held);
  const ones = choleskySolve(lower, new Float64Array(free.length).fill(1));
  const returns = choleskySolve(
    lower,
    Float64Array.from(free, (i) => mu[i]),
  );
  const rest = choleskySolve(
    lower,
    Float64Array.from(free, (i) => fromHeld[i]),
  );
  const sum = (values: Float64Array) => values.reduce((all, value) => all + value, 0);
  const left = total - sum(held);
  const price = (left + sum(rest)) / sum(ones);
  const priceSlope = -sum(returns) / sum(ones);
  return {
    constant: ones.map((value, f) => price * value - rest[f]),
    slope: returns.map((value, f) => value + priceSlope * ones[f]),
    price,
    priceSlope,
  };
}
