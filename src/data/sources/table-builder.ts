/** Collects rows into the columns of a `PriceTable`, in blocks, so that a column never has to be copied to grow. */
import { PlatformError, type PriceFormat, type PriceTable, type UtcMs } from "../../base/index.ts";
import { didYouMean } from "./nearest.ts";
import { shownCell } from "./numbers.ts";
import { type DateOrder, TimeReader } from "./times.ts";

/** How a source was read: what a cleaning report must tell and a `PriceTable` cannot. */
export interface Reading {
  readonly format: "csv" | "json" | "parquet";
  readonly layout: "long" | "wide";
  /** The header that served for each role. */
  readonly columns: Readonly<Record<string, string>>;
  readonly ignoredColumns: readonly string[];
  /** Rows that `symbols`, `from` or `to` left out. */
  readonly rowsFiltered: number;
  /** Lines without any value. */
  readonly blankLines: number;
  /** Lines with fewer fields than the header; what they lack counts as missing. */
  readonly shortRows: number;
  /** Cells that were infinite or NaN in the source; they count as missing. */
  readonly notFinite: number;
  /** Readable times by the zone they were written with, most frequent first. */
  readonly zones: Readonly<Record<string, number>>;
  /** Times written with another zone than most; all were converted to UTC. */
  readonly mixedZones: number;
  /** How dates like 01/02/2020 were read, or null when there were none. */
  readonly dateOrder: DateOrder | null;
  /** What a person should know about the reading, one sentence each. */
  readonly notes: readonly string[];
}

/** A price table with the account of how it was read. */
export interface PriceFile extends PriceTable {
  readonly reading: Reading;
}

export interface RowFilter {
  /** Keep only these symbols; letter case counts only where two symbols differ in nothing else. */
  readonly symbols?: readonly string[];
  /** Keep rows with `from <= time <= to`. */
  readonly from?: UtcMs;
  readonly to?: UtcMs;
  /** The most rows to hold, 20 million (1.1 GB) unless given. */
  readonly maxRows?: number;
}

const blockRows = 1 << 16;
const columnNames = ["time", "open", "high", "low", "close", "volume"] as const;
type ColumnName = (typeof columnNames)[number];
type Block = Record<ColumnName, Float64Array> & { readonly symbol: Int32Array; readonly line: Int32Array };

/** The row that is about to be added; a reader fills its fields and calls `add`. */
export interface PendingRow extends Record<ColumnName, number> {
  symbol: number;
  line: number;
}

/** What a reader has to tell; its `notes` come first. */
type AboutFile = Pick<Reading, "format" | "layout" | "columns" | "ignoredColumns" | "notes">;

export class TableBuilder {
  readonly times: TimeReader;
  readonly row: PendingRow = {
    symbol: 0,
    line: 0,
    time: Number.NaN,
    open: Number.NaN,
    high: Number.NaN,
    low: Number.NaN,
    close: Number.NaN,
    volume: Number.NaN,
  };
  notFinite = 0;
  shortRows = 0;
  blankLines = 0;
  /** Rows that share one time cell: 1, or the number of assets of a wide table. */
  rowsPerTime = 1;
  readonly #source: string;
  readonly #filter: RowFilter;
  readonly #maxRows: number;
  /** Symbols that were asked for, in capitals, and as they were written. */
  readonly #wanted: ReadonlyMap<string, string> | null;
  readonly #symbols: string[] = [];
  readonly #kept: boolean[] = [];
  readonly #ids = new Map<string, number>();
  readonly #blocks: Block[] = [];
  #block!: Block;
  #at = blockRows;
  #filtered = 0;

  constructor(source: string, filter: RowFilter, format: PriceFormat) {
    this.#source = source;
    this.#filter = filter;
    this.times = new TimeReader(format);
    this.#maxRows = filter.maxRows ?? 20_000_000;
    const wanted = filter.symbols?.map((symbol) => [symbol.trim().toUpperCase(), symbol.trim()] as const);
    this.#wanted = wanted === undefined || wanted.length === 0 ? null : new Map(wanted);
  }

  /** Rows held so far; the next row that `add` keeps gets this number. */
  get rows(): number {
    return Math.max(0, this.#blocks.length - 1) * blockRows + (this.#blocks.length === 0 ? 0 : this.#at);
  }

  /** The number of a symbol, new or known. */
  symbolId(symbol: string): number {
    let id = this.#ids.get(symbol);
    if (id === undefined) {
      id = this.#symbols.push(symbol) - 1;
      this.#ids.set(symbol, id);
      this.#kept.push(this.#wanted === null || this.#wanted.has(symbol.toUpperCase()));
    }
    return id;
  }

  isWanted(symbol: number): boolean {
    return this.#kept[symbol];
  }

  /** Scales the prices of `row` so that its close is the adjusted one; without two closes above 0 it has none. */
  adjust(adjusted: number): void {
    const { row } = this;
    const factor = adjusted > 0 && row.close > 0 ? adjusted / row.close : Number.NaN;
    row.open *= factor;
    row.high *= factor;
    row.low *= factor;
    row.close *= factor;
  }

  /** Adds `row` unless a filter leaves it out, and takes its numbers away, so that the next one has its own. */
  add(): void {
    this.#keep();
    const { row } = this;
    row.open = Number.NaN;
    row.high = Number.NaN;
    row.low = Number.NaN;
    row.close = Number.NaN;
    row.volume = Number.NaN;
  }

  #keep(): void {
    const { row } = this;
    // While dates may still be turned round the time filter has to wait for `finish`.
    if (!this.#kept[row.symbol] || (!this.times.undecided && !this.#inRange(row.time))) {
      this.#filtered++;
      return;
    }
    if (this.#at === blockRows) this.#nextBlock();
    const block = this.#block;
    const at = this.#at++;
    block.symbol[at] = row.symbol;
    block.line[at] = row.line;
    block.time[at] = row.time;
    block.open[at] = row.open;
    block.high[at] = row.high;
    block.low[at] = row.low;
    block.close[at] = row.close;
    block.volume[at] = row.volume;
  }

  /**
   * The table. `present` names the columns that the source had.
   *
   * @throws PlatformError `DATA_EMPTY_FILE`, `DATA_SYMBOL_UNKNOWN`, `DATA_RANGE_EMPTY`, `DATA_TIME_UNREADABLE`, `DATA_DATES_MIXED`
   */
  finish(fingerprint: string, present: ReadonlySet<string>, about: AboutFile): PriceFile {
    this.#checkSymbols();
    const source = this.#source;
    const rows = this.rows;
    if (rows + this.#filtered === 0) {
      throw new PlatformError(
        "input",
        "DATA_EMPTY_FILE",
        `${source}: expected rows below the header, received none`,
        { file: source },
      );
    }
    const line = this.#join("line", Int32Array, rows);
    const time = this.#join("time", Float64Array, rows);
    const dateOrder = this.#rightTimes(time, line);
    if (rows > 0 && time.every(Number.isNaN) && this.#filtered === 0) {
      throw new PlatformError(
        "input",
        "DATA_TIME_UNREADABLE",
        `${source} line ${line[0]}: expected a date or time such as 2024-01-31, 2024-01-31T16:00:00Z, 1/31/2024, 20240131 or seconds since 1970, received ${this.times.firstUnreadable === null ? "only blank cells" : shownCell(this.times.firstUnreadable)} and no row that can be read`,
        { file: source, line: line[0], field: about.columns["time"] ?? "time" },
      );
    }
    const column = (name: ColumnName) => (present.has(name) ? this.#join(name, Float64Array, rows) : null);
    const table = this.#inRangeOnly({
      source,
      fingerprint,
      symbols: this.#symbols,
      symbol: this.#join("symbol", Int32Array, rows),
      time,
      open: column("open"),
      high: column("high"),
      low: column("low"),
      close: this.#join("close", Float64Array, rows),
      volume: column("volume"),
      line,
    });
    if (table.time.length === 0) {
      const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = this.#filter;
      const shown = (bound: number) => (Number.isFinite(bound) ? new Date(bound).toISOString() : "open");
      throw new PlatformError(
        "input",
        "DATA_RANGE_EMPTY",
        `${source}: expected rows between from (${shown(from)}) and to (${shown(to)}), received none`,
        { file: source },
      );
    }
    return { ...withUsedSymbols(table), reading: this.#reading(about, dateOrder) };
  }

  #nextBlock(): void {
    if (this.#blocks.length * blockRows >= this.#maxRows) {
      const shown = this.#maxRows.toLocaleString("en-US");
      throw new PlatformError(
        "input",
        "DATA_TOO_LARGE",
        `${this.#source} line ${this.row.line}: expected at most ${shown} rows, received more; narrow them with symbols, from and to`,
        { file: this.#source, line: this.row.line },
      );
    }
    this.#block = {
      symbol: new Int32Array(blockRows),
      line: new Int32Array(blockRows),
      time: new Float64Array(blockRows),
      open: new Float64Array(blockRows),
      high: new Float64Array(blockRows),
      low: new Float64Array(blockRows),
      close: new Float64Array(blockRows),
      volume: new Float64Array(blockRows),
    };
    this.#blocks.push(this.#block);
    this.#at = 0;
  }

  /** One column of all blocks, which give theirs up. */
  #join<T extends Int32Array | Float64Array>(
    name: keyof Block,
    type: new (rows: number) => T,
    rows: number,
  ): T {
    const joined = new type(rows);
    const none = new type(0);
    this.#blocks.forEach((block, index) => {
      const part = block[name].subarray(0, Math.min(blockRows, rows - index * blockRows));
      joined.set(part, index * blockRows);
      (block as Record<string, Int32Array | Float64Array>)[name] = none;
    });
    return joined;
  }

  #inRange(time: number): boolean {
    const { from, to } = this.#filter;
    // A time that cannot be read is in no range, but it must reach the report.
    return !((from !== undefined && time < from) || (to !== undefined && time > to));
  }

  #rightTimes(time: Float64Array, line: Int32Array): DateOrder | null {
    const found = this.times.dateOrder();
    if (found !== null && found.conflict !== null) {
      const [monthFirst, dayFirst] = found.conflict.map((row) => line[Math.min(row, line.length - 1)]);
      throw new PlatformError(
        "input",
        "DATA_DATES_MIXED",
        `${this.#source} line ${dayFirst}: expected one order of day and month, received month/day on line ${monthFirst} and day/month on line ${dayFirst}`,
        { file: this.#source, line: dayFirst, field: "time" },
      );
    }
    this.times.misread((first, right) => {
      for (let row = first; row < first + this.rowsPerTime; row++) time[row] = right;
    });
    return found && { order: found.order, certain: found.certain };
  }

  #inRangeOnly(table: PriceTable): PriceTable {
    if (!table.time.some((time) => !this.#inRange(time))) return table;
    const rows = Int32Array.from(table.time.keys()).filter((row) => this.#inRange(table.time[row]));
    this.#filtered += table.time.length - rows.length;
    const pick = <T extends Float64Array | Int32Array>(from: T, into: T): T => {
      for (let at = 0; at < rows.length; at++) into[at] = from[rows[at]];
      return into;
    };
    const picked = (column: Float64Array | null) => column && pick(column, new Float64Array(rows.length));
    return {
      ...table,
      symbol: pick(table.symbol, new Int32Array(rows.length)),
      line: pick(table.line, new Int32Array(rows.length)),
      time: pick(table.time, new Float64Array(rows.length)),
      close: pick(table.close, new Float64Array(rows.length)),
      open: picked(table.open),
      high: picked(table.high),
      low: picked(table.low),
      volume: picked(table.volume),
    };
  }

  #checkSymbols(): void {
    if (this.#wanted === null) return;
    const known = new Set(this.#symbols.map((symbol) => symbol.toUpperCase()));
    for (const [capitals, symbol] of this.#wanted) {
      if (known.has(capitals)) continue;
      const some = this.#symbols.slice(0, 8).join(", ");
      throw new PlatformError(
        "missing",
        "DATA_SYMBOL_UNKNOWN",
        `${this.#source}: there is no symbol "${symbol}" among ${this.#symbols.length} (${some}${this.#symbols.length > 8 ? ", ..." : ""})${didYouMean(symbol, this.#symbols)}`,
        { file: this.#source, field: "symbols" },
      );
    }
  }

  #reading(about: AboutFile, dateOrder: DateOrder | null): Reading {
    const zones = this.times.zoneCounts();
    const mixedZones = zones.slice(1).reduce((sum, [, rows]) => sum + rows, 0);
    const notes = [...about.notes];
    if (dateOrder !== null && !dateOrder.certain) {
      notes.push(
        "Every date fits both month/day and day/month; they were read as month/day; format.dateOrder says otherwise.",
      );
    }
    if (mixedZones > 0 && this.times.areDays) {
      notes.push("All times are midnight in the zones that they are written with; they were read as dates.");
    } else if (mixedZones > 0) {
      notes.push(
        `Times are written with ${zones.length} different zones; all were converted to UTC, those without a zone taken as ${this.times.zone}.`,
      );
    }
    if (about.ignoredColumns.length > 0) notes.push(`Columns not used: ${about.ignoredColumns.join(", ")}.`);
    return {
      ...about,
      rowsFiltered: this.#filtered,
      blankLines: this.blankLines,
      shortRows: this.shortRows,
      notFinite: this.notFinite,
      zones: Object.fromEntries(zones),
      mixedZones,
      dateOrder,
      notes,
    };
  }
}

/** The table with only those symbols that have rows. */
function withUsedSymbols(table: PriceTable): PriceTable {
  const used = new Uint8Array(table.symbols.length);
  for (const symbol of table.symbol) used[symbol] = 1;
  if (used.every((flag) => flag === 1)) return table;
  const renumbered = new Int32Array(used.length).fill(-1);
  const symbols = table.symbols.filter((_, index) => used[index] === 1);
  let next = 0;
  for (let index = 0; index < used.length; index++) if (used[index] === 1) renumbered[index] = next++;
  return { ...table, symbols, symbol: table.symbol.map((symbol) => renumbered[symbol]) };
}
