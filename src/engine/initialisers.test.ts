import fc from "fast-check";
import { expect, test } from "vitest";
import { keyFrom } from "../base/index.ts";
import { filled, glorotUniform, heNormal, normalArray, orthogonal, uniformArray } from "./index.ts";

const moments = (data: Float32Array) => {
  const mean = data.reduce((a, b) => a + b, 0) / data.length;
  return { mean, deviation: Math.sqrt(data.reduce((a, b) => a + (b - mean) ** 2, 0) / data.length) };
};
const largest = (data: Float32Array) => data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);

test("fills", () => {
  expect(filled([2, 1], 0.5)).toEqual({ shape: [2, 1], data: Float32Array.of(0.5, 0.5) });
  expect([...filled([], 3).data]).toEqual([3]);
});

test("draws uniform numbers over the whole range and none outside", () => {
  const { data } = uniformArray(keyFrom(1), [100, 100], -2, 4);
  const { mean, deviation } = moments(data);
  expect(Math.min(...data)).toBeGreaterThanOrEqual(-2);
  expect(Math.max(...data)).toBeLessThanOrEqual(4);
  expect(mean).toBeCloseTo(1, 1);
  expect(deviation).toBeCloseTo(6 / Math.sqrt(12), 1);
});

test("draws normal numbers of the asked deviation", () => {
  const { mean, deviation } = moments(normalArray(keyFrom(2), [100, 100], 3).data);
  expect(Math.abs(mean)).toBeLessThan(0.1); // three standard errors: 3 * 3 / 100
  expect(deviation).toBeCloseTo(3, 1);
});

test("keeps Glorot's bound √(6 / (in + out)) and comes near it", () => {
  const bound = Math.sqrt(6 / 150);
  const { data } = glorotUniform(keyFrom(3), [100, 50]);
  expect(largest(data)).toBeLessThanOrEqual(Math.fround(bound));
  expect(largest(data)).toBeGreaterThan(0.99 * bound);
});

test("has He's deviation √(2 / in), kernels of several axes included", () => {
  expect(moments(heNormal(keyFrom(4), [200, 50]).data).deviation).toBeCloseTo(Math.sqrt(2 / 50), 2);
  expect(moments(heNormal(keyFrom(4), [200, 10, 5]).data).deviation).toBeCloseTo(Math.sqrt(2 / 50), 2);
});

test("makes rows or columns of length 1 at right angles, whichever are fewer", () => {
  const size = fc.integer({ min: 1, max: 12 });
  fc.assert(
    fc.property(size, size, fc.integer(), (rows, columns, seed) => {
      const { data } = orthogonal(keyFrom(seed), [rows, columns]);
      const vectors =
        rows <= columns
          ? Array.from({ length: rows }, (_, i) => data.slice(i * columns, (i + 1) * columns))
          : Array.from({ length: columns }, (_, i) => data.filter((_, place) => place % columns === i));
      vectors.forEach((a, i) => {
        vectors.forEach((b, j) => {
          const product = a.reduce((total, value, k) => total + value * b[k], 0);
          expect(product).toBeCloseTo(i === j ? 1 : 0, 5);
        });
      });
    }),
    { numRuns: 20 },
  );
});

test("gives the same numbers for the same key and others for another", () => {
  for (const make of [glorotUniform, heNormal, orthogonal]) {
    expect(make(keyFrom(5), [4, 4])).toEqual(make(keyFrom(5), [4, 4]));
    expect(make(keyFrom(5), [4, 4])).not.toEqual(make(keyFrom(6), [4, 4]));
  }
});

test("says which shape it needs", () => {
  expect(() => glorotUniform(keyFrom(1), [3])).toThrow(
    "initialiser: expected a shape [out, in, ...], received [3]",
  );
});
