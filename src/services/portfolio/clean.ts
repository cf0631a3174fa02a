/** Prices cleaned before they become a panel: what cannot be is dropped, and the answer says how much. */
import type { PriceTable, UtcMs } from "../../base/index.ts";
import { cleanPrices } from "../../data/index.ts";

interface TableCleaning {
  /**
   * Whether closes that stand alone are dropped as well: the simulated market's are known to be false, the jumps of real prices are
   * mostly true.
   */
  readonly outliers: "drop" | "flag";
  /** Later bars cannot be. */
  readonly latest?: UtcMs;
}

export function cleanTable(
  table: PriceTable,
  { outliers, latest = Number.POSITIVE_INFINITY }: TableCleaning,
): { readonly table: PriceTable; readonly warnings: readonly string[] } {
  const { prices, report } = cleanPrices(table, {
    duplicates: "last",
    missing: { method: "drop" },
    impossible: "drop",
    latest,
    outliers: { method: "hampel", action: outliers },
  });
  const rows = prices.series.reduce((count, { close }) => count + close.length, 0);
  const symbol = new Int32Array(rows);
  const time = new Float64Array(rows);
  const close = new Float64Array(rows);
  let at = 0;
  prices.series.forEach((series, id) => {
    symbol.fill(id, at, at + series.close.length);
    time.set(series.time, at);
    close.set(series.close, at);
    at += series.close.length;
  });
  const dropped = report.rowsRead - rows;
  const { source, fingerprint } = table;
  return {
    table: {
      source,
      fingerprint,
      symbols: prices.symbols,
      symbol,
      time,
      open: null,
      high: null,
      low: null,
      close,
      volume: null,
      line: new Int32Array(rows),
    },
    warnings:
      dropped > 0
        ? [
            `cleaning dropped ${dropped} of ${report.rowsRead} rows: ${report.duplicates} duplicates, ${report.dropped.impossible} impossible, ${report.dropped.missing} without a price, ${report.dropped.outlier} outliers`,
          ]
        : [],
  };
}
