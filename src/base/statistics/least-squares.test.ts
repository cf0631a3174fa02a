import fc from "fast-check";
import { expect, test } from "vitest";
import { keyFrom, normal } from "../random.ts";
import { leastSquares } from "./least-squares.ts";

test("reproduces the certified coefficients of NIST's Longley problem", () => {
  // NIST StRD, Longley (1967): condition number about 5e9 with the raw years, where the normal equations lose every digit.
  const data = [
    [60323, 83.0, 234289, 2356, 1590, 107608, 1947],
    [61122, 88.5, 259426, 2325, 1456, 108632, 1948],
    [60171, 88.2, 258054, 3682, 1616, 109773, 1949],
    [61187, 89.5, 284599, 3351, 1650, 110929, 1950],
    [63221, 96.2, 328975, 2099, 3099, 112075, 1951],
    [63639, 98.1, 346999, 1932, 3594, 113270, 1952],
    [64989, 99.0, 365385, 1870, 3547, 115094, 1953],
    [63761, 100.0, 363112, 3578, 3350, 116219, 1954],
    [66019, 101.2, 397469, 2904, 3048, 117388, 1955],
    [67857, 104.6, 419180, 2822, 2857, 118734, 1956],
    [68169, 108.4, 442769, 2936, 2798, 120445, 1957],
    [66513, 110.8, 444546, 4681, 2637, 121950, 1958],
    [68655, 112.6, 482704, 3813, 2552, 123366, 1959],
    [69564, 114.2, 502601, 3931, 2514, 125368, 1960],
    [69331, 115.7, 518173, 4806, 2572, 127852, 1961],
    [70551, 116.9, 554894, 4007, 2827, 130081, 1962],
  ];
  const x = Float64Array.from(data.flatMap(([, ...row]) => [1, ...row]));
  const y = Float64Array.from(data.map(([first]) => first));
  const certified = [
    -3482258.63459582, 15.0618722713733, -0.35819179292591e-1, -2.02022980381683, -1.03322686717359,
    -0.0511041056535807, 1829.15146461355,
  ];
  const found = leastSquares(x, 16, 7, y);
  certified.forEach((expected, j) => {
    expect(Math.abs(found[j] / expected - 1)).toBeLessThan(1e-8);
  });
});

test("solves the normal equations of the ridge, one penalty for each column", () => {
  // x'x + diag(0, 2) = [[3, 6], [6, 16]], x'y = [9, 22]; the answer is [[16, -6], [-6, 3]] [9, 22] / 12
  const found = leastSquares(Float64Array.of(1, 1, 1, 2, 1, 3), 3, 2, Float64Array.of(2, 1, 6), {
    ridge: [0, 2],
  });
  expect(found[0]).toBeCloseTo((16 * 9 - 6 * 22) / 12, 12);
  expect(found[1]).toBeCloseTo((-6 * 9 + 3 * 22) / 12, 12);
});

test("leaves a residual at right angles to every column, over many blocks of rows and several targets", () => {
  const rows = 500;
  const x = normal(keyFrom(1), rows * 3);
  const y = normal(keyFrom(2), rows * 2);
  const b = leastSquares(x, rows, 3, y);
  for (let target = 0; target < 2; target++) {
    for (let j = 0; j < 3; j++) {
      let dot = 0;
      for (let r = 0; r < rows; r++) {
        let residual = y[r * 2 + target];
        for (let k = 0; k < 3; k++) residual -= x[r * 3 + k] * b[k * 2 + target];
        dot += residual * x[r * 3 + j];
      }
      expect(Math.abs(dot)).toBeLessThan(1e-11);
    }
  }
});

test("finds the coefficients that made the data", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 1000 }), (columns, seed) => {
      const rows = columns + 10;
      const x = normal(keyFrom(seed), rows * columns);
      const truth = normal(keyFrom(seed + 5000), columns);
      const y = Float64Array.from({ length: rows }, (_, r) =>
        truth.reduce((sum, b, j) => sum + b * x[r * columns + j], 0),
      );
      leastSquares(x, rows, columns, y).forEach((b, j) => {
        expect(b).toBeCloseTo(truth[j], 9);
      });
    }),
    { numRuns: 50 },
  );
});

test("refuses dependent columns unless a ridge decides, wrong sizes and values that are not finite", () => {
  const twins = Float64Array.of(1, 1, 2, 2, 3, 3);
  const y = Float64Array.of(2, 4, 6);
  expect(() => leastSquares(twins, 3, 2, y)).toThrow("column 1 is a combination of those before it");
  const shared = leastSquares(twins, 3, 2, y, { ridge: 1e-9 });
  expect(shared[0]).toBeCloseTo(1, 6);
  expect(shared[1]).toBeCloseTo(1, 6);
  expect(() => leastSquares(twins, 2, 2, y)).toThrow("received 6 and 3 values");
  expect(() => leastSquares(Float64Array.of(1, Number.NaN, 2), 3, 1, y)).toThrow("received NaN in row 1");
  expect(() => leastSquares(twins, 3, 2, y, { ridge: -1 })).toThrow("expected a ridge >= 0");
});
