/**
 * Risk measures that scenarios define: a loss of each period, and a statistic of the losses. The losses are the largest of
 * linear functions of the weights (one for a return, one for each earlier peak for a drawdown), so that each measure is the
 * smallest of a linear or quadratic program of which only few rows ever matter.
 */
import { type Matrix, matrix, multiplyTransposedVector, rowOf, transpose } from "../../../base/index.ts";

/** What is lost in a period. Drawdowns are those of summed returns from their highest value so far, the start included. */
export type Loss = "return" | "drawdown" | "below-target" | "below-mean";

export type Statistic =
  /** The mean of the worst `1 - level` of losses (Rockafellar and Uryasev 2002). */
  | { readonly name: "tail-mean"; readonly level: number }
  | { readonly name: "largest" }
  /** The mean of what is above 0. */
  | { readonly name: "mean" }
  /** The mean of squares of what is above 0; what is reported is its root. */
  | { readonly name: "mean-square" };

export interface ScenarioMeasure {
  readonly loss: Loss;
  readonly statistic: Statistic;
  /** Of `below-target`: a return of one period. */
  readonly target?: number;
}

/** One linear function of the weights that a loss can be: the loss of `period`, counted from the peak after `peak` returns. */
export interface Piece {
  readonly period: number;
  readonly peak: number;
}

/** The scenarios in the order in which a measure reads them. */
export class Scenarios {
  readonly periods: number;
  readonly assets: number;
  readonly returns: Matrix;
  readonly #measure: ScenarioMeasure;
  /** `[periods (+ 1 for drawdowns), assets]`: returns, or their sums up to each period. */
  readonly #byPeriod: Matrix;

  constructor(returns: Matrix, measure: ScenarioMeasure) {
    this.returns = returns;
    this.periods = returns.columns;
    this.assets = returns.rows;
    this.#measure = measure;
    const byPeriod = transpose(returns);
    if (measure.loss === "drawdown") this.#byPeriod = summed(byPeriod);
    else if (measure.loss === "below-mean") this.#byPeriod = centred(byPeriod);
    else this.#byPeriod = byPeriod;
  }

  /** The loss of each period and the peak that it is counted from. */
  losses(weights: Float64Array, scale = 1): { readonly losses: Float64Array; readonly peaks: Int32Array } {
    const returns = multiplyTransposedVector(this.returns, weights);
    const losses = new Float64Array(this.periods);
    const peaks = new Int32Array(this.periods);
    if (this.#measure.loss === "drawdown") {
      let sum = 0;
      let high = 0;
      let peak = 0;
      for (let t = 0; t < this.periods; t++) {
        sum += returns[t];
        if (sum > high) {
          high = sum;
          peak = t + 1;
        }
        losses[t] = high - sum;
        peaks[t] = peak;
      }
    } else {
      let base = 0;
      if (this.#measure.loss === "below-target") base = scale * (this.#measure.target ?? 0);
      if (this.#measure.loss === "below-mean") {
        for (let t = 0; t < this.periods; t++) base += returns[t];
        base /= this.periods;
      }
      for (let t = 0; t < this.periods; t++) losses[t] = base - returns[t];
    }
    return { losses, peaks };
  }

  /** Adds `factor` times the coefficients of a piece of a drawdown. */
  addPiece({ period, peak }: Piece, factor: number, to: Float64Array): void {
    const { columns, data } = this.#byPeriod;
    const high = peak * columns;
    const now = (period + 1) * columns;
    for (let i = 0; i < columns; i++) to[i] += factor * (data[high + i] - data[now + i]);
  }

  /** Writes the coefficients of a piece over the weights. */
  writePiece({ period, peak }: Piece, to: Float64Array, at: number): void {
    const n = this.assets;
    if (this.#measure.loss === "drawdown") {
      const high = rowOf(this.#byPeriod, peak);
      const now = rowOf(this.#byPeriod, period + 1);
      for (let i = 0; i < n; i++) to[at + i] = high[i] - now[i];
    } else {
      const now = rowOf(this.#byPeriod, period);
      for (let i = 0; i < n; i++) to[at + i] = -now[i];
    }
  }
}

/** The statistic of given losses. */
export function statisticOf(losses: Float64Array, statistic: Statistic): number {
  const count = losses.length;
  if (statistic.name === "tail-mean") return tailMean(losses, statistic.level);
  let out = statistic.name === "largest" ? Number.NEGATIVE_INFINITY : 0;
  for (let t = 0; t < count; t++) {
    const above = Math.max(0, losses[t]);
    if (statistic.name === "largest") out = Math.max(out, losses[t]);
    else out += (statistic.name === "mean" ? above : above * above) / count;
  }
  return out;
}

/**
 * The mean of the largest `1 - level` of values; the one at the border counts in part.
 *
 * @example
 * tailMean(Float64Array.of(4, 1, 2, 3), 0.625); // => 3.6666666666666665
 */
export function tailMean(values: Float64Array, level: number): number {
  const sorted = Float64Array.from(values).sort();
  const tail = (1 - level) * sorted.length;
  let left = tail;
  let sum = 0;
  for (let i = sorted.length - 1; i >= 0 && left > 1e-12; i--) {
    const share = Math.min(1, left);
    sum += share * sorted[i];
    left -= share;
  }
  return sum / tail;
}

function summed({ rows, columns, data }: Matrix): Matrix {
  const out = matrix(rows + 1, columns);
  for (let t = 0; t < rows; t++)
    for (let i = 0; i < columns; i++)
      out.data[(t + 1) * columns + i] = out.data[t * columns + i] + data[t * columns + i];
  return out;
}

function centred({ rows, columns, data }: Matrix): Matrix {
  const mean = new Float64Array(columns);
  for (let t = 0; t < rows; t++) for (let i = 0; i < columns; i++) mean[i] += data[t * columns + i] / rows;
  const out = matrix(rows, columns);
  for (let t = 0; t < rows; t++)
    for (let i = 0; i < columns; i++) out.data[t * columns + i] = data[t * columns + i] - mean[i];
  return out;
}
