import fc from "fast-check";
import { expect, test } from "vitest";
import { normalCdf, normalPdf, normalQuantile } from "./normal-distribution.ts";
import { studentTCdf, studentTTwoSided } from "./student-t-distribution.ts";

const relative = (actual: number, expected: number) => Math.abs(actual / expected - 1);

// mpmath with 40 digits: mp.ncdf(x)
const normalTable: [number, number][] = [
  [-10, 7.619853024160525e-24],
  [-5, 2.866515718791939e-7],
  [-2.5, 0.006209665325776135],
  [-2, 0.02275013194817921],
  [-1, 0.15865525393145705],
  [0.3, 0.6179114221889527],
  [1.96, 0.9750021048517795],
  [2, 0.9772498680518208],
  [3, 0.9986501019683699],
];

test.each(normalTable)("knows the normal cdf at %d to 5e-14", (x, expected) => {
  expect(relative(normalCdf(x), expected)).toBeLessThan(5e-14);
});

// mpmath with 60 digits: -sqrt(2) erfinv(1 - 2p), p the nearest double
const normalQuantiles: [number, number][] = [
  [0.001, -3.0902323061678136],
  [0.025, -1.9599639845400543],
  [0.1, -1.2815515655446004],
  [0.3, -0.5244005127080408],
  [0.6, 0.2533471031357997],
  [0.9999, 3.7190164854557084],
];

test.each(normalQuantiles)("knows the normal quantile at %d to 1e-14", (p, expected) => {
  expect(relative(normalQuantile(p), expected)).toBeLessThan(1e-14);
});

test("inverts the normal cdf, far tails included", () => {
  fc.assert(
    fc.property(fc.double({ min: -300, max: -0.01, noNaN: true }), (exponent) => {
      const p = 10 ** exponent;
      // dp/p = z dz: an error of one unit in the last place of z weighs z² here.
      expect(relative(normalCdf(normalQuantile(p)), p)).toBeLessThan(1e-12);
    }),
  );
  expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
  expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY);
  expect(normalQuantile(0.5)).toBe(0);
  expect(normalQuantile(-0.1)).toBeNaN();
  expect(normalCdf(Number.POSITIVE_INFINITY)).toBe(1);
  expect(normalCdf(Number.NEGATIVE_INFINITY)).toBe(0);
});

test("has the density as the slope of the cdf", () => {
  for (const x of [-3, -0.7, 0, 1.1, 2.4]) {
    expect((normalCdf(x + 1e-5) - normalCdf(x - 1e-5)) / 2e-5).toBeCloseTo(normalPdf(x), 9);
  }
});

// mpmath with 60 digits: betainc(n/2, 1/2, 0, n/(n + t²), regularized=True) / 2
const studentTable: [number, number, number][] = [
  [-1, 1, 0.25],
  [-2, 3, 0.0696629842794216],
  [2.5, 11, 0.9852468129563179],
  [-0.01, 7, 0.4961501588218109],
  [-8, 30, 3.1329112378503795e-9],
  [1.3, 0.5, 0.7296926732774398],
  [-1.96, 1000, 0.025136592477874357],
  [-3, 1_000_000, 0.0013499312707108985],
  [-40, 4, 1.1670081613006343e-6],
];

test.each(studentTable)("knows Student's t cdf at %d with %d degrees", (t, degrees, expected) => {
  expect(relative(studentTCdf(t, degrees), expected)).toBeLessThan(degrees > 1e4 ? 1e-10 : 1e-12);
});

test("has Student's closed forms with one and two degrees", () => {
  for (const t of [-5, -0.3, 0, 1, 12]) {
    expect(studentTCdf(t, 1)).toBeCloseTo(0.5 + Math.atan(t) / Math.PI, 14);
    expect(studentTCdf(t, 2)).toBeCloseTo(0.5 + t / (2 * Math.sqrt(2 + t * t)), 14);
  }
  expect(studentTTwoSided(2, 8)).toBeCloseTo(0.08051623795726268, 14); // mpmath, as above
  expect(studentTTwoSided(Number.POSITIVE_INFINITY, 3)).toBe(0);
  expect(studentTCdf(1, 0)).toBeNaN();
});
