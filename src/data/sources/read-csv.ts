/** A CSV price table, long or wide, row by row into a `TableBuilder`. */
import { PlatformError, type PriceFormat } from "../../base/index.ts";
import type { OpenedBytes } from "./bytes.ts";
import { type NumberRole, numberRoles, type Role } from "./column-names.ts";
import { type CsvPlan, firstRows, noRows, planCsv, textRow } from "./csv-plan.ts";
import { type CsvRow, CsvScanner, cellText, detectDelimiter } from "./csv-scanner.ts";
import type { LongLayout, WideLayout } from "./layout.ts";
import { notANumber } from "./not-a-number.ts";
import { markWithout, spelledNumber } from "./number-spelling.ts";
import { classifyCell, parseNumber, shownCell } from "./numbers.ts";
import { textStart } from "./sniff.ts";
import { type PriceFile, type RowFilter, TableBuilder } from "./table-builder.ts";
import { dateWithClock } from "./times.ts";

/** Reads CSV bytes. @throws PlatformError see `readPriceTable` */
export async function readCsv(
  opened: OpenedBytes,
  filter: RowFilter,
  format: PriceFormat,
): Promise<PriceFile> {
  const builder = new TableBuilder(opened.name, filter, format);
  const delimiter = detectDelimiter(opened.head);
  const text = opened.head.subarray(textStart(opened.head));
  const rows = firstRows(text, opened.headIsAll, opened.name, delimiter);
  const plan = rows.length === 0 ? null : planCsv(rows, opened.name, format);
  const reader = new CsvReader(opened.name, builder, format, plan);
  const scanner = new CsvScanner(opened.name, delimiter, (row) => reader.take(row));
  let first = true;
  for await (const chunk of opened.chunks) {
    scanner.push(first ? chunk.subarray(textStart(chunk)) : chunk);
    first = false;
  }
  scanner.end();
  builder.blankLines += scanner.blankLines;
  return reader.finish(opened.fingerprint());
}

interface NumberColumn {
  readonly role: NumberRole;
  readonly column: number;
}

class CsvReader {
  readonly #source: string;
  readonly #builder: TableBuilder;
  readonly #format: PriceFormat;
  #plan: CsvPlan | null;
  #rowsSeen = 0;
  #decimal = 0x2e;
  #takeRow: (row: CsvRow) => void = () => {};
  #finish: (fingerprint: string) => PriceFile = () => {
    throw noRows(this.#source);
  };

  /** @param plan null for a file whose header is longer than what was looked at */
  constructor(source: string, builder: TableBuilder, format: PriceFormat, plan: CsvPlan | null) {
    this.#source = source;
    this.#builder = builder;
    this.#format = format;
    this.#plan = plan;
    if (plan !== null) this.#begin(plan);
  }

  take(row: CsvRow): void {
    if (this.#plan === null) {
      this.#plan = planCsv([textRow(row)], this.#source, this.#format);
      this.#begin(this.#plan);
    }
    if (this.#rowsSeen++ < this.#plan.headerRows) return;
    if (isBlank(row)) {
      this.#builder.blankLines++;
      return;
    }
    if (row.count !== this.#plan.headers.length) this.#checkLength(row, this.#plan.headers.length);
    this.#takeRow(row);
  }

  finish(fingerprint: string): PriceFile {
    return this.#finish(fingerprint);
  }

  #begin(plan: CsvPlan): void {
    if (plan.decimal === ",") this.#decimal = 0x2c;
    if (plan.layout.kind === "long") this.#readLong(plan.layout, plan);
    else this.#readWide(plan.layout, plan);
  }

  #readLong({ columns, ignored }: LongLayout, { headers, notes }: CsvPlan): void {
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
      const isWanted = builder.isWanted(symbol);
      if (isWanted || builder.times.wantsWitnesses) {
        pending.time =
          clock === null ? this.#time(row, time, isWanted) : this.#dateAndClock(row, time, clock, isWanted);
      }
      if (isWanted) this.#readNumbers(row, numbers);
      builder.add();
    };
    const used = (Object.keys(columns) as Role[]).flatMap((role) => {
      const column = columns[role];
      return column === null ? [] : [[role, headers[column].trim()] as const];
    });
    this.#finish = (fingerprint) =>
      builder.finish(fingerprint, new Set(numbers.map(({ role }) => role)), {
        format: "csv",
        layout: "long",
        columns: Object.fromEntries(used),
        ignoredColumns: ignored,
        notes,
      });
  }

  #readWide({ time, assets, ignored }: WideLayout, { headers, notes }: CsvPlan): void {
    const builder = this.#builder;
    const pending = builder.row;
    const present = new Set(
      assets.flatMap(({ columns }) => numberRoles.filter((role) => columns[role] !== undefined)),
    );
    const wanted = assets
      .map(({ symbol, columns }) => ({
        symbol: builder.symbolId(symbol),
        numbers: numberRoles.flatMap((role) => {
          const column = columns[role];
          return column === undefined ? [] : [{ role, column }];
        }),
      }))
      .filter(({ symbol }) => builder.isWanted(symbol));
    builder.rowsPerTime = wanted.length;
    this.#takeRow = (row) => {
      pending.line = row.line;
      pending.time = this.#time(row, time);
      for (const { symbol, numbers } of wanted) {
        pending.symbol = symbol;
        this.#readNumbers(row, numbers);
        builder.add();
      }
    };
    this.#finish = (fingerprint) =>
      builder.finish(fingerprint, present, {
        format: "csv",
        layout: "wide",
        columns: { time: headers[time].trim() },
        ignoredColumns: ignored,
        notes,
      });
  }

  #readNumbers(row: CsvRow, numbers: readonly NumberColumn[]): void {
    const pending = this.#builder.row;
    for (let index = 0; index < numbers.length; index++) {
      const { role, column } = numbers[index];
      const value = this.#number(row, column, role);
      if (role === "adjusted") this.#builder.adjust(value);
      else pending[role] = value;
    }
  }

  /** @param isKept whether the row is one of the table, or only shows in which order day and month stand */
  #time(row: CsvRow, column: number, isKept = true): number {
    if (column >= row.count) return Number.NaN;
    const [start, end] = [row.starts[column], row.ends[column]];
    return this.#builder.times.read(row.bytes, start, end, isKept ? this.#builder.rows : null);
  }

  #dateAndClock(row: CsvRow, date: number, clock: number, isKept: boolean): number {
    if (date >= row.count) return Number.NaN;
    const time = clock < row.count ? cellText(row, clock) : "";
    const text = dateWithClock(cellText(row, date), time);
    return this.#builder.times.readText(text, isKept ? this.#builder.rows : null);
  }

  #number(row: CsvRow, column: number, role: NumberRole): number {
    if (column >= row.count) return Number.NaN;
    const start = row.starts[column];
    const end = row.ends[column];
    if (start === end) return Number.NaN;
    const value = parseNumber(row.bytes, start, end, this.#decimal);
    return Number.isNaN(value) ? this.#otherNumber(row, column, role) : value;
  }

  /** A number that is not written plainly, or NaN for a cell that holds none. */
  #otherNumber(row: CsvRow, column: number, role: NumberRole): number {
    const text = cellText(row, column);
    const kind = classifyCell(text);
    if (kind === "text") {
      const mark = this.#plan?.decimal ?? markWithout(text);
      const value = spelledNumber(text, mark, { units: role === "volume" });
      if (value !== undefined) return value;
      throw notANumber(this.#source, row.line, this.#plan?.headers[column] ?? "", text);
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
