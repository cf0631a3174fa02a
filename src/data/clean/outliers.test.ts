import fc from "fast-check";
import { expect, test } from "vitest";
import { keyFrom, normal } from "../../base/index.ts";
import { cleanPrices } from "./clean-prices.ts";
import { defaultCleanOptions, type OutlierOptions, resolveCleanOptions } from "./options.ts";
import { OutlierJudge } from "./outliers.ts";

const calm = normal(keyFrom(7), 200, 0, 0.01);

/** Closes of a calm walk of 1 % a day, changed by `change`. */
function walk(change: (close: number, day: number) => number = (close) => close): number[] {
  let close = 100;
  return Array.from(calm, (step, day) => {
    close *= Math.exp(step);
    return change(close, day);
  });
}

function outlierDays(closes: readonly number[], options: Partial<OutlierOptions> = {}): number[] {
  const judge = new OutlierJudge({ ...defaultCleanOptions.outliers, ...options });
  return closes.flatMap((close, day) => (judge.isOutlier(close) ? [day] : []));
}

const methods = ["hampel", "iqr", "zscore"] as const;

test.each(methods)(
  "finds nothing in calm returns, and one outlier in a bad tick that reverts (%s)",
  (method) => {
    const { outliers } = resolveCleanOptions({ outliers: { method } });
    expect(outlierDays(walk(), outliers)).toEqual([]);
    expect(
      outlierDays(
        walk((close, day) => (day === 100 ? close * 10 : close)),
        outliers,
      ),
    ).toEqual([100]);
    const twoTicks = walk((close, day) => (day === 100 || day === 101 ? close * 10 : close));
    expect(outlierDays(twoTicks, outliers)).toContain(100);
  },
);

test("finds one outlier in a jump that stays", () => {
  expect(outlierDays(walk((close, day) => (day >= 100 ? close * 2 : close)))).toEqual([100]);
});

test("learns a new regime instead of calling all of it odd", () => {
  let level = 100;
  const closes = Array.from(calm, (step, day) => {
    level *= Math.exp(day < 80 ? step : 12 * step);
    return level;
  });
  const days = outlierDays(closes);
  expect(days.length).toBeGreaterThan(0);
  expect(days.filter((day) => day > 150)).toEqual([]);
});

test("says nothing while too few returns are known, or when they do not vary", () => {
  expect(outlierDays([100, 200, 50, 400])).toEqual([]);
  expect(outlierDays([...Array.from({ length: 60 }, () => 100), 150])).toEqual([]);
});

test("decides as the definition does, shortcut or not", () => {
  const median = (values: readonly number[]) => {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  };
  const returns = fc.array(
    fc.integer({ min: -100, max: 100 }).map((step) => step / 1000),
    { minLength: 8, maxLength: 8 },
  );
  fc.assert(
    fc.property(
      returns,
      fc.integer({ min: -900, max: 900 }).map((step) => step / 1000),
      (past, next) => {
        const judge = new OutlierJudge({
          ...defaultCleanOptions.outliers,
          window: 8,
          minimumReturns: 8,
          threshold: 3,
        });
        const closes = [100];
        for (const step of past) closes.push(closes[closes.length - 1] * Math.exp(step));
        for (const close of closes) judge.isOutlier(close);
        // The judge sees closes, so the returns are taken back from them.
        const seen = closes.slice(1).map((close, index) => Math.log(close / closes[index]));
        const centre = median(seen);
        const mad = median(seen.map((value) => Math.abs(value - centre)));
        fc.pre(mad > 1e-9);
        const last = closes[closes.length - 1] * Math.exp(next);
        const value = Math.log(last / closes[closes.length - 1]);
        const excess = Math.abs(value - centre) - 3 * 1.4826 * mad;
        fc.pre(Math.abs(excess) > 1e-12); // rounding decides at the border
        expect(judge.isOutlier(last)).toBe(excess > 0);
      },
    ),
    { numRuns: 500 },
  );
});

test("winsorises to the edge of the band, drops, or leaves the close", () => {
  const close = Float64Array.from(walk((price, day) => (day === 100 ? price * 10 : price)));
  const table = {
    source: "t",
    fingerprint: "f",
    symbols: ["A"],
    symbol: new Int32Array(close.length),
    time: Float64Array.from(close, (_, day) => day),
    open: null,
    high: close.slice(),
    low: null,
    close,
    volume: null,
    line: Int32Array.from(close, (_, day) => day + 2),
  };
  const cleaned = (action: "flag" | "winsorise" | "drop") => cleanPrices(table, { outliers: { action } });
  const clipped = cleaned("winsorise").prices.series[0];
  expect(Math.abs(Math.log(clipped.close[100] / clipped.close[99]))).toBeLessThan(0.15); // 8 deviations of 1 %, and some
  expect(clipped.high?.[100]).toBe(clipped.close[100]);
  expect(clipped.filled[100]).toBe(1);
  expect(clipped.close[101]).toBe(close[101]);
  const dropped = cleaned("drop");
  expect(dropped.prices.series[0].close.length).toBe(199);
  expect(dropped.report.dropped.outlier).toBe(1);
  expect(cleaned("flag").prices.series[0].close[100]).toBe(close[100]);
  expect(cleaned("flag").report.outliers).toBe(1);
});
