import { PlatformError, type PriceTable } from "../../base/index.ts";
import { cleanSeries } from "./clean-series.ts";
import { treatGaps } from "./gaps.ts";
import { type CleanOptions, resolveCleanOptions } from "./options.ts";
import { dropDuplicates, orderRows } from "./order.ts";
import type { CleanPrices, PriceSeries } from "./prices.ts";
import { type CleaningReport, type ReadingFacts, Tally } from "./report.ts";

/** A price table, with what its reader has to tell about it where it came from a file. */
export type TableToClean = PriceTable & { readonly reading?: ReadingFacts };

/**
 * Cleans prices, in this order: rows without a time are dropped; rows are sorted by symbol and time; duplicates are dropped;
 * then bar by bar impossible values are repaired, missing cells filled, outliers and stale closes flagged; at last bars that
 * other symbols have are counted as gaps. `CleanOptions` changes each step, and `docs/data.md` describes them.
 *
 * Whatever the options, except `interpolate`, a bar depends on no row with a later time.
 *
 * @returns the prices, and a report in which every row of the table is kept or dropped for one named reason
 * @throws PlatformError `DATA_OPTION_INVALID`, `DATA_DUPLICATE_CONFLICT` (only with `duplicates: "error"`),
 * `DATA_NOTHING_LEFT`, `DATA_PRICES_CONSTANT` (unless `constant: "flag"`)
 */
export function cleanPrices(
  table: TableToClean,
  options: CleanOptions = {},
): { readonly prices: CleanPrices; readonly report: CleaningReport } {
  const resolved = resolveCleanOptions(options);
  const tally = new Tally(table, resolved.examples);
  const { rows, starts } = orderRows(table, tally);
  const order = table.symbols
    .map((symbol, id) => ({ symbol, id }))
    .sort((a, b) => (a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : 0));
  const cleaned: PriceSeries[] = [];
  for (const { id } of order) {
    const own = rows.subarray(starts[id], starts[id + 1]);
    const unique = own.subarray(0, dropDuplicates(table, own, resolved.duplicates, tally));
    const series = cleanSeries(table, unique, resolved, tally);
    if (series === null) continue;
    if (isConstant(series.close)) tally.constantSymbols.push(series.symbol);
    cleaned.push(series);
  }
  if (cleaned.length === 0) throw nothingLeft(table, tally);
  const bars = cleaned.reduce((sum, { time }) => sum + time.length, 0);
  if (
    resolved.constant === "error" &&
    tally.constantSymbols.length === cleaned.length &&
    bars > cleaned.length
  ) {
    throw constantPrices(table, cleaned[0]);
  }
  const reports = new Map(tally.symbols.map((report) => [report.symbol, report]));
  const series = treatGaps(cleaned, resolved.gaps, reports, tally);
  const { source, fingerprint } = table;
  return {
    prices: { source, fingerprint, symbols: series.map(({ symbol }) => symbol), series },
    report: tally.report(table.reading ?? { notFinite: 0, mixedZones: 0, notes: [] }),
  };
}

/** One bar alone is not constant: it says nothing about change. */
function isConstant(close: Float64Array): boolean {
  return close.length > 1 && close.every((price) => price === close[0]);
}

function nothingLeft(table: PriceTable, tally: Tally): PlatformError {
  const reasons = Object.entries(tally.dropped).filter(([, rows]) => rows > 0);
  const shown = reasons.map(([reason, rows]) => `${reason} ${rows}`).join(", ");
  return new PlatformError(
    "input",
    "DATA_NOTHING_LEFT",
    `${table.source}: expected rows to be left after cleaning, received none of ${table.time.length} (dropped: ${shown || "none"})`,
    { file: table.source },
  );
}

function constantPrices({ source }: PriceTable, { symbol, close }: PriceSeries): PlatformError {
  return new PlatformError(
    "input",
    "DATA_PRICES_CONSTANT",
    `${source}, column "close": expected prices that vary, received ${close[0]} in all ${close.length} rows of ${symbol}`,
    { file: source, field: "close" },
  );
}
