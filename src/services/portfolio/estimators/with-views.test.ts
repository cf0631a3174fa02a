import { expect, test } from "vitest";
import { keyFrom, matrix, matrixFrom, normal } from "../../../base/index.ts";
import type { Market } from "../problem.ts";
import { marketWithViews } from "./with-views.ts";

const scenarios = matrix(2, 500, normal(keyFrom(1), 1000, 0.0005, 0.01));
const market: Market = {
  assets: ["A", "B"],
  expectedReturns: Float64Array.of(0.1, 0.05),
  covariance: matrixFrom([
    [0.04, 0.01],
    [0.01, 0.09],
  ]),
  scenarios,
  periodsPerYear: 252,
  riskFree: 0,
};
const options = { views: [], viewMethod: "black-litterman", tau: 0.05, marketRiskAversion: 2.5 } as const;

test("is the market itself without views", () => {
  expect(marketWithViews(market, options).market).toBe(market);
});

test("starts from what the market's weights imply, and moves towards the view", () => {
  const implied = marketWithViews(market, { ...options, marketWeights: { A: 0.5, B: 0.5 } }).market;
  expect(Array.from(implied.expectedReturns)).toEqual([
    expect.closeTo(0.0625, 12),
    expect.closeTo(0.125, 12),
  ]);
  const moved = marketWithViews(market, { ...options, views: ["A - B = 15% @ 100%"] }).market.expectedReturns;
  expect(moved[0] - moved[1]).toBeCloseTo(0.15, 12);
  expect(() => marketWithViews(market, { ...options, views: ["C = 1%"] })).toThrow(/"C"/);
});

test("weighs scenarios so that their means are the views", () => {
  const { market: pooled, warnings } = marketWithViews(market, {
    ...options,
    viewMethod: "entropy-pooling",
    views: ["A = 20%", "A - B = 5%"],
  });
  expect(pooled.expectedReturns[0]).toBeCloseTo(0.2, 8);
  expect(pooled.expectedReturns[1]).toBeCloseTo(0.15, 8);
  expect(warnings[0]).toMatch(/of 500 scenarios still speak/);
  expect(() =>
    marketWithViews(market, { ...options, viewMethod: "entropy-pooling", marketWeights: { A: 1 } }),
  ).toThrow(/marketWeights/);
});
