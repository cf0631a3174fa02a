import { createHash } from "node:crypto";
import { foldIn, keyFrom, PlatformError, type PriceTable, type UtcMs } from "../../base/index.ts";
import { type CleanBars, cleanMarket, weekdays } from "./bars.ts";
import { defectRates, firstDay, process, sectors, signal } from "./constants.ts";
import { type Bar, type Defect, drawDefects, publishedRows } from "./defects.ts";
import { expectedLogReturn } from "./signal.ts";

export interface SimulatedMarketOptions {
  /** A whole number, 1 unless given; the same seed gives the same bytes. */
  readonly seed?: number;
  /** Number of symbols, 1 to 396. More symbols, or more years, leave the bars of the others as they are. */
  readonly symbols?: number;
  /** Whole years from 2016-01-04, 1 to 50. */
  readonly years?: number;
}

/** A market whose law is known, so that a forecast can be held against the best possible one. */
export interface SimulatedMarket {
  /** The published bars, symbol by symbol in order of time, with defects planted. */
  readonly table: PriceTable;
  /** The same market before the defects. Only a judge may read it: a model sees `table`. */
  readonly clean: PriceTable;
  /** The parameters in plain text. */
  readonly description: string;
  /** How many defects of each kind `table` holds. */
  readonly planted: Readonly<Record<Defect, number>>;
  /**
   * The true mean of the clean log return from the close of the bar at `asOf` to the close `horizonDays` bars later, given
   * everything up to `asOf`. No forecast can have a smaller expected squared error.
   *
   * @param asOf the bar's time as the table gives it (midnight UTC of its day)
   * @returns undefined when there is no such symbol, or no bar at `asOf`
   */
  conditionalMean(symbol: string, asOf: UtcMs, horizonDays: number): number | undefined;
}

/**
 * Simulates daily bars with factors, volatility clusters, fat tails, planted defects and a weak planted signal.
 * The process is written out in `docs/simulated-market.md`.
 *
 * @throws PlatformError `INPUT_INVALID` when an option is not a whole number in its range
 * @example
 * simulatedMarket({ seed: 1, symbols: 5, years: 1 }).table.symbols; // => ["FIN01", "TEC01", "ENE01", "HEA01", "FIN02"]
 * simulatedMarket({ seed: 1, symbols: 1, years: 1 }).conditionalMean("XYZ", 0, 1); // => undefined
 */
export function simulatedMarket(options: SimulatedMarketOptions = {}): SimulatedMarket {
  const { seed = 1, symbols = 20, years = 8 } = options;
  checkWhole("seed", seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  checkWhole("symbols", symbols, 1, 99 * sectors.length);
  checkWhole("years", years, 1, 50);

  const key = keyFrom(seed);
  const days = weekdays(years);
  const bars = cleanMarket(key, symbols, days.length);
  const planted = Object.fromEntries(Object.keys(defectRates).map((defect) => [defect, 0])) as Record<
    Defect,
    number
  >;

  const published = new Rows();
  const clean = new Rows();
  bars.forEach((symbolBars, index) => {
    const defectKey = foldIn(key, `defects ${symbolBars.symbol}`);
    const defects = drawDefects(defectKey, days.length);
    for (let t = 0; t < days.length; t++) {
      const bar = barAt(symbolBars, t);
      clean.add(index, days[t], bar);
      const defect = defects[t];
      if (defect) planted[defect]++;
      for (const row of publishedRows(bar, defect, foldIn(defectKey, t))) published.add(index, days[t], row);
    }
  });

  const names = bars.map((symbolBars) => symbolBars.symbol);
  const stateOf = new Map(bars.map((symbolBars) => [symbolBars.symbol, symbolBars.state]));
  const dayIndex = new Map(Array.from(days, (day, t) => [day, t]));
  return {
    table: published.table("simulated market", names),
    clean: clean.table("simulated market without defects", names),
    description: describe(seed, symbols, days.length, planted),
    planted,
    conditionalMean(symbol, asOf, horizonDays) {
      checkWhole("horizonDays", horizonDays, 1, Number.MAX_SAFE_INTEGER);
      const t = dayIndex.get(asOf);
      const state = t === undefined ? undefined : stateOf.get(symbol)?.[t];
      return state === undefined ? undefined : expectedLogReturn(state, horizonDays);
    },
  };
}

function barAt(bars: CleanBars, t: number): Bar {
  return [bars.open[t], bars.high[t], bars.low[t], bars.close[t], bars.volume[t]];
}

/** Rows under construction; becomes a table with its fingerprint. */
class Rows {
  private readonly symbol: number[] = [];
  private readonly time: number[] = [];
  private readonly values: number[][] = [[], [], [], [], []];

  add(symbol: number, time: UtcMs, bar: Bar): void {
    this.symbol.push(symbol);
    this.time.push(time);
    bar.forEach((value, column) => {
      this.values[column].push(value);
    });
  }

  table(source: string, symbols: readonly string[]): PriceTable {
    const symbol = Int32Array.from(this.symbol);
    const time = Float64Array.from(this.time);
    const [open, high, low, close, volume] = this.values.map((column) => Float64Array.from(column));
    const hash = createHash("sha256").update(JSON.stringify(symbols));
    for (const column of [symbol, time, open, high, low, close, volume]) {
      hash.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
    }
    const line = Int32Array.from(symbol, (_, row) => row + 1);
    return {
      source,
      fingerprint: hash.digest("hex"),
      symbols,
      symbol,
      time,
      open,
      high,
      low,
      close,
      volume,
      line,
    };
  }
}

function describe(
  seed: number,
  symbols: number,
  days: number,
  planted: Readonly<Record<Defect, number>>,
): string {
  const { garch, degrees } = process;
  return [
    `Simulated market, seed ${seed}: ${symbols} symbols, ${days} weekdays of open, high, low, close and volume from ${firstDay}.`,
    `Returns: one market factor, ${sectors.length} sector factors and a residual for each symbol, each GARCH(1,1) with alpha ${garch.alpha}, beta ${garch.beta} and Student-t shocks of ${degrees} degrees of freedom.`,
    `Planted signal: surprises on high volume revert, on thin volume continue; strength ${signal.strength}, daily decay ${signal.decay}.`,
    `Planted defects: ${planted.missingRow} missing rows, ${planted.missingCell} missing cells, ${planted.duplicate} duplicates, ${planted.badTick} bad ticks, ${planted.impossibleBar} impossible bars.`,
    "The whole process is written out in docs/simulated-market.md.",
  ].join("\n");
}

function checkWhole(field: string, value: number, low: number, high: number): void {
  if (Number.isSafeInteger(value) && value >= low && value <= high) return;
  const message = `simulatedMarket: ${field}: expected a whole number from ${low} to ${high}, received ${value}`;
  throw new PlatformError("input", "INPUT_INVALID", message, { field });
}
