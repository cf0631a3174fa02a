/** Prices for tests: random walks with a known seed, and the features of their windows by plain arithmetic. */
import { dayMs, foldIn, keyFrom, normal, uniform } from "../../../base/index.ts";
import type { CleanPrices, PriceColumn, PriceSeries } from "../../../data/index.ts";
import type { SampleSet } from "../samples.ts";

/** 2020-01-01, a Wednesday. */
export const firstDay = Date.UTC(2020, 0, 1);

export interface WalkOptions {
  readonly seed?: number;
  readonly volatility?: number;
  /** `close` alone, or open, high, low, close and volume. */
  readonly columns?: "close" | "bars";
}

/** A random walk of daily bars that starts near 100. */
export function walk(symbol: string, bars: number, options: WalkOptions = {}): PriceSeries {
  const { seed = 1, volatility = 0.01, columns = "bars" } = options;
  const key = foldIn(keyFrom(seed), symbol);
  const steps = normal(foldIn(key, "steps"), bars, 0, volatility);
  const reach = uniform(foldIn(key, "reach"), bars, 0.001, 0.01);
  const close = new Float64Array(bars);
  for (let i = 0; i < bars; i++) close[i] = (i === 0 ? 100 : close[i - 1]) * Math.exp(steps[i]);
  const open = close.map((price, i) => (i === 0 ? price : close[i - 1]));
  const wide = columns === "bars";
  return {
    symbol,
    time: Float64Array.from({ length: bars }, (_, i) => firstDay + i * dayMs),
    open: wide ? open : null,
    high: wide ? close.map((price, i) => Math.max(price, open[i]) * (1 + reach[i])) : null,
    low: wide ? close.map((price, i) => Math.min(price, open[i]) * (1 - reach[i])) : null,
    close,
    volume: wide ? uniform(foldIn(key, "volume"), bars, 1000, 9000).map(Math.round) : null,
    filled: new Uint8Array(bars),
  };
}

/** Several series as one set of prices. */
export function pricesOf(...series: PriceSeries[]): CleanPrices {
  return { source: "test", fingerprint: "0".repeat(64), symbols: series.map(({ symbol }) => symbol), series };
}

/** Series from closes alone. */
export function closes(symbol: string, close: readonly number[]): PriceSeries {
  return { ...walk(symbol, close.length, { columns: "close" }), close: Float64Array.from(close) };
}

/** A series with another value in one column from a bar on. */
export function altered(series: PriceSeries, from: number, factor: (i: number) => number): PriceSeries {
  const change = (values: Float64Array | null) =>
    values?.map((value, i) => (i < from ? value : value * factor(i))) ?? null;
  return {
    ...series,
    open: change(series.open),
    high: change(series.high),
    low: change(series.low),
    close: change(series.close) as Float64Array,
    volume: series.volume,
  };
}

/** The features of a sample as the definitions say, in double precision, `[lookback, features]` row by row. */
export function plainFeatures({ frame, columns, windows, lookback }: SampleSet, sample: number): number[][] {
  const cell = (bar: number, column: PriceColumn) =>
    frame.values[(windows.starts[sample] + bar) * frame.features + columns.indexOf(column)];
  const bars = Array.from({ length: lookback }, (_, i) => i + 1);
  const returns = bars.map((bar) => Math.log(cell(bar, "close") / cell(bar - 1, "close")));
  const volatility = Math.max(
    1e-6,
    Math.sqrt(returns.reduce((total, value) => total + value ** 2, 0) / lookback),
  );
  const volume = bars.map((bar) => (columns.includes("volume") ? Math.log(cell(bar, "volume") + 1) : 0));
  const meanVolume = volume.reduce((a, b) => a + b, 0) / lookback;
  return bars.map((bar, i) => [
    returns[i] / volatility,
    Math.log(volatility),
    ...(columns.includes("high")
      ? [
          Math.log(cell(bar, "high") / cell(bar, "low")) / volatility,
          Math.log(cell(bar, "close") / cell(bar, "open")) / volatility,
        ]
      : []),
    ...(columns.includes("volume") ? [volume[i] - meanVolume] : []),
  ]);
}

/** All samples of a set. */
export function everySample({ windows }: Pick<SampleSet, "windows">): Int32Array {
  return Int32Array.from(windows.starts.keys());
}
