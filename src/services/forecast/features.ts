/**
 * From raw prices to what a network reads, as tensors, so that the same definition serves training, judging and the exported
 * model: raw bars go into the graph.
 */
import type { PriceColumn } from "../../data/index.ts";
import {
  add,
  at,
  broadcastTo,
  concat,
  div,
  log,
  maximum,
  mean,
  mul,
  reshape,
  slice,
  sqrt,
  square,
  sub,
  type Tensor,
} from "../../engine/index.ts";

/** The columns that a model may read, in the order of the last axis of its input. */
export const priceColumns: readonly PriceColumn[] = ["close", "open", "high", "low", "volume"];

/** Smallest volatility of a window, so that a flat window divides by something. */
export const volatilityFloor = 1e-6;

export interface WindowFeatures {
  /** `[batch, lookback, features]`. */
  readonly features: Tensor;
  /** Root mean squared log return of the window, `[batch, 1]`. */
  readonly volatility: Tensor;
  /** Last close, `[batch, 1]`. */
  readonly lastClose: Tensor;
}

/** Names of the features for a set of columns, in order. */
export function featureNames(columns: readonly PriceColumn[]): string[] {
  return [
    "return / volatility",
    "log volatility of the window",
    ...(hasRange(columns) ? ["log(high / low) / volatility", "log(close / open) / volatility"] : []),
    ...(columns.includes("volume") ? ["log volume against the window's mean"] : []),
  ];
}

/**
 * Features of raw windows. Returns and ranges are in units of the window's own volatility, so that calm and wild times, and
 * symbols of different kinds, look alike to the network.
 *
 * @param prices `[batch, lookback + 1, columns]`, raw; the first bar serves only the first return
 */
export function windowFeatures(prices: Tensor, columns: readonly PriceColumn[]): WindowFeatures {
  const column = (name: PriceColumn) => at(prices, 2, columns.indexOf(name)); // [batch, lookback + 1]
  const current = (x: Tensor) => slice(x, 1, 1);
  const logClose = log(column("close"));
  const returns = sub(slice(logClose, 1, 1), slice(logClose, 1, 0, -1)); // [batch, lookback]
  const volatility = maximum(sqrt(mean(square(returns), 1, { keepDims: true })), volatilityFloor); // [batch, 1]

  const parts = [div(returns, volatility), broadcastTo(log(volatility), returns.shape)];
  if (hasRange(columns)) {
    const [high, low, open, close] = (["high", "low", "open", "close"] as const).map((name) =>
      log(current(column(name))),
    );
    parts.push(div(sub(high, low), volatility), div(sub(close, open), volatility));
  }
  if (columns.includes("volume")) {
    const volume = log(add(current(column("volume")), 1));
    parts.push(sub(volume, mean(volume, 1, { keepDims: true })));
  }
  const stacked = parts.map((part) => reshape(part, [...part.shape, 1]));
  return { features: concat(stacked, 2), volatility, lastClose: slice(column("close"), 1, -1) };
}

/** Affine normalisation of the features, `[features]` each. */
export interface FeatureScaling {
  readonly center: readonly number[];
  readonly scale: readonly number[];
}

/** `(x - center) / scale` over the last axis. */
export function normalize(x: Tensor, center: Tensor, scale: Tensor): Tensor {
  return mul(sub(x, center), div(1, scale));
}

function hasRange(columns: readonly PriceColumn[]): boolean {
  return (["open", "high", "low"] as const).every((name) => columns.includes(name));
}
