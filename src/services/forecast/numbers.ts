/**
 * A number with few digits, as tables show it; "-" for none.
 *
 * @example
 * formatNumber(0.0123456); // => "0.01235"
 * formatNumber(null); // => "-"
 */
export function formatNumber(value: number | null, digits = 4): string {
  if (value === null || !Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(digits - 2);
  return String(Number(value.toPrecision(digits)));
}
