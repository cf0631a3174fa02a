/** A CSV price table, long or wide, row by row into a `TableBuilder`. */
import { PlatformError } from "../../base/index.ts";
import type { OpenedBytes } from "./bytes.ts";
import { findLayout, type LongLayout, type Role, type WideLayout } from "./columns.ts";
import { type CsvRow, CsvScanner, cellText, detectDelimiter } from "./csv-scanner.ts";
import { classifyCell, parseNumber, shownCell } from "./numbers.ts";
import { textStart } from "./sniff.ts";
import { type PriceFile, type RowFilter, TableBuilder } from "./table-builder.ts";

const numberRoles = ["open", "high", "low", "close", "volume"] as const;

/** Reads CSV bytes. @throws PlatformError see `readPriceTable` */
export async function readCsv(opened: OpenedBytes, filter: RowFilter): Promise<PriceFile> {
  const builder = new TableBuilder(opened.name, filter);
  const reader = new CsvReader(opened.name, builder);
  const scanner = new CsvScanner(opened.name, detectDelimiter(opened.head), (row) => reader.take(row));
  let first = true;
  for await (const chunk of opened.chunks) {
    scanner.push(first ? chunk.subarray(textStart(chunk)) : chunk);
    first = false;
  }
  scanner.end();
  builder.blankLines += scanner.blankLines;
  return reader.finish(opened.fingerprint());
}

class CsvReader {
  readonly #source: string;
  readonly #builder: TableBuilder;
  #headers: string[] | null = null;
  #takeRow: (row: CsvRow) => void = () => {};
  #finish: (fingerprint: string) => PriceFile = () => {
    throw new PlatformError(
      "input",
      "DATA_EMPTY_FILE",
      `${this.#source}: expected a header and rows, received blank lines only`,
      { file: this.#source },
    );
  };

  constructor(source: string, builder: TableBuilder) {
    this.#source = source;
    this.#builder = builder;
  }

  take(row: CsvRow): void {
    if (this.#headers === null) {
      this.#headers = Array.from({ length: row.count }, (_, index) => cellText(row, index));
      const layout = findLayout(this.#headers, this.#source);
      if (layout.kind === "long") this.#readLong(layout, this.#headers);
      else this.#readWide(layout, this.#headers);
      return;
    }
    if (isBlank(row)) {
      this.#builder.blankLines++;
      return;
    }
    if (row.count !== this.#headers.length) this.#checkLength(row, this.#headers.length);
    this.#takeRow(row);
  }

  finish(fingerprint: string): PriceFile {
    return this.#finish(fingerprint);
  }

  #readLong({ columns, ignored }: LongLayout, headers: readonly string[]): void {
    const builder = this.#builder;
    const pending = builder.row;
    const time = columns.time ?? 0;
    const numbers = numberRoles.flatMap((role) => {
      const column = columns[role];
      return column === null ? [] : [{ role, column }];
    });
    const symbolOf =
      columns.symbol === null ? constantSymbol(builder, this.#source) : symbolReader(builder, columns.symbol);
    const { clock } = columns;
    this.#takeRow = (row) => {
      const symbol = symbolOf(row);
      pending.symbol = symbol;
      pending.line = row.line;
      if (builder.isWanted(symbol)) {
        pending.time = clock === null ? this.#time(row, time) : this.#dateAndClock(row, time, clock);
        for (const { role, column } of numbers) pending[role] = this.#number(row, column);
      }
      builder.add();
    };
    const used = (Object.keys(columns) as Role[]).flatMap((role) => {
      const column = columns[role];
      return column === null ? [] : [[role, headers[column].trim()] as const];
    });
    const present = new Set<string>(numbers.map(({ role }) => role));
    this.#finish = (fingerprint) =>
      builder.finish(fingerprint, present, {
        format: "csv",
        layout: "long",
        columns: Object.fromEntries(used),
        ignoredColumns: ignored,
      });
  }

  #readWide({ time, assets }: WideLayout, headers: readonly string[]): void {
    const builder = this.#builder;
    const pending = builder.row;
    const wanted = assets
      .map(({ column, symbol }) => ({ column, symbol: builder.symbolId(symbol) }))
      .filter(({ symbol }) => builder.isWanted(symbol));
    builder.rowsPerTime = wanted.length;
    this.#takeRow = (row) => {
      pending.line = row.line;
      pending.time = this.#time(row, time);
      for (const { column, symbol } of wanted) {
        pending.symbol = symbol;
        pending.close = this.#number(row, column);
        builder.add();
      }
    };
    this.#finish = (fingerprint) =>
      builder.finish(fingerprint, new Set(["close"]), {
        format: "csv",
        layout: "wide",
        columns: { time: headers[time].trim() },
        ignoredColumns: [],
      });
  }

  #time(row: CsvRow, column: number): number {
    if (column >= row.count) return Number.NaN;
    return this.#builder.times.read(row.bytes, row.starts[column], row.ends[column], this.#builder.rows);
  }

  #dateAndClock(row: CsvRow, date: number, clock: number): number {
    if (date >= row.count) return Number.NaN;
    const time = clock < row.count ? cellText(row, clock).padStart(6, "0") : "";
    const text = `${cellText(row, date)} ${/^\d{6}$/.test(time) ? time.replace(/(..)(..)(..)/, "$1:$2:$3") : time}`;
    return this.#builder.times.readText(text, this.#builder.rows);
  }

  #number(row: CsvRow, column: number): number {
    if (column >= row.count) return Number.NaN;
    const start = row.starts[column];
    const end = row.ends[column];
    if (start === end) return Number.NaN;
    const value = parseNumber(row.bytes, start, end);
    return Number.isNaN(value) ? this.#notNumber(row, column) : value;
  }

  #notNumber(row: CsvRow, column: number): number {
    const text = cellText(row, column);
    const kind = classifyCell(text);
    if (kind === "text") {
      throw notANumber(this.#source, row.line, (this.#headers ?? [])[column] ?? "", text);
    }
    if (kind === "infinite" || /nan/i.test(text)) this.#builder.notFinite++;
    return Number.NaN;
  }

  #checkLength(row: CsvRow, expected: number): void {
    if (row.count < expected) {
      this.#builder.shortRows++;
      return;
    }
    for (let index = expected; index < row.count; index++) {
      const extra = cellText(row, index);
      if (extra === "") continue; // a separator at the end of a line carries nothing
      throw new PlatformError(
        "input",
        "DATA_ROW_MALFORMED",
        `${this.#source} line ${row.line}: expected ${expected} fields as in the header, received ${row.count} (field ${index + 1} is ${shownCell(extra)})`,
        { file: this.#source, line: row.line },
      );
    }
  }
}

/** The error for a text where a number belongs. */
export function notANumber(source: string, line: number, column: string, text: string): PlatformError {
  const thousands = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(text)
    ? " (write it without thousands separators)"
    : "";
  const comma = thousands === "" && /^[+-]?\d+,\d+$/.test(text) ? " (write it with a decimal point)" : "";
  return new PlatformError(
    "input",
    "DATA_CELL_NOT_NUMBER",
    `${source} line ${line}, column "${column.trim()}": expected a number, received ${shownCell(text)}${thousands}${comma}`,
    { file: source, line, field: column.trim() },
  );
}

function isBlank(row: CsvRow): boolean {
  for (let index = 0; index < row.count; index++) {
    for (let at = row.starts[index]; at < row.ends[index]; at++) if (row.bytes[at] > 0x20) return false;
  }
  return true;
}

/** The symbol of a file without a symbol column: its name without folder and extensions. */
export function symbolOfSource(source: string): string {
  const file = source.split(/[\\/]/).pop() ?? source;
  return file.replace(/(\.(csv|tsv|txt|json|jsonl|ndjson|parquet|pq|gz))+$/i, "") || source;
}

function constantSymbol(builder: TableBuilder, source: string): () => number {
  const symbol = builder.symbolId(symbolOfSource(source));
  return () => symbol;
}

/** Reads the symbol of a row. A small cache that compares bytes spares most rows the making of a string. */
function symbolReader(builder: TableBuilder, column: number): (row: CsvRow) => number {
  const slots = 4096;
  const cached: (Buffer | undefined)[] = new Array(slots);
  const ids = new Int32Array(slots);
  const missing = "(no symbol)";
  return (row) => {
    if (column >= row.count) return builder.symbolId(missing);
    const start = row.starts[column];
    const end = row.ends[column];
    let hash = 0;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + row.bytes[at]) | 0;
    const slot = (hash ^ (hash >>> 12)) & (slots - 1);
    const known = cached[slot];
    let same = known !== undefined && known.length === end - start;
    for (let at = start; same && at < end; at++) same = row.bytes[at] === known?.[at - start];
    if (!same) {
      cached[slot] = Buffer.from(row.bytes.subarray(start, end));
      ids[slot] = builder.symbolId(cellText(row, column) || missing);
    }
    return ids[slot];
  };
}
