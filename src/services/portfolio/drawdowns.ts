/**
 * The drawdown of every period from the highest value so far, the start included: of wealth `Π (1 + r)`, as a share of the
 * peak, or of summed returns.
 *
 * @example
 * Array.from(drawdowns(Float64Array.of(0.5, -0.5, 0.25), "uncompounded")); // => [0, 0.5, 0.25]
 */
export function drawdowns(
  returns: Float64Array,
  kind: "compounded" | "uncompounded" = "compounded",
): Float64Array {
  let value = kind === "compounded" ? 1 : 0;
  let high = value;
  return returns.map((one) => {
    value = kind === "compounded" ? value * (1 + one) : value + one;
    high = Math.max(high, value);
    return kind === "compounded" ? 1 - value / high : high - value;
  });
}
