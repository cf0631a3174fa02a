import { expect, test } from "vitest";
import { ranks } from "./ranks.ts";

test("gives ties the mean of their ranks", () => {
  // scipy.stats.rankdata([2, 7, 2, 2, -1, 7])
  expect([...ranks([2, 7, 2, 2, -1, 7])]).toEqual([3, 5.5, 3, 3, 1, 5.5]);
  expect([...ranks([0, -0])]).toEqual([1.5, 1.5]);
  expect([...ranks([])]).toEqual([]);
});

test("puts infinities at the ends and NaN behind them", () => {
  const { NEGATIVE_INFINITY, POSITIVE_INFINITY, NaN: none } = Number;
  expect([...ranks([none, POSITIVE_INFINITY, 3, NEGATIVE_INFINITY, POSITIVE_INFINITY])]).toEqual([
    5, 3.5, 2, 1, 3.5,
  ]);
});
