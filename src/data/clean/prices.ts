/** Prices after cleaning. */
export interface CleanPrices {
  readonly source: string;
  /** SHA-256 of the bytes that the prices came from, hexadecimal. */
  readonly fingerprint: string;
  /** Sorted; `series[i]` belongs to `symbols[i]`. */
  readonly symbols: readonly string[];
  readonly series: readonly PriceSeries[];
}

/** The bars of one symbol, `[time]` each; time strictly increases, and every value is a finite number. */
export interface PriceSeries {
  readonly symbol: string;
  /** UTC milliseconds. */
  readonly time: Float64Array;
  readonly open: Float64Array | null;
  readonly high: Float64Array | null;
  readonly low: Float64Array | null;
  readonly close: Float64Array;
  readonly volume: Float64Array | null;
  /** 1 where some value of the bar was made or changed by cleaning, not observed. */
  readonly filled: Uint8Array;
}
