import { expect, test } from "vitest";
import { dayMs, type PlatformError, type PriceTable } from "../../base/index.ts";
import { cleanPrices } from "./clean-prices.ts";
import type { CleanOptions } from "./options.ts";

const nan = Number.NaN;

interface Row {
  symbol?: string;
  day: number;
  open?: number;
  high?: number;
  low?: number;
  close: number;
  volume?: number;
}

/** A table of daily bars; columns that no row names are absent. */
function tableOf(rows: readonly Row[]): PriceTable {
  const symbols = [...new Set(rows.map((row) => row.symbol ?? "A"))];
  const column = (name: "open" | "high" | "low" | "volume") =>
    rows.some((row) => row[name] !== undefined) ? Float64Array.from(rows, (row) => row[name] ?? nan) : null;
  return {
    source: "t.csv",
    fingerprint: "f",
    symbols,
    symbol: Int32Array.from(rows, (row) => symbols.indexOf(row.symbol ?? "A")),
    time: Float64Array.from(rows, (row) => row.day * dayMs),
    open: column("open"),
    high: column("high"),
    low: column("low"),
    close: Float64Array.from(rows, (row) => row.close),
    volume: column("volume"),
    line: Int32Array.from(rows, (_, index) => index + 2),
  };
}

const closes = (...values: number[]) => tableOf(values.map((close, day) => ({ day, close })));

function clean(table: PriceTable, options: CleanOptions = {}) {
  const { prices, report } = cleanPrices(table, options);
  return { prices, report, first: prices.series[0], close: [...prices.series[0].close] };
}

function failure(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return `${(error as PlatformError).code} ${(error as PlatformError).message}`;
  }
  return "nothing failed";
}

test("sorts rows by symbol and time and counts those that were late", () => {
  const { prices, report } = clean(
    tableOf([
      { symbol: "B", day: 1, close: 3 },
      { symbol: "A", day: 3, close: 2 },
      { symbol: "A", day: 1, close: 1 },
      { symbol: "B", day: 3, close: 4 },
    ]),
  );
  expect(prices.symbols).toEqual(["A", "B"]);
  expect(prices.series.map((series) => [...series.close])).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(report.unsorted).toBe(1);
  expect(report.examples[0]).toMatchObject({ kind: "unsorted", symbol: "A", line: 4, time: "1970-01-02" });
});

test("turns a table round that begins with the newest row", () => {
  const table = closes(3, 2, 1);
  table.time.reverse();
  const { close, report } = clean(table);
  expect(close).toEqual([1, 2, 3]);
  expect(report.unsorted).toBe(2);
});

test("drops identical rows, and of conflicting ones keeps the one that was chosen", () => {
  const table = closes(1, 2, 2, 3);
  table.time.set([0, dayMs, dayMs, dayMs]);
  expect(clean(table).close).toEqual([1, 3]);
  const { close, report } = clean(table, { duplicates: "first" });
  expect(close).toEqual([1, 2]);
  expect([report.duplicates, report.duplicatesIdentical, report.duplicatesConflicting]).toEqual([2, 1, 1]);
  expect([report.rowsRead, report.rowsKept]).toEqual([4, 2]);
  expect(failure(() => clean(table, { duplicates: "error" }))).toBe(
    "DATA_DUPLICATE_CONFLICT t.csv line 5: expected one row for A at 1970-01-02, received other values on line 3",
  );
});

test("drops rows without a readable time", () => {
  const table = closes(1, 2, 3);
  table.time[1] = nan;
  const { close, report } = clean(table);
  expect(close).toEqual([1, 3]);
  expect([report.badTimes, report.dropped.badTime]).toEqual([1, 1]);
  expect(report.examples[0]).toMatchObject({ kind: "badTime", line: 3, time: null });
});

test("fills a missing close from the close before, up to the limit", () => {
  const { close, first, report } = clean(closes(nan, 1, nan, nan, nan, 2), { missing: { limit: 2 } });
  expect(close).toEqual([1, 1, 1, 2]);
  expect([...first.filled]).toEqual([0, 1, 1, 0]);
  expect([report.missing, report.dropped.missing, report.rowsKept, report.rowsChanged]).toEqual([4, 2, 4, 2]);
});

test("fills by dropping, by the median before, and on the line between neighbours", () => {
  const table = closes(1, 5, 3, nan, 7);
  expect(clean(table, { missing: { method: "drop" } }).close).toEqual([1, 5, 3, 7]);
  expect(clean(table, { missing: { method: "median" } }).close).toEqual([1, 5, 3, 3, 7]);
  expect(clean(table, { missing: { method: "median", window: 2 } }).close).toEqual([1, 5, 3, 4, 7]);
  expect(clean(table, { missing: { method: "interpolate", allowLookahead: true } }).close).toEqual([
    1, 5, 3, 5, 7,
  ]);
  expect(failure(() => clean(table, { missing: { method: "interpolate" } }))).toMatch(
    /^DATA_OPTION_INVALID cleaning: missing\.method: expected a method that uses no later row/,
  );
});

test("fills other missing cells from the bar itself and the bar before", () => {
  const { first, report } = clean(
    tableOf([
      { day: 0, open: 9, high: 11, low: 8, close: 10, volume: 5 },
      { day: 1, open: nan, high: nan, low: nan, close: 12, volume: nan },
      { day: 2, open: nan, high: 9, low: 7, close: 8, volume: 3 },
    ]),
  );
  expect([...(first.open ?? [])]).toEqual([9, 10, 9]); // the close of 12 lies above the high of 9
  expect([...(first.high ?? [])]).toEqual([11, 12, 9]);
  expect([...(first.low ?? [])]).toEqual([8, 10, 7]);
  expect([...(first.volume ?? [])]).toEqual([5, 5, 3]);
  expect(report.missingCells).toEqual({ open: 2, high: 1, low: 1, close: 0, volume: 1 });
});

test("repairs, drops or flags bars that cannot be", () => {
  const table = tableOf([
    { day: 0, open: 2, high: 3, low: 1, close: 2, volume: 1 },
    { day: 1, open: 4, high: 3, low: 1, close: 2, volume: 1 }, // open above high
    { day: 2, open: 2, high: 1, low: 3, close: 2, volume: 1 }, // high below low
    { day: 3, open: 2, high: 3, low: 0, close: 2, volume: -1 }, // price and volume not positive
    { day: 4, open: 1, high: 1, low: 1, close: -1, volume: 0 }, // close not positive, below low
  ]);
  const { first, report } = clean(table, { constant: "flag" });
  expect([...(first.high ?? [])]).toEqual([3, 4, 3, 3, 2]);
  expect([...(first.low ?? [])]).toEqual([1, 1, 1, 2, 2]);
  expect([...first.close]).toEqual([2, 2, 2, 2, 2]);
  expect(report.impossibleBy).toEqual({
    boundsBroken: 3,
    highBelowLow: 1,
    openOutside: 2,
    closeOutside: 2,
    priceNotPositive: 2,
    volumeNegative: 1,
    inFuture: 0,
  });
  expect([report.impossible, report.zeroVolume]).toEqual([4, 1]);
  expect(clean(table, { impossible: "drop", constant: "flag" }).report.dropped.impossible).toBe(4);
  expect(clean(table, { impossible: "flag" }).close).toEqual([2, 2, 2, 2, -1]);
});

test("flags stale closes, or drops them", () => {
  const table = closes(1, 2, 2, 2, 2, 3);
  expect(clean(table, { stale: { closes: 3 } }).report.stale).toBe(2);
  const { close, report } = clean(table, { stale: { closes: 3, action: "drop" } });
  expect(close).toEqual([1, 2, 2, 3]);
  expect(report.dropped.stale).toBe(2);
});

test("counts bars that other symbols have, and fills them on request", () => {
  const table = tableOf([
    ...[0, 1, 2, 3, 4, 5].map((day) => ({ symbol: "A", day, close: day + 1 })),
    { symbol: "B", day: 1, close: 7 },
    { symbol: "B", day: 3, close: 9 },
  ]);
  const { report } = clean(table);
  expect(report.symbols.map(({ gaps }) => gaps)).toEqual([0, 1]);
  const filled = clean(table, { gaps: { action: "fill", limit: 1 } });
  const [, b] = filled.prices.series;
  expect([...b.time].map((time) => time / dayMs)).toEqual([1, 2, 3, 4]);
  expect([...b.close]).toEqual([7, 7, 9, 9]);
  expect([...b.filled]).toEqual([0, 1, 0, 1]);
  expect([filled.report.rowsKept, filled.report.rowsAdded]).toEqual([8, 2]);
});

test("refuses prices that never change, unless only some do not", () => {
  expect(failure(() => clean(closes(5, 5, 5)))).toBe(
    'DATA_PRICES_CONSTANT t.csv, column "close": expected prices that vary, received 5 in all 3 rows of A',
  );
  expect(clean(closes(5, 5, 5), { constant: "flag" }).report.constantSymbols).toEqual(["A"]);
  expect(clean(closes(5)).close).toEqual([5]); // one row alone says nothing about change
});

test("refuses when nothing is left, with the reasons", () => {
  expect(failure(() => clean(closes(nan, nan)))).toBe(
    "DATA_NOTHING_LEFT t.csv: expected rows to be left after cleaning, received none of 2 (dropped: missing 2)",
  );
});

test("names the option that is out of range", () => {
  expect(failure(() => clean(closes(1, 2), { stale: { closes: 1 } }))).toBe(
    "DATA_OPTION_INVALID cleaning: stale.closes: expected a whole number of at least 2, received 1",
  );
});

test("limits the examples of each kind", () => {
  const table = closes(1, nan, nan, nan, 2);
  expect(clean(table, { examples: 2 }).report.examples.map(({ kind, line }) => [kind, line])).toEqual([
    ["missing", 3],
    ["missing", 4],
  ]);
});

test("counts bars that are dropped for a price that cannot be as impossible, not as missing", () => {
  const { report } = cleanPrices(closes(100, -5, 101, 0, 102), { missing: { method: "drop" } });
  expect(report.dropped).toMatchObject({ impossible: 2, missing: 0 });
  expect([report.impossible, report.missing, report.rowsKept]).toEqual([2, 0, 3]);
});

test("takes no bar whose time is still to come, since no repair makes its time known", () => {
  const table = closes(100, 101, 102, 103);
  const { first, report } = clean(table, { latest: 2 * dayMs });
  expect([...first.close]).toEqual([100, 101, 102]);
  expect([report.impossible, report.impossibleBy.inFuture, report.dropped.impossible]).toEqual([1, 1, 1]);
  expect(report.examples[0]).toMatchObject({ line: 5, detail: "close 103, which is still to come" });
  expect(clean(table, { latest: 2 * dayMs, impossible: "flag" }).close).toEqual([100, 101, 102, 103]);
});

test("does not take a bar that it dropped for a gap of the source", () => {
  const table = tableOf([
    ...[100, 101, 102, 101, 103, 250, 102, 101].map((close, day) => ({ symbol: "A", day, close })),
    ...[50, 51, 52, 50, 51, 52, 51].map((close, day) => ({
      symbol: "B",
      day: day < 6 ? day : day + 1,
      close,
    })),
  ]);
  const outliers = { method: "zscore", action: "drop", window: 63, minimumReturns: 3, threshold: 8 } as const;
  const { report } = cleanPrices(table, { outliers });
  expect(report.dropped.outlier).toBe(1);
  expect(report.symbols.map(({ symbol, gaps }) => [symbol, gaps])).toEqual([
    ["A", 0],
    ["B", 1], // day 6, which its source has not
  ]);
});
