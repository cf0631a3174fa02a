/** What a portfolio earns between its rebalancings: weights drift with prices, trades cost. */
import type { Matrix } from "../../../base/index.ts";

export interface Trade {
  readonly period: number;
  /** Wanted at the beginning of the period, `[assets]`. */
  readonly target: Float64Array;
}

export interface SimulationOptions {
  /** Of what is bought plus what is sold, in basis points. */
  readonly costBps: number;
  /** Quadratic cost: `impact × change²` of each asset, as a share of the portfolio. */
  readonly impact: number;
}

export interface Simulation {
  /** Net of costs, `[periods]`. */
  readonly returns: Float64Array;
  /** Of each trade: `Σ |wanted - held|`, what is bought plus what is sold. */
  readonly turnover: Float64Array;
  /** Of each trade, as a share of the portfolio. */
  readonly costs: Float64Array;
  /** At the beginning of each period, after trades, `[periods, assets]`. */
  readonly weights: Matrix;
  /** At the end, drifted, `[assets]`. */
  readonly held: Float64Array;
}

/**
 * Trades at the beginning of periods and lets weights drift in between. What weights leave over of one is cash that earns
 * nothing; costs are paid out of the portfolio before the period's return. A missing return (NaN) counts as 0.
 *
 * @param returns simple, `[assets, periods]`
 * @param trades in ascending order of their periods
 * @param start weights held before the first period; all cash when absent
 */
export function simulate(
  { rows: n, columns: periods, data }: Matrix,
  trades: readonly Trade[],
  { costBps, impact }: SimulationOptions,
  start: Float64Array = new Float64Array(n),
): Simulation {
  const held = Float64Array.from(start);
  const returns = new Float64Array(periods);
  const weights = new Float64Array(periods * n);
  const turnover = new Float64Array(trades.length);
  const costs = new Float64Array(trades.length);
  let next = 0;
  for (let t = 0; t < periods; t++) {
    let kept = 1;
    for (; next < trades.length && trades[next].period === t; next++) {
      const { target } = trades[next];
      let squares = 0;
      for (let i = 0; i < n; i++) {
        const change = target[i] - held[i];
        turnover[next] += Math.abs(change);
        squares += change * change;
        held[i] = target[i];
      }
      costs[next] = (costBps / 10_000) * turnover[next] + impact * squares;
      kept *= 1 - costs[next];
    }
    weights.set(held, t * n);
    let gain = 0;
    for (let i = 0; i < n; i++) {
      const value = data[i * periods + t];
      if (held[i] === 0 || Number.isNaN(value)) continue;
      gain += held[i] * value;
    }
    for (let i = 0; i < n; i++) {
      const value = data[i * periods + t];
      if (held[i] !== 0) held[i] *= (1 + (Number.isNaN(value) ? 0 : value)) / (1 + gain);
    }
    returns[t] = kept * (1 + gain) - 1;
  }
  return { returns, turnover, costs, weights: { rows: periods, columns: n, data: weights }, held };
}
