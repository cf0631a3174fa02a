import { type PriceFormat, throwIfAborted } from "../../base/index.ts";
import { type ByteSource, openBytes } from "./bytes.ts";
import { checkedFormat } from "./price-format.ts";
import { readCsv } from "./read-csv.ts";
import { readWithDuckDb } from "./read-duckdb.ts";
import { sniffFormat } from "./sniff.ts";
import type { PriceFile, RowFilter } from "./table-builder.ts";

export interface ReadOptions extends RowFilter {
  /** How the file is written, where it does not say so itself. */
  readonly format?: PriceFormat | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Reads prices from a CSV, CSV.gz, JSON (an array of records, or one record per line) or Parquet file, from standard input
 * (`-`), or from bytes in memory. What the file is follows from its first bytes and not from its name.
 *
 * A long table has one row per bar (`symbol, date, open, high, low, close, volume`; all but date and close may be absent); a
 * wide one has a date column and one column of closes per symbol, and gives one row per date and symbol. Blank, NA, N/A,
 * NaN, null and `-` cells are missing.
 * Files whose symbols stand side by side as whole bars, under two or three lines of headers, are read as yfinance writes them. Rows keep the order of the file. Memory is 56 bytes per row whatever the file's size.
 *
 * @throws PlatformError `DATA_FILE_MISSING`, `DATA_FILE_FORBIDDEN`, `DATA_NOT_A_FILE`, `DATA_READ_FAILED`, `DATA_EMPTY_FILE`,
 * `DATA_NOT_A_TABLE`, `DATA_CORRUPT`, `DATA_COLUMN_MISSING`, `DATA_COLUMN_DUPLICATE`, `DATA_CELL_NOT_NUMBER`,
 * `DATA_ROW_MALFORMED`, `DATA_TIME_UNREADABLE`, `DATA_DATES_MIXED`, `DATA_SYMBOL_UNKNOWN`, `DATA_RANGE_EMPTY`,
 * `DATA_TOO_LARGE`, `DATA_OPTION_INVALID` for a format that cannot be, `INTERRUPTED`
 */
export async function readPriceTable(source: ByteSource, options: ReadOptions = {}): Promise<PriceFile> {
  const { signal, format: said = {}, ...filter } = options;
  const written = checkedFormat(said);
  throwIfAborted(signal, `reading ${source.path}`);
  const opened = await openBytes(source, signal);
  try {
    const format = sniffFormat(opened.head, opened.name);
    return await (format === "csv"
      ? readCsv(opened, filter, written)
      : readWithDuckDb(opened, format, filter, written, signal));
  } finally {
    await opened.close();
  }
}
