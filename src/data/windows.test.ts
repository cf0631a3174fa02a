import fc from "fast-check";
import { expect, test } from "vitest";
import { gatherWindows, newestTime, pickWindows, priceFrame, symbolOffsets, windowsOf } from "./windows.ts";

const series = (symbol: string, first: number, ...close: number[]) => ({
  symbol,
  time: Float64Array.from(close, (_, at) => first + at),
  open: null,
  high: null,
  low: null,
  close: Float64Array.from(close),
  volume: Float64Array.from(close, (price) => price * 10),
  filled: new Uint8Array(close.length),
});

const prices = {
  source: "t",
  fingerprint: "f",
  symbols: ["A", "B"],
  series: [series("A", 0, 1, 2, 3, 4), series("B", 100, 5, 6, 7)],
};

test("lays the symbols one after another", () => {
  const frame = priceFrame(prices, ["close", "volume"]);
  expect([...frame.offsets]).toEqual([0, 4, 7]);
  expect([...frame.values.slice(6, 10)]).toEqual([4, 40, 5, 50]);
  expect(newestTime(frame)).toBe(102);
  expect(() => priceFrame(prices, ["open"])).toThrow('t: expected a column "open", found none');
});

test("makes windows with their labels inside one symbol", () => {
  const frame = priceFrame(prices, ["close"]);
  const windows = windowsOf(frame, { lookback: 2, horizon: 1 });
  expect([...windows.starts]).toEqual([0, 1, 4]);
  expect([...windows.symbol]).toEqual([0, 0, 1]);
  expect([...windows.asOf]).toEqual([1, 2, 101]);
  expect([...windows.labelTime]).toEqual([2, 3, 102]);
  expect([...gatherWindows(frame, windows)]).toEqual([1, 2, 2, 3, 5, 6]);
  const last = pickWindows(windows, Int32Array.of(2));
  expect([...gatherWindows(frame, last)]).toEqual([5, 6]);
});

test("keeps the newest window when no label is asked for", () => {
  const windows = windowsOf(priceFrame(prices, ["close"]), { lookback: 3, horizon: 0 });
  expect([...windows.starts]).toEqual([0, 1, 4]);
  expect([...windows.labelTime]).toEqual([...windows.asOf]);
});

test("never crosses from one symbol to the next", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(12), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 4 }),
      fc.nat(3),
      fc.integer({ min: 1, max: 3 }),
      (lengths, lookback, horizon, stride) => {
        fc.pre(lengths.some((length) => length >= lookback + horizon));
        const offsets = symbolOffsets(lengths.map((length) => ({ time: new Float64Array(length) })));
        const time = Float64Array.from({ length: offsets[lengths.length] }, (_, row) => row);
        const windows = windowsOf({ offsets, time }, { lookback, horizon, stride });
        const wanted = lengths.flatMap((length, symbol) =>
          Array.from({ length }, (_, at) => at)
            .filter((at) => at % stride === 0 && at + lookback + horizon <= length)
            .map((at) => [symbol, offsets[symbol] + at]),
        );
        expect([...windows.starts].map((start, at) => [windows.symbol[at], start])).toEqual(wanted);
      },
    ),
  );
});

test("says how many rows are needed and how many there are", () => {
  const frame = priceFrame(prices, ["close"]);
  expect(() => windowsOf(frame, { lookback: 4, horizon: 2 })).toThrow(
    "expected at least 6 rows of one symbol (lookback 4 + horizon 2), received 4",
  );
  expect(() => windowsOf(frame, { lookback: 0, horizon: 1 })).toThrow(
    "windows: lookback: expected a whole number of at least 1, received 0",
  );
});
