/**
 * Series to windows. The rows of all symbols lie one after another in a flat frame, and a window is only the position of its
 * first row: the engine gathers the rows inside the graph, so that overlapping windows cost no memory.
 */
import { invariant, PlatformError, type UtcMs } from "../base/index.ts";
import type { CleanPrices, PriceSeries } from "./clean/prices.ts";

/** Rows of numbers of several symbols, one symbol after the other, each in the order of time. */
export interface Frame {
  readonly names: readonly string[];
  readonly symbols: readonly string[];
  /** Rows of symbol `i` are `offsets[i] .. offsets[i + 1]`. */
  readonly offsets: Int32Array;
  readonly time: Float64Array;
  readonly rows: number;
  readonly features: number;
  /** Row-major `[rows, features]`. */
  readonly values: Float32Array;
}

export type PriceColumn = "open" | "high" | "low" | "close" | "volume";

/** Windows into a frame, in the order of symbols and then of time; all arrays are `[windows]`. */
export interface Windows {
  readonly lookback: number;
  readonly horizon: number;
  /** The first row of each window; it covers `starts[i] .. starts[i] + lookback`. */
  readonly starts: Int32Array;
  /** Index of the symbol. */
  readonly symbol: Int32Array;
  /** Time of the first row. */
  readonly startTime: Float64Array;
  /** Time of the last row: all that the window knows was known then. */
  readonly asOf: Float64Array;
  /** Time of the row `horizon` later, which the label reaches; equal to `asOf` when the horizon is 0. */
  readonly labelTime: Float64Array;
}

/**
 * The chosen columns of all symbols as one frame.
 *
 * @throws PlatformError `DATA_COLUMN_MISSING` when the prices lack a column
 */
export function priceFrame(prices: CleanPrices, names: readonly PriceColumn[]): Frame {
  const offsets = symbolOffsets(prices.series);
  const rows = offsets[offsets.length - 1];
  const features = names.length;
  const values = new Float32Array(rows * features);
  const time = new Float64Array(rows);
  prices.series.forEach((series, index) => {
    time.set(series.time, offsets[index]);
    names.forEach((name, feature) => {
      const column = series[name];
      if (column === null) {
        throw new PlatformError(
          "input",
          "DATA_COLUMN_MISSING",
          `${prices.source}: expected a column "${name}", found none`,
          { file: prices.source, field: name },
        );
      }
      for (
        let row = 0, at = offsets[index] * features + feature;
        row < column.length;
        row++, at += features
      ) {
        values[at] = column[row];
      }
    });
  });
  return { names, symbols: prices.symbols, offsets, time, rows, features, values };
}

/** Where the rows of each symbol begin when all lie one after another, and where the last ones end: `[symbols + 1]`. */
export function symbolOffsets(series: readonly Pick<PriceSeries, "time">[]): Int32Array {
  const offsets = new Int32Array(series.length + 1);
  for (let index = 0; index < series.length; index++)
    offsets[index + 1] = offsets[index] + series[index].time.length;
  return offsets;
}

/**
 * All windows of `lookback` rows whose label, `horizon` rows later, exists as well; none crosses from one symbol to the next.
 * Horizon 0 asks for no label, so that the newest window is there too, to forecast from.
 *
 * @param options `stride` is the distance between the starts of windows, 1 unless given
 * @throws PlatformError `DATA_OPTION_INVALID`; `DATA_TOO_SHORT` when no symbol has `lookback + horizon` rows
 */
export function windowsOf(
  frame: Pick<Frame, "offsets" | "time">,
  options: { readonly lookback: number; readonly horizon: number; readonly stride?: number },
): Windows {
  const { lookback, horizon, stride = 1 } = options;
  requireWhole("lookback", lookback, 1);
  requireWhole("horizon", horizon, 0);
  requireWhole("stride", stride, 1);
  const { offsets, time } = frame;
  const needed = lookback + horizon;
  const counts = Array.from({ length: offsets.length - 1 }, (_, index) => {
    const spare = offsets[index + 1] - offsets[index] - needed;
    return spare < 0 ? 0 : Math.floor(spare / stride) + 1;
  });
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) {
    const longest = counts.reduce((most, _, index) => Math.max(most, offsets[index + 1] - offsets[index]), 0);
    throw new PlatformError(
      "input",
      "DATA_TOO_SHORT",
      `expected at least ${needed} rows of one symbol (lookback ${lookback} + horizon ${horizon}), received ${longest}`,
    );
  }
  const windows: Windows = {
    lookback,
    horizon,
    starts: new Int32Array(total),
    symbol: new Int32Array(total),
    startTime: new Float64Array(total),
    asOf: new Float64Array(total),
    labelTime: new Float64Array(total),
  };
  let at = 0;
  counts.forEach((count, index) => {
    for (let nth = 0; nth < count; nth++, at++) {
      const start = offsets[index] + nth * stride;
      const end = start + lookback - 1;
      windows.starts[at] = start;
      windows.symbol[at] = index;
      windows.startTime[at] = time[start];
      windows.asOf[at] = time[end];
      windows.labelTime[at] = time[end + horizon];
    }
  });
  invariant(at === total, "every window was placed");
  return windows;
}

/** Only the windows at these positions, in this order. */
export function pickWindows(windows: Windows, positions: Int32Array): Windows {
  const pick = (column: Float64Array) => Float64Array.from(positions, (position) => column[position]);
  return {
    lookback: windows.lookback,
    horizon: windows.horizon,
    starts: positions.map((position) => windows.starts[position]),
    symbol: positions.map((position) => windows.symbol[position]),
    startTime: pick(windows.startTime),
    asOf: pick(windows.asOf),
    labelTime: pick(windows.labelTime),
  };
}

/**
 * Copies windows out of a frame: `[windows, lookback, features]`, row-major. For small numbers of windows and for tests;
 * training gathers by `starts` instead.
 *
 * @example
 * gatherWindows({ values: Float32Array.of(1, 2, 3, 4), features: 1 }, { starts: Int32Array.of(0, 1), lookback: 2 }); // => Float32Array.of(1, 2, 2, 3)
 */
export function gatherWindows(
  frame: Pick<Frame, "values" | "features">,
  windows: Pick<Windows, "starts" | "lookback">,
): Float32Array {
  const size = windows.lookback * frame.features;
  const gathered = new Float32Array(windows.starts.length * size);
  for (let index = 0; index < windows.starts.length; index++) {
    const from = windows.starts[index] * frame.features;
    gathered.set(frame.values.subarray(from, from + size), index * size);
  }
  return gathered;
}

/** The time of the newest row of a frame. */
export function newestTime(frame: Pick<Frame, "time">): UtcMs {
  let newest = Number.NEGATIVE_INFINITY;
  for (const time of frame.time) if (time > newest) newest = time;
  return newest;
}

function requireWhole(field: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new PlatformError(
    "input",
    "DATA_OPTION_INVALID",
    `windows: ${field}: expected a whole number of at least ${least}, received ${value}`,
    { field },
  );
}
