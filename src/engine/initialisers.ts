/** Where training starts. Each takes a key, so that the same seed gives the same network. */
import { type Key, normal, PlatformError, uniform } from "../base/index.ts";
import { formatShape, staticSize } from "./shape.ts";
import type { ArrayValue } from "./tensor.ts";

export function filled(shape: readonly number[], value: number): ArrayValue {
  return { shape, data: new Float32Array(staticSize(shape)).fill(value) };
}

/** Uniform in [low, high): an array with its shape, as a parameter begins. `uniform` of `fathom/base` draws plain numbers. */
export function uniformArray(key: Key, shape: readonly number[], low: number, high: number): ArrayValue {
  return { shape, data: Float32Array.from(uniform(key, staticSize(shape), low, high)) };
}

/** Normal with mean 0: an array with its shape, as a parameter begins. `normal` of `fathom/base` draws plain numbers. */
export function normalArray(key: Key, shape: readonly number[], deviation: number): ArrayValue {
  return { shape, data: Float32Array.from(normal(key, staticSize(shape), 0, deviation)) };
}

/** Uniform in ±√(6 / (in + out)), which keeps the variance through tanh and sigmoid layers (Glorot and Bengio 2010). Shape `[out, in]`. */
export function glorotUniform(key: Key, shape: readonly number[]): ArrayValue {
  const [fanOut, fanIn] = fans(shape);
  const bound = Math.sqrt(6 / (fanIn + fanOut));
  return uniformArray(key, shape, -bound, bound);
}

/** Normal with deviation √(2 / in), which keeps the variance through relu layers (He et al. 2015). Shape `[out, in]`. */
export function heNormal(key: Key, shape: readonly number[]): ArrayValue {
  return normalArray(key, shape, Math.sqrt(2 / fans(shape)[1]));
}

/**
 * A matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2014): repeated products neither grow nor
 * shrink, which recurrent weights need. Gram-Schmidt on normal numbers, twice, which is enough for full precision.
 */
export function orthogonal(key: Key, shape: readonly number[]): ArrayValue {
  const [rows, columns] = fans(shape);
  const [count, length] = rows <= columns ? [rows, columns] : [columns, rows];
  const numbers = normal(key, count * length);
  const vectors = Array.from({ length: count }, (_, i) => numbers.subarray(i * length, (i + 1) * length));
  vectors.forEach((vector, i) => {
    for (let pass = 0; pass < 2; pass++) {
      for (const earlier of vectors.slice(0, i)) {
        const overlap = dot(vector, earlier);
        for (let k = 0; k < length; k++) vector[k] -= overlap * earlier[k];
      }
    }
    const norm = Math.sqrt(dot(vector, vector));
    for (let k = 0; k < length; k++) vector[k] /= norm;
  });
  const data = Float32Array.from({ length: rows * columns }, (_, place) => {
    const [row, column] = [Math.floor(place / columns), place % columns];
    return rows <= columns ? vectors[row][column] : vectors[column][row];
  });
  return { shape, data };
}

function fans(shape: readonly number[]): [number, number] {
  if (shape.length < 2) {
    throw new PlatformError(
      "input",
      "MODEL_OPTION_INVALID",
      `initialiser: expected a shape [out, in, ...], received ${formatShape(shape)}`,
    );
  }
  const [fanOut, ...rest] = shape;
  return [fanOut, rest.reduce((a, b) => a * b, 1)];
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}
