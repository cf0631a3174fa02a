import { PlatformError } from "../../base/index.ts";

type Prices = Float64Array | readonly number[];

/**
 * Log returns `ln(p[t] / p[t-1])`: one number fewer than prices.
 *
 * @param close prices of one symbol in order of time, all above 0
 * @throws PlatformError `DATA_PRICE_NOT_POSITIVE` naming the place of a price that has no logarithm
 * @example
 * logReturns([1, Math.E, Math.E]); // => [1, 0]
 */
export function logReturns(close: Prices): Float64Array {
  return ratios(close, "logReturns", Math.log);
}

/**
 * Simple returns `p[t] / p[t-1] - 1`: one number fewer than prices.
 *
 * @param close prices of one symbol in order of time, all above 0
 * @throws PlatformError `DATA_PRICE_NOT_POSITIVE` naming the place of a price that gives no return
 * @example
 * simpleReturns([100, 125, 93.75]); // => [0.25, -0.25]
 */
export function simpleReturns(close: Prices): Float64Array {
  return ratios(close, "simpleReturns", (ratio) => ratio - 1);
}

/**
 * Prices from log returns: one number more than returns, beginning with `firstPrice`.
 *
 * @example
 * pricesFromLogReturns(100, [Math.LN2, 0]); // => [100, 200, 200]
 */
export function pricesFromLogReturns(firstPrice: number, returns: Prices): Float64Array {
  return accumulate(firstPrice, returns, Math.exp);
}

/**
 * Prices from simple returns: one number more than returns, beginning with `firstPrice`.
 *
 * @example
 * pricesFromSimpleReturns(100, [0.25, -0.2]); // => [100, 125, 100]
 */
export function pricesFromSimpleReturns(firstPrice: number, returns: Prices): Float64Array {
  return accumulate(firstPrice, returns, (simple) => 1 + simple);
}

function ratios(close: Prices, name: string, map: (ratio: number) => number): Float64Array {
  for (let t = 0; t < close.length; t++) {
    if (close[t] > 0 && close[t] < Number.POSITIVE_INFINITY) continue;
    const message = `${name}: price ${t}: expected a finite number above 0, received ${close[t]}`;
    throw new PlatformError("input", "DATA_PRICE_NOT_POSITIVE", message);
  }
  return Float64Array.from({ length: Math.max(0, close.length - 1) }, (_, t) => map(close[t + 1] / close[t]));
}

function accumulate(firstPrice: number, returns: Prices, growth: (value: number) => number): Float64Array {
  const prices = new Float64Array(returns.length + 1);
  prices[0] = firstPrice;
  for (let t = 0; t < returns.length; t++) prices[t + 1] = prices[t] * growth(returns[t]);
  return prices;
}
