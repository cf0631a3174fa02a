/**
 * How large each measure becomes by chance alone, when both samples come from one population. All four shrink with the
 * sizes of the samples, which is why a fixed limit (such as 0.2 for the population stability index) is too strict for small
 * samples and blind for large ones.
 *
 * With `s = 1/n + 1/m` for n and m independent observations and B classes:
 * - population stability index: `s χ²(B - 1)` (Yurdakul and Naranjo 2020)
 * - Jensen-Shannon divergence in nats: `s χ²(B - 1) / 8` (its second-order term, Menéndez et al. 1997)
 * - Kolmogorov-Smirnov: `√s K`, Kolmogorov's distribution (Smirnov 1939)
 * - Wasserstein: `√s ∫ |b(u)| dQ(u)` for a Brownian bridge b and the reference's quantile function Q (del Barrio, Giné and
 *   Matrán 1999), which depends on the population and is simulated from the sketch
 */
import { chiSquareUpperQuantile, chiSquareUpperTail, type Key, normal } from "../../base/index.ts";
import { sketchSize } from "./sketch.ts";

/** `1/n + 1/m`. */
export function scatter(n: number, m: number): number {
  return 1 / n + 1 / m;
}

/** Probability of a value by chance, and the value that is exceeded with a probability. */
export interface NullDistribution {
  pValue(value: number): number;
  threshold(probability: number): number;
}

export function stabilityNull(classes: number, s: number): NullDistribution {
  return chiSquareNull(classes, s);
}

export function jensenShannonNull(classes: number, s: number): NullDistribution {
  return chiSquareNull(classes, s / 8);
}

function chiSquareNull(classes: number, scale: number): NullDistribution {
  if (classes < 2) return { pValue: () => 1, threshold: () => 0 }; // one class holds everything, always
  return {
    pValue: (value) => chiSquareUpperTail(value / scale, classes - 1),
    threshold: (probability) => scale * chiSquareUpperQuantile(probability, classes - 1),
  };
}

export function kolmogorovNull(s: number): NullDistribution {
  return {
    pValue: (value) => kolmogorovUpperTail(value / Math.sqrt(s)),
    threshold(probability) {
      let [low, high] = [0, 10];
      for (let i = 0; i < 60; i++) {
        const middle = (low + high) / 2;
        if (kolmogorovUpperTail(middle) > probability) low = middle;
        else high = middle;
      }
      return high * Math.sqrt(s);
    },
  };
}

/**
 * Probability that Kolmogorov's statistic exceeds `x`.
 *
 * @see Kolmogorov (1933); both series, each where it is quick
 * @example
 * kolmogorovUpperTail(0); // => 1
 */
export function kolmogorovUpperTail(x: number): number {
  if (x <= 0) return 1;
  if (x < 1.18) {
    const y = Math.exp(-(Math.PI ** 2) / 8 / x ** 2);
    return 1 - (Math.sqrt(2 * Math.PI) / x) * (y + y ** 9 + y ** 25 + y ** 49);
  }
  const y = Math.exp(-2 * x * x);
  return 2 * (y - y ** 4 + y ** 9 - y ** 16);
}

/** Areas under many Brownian bridges, from which the null distribution of any sketch follows. */
export interface Bridges {
  readonly count: number;
  /** `|b(u)|` at the levels between neighbouring quantiles of a sketch, `[count, gridSize]`. */
  readonly heights: Float64Array;
}

/** Levels on which bridges are kept: every fourth gap between quantiles. */
const gridStep = 4;
const gridSize = sketchSize / gridStep - 1;

export function brownianBridges(key: Key, count = 10_000): Bridges {
  if (kept?.key.high === key.high && kept.key.low === key.low && kept.bridges.count === count)
    return kept.bridges;
  const bridges = drawBridges(key, count);
  kept = { key, bridges };
  return bridges;
}

/** The last ones drawn, which are those of the next call too: the same key gives the same bridges. */
let kept: { readonly key: Key; readonly bridges: Bridges } | undefined;

function drawBridges(key: Key, count: number): Bridges {
  const steps = gridSize + 1;
  const draws = normal(key, count * steps, 0, Math.sqrt(1 / steps));
  const heights = new Float64Array(count * gridSize);
  for (let i = 0; i < count; i++) {
    let end = 0;
    for (let t = 0; t < steps; t++) end += draws[i * steps + t];
    let at = 0;
    for (let t = 0; t < gridSize; t++) {
      at += draws[i * steps + t];
      heights[i * gridSize + t] = Math.abs(at - ((t + 1) / steps) * end);
    }
  }
  return { count, heights };
}

export function wassersteinNull(
  { count, heights }: Bridges,
  quantiles: readonly number[],
  s: number,
): NullDistribution {
  // The grid level (t + 1) / 64 lies between quantiles 4t + 3 and 4t + 4; its stretch of Q reaches half a grid step each way,
  // and the first and the last reach to the ends.
  const border = (t: number) =>
    t === 0 ? quantiles[0] : t === gridSize ? quantiles[sketchSize - 1] : middleOf(quantiles, t);
  const widths = Float64Array.from({ length: gridSize }, (_, t) => border(t + 1) - border(t));
  const areas = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let area = 0;
    for (let t = 0; t < gridSize; t++) area += heights[i * gridSize + t] * widths[t];
    areas[i] = area;
  }
  areas.sort();
  const scale = Math.sqrt(s);
  // Beyond the simulated ones the tail falls as that of a normal number does: ln p is linear in the square.
  const tail = tailOf(areas);
  return {
    pValue(value) {
      const area = value / scale;
      const above = count - firstAbove(areas, area);
      return above >= tailCount
        ? (above + 1) / (count + 1)
        : Math.min((tailCount + 1) / (count + 1), tail.p(area));
    },
    threshold(probability) {
      const place = Math.ceil((1 - probability) * count) - 1;
      if (count - 1 - place >= tailCount) return scale * areas[Math.max(0, place)];
      return scale * tail.inverse(probability);
    },
  };
}

/** From so many simulated values at the end on, the tail is extrapolated. */
const tailCount = 50;

/** `p = p0 exp(-c (a² - a0²))` through the simulated values with 500 and 50 above them. */
function tailOf(areas: Float64Array) {
  const count = areas.length;
  const [outer, inner] = [areas[count - tailCount - 1], areas[count - 10 * tailCount - 1]];
  const p0 = tailCount / count;
  const c = Math.log(10) / Math.max(outer ** 2 - inner ** 2, Number.MIN_VALUE);
  return {
    p: (area: number) => p0 * Math.exp(-c * (area ** 2 - outer ** 2)),
    inverse: (p: number) => Math.sqrt(outer ** 2 + Math.log(p0 / p) / c),
  };
}

function middleOf(quantiles: readonly number[], t: number): number {
  return (quantiles[gridStep * t + 1] + quantiles[gridStep * t + 2]) / 2;
}

function firstAbove(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] >= value) high = middle;
    else low = middle + 1;
  }
  return low;
}
