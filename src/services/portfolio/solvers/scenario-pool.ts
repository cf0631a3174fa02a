/**
 * The pieces of a scenario measure that a program has so far. It begins with few, and gets those that the last answer violates
 * until there are none: the program without them is a bound from below, the measure of its answer one from above.
 */

import type { Matrix } from "../../../base/index.ts";
import { matrix } from "../../../base/index.ts";
import { type FeasibleSet, widened } from "../constraints/feasible-set.ts";
import type { Excesses } from "./program.ts";
import { type Piece, type ScenarioMeasure, Scenarios, statisticOf } from "./scenario-measures.ts";

/** What a measure adds to a program: a wider set, linear costs, excesses. */
export interface ScenarioPart {
  readonly set: FeasibleSet;
  readonly linear: Float64Array;
  readonly excesses: Excesses | null;
}

/** Rows that bound a scenario measure from below, exact at every answer that was added. */
export interface PiecePool {
  readonly size: number;
  /** The measure of weights; `scale` multiplies a target where the weights are scaled themselves. */
  value(weights: Float64Array, scale?: number): number;
  /** Takes in the rows that matter at these weights. @returns how many are new */
  add(weights: Float64Array, scale: number): number;
  /**
   * The measure as a part of a program over `set`, whose variable at `scaleAt` (-1 for none) multiplies a target. A threshold,
   * where the measure has one, is the last variable.
   */
  part(set: FeasibleSet, scaleAt: number): ScenarioPart;
}

export class ScenarioPool implements PiecePool {
  readonly #scenarios: Scenarios;
  readonly #measure: ScenarioMeasure;
  readonly #known = new Set<number>();
  readonly #pieces: Piece[] = [];

  constructor(returns: Matrix, measure: ScenarioMeasure) {
    this.#scenarios = new Scenarios(returns, measure);
    this.#measure = measure;
  }

  get size(): number {
    return this.#pieces.length;
  }

  /** The measure of weights; `scale` multiplies a target where the weights are scaled themselves. */
  value(weights: Float64Array, scale = 1): number {
    return statisticOf(this.#scenarios.losses(weights, scale).losses, this.#measure.statistic);
  }

  /**
   * Takes in the pieces that matter at these weights: for a tail, those of its own periods and some below; the measure of the
   * weights needs no others. @returns how many are new
   */
  add(weights: Float64Array, scale: number): number {
    const { losses, peaks } = this.#scenarios.losses(weights, scale);
    const { statistic } = this.#measure;
    let least = Number.NEGATIVE_INFINITY;
    if (statistic.name === "tail-mean")
      least = fromTop(losses, Math.ceil(1.3 * (1 - statistic.level) * losses.length) + 5);
    if (statistic.name === "largest") least = fromTop(losses, 20);
    let added = 0;
    for (let period = 0; period < losses.length; period++) {
      if (losses[period] < least) continue;
      const peak = peaks[period];
      if (this.#measure.loss === "drawdown" && peak === period + 1) continue; // at a peak nothing is lost
      const key = period * (losses.length + 1) + peak;
      if (this.#known.has(key)) continue;
      this.#known.add(key);
      this.#pieces.push({ period, peak });
      added++;
    }
    return added;
  }

  /**
   * The measure as a part of a program over `set`, whose variable at `scaleAt` (-1 for none) multiplies a target. A threshold,
   * where the measure has one, is the last variable.
   */
  part(set: FeasibleSet, scaleAt: number): ScenarioPart {
    const { statistic, target = 0, loss } = this.#measure;
    const hasThreshold = statistic.name === "tail-mean" || statistic.name === "largest";
    const wide = hasThreshold ? widened(set, 1) : set;
    const pieces = [...this.#pieces].sort((a, b) => a.period - b.period);
    const rows = matrix(pieces.length, wide.size);
    const bounds = new Float64Array(pieces.length);
    const periods = new Map<number, number>();
    const owner = new Int32Array(pieces.length);
    pieces.forEach((piece, r) => {
      this.#scenarios.writePiece(piece, rows.data, r * wide.size);
      if (hasThreshold) rows.data[r * wide.size + wide.size - 1] = -1;
      if (loss === "below-target" && target !== 0) {
        if (scaleAt >= 0) rows.data[r * wide.size + scaleAt] = target;
        else bounds[r] = -target;
      }
      if (!periods.has(piece.period)) periods.set(piece.period, periods.size);
      owner[r] = periods.get(piece.period) as number;
    });
    const linear = new Float64Array(wide.size);
    if (hasThreshold) linear[wide.size - 1] = 1;
    if (statistic.name === "largest") {
      // No excess is allowed: plain rows. A drawdown is never below 0.
      const lower = Float64Array.from(wide.lower);
      if (loss === "drawdown") lower[wide.size - 1] = 0;
      const cuts = pieces.map((_, r) => ({
        label: "",
        kind: "<=" as const,
        coefficients: rows.data.slice(r * wide.size, (r + 1) * wide.size),
        bound: bounds[r],
      }));
      return { set: { ...wide, lower, rows: [...wide.rows, ...cuts] }, linear, excesses: null };
    }
    const count = this.#scenarios.periods;
    const share = statistic.name === "tail-mean" ? 1 / ((1 - statistic.level) * count) : 1 / count;
    const square = statistic.name === "mean-square";
    return {
      set: wide,
      linear,
      excesses: {
        matrix: rows,
        bounds,
        owner,
        cost: new Float64Array(periods.size).fill(square ? 0 : share),
        curvature: new Float64Array(periods.size).fill(square ? 2 * share : 0),
      },
    };
  }
}

/** The `count`-th largest value. */
function fromTop(values: Float64Array, count: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, sorted.length - count)];
}
