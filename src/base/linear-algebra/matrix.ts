import { PlatformError } from "../errors.ts";
import type { Values } from "../statistics/index.ts";

/** A dense matrix, row by row in one array: element (i, j) is `data[i * columns + j]`. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/**
 * A matrix of zeros, or one that takes `data` (`[rows, columns]`, row by row) as it is, without a copy.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when `data` has another length
 * @example
 * matrix(2, 2, Float64Array.of(1, 2, 3, 4)).data[2]; // => 3
 */
export function matrix(
  rows: number,
  columns: number,
  data: Float64Array = new Float64Array(rows * columns),
): Matrix {
  if (data.length !== rows * columns)
    throw sizes("matrix", `${rows} x ${columns} values`, `${data.length} values`);
  return { rows, columns, data };
}

/**
 * A matrix from its rows.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the rows differ in length
 * @example
 * matrixFrom([[1, 2], [3, 4]]).columns; // => 2
 */
export function matrixFrom(rows: readonly Values[]): Matrix {
  const columns = rows[0]?.length ?? 0;
  const data = new Float64Array(rows.length * columns);
  for (let i = 0; i < rows.length; i++) {
    if (rows[i].length !== columns)
      throw sizes("matrixFrom", `rows of ${columns} values`, `${rows[i].length} in row ${i}`);
    data.set(Float64Array.from(rows[i]), i * columns);
  }
  return { rows: rows.length, columns, data };
}

/** The identity of `size` rows. */
export function identityMatrix(size: number): Matrix {
  return diagonalMatrix(new Float64Array(size).fill(1));
}

/** The square matrix with these values on its diagonal and zeros elsewhere. */
export function diagonalMatrix(values: Values): Matrix {
  const out = matrix(values.length, values.length);
  for (let i = 0; i < values.length; i++) out.data[i * values.length + i] = values[i];
  return out;
}

/** The values on the diagonal of a square matrix. */
export function diagonalOf(a: Matrix): Float64Array {
  return Float64Array.from({ length: Math.min(a.rows, a.columns) }, (_, i) => a.data[i * a.columns + i]);
}

/** A view of row `i`: writing to it writes to the matrix. */
export function rowOf(a: Matrix, i: number): Float64Array {
  return a.data.subarray(i * a.columns, (i + 1) * a.columns);
}

/** A matrix of these rows and columns, in this order; a row or column may be taken more than once. */
export function submatrix(a: Matrix, rows: ArrayLike<number>, columns: ArrayLike<number> = rows): Matrix {
  const out = matrix(rows.length, columns.length);
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i] * a.columns;
    for (let j = 0; j < columns.length; j++) out.data[i * columns.length + j] = a.data[from + columns[j]];
  }
  return out;
}

/**
 * The transpose, block by block so that both sides stay in the cache.
 *
 * @example
 * Array.from(transpose(matrixFrom([[1, 2], [3, 4]])).data); // => [1, 3, 2, 4]
 */
export function transpose({ rows, columns, data }: Matrix): Matrix {
  const out = new Float64Array(data.length);
  const block = 32;
  for (let i0 = 0; i0 < rows; i0 += block) {
    const i1 = Math.min(rows, i0 + block);
    for (let j0 = 0; j0 < columns; j0 += block) {
      const j1 = Math.min(columns, j0 + block);
      for (let i = i0; i < i1; i++) for (let j = j0; j < j1; j++) out[j * rows + i] = data[i * columns + j];
    }
  }
  return { rows: columns, columns: rows, data: out };
}

/** What a linear-algebra function says about sizes that do not fit. */
export function sizes(what: string, expected: string, received: string): PlatformError {
  return new PlatformError(
    "input",
    "STATISTIC_INPUT_INVALID",
    `${what}: expected ${expected}, received ${received}`,
  );
}
