import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyFrom } from "../base/index.ts";
import { kFold, purgedKFold } from "./folds.ts";

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe("k-fold", () => {
  test("tests every sample once, in random order, with parts alike in size", () => {
    const folds = kFold(11, { folds: 3, key: keyFrom(4) });
    expect(folds.map(({ test }) => test.length)).toEqual([3, 4, 4]);
    expect(folds.flatMap(({ test }) => [...test]).sort((a, b) => a - b)).toEqual(range(0, 11));
    for (const { train, test } of folds)
      expect([...train, ...test].sort((a, b) => a - b)).toEqual(range(0, 11));
    expect([...folds[0].test]).not.toEqual([0, 1, 2]);
    expect(kFold(11, { folds: 3, key: keyFrom(4) })).toEqual(folds);
  });

  test("refuses one fold, half a fold, and fewer samples than folds", () => {
    const code = (samples: number, folds: number) => () => kFold(samples, { folds, key: keyFrom(1) });
    for (const folds of [1, 2.5])
      expect(code(9, folds)).toThrow(expect.objectContaining({ code: "DATA_OPTION_INVALID" }));
    expect(code(2, 3)).toThrow(expect.objectContaining({ code: "DATA_TOO_SHORT" }));
  });
});

describe("purged k-fold", () => {
  test("purges what overlaps the test part on either side, and keeps the embargo after it", () => {
    const asOf = Float64Array.from(range(0, 12));
    const [, middle] = purgedKFold({ asOf, labelTime: asOf.map((t) => t + 2) }, { folds: 3, embargoMs: 1 });
    expect([middle.testFrom, middle.testTo]).toEqual([4, 7]);
    expect([...middle.test]).toEqual([4, 5, 6, 7]);
    // Before: labels of 2 and 3 end at 4 and 5. After: the last label of test ends at 9, and 10 lies in the embargo.
    expect([...middle.purged]).toEqual([2, 3, 8, 9, 10]);
    expect([...middle.train]).toEqual([0, 1, 11]);
  });

  test("lets no label of either part touch the other, whatever horizon, embargo and number of symbols", () => {
    const natural = (max: number) => fc.integer({ min: 0, max });
    fc.assert(
      fc.property(natural(4), natural(3), fc.integer({ min: 1, max: 3 }), (horizon, embargoMs, symbols) => {
        const asOf = Float64Array.from({ length: 40 * symbols }, (_, i) => i % 40);
        const labelTime = asOf.map((time) => time + horizon);
        const folds = purgedKFold({ asOf, labelTime }, { folds: 4, embargoMs });
        const tested = folds.flatMap(({ test }) => [...test]).sort((a, b) => a - b);
        expect(tested).toEqual(range(0, 40 * symbols));
        for (const { train, test, purged } of folds) {
          expect([...train, ...test, ...purged].sort((a, b) => a - b)).toEqual(range(0, 40 * symbols));
          for (const i of train)
            for (const j of test)
              expect(labelTime[i] < asOf[j] || asOf[i] > labelTime[j] + embargoMs).toBe(true);
        }
      }),
      { numRuns: 20 },
    );
  });

  test("refuses a negative embargo, and data too short to learn from", () => {
    const asOf = Float64Array.from(range(0, 4));
    const split = (horizon: number, embargoMs: number) => () =>
      purgedKFold({ asOf, labelTime: asOf.map((t) => t + horizon) }, { folds: 2, embargoMs });
    expect(split(0, -1)).toThrow(expect.objectContaining({ code: "DATA_OPTION_INVALID" }));
    expect(split(9, 0)).toThrow(expect.objectContaining({ code: "DATA_TOO_SHORT" }));
  });
});
