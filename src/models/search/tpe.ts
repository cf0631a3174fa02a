/**
 * The tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for hyper-parameter optimization"). The trials so far are cut
 * into a good share and the rest; each has a density per hyper-parameter, `l` and `g`; of some points drawn from `l`, the one with the
 * largest `l / g` is tried, which is the one with the largest expected improvement.
 */
import { foldIn, type Key, normalCdf, normalPdf, normalQuantile, uniform } from "../../base/index.ts";
import {
  bounds,
  type Dimension,
  fromScale,
  type NumericDimension,
  type Parameters,
  samplePoint,
  toScale,
} from "./space.ts";
import { type Finished, rankOf, requireWhole, type Strategy, trialsBegun } from "./strategy.ts";

export interface TpeOptions {
  readonly trials: number;
  readonly budget?: number;
  /** Random trials before the estimator is asked. */
  readonly startup?: number;
  /** Points drawn for each hyper-parameter, of which the best is taken. */
  readonly candidates?: number;
}

/** A search by the tree-structured Parzen estimator, each hyper-parameter on its own, with the constants of the hyperopt library. */
export function tpe({ trials, budget = 1, startup = 10, candidates = 24 }: TpeOptions): Strategy {
  requireWhole("tpe", { trials, startup, candidates });
  return {
    name: "tpe",
    settings: { trials, budget, startup, candidates },
    next: (known) => {
      const trial = trialsBegun(known);
      if (trial >= trials) return known.running.length > 0 ? "wait" : "done";
      const key = foldIn(known.key, trial);
      const point = samplePoint(known.space, key);
      if (known.finished.length < startup) return { trial, parameters: point, budget };
      const [good, rest] = cut(known.finished);
      const chosen = Object.entries(known.space).map(([name, dimension]) => [
        name,
        choose(dimension, valuesOf(good, name), valuesOf(rest, name), foldIn(key, name), candidates),
      ]);
      return { trial, parameters: Object.fromEntries(chosen) as Parameters, budget };
    },
  };
}

/** The best quarter of the square root, at most 25, and the others, each in the order in which they ended. */
function cut(finished: readonly Finished[]): [Finished[], Finished[]] {
  const count = Math.min(25, Math.ceil(0.25 * Math.sqrt(finished.length)));
  const order = finished.toSorted((a, b) => rankOf(a) - rankOf(b) || a.trial - b.trial);
  const good = new Set(order.slice(0, count));
  return [finished.filter((job) => good.has(job)), finished.filter((job) => !good.has(job))];
}

function valuesOf(finished: readonly Finished[], name: string) {
  return finished.map(({ parameters }) => parameters[name]);
}

type Values = readonly (string | number | boolean)[];

function choose(dimension: Dimension, good: Values, rest: Values, key: Key, candidates: number) {
  const draws = uniform(foldIn(key, "component"), candidates);
  if (dimension.kind === "categorical") {
    const { choices } = dimension;
    const [l, g] = [shares(choices, good), shares(choices, rest)];
    return choices[
      largest(
        Array.from(draws, (u) => pick(l, u)),
        (i) => l[i] / g[i],
      )
    ];
  }
  const numbers = (values: Values) => values.map((value) => toScale(dimension, Number(value)));
  const [l, g] = [new Parzen(dimension, numbers(good)), new Parzen(dimension, numbers(rest))];
  const places = uniform(foldIn(key, "place"), candidates);
  const drawn = Array.from(draws, (u, i) => l.draw(u, places[i]));
  return fromScale(
    dimension,
    largest(drawn, (x) => l.density(x) / g.density(x)),
  );
}

/** Counts with one more for each choice, as shares. */
function shares(choices: Values, values: Values): number[] {
  const counts = choices.map((choice) => 1 + values.filter((value) => value === choice).length);
  const total = counts.reduce((a, b) => a + b);
  return counts.map((count) => count / total);
}

/** The choice that a number in [0, 1) falls on. */
function pick(weights: readonly number[], u: number): number {
  let reached = 0;
  for (const [i, weight] of weights.entries()) {
    reached += weight;
    if (u < reached) return i;
  }
  return weights.length - 1; // rounding
}

function largest(candidates: readonly number[], gain: (candidate: number) => number): number {
  return candidates.reduce((best, candidate) => (gain(candidate) > gain(best) ? candidate : best));
}

/**
 * A normal density around each value, cut off at the bounds, and a wide one in the middle of the range. A value's width is its distance to
 * the farther of its neighbours, at most the range and at least the range over the number of values, or a hundredth of it.
 */
class Parzen {
  readonly #low: number;
  readonly #high: number;
  readonly #centres: readonly number[];
  readonly #widths: readonly number[];

  constructor(dimension: NumericDimension, values: readonly number[]) {
    [this.#low, this.#high] = bounds(dimension);
    const range = this.#high - this.#low;
    const middle = (this.#low + this.#high) / 2;
    const sorted = [...values, middle].sort((a, b) => a - b);
    const prior = sorted.indexOf(middle);
    const least = range / Math.min(100, 1 + sorted.length);
    this.#centres = sorted;
    this.#widths = sorted.map((value, i) => {
      if (i === prior) return range;
      const gap = Math.max(value - (sorted[i - 1] ?? this.#low), (sorted[i + 1] ?? this.#high) - value);
      return Math.min(range, Math.max(least, gap));
    });
  }

  /** The share of a component that lies inside the bounds, as probabilities of its ends. */
  #ends(i: number): [number, number] {
    const at = (bound: number) => normalCdf((bound - this.#centres[i]) / this.#widths[i]);
    return [at(this.#low), at(this.#high)];
  }

  density(x: number): number {
    const total = this.#centres.reduce((sum, centre, i) => {
      const [from, to] = this.#ends(i);
      return sum + normalPdf((x - centre) / this.#widths[i]) / (this.#widths[i] * (to - from));
    }, 0);
    return total / this.#centres.length;
  }

  /** A number from the density, from two uniform ones: which component, and where in it. */
  draw(component: number, place: number): number {
    const i = Math.floor(component * this.#centres.length);
    const [from, to] = this.#ends(i);
    const x = this.#centres[i] + this.#widths[i] * normalQuantile(from + place * (to - from));
    return Math.min(this.#high, Math.max(this.#low, x));
  }
}
