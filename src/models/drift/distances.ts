/** How far apart two samples are: two measures of counts in classes, and two of the values themselves. */
import { invariant } from "../../base/index.ts";
import { invalidMetric } from "../metrics/check.ts";

/** Values in ascending order with the share of the whole that each stands for; shares add up to 1. */
export interface Distribution {
  readonly values: Float64Array;
  readonly shares: Float64Array;
}

/**
 * The empirical distribution of a sample.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` for an empty sample or one with values that are not finite
 */
export function distributionOf(sample: ArrayLike<number>): Distribution {
  const values = Float64Array.from(sample).sort();
  if (values.length === 0) invalidMetric("distribution", "expected at least one value, received none");
  if (!Number.isFinite(values[0]) || !Number.isFinite(values[values.length - 1]))
    invalidMetric("distribution", "expected finite numbers, received NaN or an infinity");
  return { values, shares: new Float64Array(values.length).fill(1 / values.length) };
}

/**
 * Population stability index: `Σ (q - p) ln(q / p)` over classes, the symmetrised Kullback-Leibler divergence of two sets of
 * counts. An empty class counts as half an observation, so that one new class does not make it infinite.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` for different numbers of classes, or no observation
 * @see Lewis (1994), "An introduction to credit scoring"; Yurdakul and Naranjo (2020), "Statistical properties of the
 *   population stability index"
 * @example
 * populationStabilityIndex([50, 50], [50, 50]); // => 0
 * populationStabilityIndex([50, 50], [75, 25]); // => 0.27465307216702745
 */
export function populationStabilityIndex(expected: ArrayLike<number>, actual: ArrayLike<number>): number {
  const [p, q] = sharesOf("population stability index", expected, actual, 0.5);
  return p.reduce((sum, share, i) => sum + (q[i] - share) * Math.log(q[i] / share), 0);
}

/**
 * Jensen-Shannon divergence of two sets of counts, in nats: 0 for equal shares, ln 2 when no class has both. (scipy's
 * `jensenshannon` is its square root.)
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` for different numbers of classes, or no observation
 * @see Lin (1991), "Divergence measures based on the Shannon entropy"
 * @example
 * jensenShannonDivergence([1, 0], [0, 1]); // => 0.6931471805599453
 */
export function jensenShannonDivergence(expected: ArrayLike<number>, actual: ArrayLike<number>): number {
  const [p, q] = sharesOf("Jensen-Shannon divergence", expected, actual, 0);
  const part = (share: number, middle: number) => (share === 0 ? 0 : share * Math.log(share / middle));
  const sum = p.reduce((total, share, i) => {
    const middle = (share + q[i]) / 2;
    return total + part(share, middle) + part(q[i], middle);
  }, 0);
  return Math.max(0, sum / 2);
}

/**
 * Two-sample Kolmogorov-Smirnov statistic: the largest distance between the two distribution functions.
 *
 * @example
 * kolmogorovSmirnov(distributionOf([1, 2]), distributionOf([2, 3])); // => 0.5
 */
export function kolmogorovSmirnov(a: Distribution, b: Distribution): number {
  let largest = 0;
  sweep(a, b, (difference) => {
    largest = Math.max(largest, Math.abs(difference));
  });
  return Math.min(1, largest);
}

/**
 * Wasserstein distance of order 1: the area between the two distribution functions, in the unit of the values.
 *
 * @example
 * wassersteinDistance(distributionOf([0, 1]), distributionOf([3, 4])); // => 3
 */
export function wassersteinDistance(a: Distribution, b: Distribution): number {
  let area = 0;
  sweep(a, b, (difference, width) => {
    area += Math.abs(difference) * width;
  });
  return area;
}

/** Walks over all values in order: the distance of the distribution functions from each value to the next. */
function sweep(a: Distribution, b: Distribution, visit: (difference: number, width: number) => void): void {
  let [i, j] = [0, 0];
  let [below, belowOther] = [0, 0];
  while (i < a.values.length || j < b.values.length) {
    const value = Math.min(a.values[i] ?? Number.POSITIVE_INFINITY, b.values[j] ?? Number.POSITIVE_INFINITY);
    for (; a.values[i] === value; i++) below += a.shares[i];
    for (; b.values[j] === value; j++) belowOther += b.shares[j];
    const next = Math.min(a.values[i] ?? Number.POSITIVE_INFINITY, b.values[j] ?? Number.POSITIVE_INFINITY);
    const isLast = next === Number.POSITIVE_INFINITY;
    visit(isLast ? 0 : below - belowOther, isLast ? 0 : next - value);
  }
}

/** How many values lie in each class; `edges` ascend, and a value on an edge belongs to the class below it. */
export function countClasses(values: ArrayLike<number>, edges: readonly number[]): number[] {
  const counts = new Array<number>(edges.length + 1).fill(0);
  for (let i = 0; i < values.length; i++) {
    let [low, high] = [0, edges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[i] <= edges[middle]) high = middle;
      else low = middle + 1;
    }
    counts[low]++;
  }
  invariant(counts.length === edges.length + 1, "every value has a class");
  return counts;
}

function sharesOf(
  name: string,
  expected: ArrayLike<number>,
  actual: ArrayLike<number>,
  forEmpty: number,
): [number[], number[]] {
  if (expected.length !== actual.length)
    invalidMetric(name, `expected as many classes in both, received ${expected.length} and ${actual.length}`);
  const used = Array.from(expected, (n, i) => n !== 0 || actual[i] !== 0); // nobody's class says nothing
  return [expected, actual].map((counts) => {
    const filled = Array.from(counts)
      .filter((_, i) => used[i])
      .map((n) => (n === 0 ? forEmpty : n));
    if (!filled.every((n) => n >= 0) || !Array.from(counts).some((n) => n > 0))
      invalidMetric(name, "expected counts of at least one observation, received none or a negative one");
    const total = filled.reduce((sum, n) => sum + n, 0);
    return filled.map((n) => n / total);
  }) as [number[], number[]];
}
