import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PlatformError } from "../base/index.ts";
import { type SampleTimes, splitByTime, walkForward } from "./split.ts";

/** `times` moments, each with `symbols` samples whose label is `horizon` later; symbol by symbol, as windows are. */
function samplesOf(times: number, symbols: number, horizon: number): SampleTimes {
  const asOf = Float64Array.from({ length: times * symbols }, (_, at) => at % times);
  return { asOf, labelTime: asOf.map((time) => time + horizon) };
}

function code(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as PlatformError).code;
  }
  return "nothing failed";
}

test("splits by time, the same border for all symbols, and purges labels that reach over it", () => {
  const split = splitByTime(samplesOf(10, 2, 1), { fractions: { train: 0.6, validation: 0.2, test: 0.2 } });
  expect([split.validationFrom, split.testFrom]).toEqual([6, 8]);
  expect([...split.train]).toEqual([0, 1, 2, 3, 4, 10, 11, 12, 13, 14]);
  expect([...split.validation]).toEqual([6, 16]);
  expect([...split.test]).toEqual([8, 9, 18, 19]);
  expect([...split.purged]).toEqual([5, 7, 15, 17]);
});

test("splits at given moments, and without validation", () => {
  const samples = samplesOf(10, 1, 1);
  expect([...splitByTime(samples, { from: { validation: 3, test: 7 } }).train]).toEqual([0, 1]);
  const two = splitByTime(samples, { fractions: { train: 0.5, validation: 0, test: 0.5 } });
  expect([two.train.length, two.validation.length, two.test.length, two.purged.length]).toEqual([4, 0, 5, 1]);
});

test("keeps every part before the next, with labels and embargo, and each sample in one part", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 60 }),
      fc.integer({ min: 1, max: 3 }),
      fc.nat(4),
      fc.nat(3),
      fc.integer({ min: 3, max: 6 }),
      (times, symbols, horizon, embargoMs, tenths) => {
        const samples = samplesOf(times, symbols, horizon);
        const validation = (1 - tenths / 10) / 2;
        const fractions = { train: tenths / 10, validation, test: validation };
        let split: ReturnType<typeof splitByTime>;
        try {
          split = splitByTime(samples, { fractions, embargoMs });
        } catch (error) {
          expect(error).toMatchObject({ code: "DATA_TOO_SHORT" });
          return;
        }
        const { train, validation: middle, test: last, purged, validationFrom, testFrom } = split;
        const all = [...train, ...middle, ...last, ...purged].sort((a, b) => a - b);
        expect(all).toEqual([...samples.asOf.keys()]);
        for (const index of train) expect(samples.labelTime[index] + embargoMs).toBeLessThan(validationFrom);
        for (const index of middle) {
          expect(samples.asOf[index]).toBeGreaterThanOrEqual(validationFrom);
          expect(samples.labelTime[index] + embargoMs).toBeLessThan(testFrom);
        }
        for (const index of last) expect(samples.asOf[index]).toBeGreaterThanOrEqual(testFrom);
        for (const index of purged) {
          const border = samples.asOf[index] < validationFrom ? validationFrom : testFrom;
          expect(samples.labelTime[index] + embargoMs).toBeGreaterThanOrEqual(border);
        }
      },
    ),
  );
});

describe("walking forward", () => {
  test("tests the last times, one part after the other", () => {
    const folds = walkForward(samplesOf(10, 1, 1), { folds: 2, testTimes: 3 });
    expect(folds.map((fold) => [...fold.test])).toEqual([
      [4, 5, 6],
      [7, 8, 9],
    ]);
    expect(folds.map((fold) => [...fold.train])).toEqual([
      [0, 1, 2],
      [0, 1, 2, 3, 4, 5],
    ]);
    expect(folds.map((fold) => [...fold.purged])).toEqual([[3], [6]]);
  });

  test("rolls over the last times only", () => {
    const folds = walkForward(samplesOf(10, 1, 1), {
      folds: 2,
      testTimes: 3,
      mode: "rolling",
      trainTimes: 3,
    });
    expect(folds.map((fold) => [...fold.train])).toEqual([
      [1, 2],
      [4, 5],
    ]);
  });

  test("lets no label of train touch test, whatever the horizon and the embargo", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 12, max: 60 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(5),
        fc.nat(3),
        fc.integer({ min: 1, max: 5 }),
        (times, symbols, horizon, embargoMs, count) => {
          const samples = samplesOf(times, symbols, horizon);
          let folds: ReturnType<typeof walkForward>;
          try {
            folds = walkForward(samples, { folds: count, embargoMs });
          } catch (error) {
            expect(error).toMatchObject({ code: "DATA_TOO_SHORT" });
            return;
          }
          expect(folds.length).toBe(count);
          expect(folds[count - 1].testTo).toBe(times - 1);
          folds.forEach(({ train, test: tested, testFrom, testTo }, nth) => {
            expect(tested.length).toBeGreaterThan(0);
            if (nth > 0) expect(testFrom).toBeGreaterThan(folds[nth - 1].testTo);
            for (const index of train) expect(samples.labelTime[index] + embargoMs).toBeLessThan(testFrom);
            for (const index of tested) {
              expect(samples.asOf[index]).toBeGreaterThanOrEqual(testFrom);
              expect(samples.asOf[index]).toBeLessThanOrEqual(testTo);
            }
          });
        },
      ),
    );
  });
});

test("refuses what cannot be split", () => {
  const samples = samplesOf(4, 1, 3);
  expect(code(() => splitByTime(samples))).toBe("DATA_TOO_SHORT");
  expect(code(() => splitByTime(samples, { fractions: { train: 0.5, validation: 0.5, test: 0.5 } }))).toBe(
    "DATA_OPTION_INVALID",
  );
  expect(code(() => splitByTime(samples, { from: { validation: 3, test: 1 } }))).toBe("DATA_OPTION_INVALID");
  expect(code(() => splitByTime(samples, { embargoMs: -1 }))).toBe("DATA_OPTION_INVALID");
  expect(code(() => walkForward(samples, { folds: 9 }))).toBe("DATA_TOO_SHORT");
  expect(code(() => walkForward(samples, { folds: 1, mode: "rolling" }))).toBe("DATA_OPTION_INVALID");
});
