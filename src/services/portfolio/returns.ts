/** Simple returns of a panel of prices, with and without the periods in which some asset has none. */
import { type Matrix, matrix, PlatformError } from "../../base/index.ts";
import type { PricePanel } from "./prices.ts";

export interface ReturnPanel {
  readonly assets: readonly string[];
  /** The end of each period, UTC milliseconds, `[periods]`. */
  readonly times: Float64Array;
  /** Simple returns `[assets, periods]`; NaN where an asset has none. */
  readonly returns: Matrix;
  /** Of the prices and of the returns. */
  readonly warnings: readonly string[];
}

/** `p[t] / p[t - 1] - 1` of each asset. A period in which no asset has a return is left out. */
export function simpleReturns({ assets, times, prices, warnings }: PricePanel): ReturnPanel {
  const dates = times.length;
  const out = matrix(assets.length, dates - 1);
  for (let i = 0; i < assets.length; i++) {
    const from = i * dates;
    const to = i * (dates - 1);
    for (let t = 1; t < dates; t++)
      out.data[to + t - 1] = prices.data[from + t] / prices.data[from + t - 1] - 1;
  }
  return { assets, times: times.slice(1), returns: out, warnings };
}

/** A panel of returns that a caller has already, `[assets, periods]`; the periods are numbered when no times are given. */
export function returnPanel(assets: readonly string[], returns: Matrix, times?: Float64Array): ReturnPanel {
  return {
    assets,
    returns,
    times: times ?? Float64Array.from({ length: returns.columns }, (_, period) => period),
    warnings: [],
  };
}

/** The periods in which every asset has a return. */
export function completePeriods({ returns: { rows, columns, data } }: ReturnPanel): Int32Array {
  const bad = new Uint8Array(columns);
  for (let i = 0; i < rows; i++) {
    const at = i * columns;
    for (let t = 0; t < columns; t++) if (Number.isNaN(data[at + t])) bad[t] = 1;
  }
  const out = new Int32Array(columns - bad.reduce((sum, one) => sum + one, 0));
  for (let t = 0, count = 0; t < columns; t++) if (bad[t] === 0) out[count++] = t;
  return out;
}

/**
 * The same returns on the periods in which every asset has one: the scenarios of CVaR, drawdowns and other measures of a
 * whole portfolio. Nothing is copied when no value is missing.
 *
 * @throws PlatformError `PORTFOLIO_TOO_SHORT` when there are fewer than two such periods
 */
export function completeReturns(panel: ReturnPanel): ReturnPanel {
  const { assets, returns } = panel;
  const periods = completePeriods(panel);
  if (periods.length < 2)
    throw new PlatformError(
      "input",
      "PORTFOLIO_TOO_SHORT",
      `expected at least 2 periods in which all ${assets.length} assets have a return, received ${periods.length}; leave out the assets with the shortest history`,
    );
  if (periods.length === returns.columns) return panel;
  const out = matrix(assets.length, periods.length);
  for (let i = 0; i < assets.length; i++) {
    const from = i * returns.columns;
    const to = i * periods.length;
    for (let t = 0; t < periods.length; t++) out.data[to + t] = returns.data[from + periods[t]];
  }
  return { ...panel, returns: out, times: Float64Array.from(periods, (t) => panel.times[t]) };
}

/** Whether no return is missing. */
export function isComplete({ returns }: ReturnPanel): boolean {
  const { data } = returns;
  for (let i = 0; i < data.length; i++) if (Number.isNaN(data[i])) return false;
  return true;
}
