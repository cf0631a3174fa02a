import type { UtcMs } from "../../base/index.ts";
import type { SimulatedMarket } from "./market.ts";

export interface TrueMeanSkillOptions {
  /** Only samples with `from <= asOf < to` count. */
  readonly from?: UtcMs;
  readonly to?: UtcMs;
}

export interface TrueMeanSkill {
  /** 1 - mse / mseNaive. NaN when there is no sample. */
  readonly skill: number;
  /** Mean squared error of the true conditional mean. */
  readonly mse: number;
  /** Mean squared error of the forecast that nothing moves: log return 0. */
  readonly mseNaive: number;
  readonly samples: number;
}

/**
 * The skill of the true conditional mean over the zero return on one realisation, on the clean log returns over `horizonDays` bars. No
 * forecast has a smaller expected error; but this is measured on a sample, varies with it, and on a short one a model can pass it by luck.
 */
export function trueMeanSkill(
  market: SimulatedMarket,
  horizonDays: number,
  options: TrueMeanSkillOptions = {},
): TrueMeanSkill {
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = options;
  const { symbols, symbol, time, close } = market.clean;
  let samples = 0;
  let squared = 0;
  let squaredNaive = 0;
  for (let row = 0; row + horizonDays < close.length; row++) {
    // Rows stand symbol by symbol, so the bar `horizonDays` later is that many rows later.
    if (symbol[row + horizonDays] !== symbol[row] || time[row] < from || time[row] >= to) continue;
    const forecast = market.conditionalMean(symbols[symbol[row]], time[row], horizonDays) ?? Number.NaN;
    const outcome = Math.log(close[row + horizonDays] / close[row]);
    squared += (outcome - forecast) ** 2;
    squaredNaive += outcome ** 2;
    samples++;
  }
  const mse = squared / samples;
  const mseNaive = squaredNaive / samples;
  return { skill: 1 - mse / mseNaive, mse, mseNaive, samples };
}
