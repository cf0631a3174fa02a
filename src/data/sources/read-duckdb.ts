/**
 * Parquet and JSON price tables through DuckDB, which reads them column by column on two threads in bounded memory. Numbers come
 * over as typed arrays; text comes over only for symbols, for times that are text, and for cells that are no numbers.
 */
import { createWriteStream } from "node:fs";
import { copyFile, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBDoubleVector,
  DuckDBInstance,
  type DuckDBVector,
} from "@duckdb/node-api";
import { interrupted, invariant, PlatformError, type PriceFormat } from "../../base/index.ts";
import type { OpenedBytes } from "./bytes.ts";
import { type NumberRole, numberRoles } from "./column-names.ts";
import { findLayout } from "./columns.ts";
import type { Layout } from "./layout.ts";
import { notANumber } from "./not-a-number.ts";
import { markWithout, spelledNumber } from "./number-spelling.ts";
import { classifyCell } from "./numbers.ts";
import { symbolOfSource } from "./read-csv.ts";
import { type PriceFile, type RowFilter, TableBuilder } from "./table-builder.ts";
import { dateWithClock } from "./times.ts";

type Format = "json" | "parquet";

/** Between the date and the clock of a row, which two columns hold. */
const clockMark = "\u0001";

/** A column of the table in SQL. */
interface SqlColumn {
  readonly name: string;
  readonly type: string;
}

/** One number column that is fetched: its values, and the text of those cells that are no numbers. */
interface NumberColumn {
  readonly role: NumberRole;
  readonly header: string;
  /** Set in a wide table. */
  readonly symbol: number | null;
  /** Whether it is the last column of its bar. */
  readonly endsBar: boolean;
}

/** Reads Parquet or JSON. @throws PlatformError see `readPriceTable` */
export async function readWithDuckDb(
  opened: OpenedBytes,
  format: Format,
  filter: RowFilter,
  written: PriceFormat,
  signal?: AbortSignal,
): Promise<PriceFile> {
  const folder = await mkdtemp(join(tmpdir(), "fathom-read-"));
  const instance = await DuckDBInstance.create(":memory:", {
    threads: "2",
    memory_limit: "512MB",
    temp_directory: folder,
    autoinstall_known_extensions: "false",
  });
  const connection = await instance.connect();
  const stop = () => connection.interrupt();
  signal?.addEventListener("abort", stop);
  try {
    const path = await localFile(opened, join(folder, `table.${format}`));
    return await readTable(connection, path, opened, format, filter, written);
  } catch (error) {
    if (signal?.aborted) throw interrupted(`reading ${opened.name}`);
    if (error instanceof PlatformError) throw error;
    const what = error instanceof Error ? error.message : String(error);
    throw new PlatformError(
      "input",
      "DATA_CORRUPT",
      `${opened.name}: expected ${format === "json" ? "JSON records" : "a whole Parquet file"}, received what cannot be read: ${firstSentence(what, pathsIn(folder))}`,
      { file: opened.name, cause: error },
    );
  } finally {
    signal?.removeEventListener("abort", stop);
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Our temporary names, with the quotes and the word that DuckDB puts around them. */
const pathsIn = (folder: string) =>
  new RegExp(`(\\bfile )?["']?${folder.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}[^\\s"']*["']?`, "g");

function firstSentence(message: string, temporaryPath: RegExp): string {
  const line = message.split("\n")[0].replace(/^(Invalid Input|IO) Error: /, "");
  return line
    .replace(temporaryPath, "the file")
    .replace(/\. .*$/, "")
    .replace(/\.$/, "")
    .slice(0, 300);
}

/** A path that DuckDB can open: the file itself under a name without wildcards, or a copy of the stream. */
async function localFile(opened: OpenedBytes, temporary: string): Promise<string> {
  if (opened.plainPath === null) {
    await pipeline(opened.chunks, createWriteStream(temporary, { mode: 0o600 }));
  } else {
    const place = resolve(opened.plainPath);
    await symlink(place, temporary).catch(() => copyFile(place, temporary)); // Windows asks for a right to make links
    for await (const _ of opened.chunks); // the fingerprint needs every byte
  }
  return temporary;
}

async function readTable(
  connection: DuckDBConnection,
  path: string,
  opened: OpenedBytes,
  format: Format,
  filter: RowFilter,
  written: PriceFormat,
): Promise<PriceFile> {
  const columns = await describe(connection, path, format, opened.name);
  const layout = findLayout(
    columns.map((column) => column.name),
    { where: opened.name, file: opened.name, format: written },
  );
  const builder = new TableBuilder(opened.name, filter, written);
  const plan = planQuery(layout, columns, builder, { source: opened.name, format, written });
  const from = format === "parquet" ? `read_parquet(${literal(path)})` : jsonTable(path, columns, plan);
  const result = await connection.stream(`SELECT ${plan.select.join(", ")} FROM ${from}`);
  const reader = new ChunkReader(opened.name, builder, plan, written);
  for (
    let chunk = await result.fetchChunk();
    chunk !== null && chunk.rowCount > 0;
    chunk = await result.fetchChunk()
  ) {
    reader.take(chunk);
  }
  return builder.finish(opened.fingerprint(), new Set(plan.numbers.map(({ role }) => role)), {
    format,
    layout: layout.kind,
    columns: plan.used,
    ignoredColumns: layout.ignored,
    notes: layout.notes,
  });
}

async function describe(
  connection: DuckDBConnection,
  path: string,
  format: Format,
  source: string,
): Promise<SqlColumn[]> {
  const table =
    format === "parquet"
      ? `read_parquet(${literal(path)})`
      : `read_json(${literal(path)}, sample_size = 20480, convert_strings_to_integers = false, dateformat = 'none', timestampformat = 'none')`;
  const rows = (await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${table}`)).getRows();
  // What DuckDB makes of values that are no records, and of none at all: one column of its own.
  if (format === "json" && rows.length === 1 && rows[0][0] === "json") {
    throw new PlatformError(
      "input",
      "DATA_EMPTY_FILE",
      `${source}: expected records such as {"date": "2020-01-31", "close": 10.5}, found none such`,
      { file: source },
    );
  }
  const nested =
    format === "json" ? rows.find(([, type]) => /^STRUCT\(.*\)\[\]$/.test(String(type))) : undefined;
  if (nested !== undefined) {
    throw new PlatformError(
      "input",
      "DATA_NOT_A_TABLE",
      `${source}: expected records such as {"date": "2020-01-31", "close": 10.5}, received an object whose field "${nested[0]}" holds a list of them: give that list alone`,
      { file: source, field: String(nested[0]) },
    );
  }
  return rows.map(([name, type]) => ({
    name: String(name),
    type: format === "json" ? "VARCHAR" : String(type),
  }));
}

/**
 * Every cell as text: DuckDB would stop at the first cell that is not of the type it guessed, without saying which. Cells whose texts
 * have a decimal mark of their own come as JSON, which tells a text from a number.
 */
function jsonTable(path: string, columns: readonly SqlColumn[], { asJson }: QueryPlan): string {
  const types = columns.map(({ name }) => `${literal(name)}: '${asJson.has(name) ? "JSON" : "VARCHAR"}'`);
  return `read_json(${literal(path)}, columns = {${types.join(", ")}})`;
}

interface QueryPlan {
  readonly select: string[];
  readonly timeIsText: boolean;
  /** Whether a clock follows the date, behind `clockMark`. */
  readonly hasClock: boolean;
  /** Columns that are read as JSON. */
  readonly asJson: ReadonlySet<string>;
  /** Whether times are what clocks of some zone show. */
  readonly timeIsLocal: boolean;
  readonly hasSymbol: boolean;
  readonly constantSymbol: number;
  readonly numbers: NumberColumn[];
  readonly used: Record<string, string>;
}

/** The columns of the query: time, then symbol when there is one, then value and text of each number column. */
function planQuery(
  layout: Layout,
  columns: readonly SqlColumn[],
  builder: TableBuilder,
  { source, format, written }: { source: string; format: Format; written: PriceFormat },
): QueryPlan {
  const timeColumn = columns[layout.kind === "long" ? (layout.columns.time ?? 0) : layout.time];
  const clock =
    layout.kind === "long" && layout.columns.clock !== null ? columns[layout.columns.clock] : null;
  const timeIsText = clock !== null || !/^(DATE|TIMESTAMP)/.test(timeColumn.type);
  const select = [
    clock !== null
      ? `concat_ws(${literal(clockMark)}, CAST(${quoted(timeColumn)} AS VARCHAR), CAST(${quoted(clock)} AS VARCHAR))`
      : timeIsText
        ? `CAST(${quoted(timeColumn)} AS VARCHAR)`
        : `CAST(epoch_ms(${quoted(timeColumn)}) AS DOUBLE)`,
  ];
  const used: Record<string, string> = { time: timeColumn.name };
  const numbers: NumberColumn[] = [];
  const symbolColumn =
    layout.kind === "long" && layout.columns.symbol !== null ? columns[layout.columns.symbol] : null;
  if (symbolColumn !== null) {
    select.push(`CAST(${quoted(symbolColumn)} AS VARCHAR)`);
    used["symbol"] = symbolColumn.name;
  }
  const add = (symbol: number | null, of: { readonly [R in NumberRole]?: number | null | undefined }) => {
    const roles = numberRoles.filter((role) => typeof of[role] === "number");
    for (const role of roles) {
      const { name } = columns[of[role] as number];
      numbers.push({ role, header: name, symbol, endsBar: role === roles.at(-1) });
      if (symbol === null) used[role] = name;
    }
  };
  if (layout.kind === "long") add(null, layout.columns);
  else {
    const wanted = layout.assets
      .map((asset) => ({ ...asset, symbol: builder.symbolId(asset.symbol) }))
      .filter(({ symbol }) => builder.isWanted(symbol));
    for (const asset of wanted) add(asset.symbol, asset.columns);
    builder.rowsPerTime = wanted.length;
  }
  const asJson = new Set(
    written.decimal === "," && format === "json" ? numbers.map(({ header }) => header) : [],
  );
  for (const { header } of numbers) {
    const cell = quoted({ name: header });
    const type = columns.find(({ name }) => name === header)?.type ?? "";
    // What is stored as a number is one; a text is one by its decimal mark.
    const isText = asJson.has(header)
      ? `json_type(${cell}) = 'VARCHAR'`
      : written.decimal === "," && type === "VARCHAR"
        ? "true"
        : "false";
    const text = asJson.has(header) ? `(${cell} ->> '$')` : `CAST(${cell} AS VARCHAR)`;
    const value = `CASE WHEN ${isText} THEN NULL ELSE TRY_CAST(${text} AS DOUBLE) END`;
    select.push(value, `CASE WHEN (${value}) IS NULL THEN ${text} END`);
  }
  return {
    select,
    timeIsText,
    hasClock: clock !== null,
    asJson,
    timeIsLocal: clock === null && /^TIMESTAMP(_S|_MS|_NS)?$/.test(timeColumn.type),
    hasSymbol: symbolColumn !== null,
    constantSymbol:
      layout.kind === "long" && symbolColumn === null ? builder.symbolId(symbolOfSource(source)) : -1,
    numbers,
    used,
  };
}

class ChunkReader {
  readonly #source: string;
  readonly #builder: TableBuilder;
  readonly #plan: QueryPlan;
  readonly #written: PriceFormat;
  #rowNumber = 0;

  constructor(source: string, builder: TableBuilder, plan: QueryPlan, written: PriceFormat) {
    this.#written = written;
    this.#source = source;
    this.#builder = builder;
    this.#plan = plan;
  }

  take(chunk: DuckDBDataChunk): void {
    const { timeIsText, hasClock, timeIsLocal, hasSymbol, constantSymbol, numbers } = this.#plan;
    const isLong = hasSymbol || constantSymbol >= 0;
    const builder = this.#builder;
    const pending = builder.row;
    const times = chunk.getColumnVector(0);
    const symbols = hasSymbol ? chunk.getColumnVector(1) : null;
    const offset = hasSymbol ? 2 : 1;
    const values = numbers.map((_, index) => doubles(chunk.getColumnVector(offset + 2 * index)));
    const texts = numbers.map((_, index) => chunk.getColumnVector(offset + 2 * index + 1));
    for (let row = 0; row < chunk.rowCount; row++) {
      pending.line = ++this.#rowNumber;
      if (symbols !== null) pending.symbol = builder.symbolId(String(symbols.getItem(row) ?? "(no symbol)"));
      else if (constantSymbol >= 0) pending.symbol = constantSymbol;
      const kept = !isLong || builder.isWanted(pending.symbol) ? builder.rows : null;
      const time = times.getItem(row);
      if (time === null) pending.time = Number.NaN;
      else if (timeIsText) {
        const [date, clock] = String(time).split(clockMark);
        pending.time = builder.times.readText(hasClock ? dateWithClock(date, clock ?? "") : date, kept);
      } else pending.time = timeIsLocal ? builder.times.fromLocal(Number(time), kept) : Number(time);
      for (let index = 0; index < numbers.length; index++) {
        const column = numbers[index];
        const read = values[index].getItem(row);
        const value =
          read !== null && Number.isFinite(read) ? read : this.#other(texts[index], row, column, read);
        if (column.role === "adjusted") builder.adjust(value);
        else pending[column.role] = value;
        if (column.symbol !== null) pending.symbol = column.symbol;
        if (column.endsBar) builder.add();
      }
    }
  }

  /** A number that is not written plainly, or NaN for a cell that holds none; an error when it holds other text. */
  #other(texts: DuckDBVector, row: number, { role, header }: NumberColumn, value: number | null): number {
    const text = texts.getItem(row);
    if (text === null) {
      if (value !== null) this.#builder.notFinite++;
      return Number.NaN;
    }
    const kind = classifyCell(String(text));
    if (kind === "text") {
      const mark = this.#written.decimal ?? markWithout(String(text));
      const spelled = spelledNumber(String(text), mark, { units: role === "volume" });
      if (spelled !== undefined) return spelled;
      throw notANumber(this.#source, this.#rowNumber, header, String(text));
    }
    if (kind === "infinite") this.#builder.notFinite++;
    return Number.NaN;
  }
}

function doubles(vector: DuckDBVector): DuckDBDoubleVector {
  invariant(vector instanceof DuckDBDoubleVector, "number columns are fetched as doubles");
  return vector;
}

function quoted({ name }: { readonly name: string }): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
