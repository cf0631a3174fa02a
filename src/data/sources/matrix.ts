import { PlatformError, throwIfAborted } from "../../base/index.ts";
import { type ByteSource, type OpenedBytes, openBytes } from "./bytes.ts";
import { type CsvRow, CsvScanner, cellText, detectDelimiter } from "./csv-scanner.ts";
import { notANumber } from "./not-a-number.ts";
import { classifyCell, parseNumber } from "./numbers.ts";
import { sniffFormat, textStart } from "./sniff.ts";

/** Plain numbers without dates: rows of one length. */
export interface NumberMatrix {
  readonly source: string;
  /** SHA-256 of the source's bytes, hexadecimal. */
  readonly fingerprint: string;
  /** The header, or null when the first line already holds numbers. */
  readonly names: readonly string[] | null;
  readonly rows: number;
  readonly columns: number;
  /** Row-major `[rows, columns]`; NaN where a cell was missing. */
  readonly values: Float64Array;
}

/**
 * Reads a text file that holds nothing but numbers, with or without a header, plain or gzip: benchmark files such as
 * `exchange_rate.txt.gz` come like this.
 *
 * @throws PlatformError as `readPriceTable`; `DATA_ROW_MALFORMED` when rows differ in length
 */
export async function readMatrix(
  source: ByteSource,
  options: { readonly signal?: AbortSignal } = {},
): Promise<NumberMatrix> {
  throwIfAborted(options.signal, `reading ${source.path}`);
  const opened = await openBytes(source, options.signal);
  try {
    return await matrixOf(opened);
  } finally {
    await opened.close();
  }
}

async function matrixOf(opened: OpenedBytes): Promise<NumberMatrix> {
  const format = sniffFormat(opened.head, opened.name);
  if (format !== "csv") {
    throw new PlatformError(
      "input",
      "DATA_NOT_A_TABLE",
      `${opened.name}: expected rows of numbers as text, received ${format}`,
      { file: opened.name },
    );
  }
  let names: string[] | null = null;
  let columns = -1;
  let rows = 0;
  let values = new Float64Array(1 << 12);
  const take = (row: CsvRow): void => {
    if (columns < 0) {
      columns = row.count;
      const header = Array.from({ length: columns }, (_, index) => cellText(row, index));
      if (header.some((text, index) => Number.isNaN(number(row, index)) && classifyCell(text) === "text")) {
        names = header;
        return;
      }
    }
    if (row.count !== columns) {
      throw new PlatformError(
        "input",
        "DATA_ROW_MALFORMED",
        `${opened.name} line ${row.line}: expected ${columns} numbers, received ${row.count}`,
        { file: opened.name, line: row.line },
      );
    }
    if ((rows + 1) * columns > values.length) {
      const grown = new Float64Array(Math.max(values.length * 2, columns));
      grown.set(values);
      values = grown;
    }
    for (let index = 0; index < columns; index++) {
      const value = number(row, index);
      if (Number.isNaN(value)) {
        const text = cellText(row, index);
        const column = names?.[index] ?? `${index + 1}`;
        if (classifyCell(text) === "text") throw notANumber(opened.name, row.line, column, text);
      }
      values[rows * columns + index] = value;
    }
    rows++;
  };
  const scanner = new CsvScanner(opened.name, detectDelimiter(opened.head), take);
  let first = true;
  for await (const chunk of opened.chunks) {
    scanner.push(first ? chunk.subarray(textStart(chunk)) : chunk);
    first = false;
  }
  scanner.end();
  if (rows === 0) {
    throw new PlatformError(
      "input",
      "DATA_EMPTY_FILE",
      `${opened.name}: expected rows of numbers, received none`,
      {
        file: opened.name,
      },
    );
  }
  const fingerprint = opened.fingerprint();
  return { source: opened.name, fingerprint, names, rows, columns, values: values.slice(0, rows * columns) };
}

function number(row: CsvRow, index: number): number {
  return parseNumber(row.bytes, row.starts[index], row.ends[index]);
}
