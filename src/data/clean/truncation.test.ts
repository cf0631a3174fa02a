/** No value at time t depends on rows after t: cleaning less is the beginning of cleaning more. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { PriceTable } from "../../base/index.ts";
import { gatherWindows, priceFrame, windowsOf } from "../windows.ts";
import { cleanPrices } from "./clean-prices.ts";
import type { CleanOptions } from "./options.ts";
import type { CleanPrices } from "./prices.ts";

const price = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: 90, max: 110, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, 0, -5, 100, 1e6) },
);

const row = fc.record({
  symbol: fc.integer({ min: 0, max: 2 }),
  time: fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 0, max: 40 }) }, fc.constant(Number.NaN)),
  open: price,
  high: price,
  low: price,
  close: price,
  volume: fc.oneof(fc.nat(100), fc.constantFrom(Number.NaN, -1)),
});

const options: fc.Arbitrary<CleanOptions> = fc.record({
  duplicates: fc.constantFrom("first", "last"),
  missing: fc.record({
    method: fc.constantFrom("forwardFill", "drop", "median"),
    limit: fc.nat(3),
    window: fc.integer({ min: 1, max: 5 }),
  }),
  impossible: fc.constantFrom("repair", "drop", "flag"),
  outliers: fc.record({
    method: fc.constantFrom("hampel", "iqr", "zscore", "none"),
    action: fc.constantFrom("flag", "winsorise", "drop"),
    window: fc.integer({ min: 4, max: 8 }),
    minimumReturns: fc.constant(4),
    threshold: fc.constantFrom(1, 3),
  }),
  stale: fc.record({ closes: fc.constantFrom(2, 3), action: fc.constantFrom("flag", "drop") }),
  gaps: fc.record({ action: fc.constantFrom("report", "fill"), limit: fc.nat(3) }),
  constant: fc.constant("flag"),
});

type Row = typeof row extends fc.Arbitrary<infer R> ? R : never;

function tableOf(rows: readonly Row[]): PriceTable {
  const column = (name: keyof Row) => Float64Array.from(rows, (one) => one[name]);
  return {
    source: "t",
    fingerprint: "f",
    symbols: ["B", "C", "A"],
    symbol: Int32Array.from(rows, (one) => one.symbol),
    time: column("time"),
    open: column("open"),
    high: column("high"),
    low: column("low"),
    close: column("close"),
    volume: column("volume"),
    line: Int32Array.from(rows, (_, index) => index + 2),
  };
}

/** Each bar as one text: symbol, time, values. */
function bars(prices: CleanPrices | null, until: number): string[] {
  if (prices === null) return [];
  return prices.series.flatMap(({ symbol, time, open, high, low, close, volume, filled }) =>
    [...time.keys()]
      .filter((at) => time[at] <= until)
      .map((at) =>
        [symbol, time[at], open?.[at], high?.[at], low?.[at], close[at], volume?.[at], filled[at]].join(" "),
      ),
  );
}

/** Each window that is known by `until`, with its numbers. */
function windows(prices: CleanPrices | null, until: number): string[] {
  if (prices === null || !prices.series.some(({ time }) => time.length >= 4)) return [];
  const frame = priceFrame(prices, ["close", "volume"]);
  const found = windowsOf(frame, { lookback: 3, horizon: 1 });
  const gathered = gatherWindows(frame, found);
  return [...found.starts.keys()]
    .filter((at) => found.labelTime[at] <= until)
    .map((at) =>
      [frame.symbols[found.symbol[at]], found.asOf[at], ...gathered.subarray(at * 6, at * 6 + 6)].join(" "),
    );
}

function cleanOrNull(rows: readonly Row[], chosen: CleanOptions): CleanPrices | null {
  try {
    const { prices, report } = cleanPrices(tableOf(rows), chosen);
    const dropped = Object.values(report.dropped).reduce((sum, count) => sum + count, 0);
    expect(report.rowsRead).toBe(report.rowsKept + dropped);
    expect(prices.series.reduce((sum, { time }) => sum + time.length, 0)).toBe(
      report.rowsKept + report.rowsAdded,
    );
    return prices;
  } catch (error) {
    expect(error).toMatchObject({ code: "DATA_NOTHING_LEFT" });
    return null;
  }
}

test("cleans and windows a truncated table to the truncation of the whole, and accounts for every row", () => {
  const rows = fc.array(row, { minLength: 1, maxLength: 90 });
  fc.assert(
    fc.property(rows, options, fc.integer({ min: 0, max: 40 }), (all, chosen, until) => {
      const whole = cleanOrNull(all, chosen);
      const cut = cleanOrNull(
        all.filter(({ time }) => !(time > until)),
        chosen,
      );
      expect(bars(cut, until)).toEqual(bars(whole, until));
      expect(windows(cut, until)).toEqual(windows(whole, until));
    }),
    { numRuns: 400 },
  );
});

test("would notice a step that looks ahead", () => {
  const close = [100, Number.NaN, 120];
  const rows = close.map((value, time) => ({
    symbol: 0,
    time,
    open: value,
    high: value,
    low: value,
    close: value,
    volume: 1,
  }));
  const chosen = { missing: { method: "interpolate", allowLookahead: true } } as const;
  expect(bars(cleanOrNull(rows, chosen), 1)).not.toEqual(
    bars(cleanOrNull(rows.slice(0, 2), { ...chosen, constant: "flag" }), 1),
  );
});
