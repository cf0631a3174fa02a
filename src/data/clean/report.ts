/** The account of a cleaning: what was found, what was done, and where each row went. */
import { formatTime, invariant, type PriceTable } from "../../base/index.ts";

export interface CleaningReport {
  readonly source: string;
  readonly fingerprint: string;
  /** Rows of the table (of a wide one: dates times symbols). Always `rowsKept` plus everything under `dropped`. */
  readonly rowsRead: number;
  /** Rows that came from the table; the prices hold `rowsKept + rowsAdded` bars. */
  readonly rowsKept: number;
  /** Bars made to fill gaps. */
  readonly rowsAdded: number;
  /** Rows beyond the first with the same symbol and time: identical ones and conflicting ones. */
  readonly duplicates: number;
  readonly duplicatesIdentical: number;
  readonly duplicatesConflicting: number;
  /** Missing cells, together and by column. */
  readonly missing: number;
  readonly missingCells: Readonly<Record<CellColumn, number>>;
  /** Cells that were infinite or NaN in the source; they are among the missing. */
  readonly notFinite: number;
  readonly outliers: number;
  /** Bars that cannot be: a bar may break several of the rules that `impossibleBy` counts. */
  readonly impossible: number;
  readonly impossibleBy: Readonly<Record<ImpossibleRule, number>>;
  readonly stale: number;
  /** Bars that other symbols have between the first and the last bar of this one, and this one has not. */
  readonly gaps: number;
  /** Rows that came after a later row of the same symbol. */
  readonly unsorted: number;
  /** Times written with another zone than most. */
  readonly mixedZones: number;
  /** Rows without a time that can be read. */
  readonly badTimes: number;
  /** Bars whose volume is exactly zero. */
  readonly zeroVolume: number;
  /** Kept rows with a value that was filled, repaired or winsorised. */
  readonly rowsChanged: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Symbols whose close never changes. */
  readonly constantSymbols: readonly string[];
  readonly symbols: readonly SymbolReport[];
  /** The first few of each kind, in the order of cleaning. */
  readonly examples: readonly CleaningExample[];
  /** What a person should know about how the source was read. */
  readonly notes: readonly string[];
}

export type CellColumn = "open" | "high" | "low" | "close" | "volume";
export type ImpossibleRule =
  | "boundsBroken" // low <= open, close <= high does not hold: any of the next three
  | "highBelowLow"
  | "openOutside"
  | "closeOutside"
  | "priceNotPositive"
  | "volumeNegative"
  | "inFuture"; // later than `CleanOptions.latest`
export type DropReason =
  | "badTime"
  | "duplicateIdentical"
  | "duplicateConflicting"
  | "impossible"
  | "missing"
  | "outlier"
  | "stale";

export interface CleaningExample {
  readonly kind:
    | "badTime"
    | "unsorted"
    | "duplicate"
    | "impossible"
    | "missing"
    | "outlier"
    | "stale"
    | "gap";
  readonly symbol: string;
  /** Line of the source; null for a bar that the source has not. */
  readonly line: number | null;
  /** ISO 8601, or null when the time could not be read. */
  readonly time: string | null;
  readonly detail: string;
}

export interface SymbolReport {
  readonly symbol: string;
  rowsRead: number;
  rowsKept: number;
  rowsAdded: number;
  duplicates: number;
  missing: number;
  outliers: number;
  impossible: number;
  stale: number;
  gaps: number;
}

/** Counts while cleaning runs. */
export class Tally {
  readonly missingCells: Record<CellColumn, number> = { open: 0, high: 0, low: 0, close: 0, volume: 0 };
  readonly impossibleBy: Record<ImpossibleRule, number> = {
    boundsBroken: 0,
    highBelowLow: 0,
    openOutside: 0,
    closeOutside: 0,
    priceNotPositive: 0,
    volumeNegative: 0,
    inFuture: 0,
  };
  readonly dropped: Record<DropReason, number> = {
    badTime: 0,
    duplicateIdentical: 0,
    duplicateConflicting: 0,
    impossible: 0,
    missing: 0,
    outlier: 0,
    stale: 0,
  };
  /** By symbol, the times of bars that were in the source and were dropped; duplicates are not among them. */
  readonly droppedTimes = new Map<string, number[]>();
  unsorted = 0;
  zeroVolume = 0;
  rowsChanged = 0;
  readonly constantSymbols: string[] = [];
  /** One per symbol of the table, in its order. */
  readonly symbols: SymbolReport[];
  readonly #table: PriceTable;
  readonly #examples: CleaningExample[] = [];
  readonly #most: number;
  readonly #shown = new Map<CleaningExample["kind"], number>();

  constructor(table: PriceTable, mostExamples: number) {
    this.#table = table;
    this.#most = mostExamples;
    this.symbols = table.symbols.map((symbol) => ({
      symbol,
      rowsRead: 0,
      rowsKept: 0,
      rowsAdded: 0,
      duplicates: 0,
      missing: 0,
      outliers: 0,
      impossible: 0,
      stale: 0,
      gaps: 0,
    }));
  }

  /** Keeps an example of a row unless there are enough; `detail` is only asked for when it is kept. */
  example(kind: CleaningExample["kind"], row: number, detail: () => string): void {
    const { symbols, symbol, line, time } = this.#table;
    if (this.#room(kind)) {
      const shown = Number.isNaN(time[row]) ? null : formatTime(time[row]);
      this.#examples.push({
        kind,
        symbol: symbols[symbol[row]],
        line: line[row],
        time: shown,
        detail: detail(),
      });
    }
  }

  /** The same for a bar that no row has. */
  gapExample(symbol: string, time: number): void {
    if (this.#room("gap")) {
      const detail = "other symbols have a bar, this one has none";
      this.#examples.push({ kind: "gap", symbol, line: null, time: formatTime(time), detail });
    }
  }

  report(reading: ReadingFacts): CleaningReport {
    const { source, fingerprint, time } = this.#table;
    const sum = (field: Exclude<keyof SymbolReport, "symbol">) =>
      this.symbols.reduce((total, symbol) => total + symbol[field], 0);
    const rowsRead = time.length;
    const rowsKept = sum("rowsKept");
    const droppedRows = Object.values(this.dropped).reduce((total, rows) => total + rows, 0);
    invariant(
      rowsRead === rowsKept + droppedRows,
      "every row that was read is kept or dropped for one reason",
    );
    return {
      source,
      fingerprint,
      rowsRead,
      rowsKept,
      rowsAdded: sum("rowsAdded"),
      duplicates: this.dropped.duplicateIdentical + this.dropped.duplicateConflicting,
      duplicatesIdentical: this.dropped.duplicateIdentical,
      duplicatesConflicting: this.dropped.duplicateConflicting,
      missing: Object.values(this.missingCells).reduce((total, cells) => total + cells, 0),
      missingCells: this.missingCells,
      notFinite: reading.notFinite,
      outliers: sum("outliers"),
      impossible: sum("impossible"),
      impossibleBy: this.impossibleBy,
      stale: sum("stale"),
      gaps: sum("gaps"),
      unsorted: this.unsorted,
      mixedZones: reading.mixedZones,
      badTimes: this.dropped.badTime,
      zeroVolume: this.zeroVolume,
      rowsChanged: this.rowsChanged,
      dropped: this.dropped,
      constantSymbols: this.constantSymbols,
      symbols: [...this.symbols].sort((a, b) => (a.symbol < b.symbol ? -1 : 1)),
      examples: this.#examples,
      notes: reading.notes,
    };
  }

  #room(kind: CleaningExample["kind"]): boolean {
    const shown = this.#shown.get(kind) ?? 0;
    if (shown >= this.#most) return false;
    this.#shown.set(kind, shown + 1);
    return true;
  }
}

/** What the reader of the source has to add to the report. */
export interface ReadingFacts {
  readonly notFinite: number;
  readonly mixedZones: number;
  readonly notes: readonly string[];
}
