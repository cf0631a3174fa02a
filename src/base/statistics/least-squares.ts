import { PlatformError } from "../errors.ts";
import type { Values } from "./summary.ts";

/**
 * Least squares, optionally with a ridge: the coefficients that make `|y - x b|² + Σ ridge[j] b[j]²` smallest.
 *
 * Householder QR, never the normal equations, so the condition number is not squared. The rows are folded into the
 * triangular factor R block by block (Golub and Van Loan 2013, section 5.2 and 12.5 on updating), so the memory beside `x`
 * is that of R and one block. A ridge is what R holds before the first row: it is exactly the rows `√ridge I` stacked on x.
 *
 * @param x `[rows, columns]`, row by row; add a column of ones for an intercept
 * @param y `[rows]`, or `[rows, targets]` row by row: the targets share one factorisation
 * @param options `ridge` >= 0: one number for all columns, or one for each, such as 0 for the intercept
 * @returns coefficients `[columns]`, or `[columns, targets]` row by row
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the sizes do not fit, or a value is not finite
 * @throws PlatformError `MATRIX_SINGULAR` when columns depend on each other and no ridge decides between them
 * @example
 * Array.from(leastSquares(Float64Array.of(1, 0, 0, 2), 2, 2, Float64Array.of(3, 8))); // => [3, 4]
 */
export function leastSquares(
  x: Float64Array,
  rows: number,
  columns: number,
  y: Float64Array,
  options: { readonly ridge?: number | Values } = {},
): Float64Array {
  const targets = y.length / rows;
  if (!(rows > 0 && columns > 0 && x.length === rows * columns && Number.isInteger(targets) && targets > 0)) {
    invalid(
      `expected x [${rows}, ${columns}] and y [${rows}, targets], received ${x.length} and ${y.length} values`,
    );
  }
  const ridge = ridgeOf(options.ridge ?? 0, columns);
  const width = columns + targets;
  // Row k of the factor is [R[k, :], (Qᵀy)[k, :]].
  const factor = new Float64Array(columns * width);
  for (let k = 0; k < columns; k++) factor[k * width + k] = Math.sqrt(ridge[k]);

  const blockRows = Math.min(rows, Math.max(64, 2 * columns));
  const block = new Float64Array(blockRows * width); // column by column
  const squares = Float64Array.from(ridge); // |column|², the scale against which a pivot is judged
  for (let from = 0; from < rows; from += blockRows) {
    const count = Math.min(blockRows, rows - from);
    for (let r = 0; r < count; r++) {
      for (let j = 0; j < width; j++) {
        const value = j < columns ? x[(from + r) * columns + j] : y[(from + r) * targets + (j - columns)];
        if (!Number.isFinite(value)) invalid(`expected finite values, received ${value} in row ${from + r}`);
        block[j * blockRows + r] = value;
        if (j < columns) squares[j] += value * value;
      }
    }
    foldBlock(factor, block, { columns, width, blockRows, count });
  }
  return backSubstitute(factor, columns, targets, squares, rows);
}

/** Reflections that bring the block's rows to zero below R, one column at a time. */
function foldBlock(
  factor: Float64Array,
  block: Float64Array,
  size: { columns: number; width: number; blockRows: number; count: number },
): void {
  const { columns, width, blockRows, count } = size;
  for (let k = 0; k < columns; k++) {
    const pivot = factor[k * width + k];
    const own = k * blockRows;
    let below = 0;
    for (let r = 0; r < count; r++) below += block[own + r] ** 2;
    if (below === 0) continue;
    // v = [pivot - alpha, block column]; the sign of alpha avoids cancellation. H = I - tau v vᵀ.
    const alpha = pivot > 0 ? -Math.sqrt(pivot * pivot + below) : Math.sqrt(pivot * pivot + below);
    const head = pivot - alpha;
    const tau = 2 / (head * head + below);
    factor[k * width + k] = alpha;
    for (let j = k + 1; j < width; j++) {
      const other = j * blockRows;
      let dot = head * factor[k * width + j];
      for (let r = 0; r < count; r++) dot += block[own + r] * block[other + r];
      const scale = tau * dot;
      factor[k * width + j] -= scale * head;
      for (let r = 0; r < count; r++) block[other + r] -= scale * block[own + r];
    }
  }
}

function backSubstitute(
  factor: Float64Array,
  columns: number,
  targets: number,
  squares: Float64Array,
  rows: number,
): Float64Array {
  const width = columns + targets;
  const out = new Float64Array(columns * targets);
  for (let k = columns - 1; k >= 0; k--) {
    const pivot = factor[k * width + k];
    // What is left of the column beside those before it; below this it is rounding noise.
    const noise = Math.max(rows, columns) * Number.EPSILON * Math.sqrt(squares[k]);
    if (Math.abs(pivot) <= noise) {
      throw new PlatformError(
        "input",
        "MATRIX_SINGULAR",
        `leastSquares: expected independent columns, but column ${k} is a combination of those before it; drop it or set a ridge`,
      );
    }
    for (let t = 0; t < targets; t++) {
      let sum = factor[k * width + columns + t];
      for (let j = k + 1; j < columns; j++) sum -= factor[k * width + j] * out[j * targets + t];
      out[k * targets + t] = sum / pivot;
    }
  }
  return out;
}

function ridgeOf(ridge: number | Values, columns: number): Float64Array {
  const each = typeof ridge === "number" ? new Float64Array(columns).fill(ridge) : Float64Array.from(ridge);
  if (each.length !== columns || each.some((value) => !(value >= 0 && value < Number.POSITIVE_INFINITY))) {
    invalid(`expected a ridge >= 0, one or ${columns} numbers, received ${String(ridge)}`);
  }
  return each;
}

function invalid(message: string): never {
  throw new PlatformError("input", "STATISTIC_INPUT_INVALID", `leastSquares: ${message}`);
}
