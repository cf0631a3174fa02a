import fc from "fast-check";
import { expect, test } from "vitest";
import { dayMs } from "../../base/index.ts";
import { cutSamples, outcomes } from "./samples.ts";
import { closes, firstDay, pricesOf, walk } from "./testing/prices.ts";

test("counts the samples that have a whole window and every outcome", () => {
  const set = cutSamples(pricesOf(walk("A", 10), walk("B", 7), walk("C", 5)), {
    lookback: 3,
    horizons: [1, 2],
    which: "known",
  });
  // A window of 3 returns has 4 bars, and the farthest outcome 2 more: 10 - 5, 7 - 5, and none of 5.
  expect([...set.windows.symbol]).toEqual([0, 0, 0, 0, 0, 1, 1]);
});

test("never lets a window or an outcome cross from one symbol to the next", () => {
  const sizes = fc.array(fc.integer({ min: 8, max: 30 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      sizes,
      fc.integer({ min: 2, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      (bars, lookback, horizon) => {
        const prices = pricesOf(...bars.map((count, i) => walk(`S${i}`, count)));
        const { windows, frame } = cutSamples(prices, { lookback, horizons: [horizon], which: "known" });
        windows.starts.forEach((start, i) => {
          const [first, end] = [frame.offsets[windows.symbol[i]], frame.offsets[windows.symbol[i] + 1]];
          expect(start).toBeGreaterThanOrEqual(first);
          expect(start + lookback + horizon).toBeLessThan(end);
          expect(windows.asOf[i]).toBe(frame.time[start + lookback]);
          expect(windows.labelTime[i]).toBe(frame.time[start + lookback + horizon]);
        });
      },
    ),
    { numRuns: 50 },
  );
});

test("knows what came of each sample, for every target", () => {
  const set = cutSamples(pricesOf(closes("A", [100, 110, 99, 108.9])), {
    lookback: 2,
    horizons: [1],
    which: "known",
  });
  const [up, down] = [Math.log(1.1), Math.log(0.9)];
  const only = (target: Parameters<typeof outcomes>[1]) => {
    const values = outcomes(set, target);
    expect(values).toHaveLength(1);
    return values[0];
  };
  expect(set.lastClose[0]).toBe(99);
  expect(set.windowVolatility[0]).toBeCloseTo(Math.sqrt((up ** 2 + down ** 2) / 2), 12);
  expect(only("log-return")).toBeCloseTo(up, 12);
  expect(only("return")).toBeCloseTo(0.1, 12);
  expect(only("direction")).toBe(1);
  expect(only("volatility")).toBeCloseTo(up, 12);
  expect(only("level")).toBeCloseTo(108.9, 10);
});

test("takes the volatility over the whole horizon, and the return to its end", () => {
  const set = cutSamples(pricesOf(closes("A", [100, 100, 100, 110, 99])), {
    lookback: 2,
    horizons: [1, 2],
    which: "known",
  });
  const [up, down] = [Math.log(1.1), Math.log(0.9)];
  expect([...set.logReturn]).toEqual([expect.closeTo(up, 12), expect.closeTo(up + down, 12)]);
  expect([...set.futureVolatility]).toEqual([
    expect.closeTo(up, 12),
    expect.closeTo(Math.sqrt((up ** 2 + down ** 2) / 2), 12),
  ]);
});

test("counts an unchanged price as no rise", () => {
  const set = cutSamples(pricesOf(closes("A", [1, 2, 3, 3])), { lookback: 2, horizons: [1], which: "known" });
  expect([...outcomes(set, "direction")]).toEqual([0]);
});

test("gives the newest window of each symbol when the outcomes are not known", () => {
  const set = cutSamples(pricesOf(walk("A", 9), walk("B", 6), walk("C", 3)), {
    lookback: 3,
    horizons: [1],
    which: "latest",
  });
  expect([...set.windows.symbol]).toEqual([0, 1]);
  expect([...set.windows.asOf]).toEqual([firstDay + 8 * dayMs, firstDay + 5 * dayMs]);
  expect([...set.logReturn]).toEqual([Number.NaN, Number.NaN]);
  expect([...outcomes(set, "direction")]).toEqual([Number.NaN, Number.NaN]);
});

test("reads the columns that all symbols have, and a volume only where something was traded", () => {
  const none = walk("C", 9);
  const columns = (...series: Parameters<typeof pricesOf>) =>
    cutSamples(pricesOf(...series), { lookback: 3, horizons: [1], which: "known" }).columns;
  expect(columns(walk("A", 9), walk("B", 9, { columns: "close" }))).toEqual(["close"]);
  expect(columns(walk("A", 9), { ...none, volume: new Float64Array(9) })).toEqual([
    "close",
    "open",
    "high",
    "low",
  ]);
});

test("names file, need and number when there are too few bars, and the column that is not there", () => {
  const short = pricesOf(walk("A", 5));
  expect(() => cutSamples(short, { lookback: 4, horizons: [1, 3], which: "known" })).toThrow(
    expect.objectContaining({
      code: "DATA_TOO_SHORT",
      message: "test: expected at least 8 bars of one symbol for lookback 4 and horizon 3, received 5",
    }),
  );
  expect(() =>
    cutSamples(pricesOf(walk("A", 9, { columns: "close" })), {
      lookback: 3,
      horizons: [1],
      columns: ["close", "volume"],
      which: "known",
    }),
  ).toThrow(expect.objectContaining({ code: "DATA_COLUMN_MISSING" }));
});
