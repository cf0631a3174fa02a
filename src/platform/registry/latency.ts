/** Latencies as counts in classes that grow by an eighth of an octave, so that servers can add theirs up. */

const lowestMs = 0.1;
const perOctave = 8;

/** Upper edges of all classes but the last, from 0.1 ms to 105 s, each 9 % above the one before. */
export const latencyEdgesMs: readonly number[] = Array.from(
  { length: 20 * perOctave + 1 },
  (_, i) => lowestMs * 2 ** (i / perOctave),
);

/**
 * The quantile of counted latencies, interpolated inside its class; wrong by 9 % at most.
 *
 * @param counts one more than there are edges
 * @returns milliseconds; NaN without an observation
 */
export function latencyQuantile(counts: readonly number[], level: number): number {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total === 0) return Number.NaN;
  let below = 0;
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] > 0 && below + counts[i] >= level * total) {
      const [low, high] = [latencyEdgesMs[i - 1] ?? 0, latencyEdgesMs[i] ?? latencyEdgesMs[i - 1]];
      return low + ((level * total - below) / counts[i]) * (high - low);
    }
    below += counts[i];
  }
  return latencyEdgesMs[latencyEdgesMs.length - 1];
}
