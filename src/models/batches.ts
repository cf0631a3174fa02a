/** Sample numbers `from` to `from + count` of an order; past its end, samples of weight 0 fill the last batch. */
export function batches(
  order: Int32Array,
  from: number,
  count: number,
): { indices: BigInt64Array; weights: Float32Array } {
  const indices = new BigInt64Array(count);
  const weights = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const real = from + i < order.length;
    indices[i] = BigInt(order[real ? from + i : 0]);
    weights[i] = real ? 1 : 0;
  }
  return { indices, weights };
}
