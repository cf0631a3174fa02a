import { z } from "zod";
import { mean, PlatformError, quantiles, standardDeviation } from "../../base/index.ts";
import { chosenRows, type FitRows } from "../fit-rows.ts";

/** `standard`: mean and population deviation. `minMax`: onto 0 to 1. `robust`: median and interquartile range. */
export type ScalerKind = "standard" | "minMax" | "robust";

/**
 * A fitted affine map of each feature: `y = (x - center) / scale`. Being affine, it can stand inside a model's graph.
 */
export interface Scaler {
  readonly kind: ScalerKind;
  /** `[features]`, in the unit of x. */
  readonly center: Float64Array;
  /** `[features]`, in the unit of x; never 0. */
  readonly scale: Float64Array;
  /** The features that did not vary in the fitted rows (robust: not in their middle half) by 2.2e-15 or more; their scale is 1. */
  readonly constantFeatures: readonly number[];
}

/** A scaler as JSON; its numbers come back bit for bit. */
export interface ScalerJson {
  readonly kind: ScalerKind;
  readonly center: readonly number[];
  readonly scale: readonly number[];
  readonly constantFeatures: readonly number[];
}

export interface FitScalerOptions {
  /** The rows to learn from: the training part. Without it every row is used. */
  readonly fitRows?: FitRows;
  /** Names of the features, for messages. */
  readonly names?: readonly string[];
}

type Matrix = Float64Array | Float32Array;

/** A smaller spread counts as none, as in scikit-learn: dividing by it would blow rounding errors up, or overflow. */
const smallestSpread = 10 * Number.EPSILON;

/**
 * Learns center and scale of each feature from the training rows. Conventions are scikit-learn's: the population
 * deviation, and quartiles with linear interpolation between order statistics.
 *
 * @param x `[rows, features]`, row by row
 * @throws PlatformError `DATA_NOT_FINITE` when a fitted cell is NaN or infinite; `DATA_SHAPE_MISMATCH` when `x` has another
 *   length, or the fitted rows are none or lie outside
 * @example
 * fitScaler("standard", new Float64Array([1, 3, 8]), 3, 1).center[0]; // => 4
 * fitScaler("minMax", new Float64Array([1, 3, 8]), 3, 1).scale[0]; // => 7
 * fitScaler("robust", new Float64Array([1, 3, 8]), 3, 1).scale[0]; // => 3.5
 */
export function fitScaler(
  kind: ScalerKind,
  x: Matrix,
  rows: number,
  features: number,
  options: FitScalerOptions = {},
): Scaler {
  const size = rows * features;
  if (!Number.isSafeInteger(size) || features < 1 || x.length !== size) {
    throw shapeError(`x: expected ${rows} rows of ${features} features, received ${x.length} numbers`);
  }
  const fitRows = chosenRows(rows, options.fitRows);
  const center = new Float64Array(features);
  const scale = new Float64Array(features);
  const constantFeatures: number[] = [];
  const column = new Float64Array(fitRows.length);
  for (let feature = 0; feature < features; feature++) {
    for (let i = 0; i < fitRows.length; i++) {
      const value = x[fitRows[i] * features + feature];
      if (!Number.isFinite(value)) throw cellNotFinite(value, fitRows[i], feature, options.names);
      column[i] = value;
    }
    const fitted = fit[kind](column);
    if (!Number.isFinite(fitted.scale)) {
      throw spreadNotFinite(fitted.scale, feature, options.names);
    }
    center[feature] = fitted.center;
    // A constant column's deviation may be a rounding error instead of 0, so the values themselves decide too.
    const constant = fitted.scale < smallestSpread || column.every((value) => value === column[0]);
    scale[feature] = constant ? 1 : fitted.scale;
    if (constant) constantFeatures.push(feature);
  }
  return { kind, center, scale, constantFeatures };
}

/**
 * `(x - center) / scale`, `[rows, features]`, in a new array of the type of `x`.
 *
 * @throws PlatformError `DATA_NOT_FINITE` with row and feature, for a cell or its scaled value; `DATA_SHAPE_MISMATCH` when `x` does not hold whole rows
 * @example
 * applyScaler(fitScaler("minMax", new Float64Array([1, 3, 8]), 3, 1), new Float64Array([4.5]))[0]; // => 0.5
 */
export function applyScaler<M extends Matrix>(scaler: Scaler, x: M): M {
  return mapCells(scaler, x, (value, center, scale) => (value - center) / scale);
}

/**
 * `y * scale + center`: undoes `applyScaler`.
 *
 * @throws PlatformError as `applyScaler`
 * @example
 * invertScaler(fitScaler("minMax", new Float64Array([1, 3, 8]), 3, 1), new Float64Array([0.5]))[0]; // => 4.5
 */
export function invertScaler<M extends Matrix>(scaler: Scaler, y: M): M {
  return mapCells(scaler, y, (value, center, scale) => value * scale + center);
}

export function scalerToJson(scaler: Scaler): ScalerJson {
  return { ...scaler, center: [...scaler.center], scale: [...scaler.scale] };
}

/** @throws PlatformError `DATA_STATE_INVALID` when a field is missing or does not fit the others */
export function scalerFromJson(json: ScalerJson): Scaler {
  const parsed = scalerSchema.safeParse(json);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    const field = ["scaler", ...path].join(".");
    throw new PlatformError("input", "DATA_STATE_INVALID", `${field}: ${message}`, { field });
  }
  const { kind, center, scale, constantFeatures } = parsed.data;
  return { kind, center: Float64Array.from(center), scale: Float64Array.from(scale), constantFeatures };
}

const scalerSchema = z
  .object({
    kind: z.enum(["standard", "minMax", "robust"]),
    center: z.array(z.number()),
    scale: z.array(z.number().refine((value) => value !== 0, "expected a number other than 0, received 0")),
    constantFeatures: z.array(z.int().nonnegative()),
  })
  .refine(({ center, scale }) => center.length === scale.length, "expected as many centers as scales");

const fit: { readonly [K in ScalerKind]: (column: Float64Array) => { center: number; scale: number } } = {
  standard: (column) => ({ center: mean(column), scale: standardDeviation(column, 0) }),
  minMax: (column) => {
    const [low, high] = quantiles(column, [0, 1]);
    return { center: low, scale: high - low };
  },
  robust: (column) => {
    const [lower, middle, upper] = quantiles(column, [0.25, 0.5, 0.75]);
    return { center: middle, scale: upper - lower };
  },
};

function mapCells<M extends Matrix>(
  scaler: Scaler,
  x: M,
  map: (value: number, center: number, scale: number) => number,
): M {
  const features = scaler.center.length;
  if (x.length % features !== 0) {
    throw shapeError(`x: expected whole rows of ${features} features, received ${x.length} numbers`);
  }
  const out = x.slice() as M;
  for (let i = 0; i < out.length; i++) {
    const feature = i % features;
    if (!Number.isFinite(x[i])) throw cellNotFinite(x[i], Math.floor(i / features), feature);
    out[i] = map(x[i], scaler.center[feature], scaler.scale[feature]);
    if (!Number.isFinite(out[i])) throw resultNotFinite(x[i], Math.floor(i / features), feature);
  }
  return out;
}

function shapeError(message: string): PlatformError {
  return new PlatformError("input", "DATA_SHAPE_MISMATCH", `scaler: ${message}`);
}

function cellNotFinite(value: number, row: number, feature: number, names?: readonly string[]) {
  const field = nameOf(feature, names);
  const message = `scaler: row ${row}, ${field}: expected a finite number, received ${value}`;
  return new PlatformError("input", "DATA_NOT_FINITE", message, { field });
}

function resultNotFinite(value: number, row: number, feature: number) {
  const field = nameOf(feature);
  const message = `scaler: row ${row}, ${field}: expected a number whose scaled value is finite, received ${value}`;
  return new PlatformError("input", "DATA_NOT_FINITE", message, { field });
}

function spreadNotFinite(spread: number, feature: number, names?: readonly string[]) {
  const field = nameOf(feature, names);
  const message = `scaler: ${field}: expected a finite spread, received ${spread}`;
  return new PlatformError("input", "DATA_NOT_FINITE", message, { field });
}

function nameOf(feature: number, names?: readonly string[]): string {
  return names?.[feature] ?? `feature ${feature}`;
}
