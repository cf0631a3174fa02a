/** Whether what was forecast with a probability came to pass that often: the rows of a reliability diagram. */

export interface ReliabilityRow {
  /** Mean of the probabilities that were forecast. */
  readonly forecast: number;
  /** Share of the samples in which it came to pass, and its 95 % interval. */
  readonly observed: number;
  readonly lower: number;
  readonly upper: number;
  readonly n: number;
}

/** Samples that a row should have, so that its interval says something, and rows that an eye can follow. */
const leastSamples = 40;
const mostRows = 10;

/**
 * Samples in rows of about equal size, by rising forecast; equal forecasts are never parted. Intervals are Wilson's, which take the
 * samples as independent.
 *
 * @param outcome 1 where it came to pass, 0 where not, `[n]`
 * @param forecast probabilities, `[n]`
 * @see Wilson (1927), "Probable inference, the law of succession, and statistical inference"
 */
export function reliability(outcome: Float64Array, forecast: Float64Array): ReliabilityRow[] {
  const order = [...forecast.keys()].sort((a, b) => forecast[a] - forecast[b]);
  const count = Math.max(1, Math.min(mostRows, Math.floor(order.length / leastSamples)));
  const rows: ReliabilityRow[] = [];
  let start = 0;
  for (let row = 1; row <= count; row++) {
    let end = Math.max(start, Math.round((row * order.length) / count));
    while (end > 0 && end < order.length && forecast[order[end]] === forecast[order[end - 1]]) end++;
    if (end === start) continue;
    const samples = order.slice(start, end);
    const mean = (values: Float64Array) => samples.reduce((sum, i) => sum + values[i], 0) / samples.length;
    const observed = mean(outcome);
    rows.push({ forecast: mean(forecast), observed, ...wilson(observed, samples.length), n: samples.length });
    start = end;
  }
  return rows;
}

function wilson(share: number, n: number): { readonly lower: number; readonly upper: number } {
  const z2 = 1.959964 ** 2;
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = Math.sqrt(z2 * ((share * (1 - share)) / n + z2 / (4 * n * n))) / (1 + z2 / n);
  return { lower: Math.max(0, centre - half), upper: Math.min(1, centre + half) };
}
