import { dayMs } from "../base/index.ts";
import type { CleanPrices } from "./clean/prices.ts";

/**
 * The usual distance between the bars of one symbol, ms: the median, so that weekends and holidays do not count. Of an even number the lower middle. NaN below two bars.
 *
 * @param time UTC milliseconds, ascending
 * @example
 * barInterval(Float64Array.of(0, 86400000, 172800000, 432000000)); // => 86400000
 */
export function barInterval(time: Float64Array): number {
  const distances = Float64Array.from(time.subarray(1), (t, i) => t - time[i]).sort();
  return distances[(distances.length - 1) >> 1] ?? Number.NaN;
}

/** The usual distance between bars, ms, over all symbols: the median of theirs. NaN where none has two bars. */
export function usualInterval(prices: CleanPrices): number {
  const known = prices.series.map(({ time }) => barInterval(time)).filter((interval) => interval > 0);
  return Float64Array.from(known).sort()[(known.length - 1) >> 1] ?? Number.NaN;
}

const units = [
  { ms: 365.25 * dayMs, name: "year" },
  { ms: 30.4375 * dayMs, name: "month" },
  { ms: 7 * dayMs, name: "week" },
  { ms: dayMs, name: "day" },
  { ms: 3_600_000, name: "hour" },
  { ms: 60_000, name: "minute" },
  { ms: 1000, name: "second" },
];

/**
 * A distance of bars in words.
 *
 * @example
 * shownInterval(300000); // => "5 minutes"
 */
export function shownInterval(ms: number): string {
  const unit = units.find((one) => ms >= 0.9 * one.ms);
  if (unit === undefined) return `${ms} ms`;
  const count = Math.round(ms / unit.ms);
  return `${count} ${unit.name}${count === 1 ? "" : "s"}`;
}
