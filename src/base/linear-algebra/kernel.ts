/**
 * The one loop in which dense linear algebra spends its time: `out[i, j] += sign * Σ_k a[i, k] b[j, k]`, rows times rows, so
 * that both operands are read in the order in which they lie. Tiles of 4 x 2 keep eight sums in registers, and the sum over k
 * is cut so that the rows of a tile stay in the first cache.
 */

import { depthStep, type SimdKernel, simdKernel } from "./simd-kernel.ts";

/** A block of rows inside of an array: where it begins, how far its rows are apart, and how many there are. */
export interface Rows {
  readonly data: Float64Array;
  readonly offset: number;
  readonly stride: number;
  readonly count: number;
}

const depthBlock = 256;
const rowBlock = 64;

/** Products below this many multiplications are over before the rows are copied. */
const leastSimdWork = 300_000;

/**
 * Adds `sign` times the products of rows of `a` with rows of `b` to `out`.
 *
 * @param depth values of each row that count
 * @param lowerOnly skips tiles wholly above the diagonal of `out`; those that it cuts are computed whole
 */
export function addRowProducts(
  out: Rows,
  a: Rows,
  b: Rows,
  depth: number,
  sign: 1 | -1,
  lowerOnly = false,
): void {
  const work = a.count * b.count * depth;
  const simd = work > leastSimdWork && a.count >= 4 && b.count >= 2 && depth >= 64 ? simdKernel() : null;
  if (simd) {
    addByVectors(simd, out, a, b, depth, sign, lowerOnly);
    return;
  }
  for (let k0 = 0; k0 < depth; k0 += depthBlock) {
    const count = Math.min(depthBlock, depth - k0);
    for (let j0 = 0; j0 < b.count; j0 += rowBlock) {
      const j1 = Math.min(b.count, j0 + rowBlock);
      const firstRow = lowerOnly ? j0 - (j0 % 4) : 0;
      for (let i = firstRow; i < a.count; i += 4) {
        const height = Math.min(4, a.count - i);
        const jEnd = lowerOnly ? Math.min(j1, i + height) : j1;
        for (let j = j0; j < jEnd; j += 2) {
          if (height === 4 && j + 1 < b.count) tile(out, a, b, i, j, k0, count, sign);
          else edge(out, a, b, i, height, j, Math.min(2, b.count - j), k0, count, sign);
        }
      }
    }
  }
}

function tile(
  out: Rows,
  a: Rows,
  b: Rows,
  i: number,
  j: number,
  k0: number,
  count: number,
  sign: number,
): void {
  const x = a.data;
  const y = b.data;
  let p0 = a.offset + i * a.stride + k0;
  let p1 = p0 + a.stride;
  let p2 = p1 + a.stride;
  let p3 = p2 + a.stride;
  let q0 = b.offset + j * b.stride + k0;
  let q1 = q0 + b.stride;
  let s00 = 0;
  let s01 = 0;
  let s10 = 0;
  let s11 = 0;
  let s20 = 0;
  let s21 = 0;
  let s30 = 0;
  let s31 = 0;
  for (let k = 0; k < count; k++) {
    const y0 = y[q0++];
    const y1 = y[q1++];
    const x0 = x[p0++];
    s00 += x0 * y0;
    s01 += x0 * y1;
    const x1 = x[p1++];
    s10 += x1 * y0;
    s11 += x1 * y1;
    const x2 = x[p2++];
    s20 += x2 * y0;
    s21 += x2 * y1;
    const x3 = x[p3++];
    s30 += x3 * y0;
    s31 += x3 * y1;
  }
  const z = out.data;
  let r = out.offset + i * out.stride + j;
  z[r] += sign * s00;
  z[r + 1] += sign * s01;
  r += out.stride;
  z[r] += sign * s10;
  z[r + 1] += sign * s11;
  r += out.stride;
  z[r] += sign * s20;
  z[r + 1] += sign * s21;
  r += out.stride;
  z[r] += sign * s30;
  z[r + 1] += sign * s31;
}

function edge(
  out: Rows,
  a: Rows,
  b: Rows,
  i0: number,
  height: number,
  j0: number,
  width: number,
  k0: number,
  count: number,
  sign: number,
): void {
  for (let i = i0; i < i0 + height; i++) {
    for (let j = j0; j < j0 + width; j++) {
      const p = a.offset + i * a.stride + k0;
      const q = b.offset + j * b.stride + k0;
      let sum = 0;
      for (let k = 0; k < count; k++) sum += a.data[p + k] * b.data[q + k];
      out.data[out.offset + i * out.stride + j] += sign * sum;
    }
  }
}

/**
 * The same by vectors: the rows are copied to WebAssembly's memory, one block of the sum after the other, so that it stays small;
 * rows and depth are padded with zeros, so that there are only whole tiles.
 */
function addByVectors(
  { tile, memory }: SimdKernel,
  out: Rows,
  a: Rows,
  b: Rows,
  depth: number,
  sign: 1 | -1,
  lowerOnly: boolean,
): void {
  const same = a.data === b.data && a.offset === b.offset && a.stride === b.stride && a.count >= b.count;
  const rowsA = Math.ceil(a.count / 4) * 4;
  const rowsB = same ? 0 : Math.ceil(b.count / 2) * 2;
  const results = 8;
  for (let k0 = 0; k0 < depth; k0 += depthBlock) {
    const count = Math.min(depthBlock, depth - k0);
    const padded = Math.ceil(count / depthStep) * depthStep;
    const view = memory(results + (rowsA + rowsB + 2) * padded);
    const atA = results;
    const atB = same ? atA : atA + rowsA * padded;
    copyRows(view, atA, a, rowsA, k0, count, padded);
    if (!same) copyRows(view, atB, b, rowsB, k0, count, padded);
    const stride = 8 * padded;
    for (let j0 = 0; j0 < b.count; j0 += rowBlock) {
      const j1 = Math.min(b.count, j0 + rowBlock);
      for (let i = lowerOnly ? j0 : 0; i < a.count; i += 4) {
        const height = Math.min(4, a.count - i);
        const jEnd = lowerOnly ? Math.min(j1, i + height) : j1;
        for (let j = j0; j < jEnd; j += 2) {
          const from = 8 * (atA + i * padded);
          tile(from, 8 * (atB + j * padded), stride, stride, from + stride, 0);
          const width = Math.min(2, b.count - j);
          for (let r = 0; r < height; r++) {
            const to = out.offset + (i + r) * out.stride + j;
            for (let c = 0; c < width; c++) out.data[to + c] += sign * view[2 * r + c];
          }
        }
      }
    }
  }
}

function copyRows(
  to: Float64Array,
  at: number,
  { data, offset, stride, count }: Rows,
  rows: number,
  k0: number,
  depth: number,
  padded: number,
): void {
  for (let i = 0; i < rows; i++) {
    const start = at + i * padded;
    if (i < count) to.set(data.subarray(offset + i * stride + k0, offset + i * stride + k0 + depth), start);
    to.fill(0, start + (i < count ? depth : 0), start + padded);
  }
}
