import type { Values } from "./summary.ts";

/**
 * Ranks from 1 for the smallest; equal values share the mean of their ranks, as Spearman's correlation and the
 * Mann-Whitney statistic need it. NaN ranks last.
 *
 * @returns `[n]`, in the order of `values`
 * @example
 * Array.from(ranks([10, 30, 20, 20])); // => [1, 4, 2.5, 2.5]
 */
export function ranks(values: Values): Float64Array {
  const count = values.length;
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => {
    if (Number.isNaN(values[a])) return Number.isNaN(values[b]) ? 0 : 1;
    return Number.isNaN(values[b]) ? -1 : values[a] - values[b] || 0; // Infinity - Infinity is a tie
  });
  const out = new Float64Array(count);
  for (let start = 0; start < count; ) {
    let end = start + 1;
    while (end < count && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) out[order[i]] = (start + 1 + end) / 2;
    start = end;
  }
  return out;
}
