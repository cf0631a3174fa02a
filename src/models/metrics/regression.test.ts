import fc from "fast-check";
import { expect, test } from "vitest";
import {
  directionAccuracy,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanAbsoluteScaledError,
  meanSquaredError,
  rootMeanSquaredError,
  rSquared,
  seasonalScale,
  skill,
  symmetricMeanAbsolutePercentageError,
} from "./regression.ts";

// Box and Jenkins (1970), series G: international airline passengers, thousands a month, 1949 to 1960.
const airPassengers = [
  112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118, 115, 126, 141, 135, 125, 149, 170, 170, 158,
  133, 114, 140, 145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166, 171, 180, 193, 181, 183, 218,
  230, 242, 209, 191, 172, 194, 196, 196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201, 204, 188, 235,
  227, 234, 264, 302, 293, 259, 229, 203, 229, 242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278,
  284, 277, 317, 313, 318, 374, 413, 405, 355, 306, 271, 306, 315, 301, 356, 348, 355, 422, 465, 467, 404,
  347, 305, 336, 340, 318, 362, 348, 363, 435, 491, 505, 404, 359, 310, 337, 360, 342, 406, 396, 420, 472,
  548, 559, 463, 407, 362, 405, 417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432,
];
const training = airPassengers.slice(0, -12);
const outcome = airPassengers.slice(-12);
const seasonalNaive = training.slice(-12);

test("scores the seasonal naive forecast of the last year of AirPassengers as published", () => {
  expect(airPassengers.length).toBe(144);
  expect(meanAbsoluteError(outcome, seasonalNaive)).toBeCloseTo(47.833333, 6);
  expect(rootMeanSquaredError(outcome, seasonalNaive)).toBeCloseTo(50.708316, 6);
  expect(meanAbsolutePercentageError(outcome, seasonalNaive)).toBeCloseTo(9.987533, 6);
  expect(symmetricMeanAbsolutePercentageError(outcome, seasonalNaive)).toBeCloseTo(10.571808, 6);
  expect(seasonalScale(training, 12)).toBeCloseTo(30.45, 12);
  expect(meanAbsoluteScaledError(outcome, seasonalNaive, training, 12)).toBeCloseTo(1.570881, 6);
});

test("scores the naive forecast of AirPassengers, and a known MAE, on the same scale", () => {
  const naive = outcome.map(() => training[training.length - 1]);
  expect(meanAbsoluteScaledError(outcome, naive, training, 12)).toBeCloseTo(2.495895, 6);
  // SARIMA(2,1,1)(0,1,0)[12], fitted on the first 132 months: MAE 19.63 and MASE .6447 are published together.
  expect(19.63 / seasonalScale(training, 12)).toBeCloseTo(0.6447, 4);
});

const y = [3, -0.5, 2, 7, 4.2];
const f = [2.5, 0, 2, 8, 3.9];

test("agrees with scikit-learn 1.2.1 on five pairs", () => {
  expect(meanSquaredError(y, f)).toBeCloseTo(0.318, 14); // mean_squared_error(y, f)
  expect(meanAbsoluteError(y, f)).toBeCloseTo(0.46, 14); // mean_absolute_error(y, f)
  expect(meanAbsolutePercentageError(y, f)).toBeCloseTo(27.61904761904762, 12); // 100 mean_absolute_percentage_error(y, f)
  expect(rSquared(y, f)).toBeCloseTo(0.9480256276150627, 14); // r2_score(y, f)
});

test("keeps its laws: shift, scale, bounds", () => {
  const numbers = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 2, maxLength: 20 });
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      const n = Math.min(a.length, b.length);
      const [u, v] = [a.slice(0, n), b.slice(0, n)];
      const double = (x: number[]) => x.map((value) => 2 * value + 5);
      expect(meanSquaredError(double(u), double(v))).toBeCloseTo(4 * meanSquaredError(u, v), 6);
      expect(meanAbsoluteError(u, v)).toBeLessThanOrEqual(rootMeanSquaredError(u, v) + 1e-12);
      expect(symmetricMeanAbsolutePercentageError(u, v)).toBeLessThanOrEqual(200 + 1e-9);
      expect(rSquared(u, v)).toBeLessThanOrEqual(1);
    }),
  );
});

test("states what happens at zero", () => {
  expect(meanAbsolutePercentageError([0], [1])).toBe(Number.POSITIVE_INFINITY);
  expect(meanAbsolutePercentageError([0], [0])).toBe(0);
  expect(symmetricMeanAbsolutePercentageError([0, 0], [0, 5])).toBe(100);
  expect(rSquared([2, 2], [2, 2])).toBe(1);
  expect(rSquared([2, 2], [2, 3])).toBe(Number.NEGATIVE_INFINITY);
  expect(skill(0, 0)).toBe(0);
  expect(skill(1, 0)).toBe(Number.NEGATIVE_INFINITY);
  expect(meanSquaredError([1, Number.NaN], [1, 1])).toBeNaN();
});

test("gives the forecast of no change half of the directions", () => {
  expect(directionAccuracy([1, -1, 2], [0, 0, 0])).toBe(0.5);
  expect(directionAccuracy([1, -1, 2, -3], [1, 1, 1, -1])).toBe(0.75);
  expect(directionAccuracy([0, 0], [1, 1])).toBeNaN();
});

test("refuses unequal lengths, emptiness and a season that does not fit", () => {
  expect(() => meanSquaredError([1], [1, 2])).toThrow("received 1 outcomes and 2 forecasts");
  expect(() => meanAbsoluteError([], [])).toThrow("at least one");
  expect(() => seasonalScale([1, 2], 2)).toThrow("received 2 values and season 2");
});
