import fc from "fast-check";
import { expect, test } from "vitest";
import { startOfDay } from "../../base/index.ts";
import { type AxisKind, extent, scale } from "./scale.ts";

const labels = (kind: AxisKind, low: number, high: number, ticks: number, nice = true) =>
  scale({ kind, low, high, from: 0, to: 500, ticks, nice }).ticks.map((tick) => tick.label);

test("marks numbers at round steps and widens the range to them", () => {
  expect(labels("number", 0.3, 9.7, 5)).toEqual(["0", "2", "4", "6", "8", "10"]);
  expect(labels("number", -0.013, 0.034, 5)).toEqual([
    "−0.02",
    "−0.01",
    "0.00",
    "0.01",
    "0.02",
    "0.03",
    "0.04",
  ]);
  // 0.6000000000000001, a multiple of the step as computers see it, is no reason to lose the tick at 0.6.
  expect(labels("number", 0.65, 1.05, 4)).toEqual(["0.6", "0.7", "0.8", "0.9", "1.0", "1.1"]);
  expect(labels("number", 1.2116, 1.305, 5)).toEqual([
    "1.20",
    "1.22",
    "1.24",
    "1.26",
    "1.28",
    "1.30",
    "1.32",
  ]);
  expect(labels("number", 0, 40_392, 4)).toEqual(["0", "20,000", "40,000", "60,000"]);
});

test("marks a log axis at powers of ten, or at round parts of them where there are few", () => {
  expect(labels("log", 1e-4, 1, 5)).toEqual(["0.0001", "0.001", "0.01", "0.1", "1"]);
  expect(labels("log", 0.35, 1.13, 5)).toEqual(["0.3", "0.4", "0.6", "0.8", "1", "1.5"]);
  const { at } = scale({ kind: "log", low: 1, high: 100, from: 0, to: 200, ticks: 4, nice: true });
  expect(at(10)).toBeCloseTo(100, 9);
});

test("marks an axis at three places or more, however little room there is", () => {
  const size = fc.double({ min: 1e-4, max: 1e4, noNaN: true });
  const growth = fc.double({ min: 1.02, max: 1e4, noNaN: true });
  fc.assert(
    fc.property(size, growth, (low, factor) => {
      for (const kind of ["number", "log"] as const) {
        expect(labels(kind, low, low * factor, 4).length).toBeGreaterThan(2);
      }
    }),
  );
});

test("marks time at the calendar's own places", () => {
  const at = startOfDay;
  expect(labels("time", at("2015-03-01"), at("2023-03-01"), 8)).toEqual([
    "2016",
    "2017",
    "2018",
    "2019",
    "2020",
    "2021",
    "2022",
    "2023",
  ]);
  expect(labels("time", at("2023-01-10"), at("2024-02-10"), 5)).toEqual(["Apr", "Jul", "Oct", "Jan"]);
  expect(labels("time", at("2024-02-26"), at("2024-03-12"), 3)).toEqual(["26 Feb", "4 Mar", "11 Mar"]); // Mondays
  const day = scale({
    kind: "time",
    low: at("2024-02-26"),
    high: at("2024-02-27"),
    from: 0,
    to: 500,
    ticks: 4,
    nice: false,
  });
  expect(day.ticks.map(({ label }) => label)).toEqual(["00:00", "06:00", "12:00", "18:00", "00:00"]);
  expect(day.ticks.map(({ context }) => context)[4]).toBe("2024-02-27");
});

test("keeps ticks rising, inside the range, and few, whatever the range", () => {
  const numbers = fc.double({ min: -1e12, max: 1e12, noNaN: true });
  fc.assert(
    fc.property(numbers, fc.double({ min: 1e-9, max: 1e12, noNaN: true }), (low, extentOf) => {
      fc.pre(low + extentOf > low + Math.abs(low) * 1e-9);
      for (const kind of ["number", "time"] as const) {
        const [from, to] =
          kind === "time" ? [Math.abs(low), Math.abs(low) + 1000 + extentOf] : [low, low + extentOf];
        const { ticks, at } = scale({ kind, low: from, high: to, from: 0, to: 500, ticks: 6, nice: true });
        expect(ticks.length).toBeLessThanOrEqual(16);
        ticks.forEach(({ value }, i) => {
          if (i > 0) expect(value).toBeGreaterThan(ticks[i - 1].value);
          expect(at(value)).toBeGreaterThan(-0.01);
          expect(at(value)).toBeLessThan(500.01);
        });
      }
    }),
  );
});

test("widens a range without extent and skips what an axis cannot show", () => {
  expect(labels("number", 5, 5, 4).length).toBeGreaterThan(1);
  expect(labels("whole", 1, 1, 4)).toEqual(["1"]);
  expect(extent("log", [0, -1, 4, Number.NaN, 2])).toEqual([2, 4]);
  expect(extent("number", [Number.NaN], [])).toBeNull();
});
