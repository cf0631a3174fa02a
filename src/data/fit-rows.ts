import { PlatformError } from "../base/index.ts";

/** The rows that a fitted step may learn from: a half-open range, or row numbers. */
export type FitRows = { readonly from: number; readonly to: number } | ArrayLike<number>;

/**
 * The row numbers that `fitRows` names; all of them when it is absent.
 *
 * @throws PlatformError `DATA_SHAPE_MISMATCH` when there are none, or one is not a row
 */
export function chosenRows(rows: number, fitRows: FitRows | undefined): Int32Array {
  const { from, to } = fitRows && "from" in fitRows ? fitRows : { from: 0, to: rows };
  const chosen =
    fitRows && "length" in fitRows
      ? Float64Array.from(fitRows)
      : Float64Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
  const outside = chosen.find((row) => !Number.isInteger(row) || row < 0 || row >= rows);
  if (outside !== undefined || chosen.length === 0) {
    const expected = rows > 0 ? `rows from 0 to ${rows - 1}` : "at least one row";
    const message = `fitRows: expected ${expected}, received ${outside ?? "none"}`;
    throw new PlatformError("input", "DATA_SHAPE_MISMATCH", message, { field: "fitRows" });
  }
  return Int32Array.from(chosen);
}
