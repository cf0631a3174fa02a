/**
 * What an artifact keeps of the values that a model was made on, so that later ones can be compared with them: quantiles and
 * counts. No single value is in it, not even the largest.
 */
import { z } from "zod";
import { quantiles } from "../../base/index.ts";
import { invalidMetric } from "../metrics/check.ts";
import { countClasses } from "./distances.ts";
import { effectiveSize } from "./effective-size.ts";

/** Quantiles are kept at the levels (i + 1/2) / 256. */
export const sketchSize = 256;
const classes = 10;

const Numbers = z.array(z.number());

export const Sketch = z.object({
  name: z.string(),
  /** Finite values, and what they are worth as independent ones. */
  count: z.number().int().positive(),
  effectiveCount: z.number().positive(),
  missing: z.number().int().min(0),
  /** Ascending. */
  quantiles: Numbers.length(sketchSize),
  /** Edges between the classes, ascending: tenths, fewer where values repeat. */
  edges: Numbers,
  counts: z.array(z.number().int().min(0)),
});
export type Sketch = z.infer<typeof Sketch>;

/** The file `reference.json` of an artifact. */
export const DriftReference = z.object({
  format: z.literal("fathom-drift-reference"),
  version: z.literal(1),
  features: z.array(Sketch),
  /** What the model answered on data that it did not learn from. */
  scores: z.array(Sketch),
});
export type DriftReference = z.infer<typeof DriftReference>;

export const referenceName = "reference.json";

/**
 * Sketches a sample; values that are not finite are counted as missing.
 *
 * @param dates the date of each value, for samples that depend on time; null takes them as independent
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when no value is finite
 */
export function sketchOf(
  name: string,
  sample: ArrayLike<number>,
  dates: ArrayLike<number> | null = null,
): Sketch {
  const kept = Array.from(sample).flatMap((value, i) => (Number.isFinite(value) ? [i] : []));
  if (kept.length === 0)
    invalidMetric(`reference of ${name}`, "expected at least one finite value, received none");
  const values = Float64Array.from(kept, (i) => sample[i]);
  const levels = Array.from({ length: sketchSize }, (_, i) => (i + 0.5) / sketchSize);
  const tenths = quantiles(
    values,
    Array.from({ length: classes - 1 }, (_, i) => (i + 1) / classes),
  );
  const edges = [...new Set(tenths.map(shortened))];
  return {
    name,
    count: values.length,
    effectiveCount: shortened(effectiveSize(values, dates && Float64Array.from(kept, (i) => dates[i]))),
    missing: sample.length - values.length,
    quantiles: quantiles(values, levels).map(shortened),
    edges,
    counts: countClasses(values, edges),
  };
}

/**
 * Kolmogorov-Smirnov distance of a sample from a sketch: the largest distance between the sample's distribution function at
 * the sketch's quantiles and their levels. Where values repeat, a level inside the jump is no distance.
 *
 * @param sorted ascending
 */
export function distanceToSketch({ quantiles: reference }: Sketch, sorted: Float64Array): number {
  let [below, upTo, largest] = [0, 0, 0];
  reference.forEach((value, i) => {
    while (below < sorted.length && sorted[below] < value) below++;
    while (upTo < sorted.length && sorted[upTo] <= value) upTo++;
    const level = (i + 0.5) / reference.length;
    largest = Math.max(largest, below / sorted.length - level, level - upTo / sorted.length);
  });
  return largest;
}

/**
 * Wasserstein distance of a sample from a sketch: the mean distance between quantiles of the same level. Both sides are cut
 * to the same levels, so that what a sketch leaves out is no distance either.
 */
export function wassersteinToSketch({ quantiles: reference }: Sketch, sorted: Float64Array): number {
  const levels = reference.map((_, i) => (i + 0.5) / reference.length);
  const own = quantiles(sorted, levels);
  return reference.reduce((sum, value, i) => sum + Math.abs(own[i] - value), 0) / reference.length;
}

/** Nine digits: more than a sample of millions can tell. */
function shortened(value: number): number {
  return Number(value.toPrecision(9));
}
