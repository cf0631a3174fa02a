/**
 * The linear model that stands beside every network: ridge regression (Hoerl and Kennard 1970) of the normalised outcome on the
 * same normalised features. Its penalty is chosen on the validation part, so that it is a fair rival.
 */
import { type Key, type ProgressPort, throwIfAborted } from "../../base/index.ts";
import {
  concat,
  constant,
  filled,
  gather,
  input,
  matmul,
  mul,
  parameter,
  type Runtime,
  reshape,
  toOnnx,
  traceGraph,
} from "../../engine/index.ts";
import { featureNames, normalize, windowFeatures } from "./features.ts";
import { Forecaster, type ForecasterSpec, gatherWindows, type Normalisation } from "./forecaster.ts";
import type { SampleSet } from "./samples.ts";

const chunk = 1024;
/** Penalties tried, as shares of the number of samples. */
const penalties = [1e-4, 1e-3, 1e-2, 1e-1, 1, 10];

interface Moments {
  readonly count: number;
  /** `[p, p]` and `[p, horizons]`, with the constant as the last of `p` features. */
  readonly xx: Float64Array;
  readonly xy: Float64Array;
}

export interface LinearBaseline {
  readonly forecaster: Forecaster;
  readonly parameters: Float32Array;
  readonly penalty: number;
}

/** Fits the linear model and returns it as a forecaster like any other. */
export async function fitLinear(
  spec: ForecasterSpec,
  normalisation: Normalisation,
  set: SampleSet,
  parts: { readonly train: Int32Array; readonly validation: Int32Array },
  options: {
    readonly runtime: Runtime;
    readonly key: Key;
    readonly signal?: AbortSignal;
    readonly progress?: ProgressPort;
  },
): Promise<LinearBaseline> {
  const forecaster = new Forecaster(
    { ...spec, network: "linear", sizes: {}, quantiles: [] },
    normalisation,
    options.key,
  );
  const gatherMoments = await momentsOf(forecaster, set, options.runtime, options.signal);
  const train = await gatherMoments(parts.train);
  const validation = await gatherMoments(parts.validation);
  await gatherMoments.release();
  const horizons = set.horizons.length;
  const fits: { penalty: number; weights: Float64Array }[] = [];
  for (const [done, penalty] of penalties.entries()) {
    const report = (share: number) =>
      options.progress?.report({
        stage: "linear",
        done: done + share,
        total: penalties.length,
        unit: "penalties",
      });
    throwIfAborted(options.signal, "linear baseline");
    fits.push({
      penalty,
      weights: await solveRidge(train, horizons, penalty, {
        ...(options.signal ? { signal: options.signal } : {}),
        onProgress: report,
      }),
    });
  }
  const best = fits.reduce((a, b) =>
    explained(validation, horizons, b.weights) > explained(validation, horizons, a.weights) ? b : a,
  );
  return { forecaster, parameters: packLinear(best.weights, horizons), penalty: best.penalty };
}

type MomentsOf = ((samples: Int32Array) => Promise<Moments>) & { release(): Promise<void> };

/** Sums of products over samples, made by matrix products in the worker. */
async function momentsOf(
  forecaster: Forecaster,
  set: SampleSet,
  runtime: Runtime,
  signal?: AbortSignal,
): Promise<MomentsOf> {
  const { columns, lookback, horizons } = forecaster.spec;
  const { center, scale } = forecaster.normalisation.features;
  const data = forecaster.data(set);
  const tensors = Object.fromEntries(
    Object.entries(data).map(([name, { dtype, shape }]) => [name, input(name, shape, dtype)]),
  );
  const weights = input("weights", [chunk, 1]);
  const indices = input("indices", [chunk], "int64");
  const features = normalize(
    windowFeatures(gatherWindows(tensors, indices, lookback), columns).features,
    constant([...center]),
    constant([...scale]),
  );
  const width = lookback * featureNames(columns).length;
  const x = concat([reshape(features, [chunk, width]), parameter(filled([chunk, 1], 1))], 1);
  const weighted = mul(x, weights);
  const graph = traceGraph({
    xx: matmul(x, weighted, { transposeA: true }),
    xy: matmul(weighted, gather(tensors.targets, indices), { transposeA: true }),
  });
  const session = await runtime.load(toOnnx(graph));
  const slots = Object.fromEntries(Object.keys(data).map((name) => [name, `linear_${name}`]));
  for (const [name, value] of Object.entries(data)) await runtime.put(slots[name], value, { copy: true });

  const moments = async (samples: Int32Array): Promise<Moments> => {
    const p = width + 1;
    const xx = new Float64Array(p * p);
    const xy = new Float64Array(p * horizons.length);
    for (let from = 0; from < samples.length; from += chunk) {
      throwIfAborted(signal, "linear baseline");
      const { outputs } = await session.run({
        feeds: {
          ...slots,
          indices: {
            dtype: "int64",
            shape: [chunk],
            data: BigInt64Array.from({ length: chunk }, (_, i) => BigInt(samples[from + i] ?? samples[0])),
          },
          weights: {
            dtype: "float32",
            shape: [chunk, 1],
            data: Float32Array.from({ length: chunk }, (_, i) => (from + i < samples.length ? 1 : 0)),
          },
        },
        fetch: ["xx", "xy"],
      });
      addTo(xx, outputs.xx.data as Float32Array);
      addTo(xy, outputs.xy.data as Float32Array);
    }
    return { count: samples.length, xx, xy };
  };
  return Object.assign(moments, {
    async release() {
      await session.release();
      await runtime.drop(...Object.values(slots));
    },
  });
}

/** Weights `[p, horizons]` of `min Σ (y - x·w)² + penalty · count · |w|²`; the constant is not penalised. */
function solveRidge(
  { count, xx, xy }: Moments,
  horizons: number,
  penalty: number,
  pauses: Pauses,
): Promise<Float64Array> {
  const p = xy.length / horizons;
  const a = xx.slice();
  for (let i = 0; i < p - 1; i++) a[i * p + i] += penalty * count;
  a[p * p - 1] += 1e-9 * count;
  return solveCholesky(a, xy, p, horizons, pauses);
}

/** `Σ y² - Σ (y - x·w)²`, up to the part that does not depend on the weights. */
function explained({ xx, xy }: Moments, horizons: number, weights: Float64Array): number {
  const p = xy.length / horizons;
  let total = 0;
  for (let h = 0; h < horizons; h++) {
    for (let i = 0; i < p; i++) {
      let row = 0;
      for (let j = 0; j < p; j++) row += xx[i * p + j] * weights[j * horizons + h];
      total += weights[i * horizons + h] * (2 * xy[i * horizons + h] - row);
    }
  }
  return total;
}

interface Pauses {
  readonly signal?: AbortSignal;
  /** Hears how much of the work is done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

/** Multiplications between two pauses: a few milliseconds, so that a server goes on answering meanwhile. */
const uninterrupted = 4e6;

/**
 * Solves `a x = b` for a symmetric positive definite `a` `[n, n]` and `b` `[n, columns]`; overwrites `a` with its factor, row by row
 * (Cholesky-Banachiewicz), so that memory is read in its own order. A long lookback makes this slow: it pauses as it goes.
 */
async function solveCholesky(
  a: Float64Array,
  b: Float64Array,
  n: number,
  columns: number,
  { signal, onProgress }: Pauses,
): Promise<Float64Array> {
  let sincePause = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      // Four sums side by side, because one after the other they would wait for each other.
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      let left = i * n;
      let right = j * n;
      const end = left + j - 3;
      for (; left < end; left += 4, right += 4) {
        s0 += a[left] * a[right];
        s1 += a[left + 1] * a[right + 1];
        s2 += a[left + 2] * a[right + 2];
        s3 += a[left + 3] * a[right + 3];
      }
      for (; left < i * n + j; left++, right++) s0 += a[left] * a[right];
      const rest = a[i * n + j] - (s0 + s1 + (s2 + s3));
      a[i * n + j] = i === j ? Math.sqrt(Math.max(rest, Number.MIN_VALUE)) : rest / a[j * n + j];
    }
    sincePause += (i * i) / 2;
    if (sincePause < uninterrupted) continue;
    sincePause = 0;
    onProgress?.(((i + 1) / n) ** 3);
    await new Promise<void>((resolve) => setImmediate(resolve));
    throwIfAborted(signal, "linear baseline");
  }
  const x = b.slice();
  for (let c = 0; c < columns; c++) {
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) x[i * columns + c] -= a[i * n + k] * x[k * columns + c];
      x[i * columns + c] /= a[i * n + i];
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let k = i + 1; k < n; k++) x[i * columns + c] -= a[k * n + i] * x[k * columns + c];
      x[i * columns + c] /= a[i * n + i];
    }
  }
  return x;
}

/** `[p, horizons]` as the parameters of a dense layer: weight `[horizons, p - 1]`, then bias `[horizons]`. */
function packLinear(weights: Float64Array, horizons: number): Float32Array {
  const p = weights.length / horizons;
  const packed = new Float32Array(weights.length);
  for (let h = 0; h < horizons; h++) {
    for (let i = 0; i < p - 1; i++) packed[h * (p - 1) + i] = weights[i * horizons + h];
    packed[horizons * (p - 1) + h] = weights[(p - 1) * horizons + h];
  }
  return packed;
}

function addTo(total: Float64Array, part: Float32Array): void {
  for (let i = 0; i < total.length; i++) total[i] += part[i];
}
