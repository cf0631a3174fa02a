/**
 * Outliers among log returns, judged by the returns before only. A bad tick makes two odd returns, there and back; so the close
 * after an outlier is measured against the last good close as well, and is odd only when it fits neither. A jump that stays
 * is therefore one outlier too: the next close fits the one that jumped.
 */
import type { OutlierOptions } from "./options.ts";

/** Makes the MAD of a normal sample estimate its standard deviation. */
const madToDeviation = 1.4826;
/** The same for the mean absolute deviation; it stands in where more than half of the returns are equal (Iglewicz and Hoaglin 1993). */
const meanDeviationToDeviation = 1.2533;

export class OutlierJudge {
  /** The closes between which the last judged close had to lie; meaningful after `isOutlier` said true. */
  lowest = 0;
  highest = 0;
  readonly #options: OutlierOptions;
  readonly #returns: Float64Array;
  readonly #sorted: Float64Array;
  #count = 0;
  #oldest = 0;
  #good = Number.NaN;
  #previous = Number.NaN;
  /** The band of usual log returns. */
  #bottom = 0;
  #top = 0;

  constructor(options: OutlierOptions) {
    this.#options = options;
    this.#returns = new Float64Array(options.window);
    this.#sorted = new Float64Array(options.window);
  }

  /** Forgets everything: the next close begins a series. */
  reset(): void {
    this.#count = 0;
    this.#oldest = 0;
    this.#good = Number.NaN;
    this.#previous = Number.NaN;
  }

  /** Judges the next observed close, and learns its return. */
  isOutlier(close: number): boolean {
    if (this.#options.method === "none" || !(close > 0)) return false;
    if (Number.isNaN(this.#good)) {
      this.#good = close;
      this.#previous = close;
      return false;
    }
    const fromGood = Math.log(close / this.#good);
    const fromPrevious = this.#previous === this.#good ? fromGood : Math.log(close / this.#previous);
    const banded = this.#count >= this.#options.minimumReturns;
    this.#previous = close;
    if (!banded || this.#isUsual(fromGood)) return this.#accept(close, fromGood);
    if (fromPrevious !== fromGood && this.#isUsual(fromPrevious)) return this.#accept(close, fromPrevious);
    this.lowest = this.#good * Math.exp(this.#bottom);
    this.highest = this.#good * Math.exp(this.#top);
    // The band widens by what is at its edge, so that a new regime is learnt and one bad tick is not.
    this.#learn(Math.min(Math.max(fromGood, this.#bottom), this.#top));
    return true;
  }

  #accept(close: number, value: number): false {
    this.#learn(value);
    this.#good = close;
    return false;
  }

  #isUsual(value: number): boolean {
    if (this.#options.method === "hampel" && this.#isFarInside(value)) return true;
    return !this.#findBand() || (value >= this.#bottom && value <= this.#top);
  }

  /**
   * A shortcut for the many: when fewer than half of the returns lie nearer to the median than the value's distance divided by
   * the band's width, the MAD exceeds that quotient, so the value lies inside the band whatever the MAD is.
   */
  #isFarInside(value: number): boolean {
    const sorted = this.#sorted;
    const count = this.#count;
    const median = quantile(sorted, count, 0.5);
    const least = Math.abs(value - median) / (this.#options.threshold * madToDeviation);
    const nearer = position(sorted, count, median + least) - position(sorted, count, median - least);
    return nearer < count >>> 1;
  }

  /** Sets the band; false when the returns do not vary, so that nothing can be said. */
  #findBand(): boolean {
    const { method, threshold } = this.#options;
    const sorted = this.#sorted;
    const count = this.#count;
    let centreLow: number;
    let centreHigh: number;
    let scale: number;
    if (method === "iqr") {
      centreLow = quantile(sorted, count, 0.25);
      centreHigh = quantile(sorted, count, 0.75);
      scale = centreHigh - centreLow;
    } else {
      const centre = method === "zscore" ? mean(sorted, count) : quantile(sorted, count, 0.5);
      centreLow = centre;
      centreHigh = centre;
      scale = method === "zscore" ? deviation(sorted, count, centre) : robustDeviation(sorted, count, centre);
    }
    this.#bottom = centreLow - threshold * scale;
    this.#top = centreHigh + threshold * scale;
    return scale > 0;
  }

  /** Adds a return to the window, which is kept both in order of time and sorted. */
  #learn(value: number): void {
    const sorted = this.#sorted;
    if (this.#count === this.#returns.length) {
      const leaving = position(sorted, this.#count, this.#returns[this.#oldest]);
      sorted.copyWithin(leaving, leaving + 1, this.#count);
      this.#count--;
    }
    this.#returns[this.#oldest] = value;
    this.#oldest = (this.#oldest + 1) % this.#returns.length;
    const at = position(sorted, this.#count, value);
    sorted.copyWithin(at + 1, at, this.#count);
    sorted[at] = value;
    this.#count++;
  }
}

/** The first index of `sorted[0 .. count)` whose value is not below `value`. */
function position(sorted: Float64Array, count: number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Linear between order statistics (Hyndman and Fan type 7, the default of R and NumPy). */
function quantile(sorted: Float64Array, count: number, level: number): number {
  const at = (count - 1) * level;
  const below = Math.floor(at);
  const above = Math.min(below + 1, count - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

/** The scaled MAD; the scaled mean absolute deviation where that is 0. */
function robustDeviation(sorted: Float64Array, count: number, median: number): number {
  // Deviations from the median grow outwards on both sides: merge the two sides up to the middle one.
  let left = position(sorted, count, median) - 1;
  let right = left + 1;
  let last = 0;
  let before = 0;
  for (let taken = 0; taken <= count >>> 1; taken++) {
    const leftDeviation = left >= 0 ? median - sorted[left] : Number.POSITIVE_INFINITY;
    const rightDeviation = right < count ? sorted[right] - median : Number.POSITIVE_INFINITY;
    before = last;
    if (leftDeviation < rightDeviation) {
      last = leftDeviation;
      left--;
    } else {
      last = rightDeviation;
      right++;
    }
  }
  const mad = count % 2 === 1 ? last : (before + last) / 2;
  if (mad > 0) return mad * madToDeviation;
  let sum = 0;
  for (let index = 0; index < count; index++) sum += Math.abs(sorted[index] - median);
  return (sum / count) * meanDeviationToDeviation;
}

function mean(values: Float64Array, count: number): number {
  let sum = 0;
  for (let index = 0; index < count; index++) sum += values[index];
  return sum / count;
}

function deviation(values: Float64Array, count: number, centre: number): number {
  let sum = 0;
  for (let index = 0; index < count; index++) sum += (values[index] - centre) ** 2;
  return Math.sqrt(sum / (count - 1));
}
