import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyFrom, normal } from "../random.ts";
import {
  choleskyFactor,
  choleskyInverse,
  choleskySolve,
  choleskyUpdate,
  diagonalMatrix,
  gramOfRows,
  identityMatrix,
  ldlFactor,
  ldlSolve,
  type Matrix,
  matrix,
  matrixFrom,
  multiply,
  multiplyTransposedVector,
  multiplyVector,
  quadraticForm,
  rowOf,
  solveLower,
  solveLowerTransposed,
  submatrix,
  symmetricEigen,
  transpose,
} from "./index.ts";

const random = (seed: number, rows: number, columns: number) =>
  matrix(rows, columns, normal(keyFrom(seed), rows * columns));

const size = fc.integer({ min: 1, max: 70 });
const seed = fc.integer({ min: 0, max: 1e6 });

function expectNear(a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number): void {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i] - b[i]));
  expect(worst).toBeLessThan(tolerance);
}

/** Element by element, in the order of the definition. */
function plainProduct(a: Matrix, b: Matrix): Matrix {
  const out = matrix(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++)
    for (let j = 0; j < b.columns; j++)
      for (let k = 0; k < a.columns; k++)
        out.data[i * b.columns + j] += a.data[i * a.columns + k] * b.data[k * b.columns + j];
  return out;
}

const positive = (seedValue: number, n: number) => {
  const out = gramOfRows(random(seedValue, n, n + 3));
  for (let i = 0; i < n; i++) out.data[i * n + i] += 0.1;
  return out;
};

describe("products", () => {
  test("are those of the definition, for every size around a tile", () => {
    fc.assert(
      fc.property(size, fc.integer({ min: 1, max: 600 }), size, seed, (rows, depth, columns, from) => {
        const a = random(from, rows, depth);
        const b = random(from + 1, depth, columns);
        expectNear(multiply(a, b).data, plainProduct(a, b).data, 1e-11);
        expectNear(gramOfRows(a).data, plainProduct(a, transpose(a)).data, 1e-10);
        const x = normal(keyFrom(from + 2), depth);
        expectNear(multiplyVector(a, x), plainProduct(a, matrix(depth, 1, x)).data, 1e-11);
        expectNear(multiplyTransposedVector(b, x), multiplyVector(transpose(b), x), 1e-11);
      }),
      { numRuns: 40 },
    );
  });

  test("of rows with themselves are symmetric to the last bit", () => {
    const gram = gramOfRows(random(5, 61, 700));
    expect(transpose(gram).data).toEqual(gram.data);
  });

  test("refuse sizes that do not fit", () => {
    expect(() => multiply(random(1, 2, 3), random(1, 2, 3))).toThrow(
      "expected 3 rows on the right, received 2",
    );
    expect(() => multiplyVector(random(1, 2, 3), [1])).toThrow("expected 3 values, received 1");
    expect(() => matrixFrom([[1, 2], [3]])).toThrow("expected rows of 2 values, received 1 in row 1");
    expect(() => matrix(2, 2, new Float64Array(3))).toThrow("expected 2 x 2 values, received 3 values");
  });

  test("take rows, columns and diagonals", () => {
    const a = matrixFrom([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]);
    expect(Array.from(submatrix(a, [2, 0], [1]).data)).toEqual([8, 2]);
    expect(Array.from(rowOf(a, 1))).toEqual([4, 5, 6]);
    expect(Array.from(diagonalMatrix([1, 2]).data)).toEqual([1, 0, 0, 2]);
    expect(quadraticForm(a, [1, 0, 1])).toBe(1 + 3 + 7 + 9);
  });
});

describe("Cholesky's factor", () => {
  test("gives the matrix back and solves it", () => {
    fc.assert(
      fc.property(size, seed, (n, from) => {
        const a = positive(from, n);
        const lower = choleskyFactor(a)!;
        expectNear(multiply(lower, transpose(lower)).data, a.data, 1e-11 * n);
        for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) expect(lower.data[i * n + j]).toBe(0);
        const x = normal(keyFrom(from), n);
        expectNear(choleskySolve(lower, multiplyVector(a, x)), x, 1e-7);
        expectNear(multiplyVector(lower, solveLower(lower, x)), x, 1e-9);
        expectNear(multiplyVector(transpose(lower), solveLowerTransposed(lower, x)), x, 1e-9);
      }),
      { numRuns: 40 },
    );
  });

  test("of a sum with v vᵀ is the update of the factor, and taking v away leads back", () => {
    const a = positive(3, 40);
    const v = normal(keyFrom(9), 40);
    const lower = choleskyFactor(a)!;
    const updated = { ...lower, data: Float64Array.from(lower.data) };
    expect(choleskyUpdate(updated, v)).toBe(true);
    const sum = matrix(
      40,
      40,
      a.data.map((value, at) => value + v[Math.floor(at / 40)] * v[at % 40]),
    );
    expectNear(updated.data, choleskyFactor(sum)!.data, 1e-10);
    expect(choleskyUpdate(updated, v, -1)).toBe(true);
    expectNear(updated.data, lower.data, 1e-10);
    expect(
      choleskyUpdate(
        updated,
        v.map((value) => 100 * value),
        -1,
      ),
    ).toBe(false);
  });

  test("inverts", () => {
    const a = positive(4, 33);
    expectNear(multiply(a, choleskyInverse(choleskyFactor(a)!)).data, identityMatrix(33).data, 1e-8);
  });

  test("is null for a matrix that is not positive definite", () => {
    expect(
      choleskyFactor(
        matrixFrom([
          [1, 2],
          [2, 1],
        ]),
      ),
    ).toBeNull();
    expect(choleskyFactor(matrixFrom([[Number.NaN]]))).toBeNull();
    expect(
      choleskyFactor(
        matrixFrom([
          [1, 1],
          [1, 1 + 1e-15],
        ]),
        1e-12,
      ),
    ).toBeNull();
  });
});

describe("L D Lᵀ", () => {
  test("solves quasi-definite systems", () => {
    fc.assert(
      fc.property(size, fc.integer({ min: 0, max: 20 }), seed, (n, equations, from) => {
        const h = positive(from, n);
        const a = random(from + 1, equations, n);
        const m = n + equations;
        const kkt = matrix(m, m);
        for (let i = 0; i < n; i++) kkt.data.set(rowOf(h, i), i * m);
        for (let i = 0; i < equations; i++) {
          kkt.data.set(rowOf(a, i), (n + i) * m);
          for (let j = 0; j < n; j++) kkt.data[j * m + n + i] = a.data[i * n + j];
          kkt.data[(n + i) * m + n + i] = -0.01;
        }
        const x = normal(keyFrom(from + 2), m);
        expectNear(ldlSolve(ldlFactor(kkt), multiplyVector(kkt, x)), x, 1e-6);
      }),
      { numRuns: 40 },
    );
  });
});

describe("symmetric eigenvalues", () => {
  test("and vectors give the matrix back, in ascending order", () => {
    fc.assert(
      fc.property(size, seed, (n, from) => {
        const half = random(from, n, n);
        const a = matrix(
          n,
          n,
          half.data.map((value, at) => value + half.data[(at % n) * n + Math.floor(at / n)]),
        );
        const { values, vectors } = symmetricEigen(a);
        const back = multiply(transpose(vectors), multiply(diagonalMatrix(values), vectors));
        expectNear(back.data, a.data, 1e-11 * n);
        expectNear(multiply(vectors, transpose(vectors)).data, identityMatrix(n).data, 1e-12 * n);
        expect(Array.from(values)).toEqual(Array.from(values).sort((x, y) => x - y));
      }),
      { numRuns: 40 },
    );
  });

  test("of matrices with repeated, zero and separate blocks", () => {
    expect(Array.from(symmetricEigen(identityMatrix(5)).values)).toEqual([1, 1, 1, 1, 1]);
    expect(Array.from(symmetricEigen(matrix(3, 3)).values)).toEqual([0, 0, 0]);
    // all ones: n and zeros
    const ones = matrix(6, 6, new Float64Array(36).fill(1));
    expectNear(symmetricEigen(ones).values, [0, 0, 0, 0, 0, 6], 1e-14);
    // second differences: 2 - 2 cos(i pi / (n + 1)), known in closed form
    const n = 50;
    const second = matrix(n, n);
    for (let i = 0; i < n; i++) {
      second.data[i * n + i] = 2;
      if (i > 0) second.data[i * n + i - 1] = second.data[(i - 1) * n + i] = -1;
    }
    const closed = Array.from({ length: n }, (_, i) => 2 - 2 * Math.cos(((i + 1) * Math.PI) / (n + 1)));
    expectNear(symmetricEigen(second).values, closed, 1e-13);
  });

  test("refuse what is not finite", () => {
    expect(() => symmetricEigen(matrixFrom([[Number.NaN]]))).toThrow("expected finite values, received NaN");
  });
});
