/** Bars that some symbols have and others lack. */
import type { GapOptions } from "./options.ts";
import type { PriceSeries } from "./prices.ts";
import type { SymbolReport, Tally } from "./report.ts";
import { SeriesWriter } from "./series-writer.ts";

/**
 * Counts for each symbol the times between its first and last bar at which another symbol has a bar and the source has none of its
 * own (a bar that cleaning dropped is no gap of the source), and
 * with `fill` makes those bars from the close before: at most `limit` in a row, also after the last bar, because at that
 * time nobody knows that it was the last.
 */
export function treatGaps(
  series: readonly PriceSeries[],
  options: GapOptions,
  reports: ReadonlyMap<string, SymbolReport>,
  tally: Tally,
): readonly PriceSeries[] {
  if (series.every(({ time }) => sameTimes(time, series[0].time))) return series;
  const calendar = unionOf(series.map(({ time }) => time));
  return series.map((one) => {
    const account = reports.get(one.symbol);
    if (account === undefined)
      throw new Error(`broken rule: every series has a report, ${one.symbol} has none`);
    const missing = missingTimes(one, calendar);
    const last = one.time[one.time.length - 1];
    const dropped = new Set(tally.droppedTimes.get(one.symbol));
    for (const time of missing) {
      if (time > last) break;
      if (dropped.has(time)) continue;
      account.gaps++;
      tally.gapExample(one.symbol, time);
    }
    return options.action === "fill" && missing.length > 0
      ? filled(one, missing, options.limit, account)
      : one;
  });
}

function sameTimes(a: Float64Array, b: Float64Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** All times of all symbols, sorted, each once. */
function unionOf(times: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(times.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const one of times) {
    all.set(one, at);
    at += one.length;
  }
  all.sort();
  let count = 0;
  for (const time of all) if (count === 0 || all[count - 1] !== time) all[count++] = time;
  return all.subarray(0, count);
}

/** Times of the calendar after the first bar at which the symbol has none. */
function missingTimes({ time }: PriceSeries, calendar: Float64Array): number[] {
  const missing: number[] = [];
  let own = 0;
  for (const moment of calendar) {
    if (moment < time[0]) continue;
    if (own < time.length && time[own] === moment) own++;
    else missing.push(moment);
  }
  return missing;
}

function filled(
  one: PriceSeries,
  missing: readonly number[],
  limit: number,
  account: SymbolReport,
): PriceSeries {
  const written = new SeriesWriter(one, one.time.length + missing.length);
  let next = 0;
  let made = 0;
  for (let at = 0; at <= one.time.length; at++) {
    const until = at < one.time.length ? one.time[at] : Number.POSITIVE_INFINITY;
    for (; next < missing.length && missing[next] < until; next++) {
      if (made >= limit) continue;
      const price = written.close[written.count - 1];
      written.push(missing[next], { open: price, high: price, low: price, close: price, volume: 0 }, true);
      made++;
      account.rowsAdded++;
    }
    if (at === one.time.length) break;
    made = 0;
    const bar = {
      open: one.open?.[at] ?? 0,
      high: one.high?.[at] ?? 0,
      low: one.low?.[at] ?? 0,
      close: one.close[at],
      volume: one.volume?.[at] ?? 0,
    };
    written.push(one.time[at], bar, one.filled[at] === 1);
  }
  return written.series(one.symbol);
}
