/**
 * Drawdowns, in which many periods count and each may be counted from many peaks: one row for each of both would be tens of
 * thousands. Periods that follow each other fall from the same peak most of the time, so that the losses of a block of them
 * are bounded from below by one row for each answer seen so far: their sum, each counted from its peak at that answer, and in a
 * tail only those above the threshold there; for squares `Σ d² >= (Σ a d)² / Σ a²` with the losses a at that answer (Cauchy and
 * Schwarz). Each row is exact there with its slope, so that the bound meets the measure as answers repeat.
 */
import { dot, type Matrix, matrix } from "../../../base/index.ts";
import { type FeasibleSet, widened } from "../constraints/feasible-set.ts";
import { type ScenarioMeasure, Scenarios, statisticOf } from "./scenario-measures.ts";
import type { PiecePool, ScenarioPart } from "./scenario-pool.ts";

/** A bound of one block: `coefficients w` is at most its loss, or the root of the sum of its squares. */
interface Cut {
  readonly block: number;
  readonly coefficients: Float64Array;
  /** Of a tail, the periods that it counts: so often the threshold is taken off. */
  readonly count: number;
}

/** Blocks of a history: more make each round longer, fewer make more rounds. A tail is in few of them. */
const mostBlocks = 60;
const mostBlocksOfTails = 200;

export class BlockCuts implements PiecePool {
  readonly #scenarios: Scenarios;
  readonly #measure: ScenarioMeasure;
  readonly #blockLength: number;
  readonly #blocks: number;
  readonly #cuts: Cut[] = [];

  constructor(returns: Matrix, measure: ScenarioMeasure) {
    this.#scenarios = new Scenarios(returns, measure);
    this.#measure = measure;
    this.#blockLength = Math.ceil(
      returns.columns / (measure.statistic.name === "tail-mean" ? mostBlocksOfTails : mostBlocks),
    );
    this.#blocks = Math.ceil(returns.columns / this.#blockLength);
  }

  get size(): number {
    return this.#cuts.length;
  }

  value(weights: Float64Array): number {
    return statisticOf(this.#scenarios.losses(weights).losses, this.#measure.statistic);
  }

  add(weights: Float64Array): number {
    const { statistic } = this.#measure;
    const { losses, peaks } = this.#scenarios.losses(weights);
    if (statistic.name !== "tail-mean") return this.#addAbove(0, weights, losses, peaks, false);
    const sorted = Float64Array.from(losses).sort();
    const threshold = sorted[Math.max(0, Math.ceil(statistic.level * losses.length) - 1)];
    // With the losses at the threshold and without them, so that no other threshold seems better.
    return [true, false].reduce(
      (added, border) => added + this.#addAbove(threshold, weights, losses, peaks, border),
      0,
    );
  }

  /** A row for each block whose loss above a threshold has none that is exact at these weights. */
  #addAbove(
    threshold: number,
    weights: Float64Array,
    losses: Float64Array,
    peaks: Int32Array,
    border: boolean,
  ): number {
    const { name } = this.#measure.statistic;
    const square = name === "mean-square";
    const counted = (t: number) => losses[t] > threshold || (border && losses[t] === threshold);
    const ofBlock = Array.from({ length: this.#blocks }, () => ({ total: 0, count: 0, exact: false }));
    for (let t = 0; t < losses.length; t++) {
      if (!counted(t)) continue;
      const block = ofBlock[Math.floor(t / this.#blockLength)];
      const above = losses[t] - threshold;
      block.total += square ? above * above : above;
      block.count++;
    }
    if (square) for (const block of ofBlock) block.total = Math.sqrt(block.total);
    for (const { block, coefficients, count } of this.#cuts) {
      const { total, count: wanted } = ofBlock[block];
      if (name === "tail-mean" && count !== wanted) continue;
      const value = dot(coefficients, weights) - count * threshold;
      if (value >= total * (1 - 1e-12) - 1e-15) ofBlock[block].exact = true;
    }
    let added = 0;
    ofBlock.forEach(({ total, count, exact }, block) => {
      if (count === 0 || exact || (total === 0 && name !== "tail-mean")) return;
      const coefficients = new Float64Array(weights.length);
      const end = Math.min(losses.length, (block + 1) * this.#blockLength);
      for (let t = block * this.#blockLength; t < end; t++)
        if (counted(t))
          this.#scenarios.addPiece(
            { period: t, peak: peaks[t] },
            square ? losses[t] / total : 1,
            coefficients,
          );
      this.#cuts.push({ block, coefficients, count: name === "tail-mean" ? count : 0 });
      added++;
    });
    return added;
  }

  part(set: FeasibleSet): ScenarioPart {
    const cuts = [...this.#cuts].sort((a, b) => a.block - b.block);
    const { statistic } = this.#measure;
    const hasThreshold = statistic.name === "tail-mean";
    const wide = hasThreshold ? widened(set, 1) : set;
    const lower = Float64Array.from(wide.lower);
    if (hasThreshold) lower[wide.size - 1] = 0; // no drawdown is below it
    const rows = matrix(cuts.length, wide.size);
    const owner = new Int32Array(cuts.length);
    let owners = 0;
    cuts.forEach(({ block, coefficients, count }, r) => {
      rows.data.set(coefficients, r * wide.size);
      if (hasThreshold) rows.data[(r + 1) * wide.size - 1] = -count;
      if (r > 0 && cuts[r - 1].block !== block) owners++;
      owner[r] = owners;
    });
    if (cuts.length > 0) owners++;
    const linear = new Float64Array(wide.size);
    if (hasThreshold) linear[wide.size - 1] = 1;
    const { periods } = this.#scenarios;
    const share = 1 / (statistic.name === "tail-mean" ? (1 - statistic.level) * periods : periods);
    const square = statistic.name === "mean-square";
    return {
      set: { ...wide, lower },
      linear,
      excesses: {
        matrix: rows,
        bounds: new Float64Array(cuts.length),
        owner,
        cost: new Float64Array(owners).fill(square ? 0 : share),
        curvature: new Float64Array(owners).fill(square ? 2 * share : 0),
      },
    };
  }
}
