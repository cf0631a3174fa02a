/**
 * Parquet and JSON price tables through DuckDB, which reads them column by column on two threads in bounded memory. Numbers come
 * over as typed arrays; text comes over only for symbols, for times that are text, and for cells that are no numbers.
 */
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, symlink } from "node:fs/promises";
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
import { spelledNumber } from "./number-spelling.ts";
import { classifyCell } from "./numbers.ts";
import { symbolOfSource } from "./read-csv.ts";
import { type PriceFile, type RowFilter, TableBuilder } from "./table-builder.ts";

type Format = "json" | "parquet";

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
    await symlink(resolve(opened.plainPath), temporary);
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
  const plan = planQuery(layout, columns, builder, opened.name);
  const from = format === "parquet" ? `read_parquet(${literal(path)})` : jsonTable(path, columns);
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

/** Every cell as text: DuckDB would stop at the first cell that is not of the type it guessed, without saying which. */
function jsonTable(path: string, columns: readonly SqlColumn[]): string {
  const types = columns.map(({ name }) => `${literal(name)}: 'VARCHAR'`);
  return `read_json(${literal(path)}, columns = {${types.join(", ")}})`;
}

interface QueryPlan {
  readonly select: string[];
  readonly timeIsText: boolean;
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
  source: string,
): QueryPlan {
  const timeColumn = columns[layout.kind === "long" ? (layout.columns.time ?? 0) : layout.time];
  const clock =
    layout.kind === "long" && layout.columns.clock !== null ? columns[layout.columns.clock] : null;
  const timeIsText = clock !== null || !/^(DATE|TIMESTAMP)/.test(timeColumn.type);
  const select = [
    clock !== null
      ? `concat_ws(' ', CAST(${quoted(timeColumn)} AS VARCHAR), CAST(${quoted(clock)} AS VARCHAR))`
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
  for (const { header } of numbers) {
    const cell = quoted({ name: header });
    select.push(
      `TRY_CAST(${cell} AS DOUBLE)`,
      `CASE WHEN TRY_CAST(${cell} AS DOUBLE) IS NULL THEN CAST(${cell} AS VARCHAR) END`,
    );
  }
  return {
    select,
    timeIsText,
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
    const { timeIsText, timeIsLocal, hasSymbol, constantSymbol, numbers } = this.#plan;
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
      const time = times.getItem(row);
      if (time === null) pending.time = Number.NaN;
      else if (timeIsText) pending.time = builder.times.readText(String(time), builder.rows);
      else pending.time = timeIsLocal ? builder.times.fromLocal(Number(time)) : Number(time);
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
      const spelled = spelledNumber(String(text), this.#written.decimal, { units: role === "volume" });
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
