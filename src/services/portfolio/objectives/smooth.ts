/** Smooth functions of the weights with their derivatives. */
import {
  gramOfRows,
  type Matrix,
  matrix,
  multiplyTransposedVector,
  multiplyVector,
} from "../../../base/index.ts";
import type { Smooth } from "../solvers/minimise.ts";

/** `-mean log(1 + r w)`: infinite where a scenario loses everything. */
export function growth(returns: Matrix): Smooth {
  const count = returns.columns;
  return {
    value(x) {
      const portfolio = multiplyTransposedVector(returns, x.subarray(0, returns.rows));
      let sum = 0;
      for (let t = 0; t < count; t++) {
        if (!(portfolio[t] > -1)) return Number.POSITIVE_INFINITY;
        sum -= Math.log1p(portfolio[t]);
      }
      return sum / count;
    },
    derivatives(x) {
      const portfolio = multiplyTransposedVector(returns, x.subarray(0, returns.rows));
      const slope = portfolio.map((value) => -1 / ((1 + value) * count));
      const root = portfolio.map((value) => 1 / ((1 + value) * Math.sqrt(count)));
      return { gradient: multiplyVector(returns, slope), hessian: gramOfRows(scaleColumns(returns, root)) };
    },
  };
}

/**
 * Entropic value at risk: `min over s > 0 of s log(mean exp(-r w / s) / (1 - level))` (Ahmadi-Javid 2012). The smallest s is
 * found inside, so that what remains is a function of the weights alone; its second derivative has that of s taken out.
 */
export function entropicRisk(returns: Matrix, level: number): Smooth {
  return {
    value: (x) =>
      entropicValueAtRisk(multiplyTransposedVector(returns, x.subarray(0, returns.rows)), level).value,
    derivatives(x) {
      const portfolio = multiplyTransposedVector(returns, x.subarray(0, returns.rows));
      const { scale: s } = entropicValueAtRisk(portfolio, level);
      const { weights } = tilted(portfolio, s);
      // With tilted probabilities p: gradient -E r; second derivatives of s log mean exp(-y / s) in y and s.
      const gradient = multiplyVector(
        returns,
        weights.map((p) => -p),
      );
      const mean = multiplyVector(returns, weights);
      let meanOfPortfolio = 0;
      for (let t = 0; t < portfolio.length; t++) meanOfPortfolio += weights[t] * portfolio[t];
      const n = returns.rows;
      const centred = matrix(n, returns.columns);
      for (let i = 0; i < n; i++)
        for (let t = 0; t < returns.columns; t++)
          centred.data[i * returns.columns + t] =
            (returns.data[i * returns.columns + t] - mean[i]) * Math.sqrt(weights[t] / s);
      const hessian = gramOfRows(centred);
      // d²/ds² = Var(y) / s³, d²/dw ds = -Cov(r, y) / s²
      let variance = 0;
      const covariance = new Float64Array(n);
      const deviation = portfolio.map((value, t) => {
        variance += weights[t] * (value - meanOfPortfolio) ** 2;
        return weights[t] * (value - meanOfPortfolio);
      });
      for (let i = 0; i < n; i++)
        for (let t = 0; t < returns.columns; t++)
          covariance[i] += deviation[t] * returns.data[i * returns.columns + t];
      if (variance > 0)
        for (let i = 0; i < n; i++)
          for (let j = 0; j < n; j++)
            hessian.data[i * n + j] -= (covariance[i] * covariance[j]) / (s * variance);
      // Along the weights themselves EVaR grows in proportion: a little curvature keeps a model from running away.
      for (let i = 0; i < n; i++) hessian.data[i * n + i] *= 1 + 1e-9;
      return { gradient, hessian };
    },
  };
}

/**
 * Entropic value at risk of a series of returns, and the s at which it is reached.
 *
 * @param returns `[periods]`
 */
export function entropicValueAtRisk(
  returns: Float64Array,
  level: number,
): { readonly value: number; readonly scale: number } {
  const log = Math.log(1 - level);
  // f(s) = s (log mean exp(-y / s) - log(1 - level)) is convex; its slope is log(mean) - log(1 - level) + E[y] / s.
  const slope = (s: number) => {
    const { logMean, mean } = tilted(returns, s);
    return logMean - log + mean / s;
  };
  let low = 1e-9;
  let high = 1e-6;
  while (slope(high) < 0 && high < 1e6) {
    low = high;
    high *= 4;
  }
  for (let i = 0; i < 200 && high / low > 1 + 1e-13; i++) {
    const middle = Math.sqrt(low * high);
    if (slope(middle) < 0) low = middle;
    else high = middle;
  }
  const s = Math.sqrt(low * high);
  return { value: s * (tilted(returns, s).logMean - log), scale: s };
}

/** `log mean exp(-y / s)` without overflow, the tilted probabilities and the mean of y under them. */
function tilted(returns: Float64Array, s: number) {
  let lowest = Number.POSITIVE_INFINITY;
  for (const value of returns) lowest = Math.min(lowest, value);
  const weights = returns.map((value) => Math.exp((lowest - value) / s));
  let total = 0;
  for (const value of weights) total += value;
  let mean = 0;
  for (let t = 0; t < returns.length; t++) {
    weights[t] /= total;
    mean += weights[t] * returns[t];
  }
  return { logMean: Math.log(total / returns.length) - lowest / s, weights, mean };
}

/** `-Σ budget log x`: infinite outside of positive weights. */
export function logBarrier(budgets: Float64Array): Smooth {
  const n = budgets.length;
  return {
    value(x) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        if (!(x[i] > 0)) return Number.POSITIVE_INFINITY;
        sum -= budgets[i] * Math.log(x[i]);
      }
      return sum;
    },
    derivatives(x) {
      const hessian = matrix(n, n);
      const gradient = new Float64Array(n);
      for (let i = 0; i < n; i++) {
        gradient[i] = -budgets[i] / x[i];
        hessian.data[i * n + i] = budgets[i] / (x[i] * x[i]);
      }
      return { gradient, hessian };
    },
  };
}

function scaleColumns({ rows, columns, data }: Matrix, factors: Float64Array): Matrix {
  const out = matrix(rows, columns);
  for (let i = 0; i < rows; i++)
    for (let t = 0; t < columns; t++) out.data[i * columns + t] = data[i * columns + t] * factors[t];
  return out;
}
