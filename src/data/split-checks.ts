/** What all ways of splitting ask of their options, and say when they cannot split. */
import { formatTime, PlatformError, type UtcMs } from "../base/index.ts";

export function distinctTimes(asOf: Float64Array): Float64Array {
  const sorted = asOf.slice().sort();
  let count = 0;
  for (const time of sorted) if (count === 0 || sorted[count - 1] !== time) sorted[count++] = time;
  return sorted.subarray(0, count);
}

export function checkEmbargo(embargoMs = 0): number {
  if (Number.isFinite(embargoMs) && embargoMs >= 0) return embargoMs;
  throw invalid("embargoMs", "a number of at least 0", String(embargoMs));
}

export function requireWhole(field: string, value: number, least = 1): void {
  if (!Number.isInteger(value) || value < least)
    throw invalid(field, `a whole number of at least ${least}`, String(value));
}

export function invalid(field: string, expected: string, received: string): PlatformError {
  return new PlatformError(
    "input",
    "DATA_OPTION_INVALID",
    `split: ${field}: expected ${expected}, received ${received}`,
    {
      field,
    },
  );
}

export function tooShort(message: string): PlatformError {
  return new PlatformError("input", "DATA_TOO_SHORT", message);
}

export function shownTime(time: UtcMs): string {
  return Number.isFinite(time) ? formatTime(time) : "never";
}
