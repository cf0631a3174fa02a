import { PlatformError, type PriceTable } from "../base/index.ts";
import { didYouMean } from "./sources/nearest.ts";
import type { RowFilter } from "./sources/table-builder.ts";

/**
 * The rows of a table that is already in memory which a filter keeps; files are filtered while they are read.
 *
 * @throws PlatformError `DATA_SYMBOL_UNKNOWN`, `DATA_RANGE_EMPTY`
 */
export function filterPrices(
  table: PriceTable,
  filter: Pick<RowFilter, "symbols" | "from" | "to">,
): PriceTable {
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = filter;
  const wanted =
    filter.symbols && filter.symbols.length > 0 ? filter.symbols.map((symbol) => symbol.trim()) : null;
  const capitals = wanted?.map((symbol) => symbol.toUpperCase());
  const upper = table.symbols.map((symbol) => symbol.toUpperCase());
  for (const symbol of wanted ?? []) {
    if (upper.includes(symbol.toUpperCase())) continue;
    throw new PlatformError(
      "missing",
      "DATA_SYMBOL_UNKNOWN",
      `${table.source}: there is no symbol "${symbol}" among ${table.symbols.length}${didYouMean(symbol, table.symbols)}`,
      { file: table.source, field: "symbols" },
    );
  }
  const keeps = upper.map((symbol) => capitals === undefined || capitals.includes(symbol));
  const rows = Int32Array.from(table.time.keys()).filter(
    // A row without a time is kept, so that the cleaning report can name it.
    (row) => keeps[table.symbol[row]] && !(table.time[row] < from || table.time[row] > to),
  );
  if (rows.length === table.time.length) return table;
  if (rows.length === 0) {
    throw new PlatformError(
      "input",
      "DATA_RANGE_EMPTY",
      `${table.source}: no bar lies between the dates asked for`,
      {
        file: table.source,
      },
    );
  }
  const kept = [...keeps.keys()].filter((id) => keeps[id]);
  const pick = (column: Float64Array) => Float64Array.from(rows, (row) => column[row]);
  const optional = (column: Float64Array | null) => (column === null ? null : pick(column));
  return {
    source: table.source,
    fingerprint: table.fingerprint,
    symbols: kept.map((id) => table.symbols[id]),
    symbol: Int32Array.from(rows, (row) => kept.indexOf(table.symbol[row])),
    time: pick(table.time),
    open: optional(table.open),
    high: optional(table.high),
    low: optional(table.low),
    close: pick(table.close),
    volume: optional(table.volume),
    line: Int32Array.from(rows, (row) => table.line[row]),
  };
}
