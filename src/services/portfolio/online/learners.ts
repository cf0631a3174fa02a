/** Strategies that learn from day to day and see nothing of the day that they decide for. */
import { foldIn, type Key, median, uniform } from "../../../base/index.ts";
import {
  type OnlineResult,
  type PriceRelatives,
  play,
  projectToSimplex,
  requireRelatives,
} from "./strategy.ts";

/**
 * Cover's universal portfolio (1991): the wealth-weighted mean of all constantly rebalanced portfolios, by Monte Carlo over a
 * uniform draw from the simplex.
 *
 * @param samples portfolios drawn; the error of the wealth falls with their square root
 */
export function universalPortfolio(
  relatives: PriceRelatives,
  key: Key,
  { samples = 2000 }: { readonly samples?: number } = {},
): OnlineResult {
  requireRelatives(relatives);
  const { columns: n, data } = relatives;
  const draws = uniform(foldIn(key, "universal"), samples * n);
  const portfolios = new Float64Array(samples * n);
  for (let s = 0; s < samples; s++) {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const value = -Math.log(1 - draws[s * n + i]); // exponential: scaled to add up to one it is uniform on the simplex
      portfolios[s * n + i] = value;
      sum += value;
    }
    for (let i = 0; i < n; i++) portfolios[s * n + i] /= sum;
  }
  const logWealth = new Float64Array(samples);
  return play(relatives, (weights, t) => {
    if (t > 0) {
      for (let s = 0; s < samples; s++) {
        let growth = 0;
        for (let i = 0; i < n; i++) growth += portfolios[s * n + i] * data[(t - 1) * n + i];
        logWealth[s] += Math.log(growth);
      }
    }
    const top = logWealth.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    weights.fill(0);
    let total = 0;
    for (let s = 0; s < samples; s++) {
      const share = Math.exp(logWealth[s] - top);
      total += share;
      for (let i = 0; i < n; i++) weights[i] += share * portfolios[s * n + i];
    }
    for (let i = 0; i < n; i++) weights[i] /= total;
  });
}

/**
 * Exponentiated gradient (Helmbold, Schapire, Singer and Warmuth 1998): each weight grows with `exp(rate × x / growth)`.
 *
 * @param rate of learning; the paper's 0.05
 */
export function exponentiatedGradient(
  relatives: PriceRelatives,
  { rate = 0.05 }: { readonly rate?: number } = {},
): OnlineResult {
  const { columns: n, data } = relatives;
  return play(relatives, (weights, t) => {
    if (t === 0) return;
    let growth = 0;
    for (let i = 0; i < n; i++) growth += weights[i] * data[(t - 1) * n + i];
    let total = 0;
    for (let i = 0; i < n; i++) {
      weights[i] *= Math.exp((rate * data[(t - 1) * n + i]) / growth);
      total += weights[i];
    }
    for (let i = 0; i < n; i++) weights[i] /= total;
  });
}

export interface ReversionOptions {
  /** Days whose prices the next one is predicted from. */
  readonly window?: number;
  /** Growth that the next portfolio must promise; larger moves more. */
  readonly threshold?: number;
}

/**
 * On-line moving average reversion (Li and Hoi 2012): predicts that prices return to their moving average, and moves as little
 * as it must for the prediction to reach the threshold.
 */
export function movingAverageReversion(
  relatives: PriceRelatives,
  options: ReversionOptions = {},
): OnlineResult {
  return reversion(relatives, options, (window, i) => {
    let sum = 0;
    for (const prices of window) sum += prices[i];
    return sum / window.length;
  });
}

/**
 * Robust median reversion (Huang, Zhou, Li, Hoi and Zhou 2013): as moving-average reversion, with the L1-median of the prices,
 * which one odd day does not move, found by Weiszfeld's iteration as Vardi and Zhang (2000) mend it.
 */
export function robustMedianReversion(
  relatives: PriceRelatives,
  options: ReversionOptions = {},
): OnlineResult {
  let centre: Float64Array = new Float64Array(0);
  return reversion(relatives, options, (window, i) => {
    if (i === 0) centre = geometricMedian(window);
    return centre[i];
  });
}

/** The rule that both reversions share: predicted relatives, then a passive-aggressive step. */
function reversion(
  relatives: PriceRelatives,
  { window = 5, threshold = 10 }: ReversionOptions,
  centreOf: (window: readonly Float64Array[], asset: number) => number,
): OnlineResult {
  const { columns: n, data } = relatives;
  const history: Float64Array[] = [new Float64Array(n).fill(1)];
  return play(relatives, (weights, t) => {
    if (t === 0) return;
    const last = history[history.length - 1];
    history.push(last.map((price, i) => price * data[(t - 1) * n + i]));
    if (history.length > window) history.shift();
    if (history.length < window) return; // as long as there are too few prices, nothing is predicted
    const now = history[history.length - 1];
    const predicted = now.map((price, i) => centreOf(history, i) / price);
    const mean = predicted.reduce((sum, value) => sum + value, 0) / n;
    let promised = 0;
    let spread = 0;
    for (let i = 0; i < n; i++) {
      promised += weights[i] * predicted[i];
      spread += (predicted[i] - mean) ** 2;
    }
    const size = spread === 0 ? 0 : Math.max(0, (threshold - promised) / spread);
    for (let i = 0; i < n; i++) weights[i] += size * (predicted[i] - mean);
    projectToSimplex(weights);
  });
}

/** The point with the least sum of distances to the given ones. */
export function geometricMedian(points: readonly Float64Array[]): Float64Array {
  const n = points[0].length;
  let at: Float64Array = Float64Array.from({ length: n }, (_, i) => median(points.map((point) => point[i])));
  for (let round = 0; round < 200; round++) {
    const weighted = new Float64Array(n);
    const pull = new Float64Array(n);
    let total = 0;
    let here = 0;
    for (const point of points) {
      let distance = 0;
      for (let i = 0; i < n; i++) distance += (point[i] - at[i]) ** 2;
      distance = Math.sqrt(distance);
      if (distance === 0) {
        here++;
        continue;
      }
      total += 1 / distance;
      for (let i = 0; i < n; i++) {
        weighted[i] += point[i] / distance;
        pull[i] += (point[i] - at[i]) / distance;
      }
    }
    if (total === 0) break;
    const strength = Math.sqrt(pull.reduce((sum, value) => sum + value * value, 0));
    const stay = strength === 0 ? 1 : Math.min(1, here / strength);
    const next = weighted.map((value, i) => (1 - stay) * (value / total) + stay * at[i]);
    const moved = Math.sqrt(next.reduce((sum, value, i) => sum + (value - at[i]) ** 2, 0));
    const size = Math.sqrt(next.reduce((sum, value) => sum + value * value, 0));
    at = next;
    if (moved <= 1e-12 * size) break;
  }
  return at;
}
