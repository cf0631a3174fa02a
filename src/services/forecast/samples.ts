/**
 * The samples of a training: the window that a forecast may see, and what came of it. Prices stay one flat frame, symbol behind
 * symbol; a sample is the place of its window, and the graph gathers the rows.
 */

import { PlatformError } from "../../base/index.ts";
import {
  type CleanPrices,
  type Frame,
  type PriceColumn,
  pickWindows,
  priceFrame,
  type Windows,
  windowsOf,
} from "../../data/index.ts";
import { priceColumns, volatilityFloor } from "./features.ts";
import type { Target } from "./schema.ts";

export interface SampleSet {
  /** Raw prices, `[rows, columns]`. */
  readonly frame: Frame;
  readonly columns: readonly PriceColumn[];
  /** Windows of `lookback + 1` bars: the first bar serves only the first return. */
  readonly windows: Windows;
  readonly lookback: number;
  readonly horizons: readonly number[];
  /** `[samples, horizons]`: log return to each horizon, and root mean squared log return up to it; NaN where it is not known yet. */
  readonly logReturn: Float64Array;
  readonly futureVolatility: Float64Array;
  /** Per sample: last close, and root mean squared log return of the window. */
  readonly lastClose: Float64Array;
  readonly windowVolatility: Float64Array;
}

export interface SampleOptions {
  readonly lookback: number;
  readonly horizons: readonly number[];
  /** Columns to read; by default those that every symbol has. */
  readonly columns?: readonly PriceColumn[];
  /** `known`: only samples whose outcomes are known. `latest`: the last sample of each symbol, whose outcomes are not. */
  readonly which: "known" | "latest";
}

/** The columns that all symbols have. Volume counts only where something was traded. */
export function commonColumns(prices: CleanPrices): PriceColumn[] {
  return priceColumns.filter((column) =>
    prices.series.every((series) => {
      const values = series[column];
      return values !== null && (column !== "volume" || values.some((volume) => volume > 0));
    }),
  );
}

/**
 * Cuts samples from clean prices. No window and no outcome crosses from one symbol to the next.
 *
 * @throws PlatformError `DATA_TOO_SHORT` when no symbol has enough bars, `DATA_COLUMN_MISSING` when a column that the model reads
 *   is absent
 */
export function cutSamples(prices: CleanPrices, options: SampleOptions): SampleSet {
  const { lookback, horizons, columns = commonColumns(prices), which } = options;
  const frame = priceFrame(prices, columns);
  const horizon = which === "known" ? Math.max(...horizons) : 0;
  requireLength(
    prices,
    lookback + 1 + horizon,
    horizon > 0 ? `lookback ${lookback} and horizon ${horizon}` : `lookback ${lookback}`,
  );
  const all = windowsOf(frame, { lookback: lookback + 1, horizon });
  const windows = which === "known" ? all : pickWindows(all, lastOfEachSymbol(all));
  const samples = windows.starts.length;
  const set = {
    frame,
    columns,
    windows,
    lookback,
    horizons,
    logReturn: new Float64Array(samples * horizons.length).fill(Number.NaN),
    futureVolatility: new Float64Array(samples * horizons.length).fill(Number.NaN),
    lastClose: new Float64Array(samples),
    windowVolatility: new Float64Array(samples),
  };
  describeSamples(prices, set);
  return set;
}

function requireLength({ source, series }: CleanPrices, bars: number, why: string): void {
  const longest = series.reduce((most, { close }) => Math.max(most, close.length), 0);
  if (longest >= bars) return;
  throw new PlatformError(
    "input",
    "DATA_TOO_SHORT",
    `${source}: expected at least ${bars} bars of one symbol for ${why}, received ${longest}`,
    {
      file: source,
    },
  );
}

function lastOfEachSymbol({ symbol }: Windows): Int32Array {
  return Int32Array.from(symbol.keys()).filter((i) => symbol[i] !== symbol[i + 1]);
}

function describeSamples(prices: CleanPrices, set: SampleSet): void {
  const { frame, windows, lookback, horizons } = set;
  // Per symbol, sums of squared log returns up to each bar, so that the volatility of any stretch is one difference.
  const squares = prices.series.map(({ close }) => {
    const sums = new Float64Array(close.length);
    for (let i = 1; i < close.length; i++) sums[i] = sums[i - 1] + Math.log(close[i] / close[i - 1]) ** 2;
    return sums;
  });
  windows.starts.forEach((start, sample) => {
    const owner = windows.symbol[sample];
    const { close } = prices.series[owner];
    const last = start - frame.offsets[owner] + lookback;
    const volatility = (from: number, to: number) =>
      Math.sqrt(Math.max(0, squares[owner][to] - squares[owner][from]) / (to - from));
    set.lastClose[sample] = close[last];
    set.windowVolatility[sample] = Math.max(volatility(last - lookback, last), volatilityFloor);
    horizons.forEach((horizon, h) => {
      if (last + horizon >= close.length) return;
      set.logReturn[sample * horizons.length + h] = Math.log(close[last + horizon] / close[last]);
      set.futureVolatility[sample * horizons.length + h] = volatility(last, last + horizon);
    });
  });
}

/** What a target is worth for each sample and horizon, `[samples, horizons]`, in the unit that users see. */
export function outcomes(set: SampleSet, target: Target): Float64Array {
  const { horizons, logReturn, futureVolatility, lastClose } = set;
  switch (target) {
    case "log-return":
      return logReturn;
    case "return":
      return logReturn.map((r) => Math.expm1(r));
    case "direction":
      return logReturn.map((r) => (Number.isNaN(r) ? Number.NaN : r > 0 ? 1 : 0));
    case "volatility":
      return futureVolatility;
    case "level":
      return logReturn.map((r, i) => lastClose[Math.floor(i / horizons.length)] * Math.exp(r));
  }
}

/** The rows of some samples of a `[samples, width]` array, behind each other. */
export function pickRows(values: Float64Array, width: number, samples: Int32Array): Float64Array {
  const picked = new Float64Array(samples.length * width);
  samples.forEach((sample, i) => {
    picked.set(values.subarray(sample * width, (sample + 1) * width), i * width);
  });
  return picked;
}
