/** What online strategies are measured by: hold, rebalance, and what was best when all was known. */
import {
  choleskyFactor,
  choleskySolve,
  gramOfRows,
  type Matrix,
  matrix,
  multiplyTransposedVector,
  PlatformError,
  transpose,
} from "../../../base/index.ts";
import type { Certificate } from "../problem.ts";
import { type OnlineResult, type PriceRelatives, play, requireRelatives } from "./strategy.ts";

/** Buys at the start and never trades again: weights drift with prices. Equal weights by default. */
export function buyAndHold(relatives: PriceRelatives, start?: Float64Array): OnlineResult {
  const n = relatives.columns;
  return play(relatives, (weights, t) => {
    if (t === 0) {
      if (start) weights.set(start);
      return;
    }
    let total = 0;
    for (let i = 0; i < n; i++) {
      weights[i] *= relatives.data[(t - 1) * n + i];
      total += weights[i];
    }
    for (let i = 0; i < n; i++) weights[i] /= total;
  });
}

/** Trades back to the same weights every day. Equal weights by default. */
export function constantlyRebalanced(relatives: PriceRelatives, target?: Float64Array): OnlineResult {
  return play(relatives, (weights) => {
    if (target) weights.set(target);
  });
}

/** The one asset that turned out best, and its wealth. */
export function bestAsset(relatives: PriceRelatives): {
  readonly asset: number;
  readonly finalWealth: number;
} {
  requireRelatives(relatives);
  const { rows, columns, data } = relatives;
  let best = { asset: 0, finalWealth: 0 };
  for (let i = 0; i < columns; i++) {
    let wealth = 1;
    for (let t = 0; t < rows; t++) wealth *= data[t * columns + i];
    if (wealth > best.finalWealth) best = { asset: i, finalWealth: wealth };
  }
  return best;
}

export interface BestRebalanced extends OnlineResult {
  /** Held every day, `[assets]`. */
  readonly target: Float64Array;
  /** The gap bounds how much larger the log of any constant portfolio's growth per day can be. */
  readonly certificate: Certificate;
}

/**
 * The best constantly rebalanced portfolio in hindsight: maximises `Σ log(x_t · b)` over the simplex. Because the optimum of
 * `-mean log(x_t · b) + Σ b` over `b >= 0` adds up to one by itself, a barrier method (Newton, no equality) finds it. The
 * certificate is Cover's (1984): no portfolio grows faster per day by more than `log max_i mean(x_ti / x_t · b)`.
 *
 * @throws PlatformError `PORTFOLIO_NOT_SOLVED` when the certificate is not met
 */
export function bestConstantlyRebalanced(relatives: PriceRelatives, tolerance = 1e-10): BestRebalanced {
  requireRelatives(relatives);
  const { rows: days, columns: n } = relatives;
  const byAsset = transpose(relatives);
  const b = new Float64Array(n).fill(1 / n);
  let gap = Number.POSITIVE_INFINITY;
  let iterations = 0;
  for (let barrier = 1; barrier > tolerance / (10 * n); barrier /= 20) {
    for (let round = 0; round < 50; round++) {
      iterations++;
      const { gradient, hessian } = derivatives(byAsset, b, barrier);
      const factor = choleskyFactor(hessian);
      if (!factor) break;
      const step = choleskySolve(factor, gradient);
      const decrement = step.reduce((sum, value, i) => sum + value * gradient[i], 0);
      let size = 1;
      for (let i = 0; i < n; i++) if (step[i] > 0) size = Math.min(size, (0.99 * b[i]) / step[i]);
      // A damped step of a self-concordant function always descends (Nesterov and Nemirovski 1994).
      size = Math.min(
        size,
        1 / (1 + Math.sqrt(Math.max(0, decrement) / barrier)) + (decrement < barrier / 16 ? 1 : 0),
      );
      for (let i = 0; i < n; i++) b[i] -= size * step[i];
      if (decrement < 1e-3 * barrier) break;
    }
  }
  const total = b.reduce((sum, value) => sum + value, 0);
  for (let i = 0; i < n; i++) b[i] = b[i] / total < 1e-9 ? 0 : b[i] / total;
  const rest = b.reduce((sum, value) => sum + value, 0);
  const target = b.map((value) => value / rest);
  gap = Math.log(Math.max(...growthRatios(relatives, target)));
  if (!(gap <= tolerance * 100))
    throw new PlatformError(
      "conflict",
      "PORTFOLIO_NOT_SOLVED",
      `best constantly rebalanced portfolio: expected a gap of at most ${tolerance * 100} in log growth per day, reached ${gap} after ${days} days`,
    );
  return {
    ...constantlyRebalanced(relatives, target),
    target,
    certificate: { method: "barrier Newton", gap: Math.max(0, gap), tolerance: tolerance * 100, iterations },
  };
}

/** `mean_t x_ti / (x_t · b)` of each asset: at most 1 everywhere exactly at the optimum. */
function growthRatios({ rows, columns: n, data }: Matrix, b: Float64Array): Float64Array {
  const out = new Float64Array(n);
  for (let t = 0; t < rows; t++) {
    let growth = 0;
    for (let i = 0; i < n; i++) growth += data[t * n + i] * b[i];
    for (let i = 0; i < n; i++) out[i] += data[t * n + i] / growth / rows;
  }
  return out;
}

/** Of the barrier function at `b`; `byAsset` holds the relatives `[assets, days]`. */
function derivatives(byAsset: Matrix, b: Float64Array, barrier: number) {
  const { rows: n, columns: days, data } = byAsset;
  const growth = multiplyTransposedVector(byAsset, b);
  const scaled = matrix(n, days);
  const gradient = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let t = 0; t < days; t++) {
      const value = data[i * days + t] / growth[t];
      scaled.data[i * days + t] = value;
      gradient[i] -= value / days;
    }
  }
  const hessian = gramOfRows(scaled);
  for (let k = 0; k < hessian.data.length; k++) hessian.data[k] /= days;
  for (let i = 0; i < n; i++) {
    gradient[i] += 1 - barrier / b[i];
    hessian.data[i * n + i] += barrier / (b[i] * b[i]);
  }
  return { gradient, hessian };
}
