/** On which periods a portfolio is traded back to its weights. */
import { dayMs } from "../../../base/index.ts";
import type { Range } from "../measures/splits.ts";

export const rebalanceNames = ["test", "period", "week", "month", "quarter", "year"] as const;
/** `test` trades only when weights are found anew; the others also at the first period of each. */
export type Rebalance = (typeof rebalanceNames)[number];

/**
 * The periods of a test part at whose beginning weights are traded: the first one, and those that begin a new week (Monday),
 * month, quarter or year in UTC.
 *
 * @param times the end of each period, UTC milliseconds
 */
export function rebalancingPeriods({ from, to }: Range, times: Float64Array, rebalance: Rebalance): number[] {
  const out: number[] = [];
  for (let t = from; t < to; t++)
    if (t === from || unitOf[rebalance](times[t]) !== unitOf[rebalance](times[t - 1])) out.push(t);
  return out;
}

const monthOf = (time: number) => {
  const date = new Date(time);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
};

const unitOf: Readonly<Record<Rebalance, (time: number) => number>> = {
  test: () => 0,
  period: (time) => time,
  week: (time) => Math.floor((time / dayMs + 3) / 7), // 1970-01-01 was a Thursday
  month: monthOf,
  quarter: (time) => Math.floor(monthOf(time) / 3),
  year: (time) => Math.floor(monthOf(time) / 12),
};
