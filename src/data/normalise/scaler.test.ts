import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError } from "../../base/index.ts";
import { applyScaler, fitScaler, invertScaler, scalerFromJson, scalerToJson } from "./scaler.ts";

/** Two features, five rows: 2 4 4 5 10 (mean 5, squares around it 9 1 1 0 25) and a constant. */
const x = new Float64Array([2, 7, 4, 7, 4, 7, 5, 7, 10, 7]);

describe("fitScaler", () => {
  test("uses the population deviation for standard", () => {
    const { center, scale } = fitScaler("standard", x, 5, 2);
    expect(center[0]).toBe(5);
    expect(scale[0]).toBeCloseTo(Math.sqrt(36 / 5), 14);
  });

  test("uses the range for minMax, so that fitted rows lie in 0 to 1", () => {
    const { center, scale } = fitScaler("minMax", x, 5, 2);
    expect([center[0], scale[0]]).toEqual([2, 8]);
  });

  test("uses the median and interpolated quartiles for robust", () => {
    // 1 2 3 4: the quartiles stand at places 0.75 and 2.25, so 1.75 and 3.25.
    const { center, scale } = fitScaler("robust", new Float64Array([4, 1, 3, 2]), 4, 1);
    expect([center[0], scale[0]]).toEqual([2.5, 1.5]);
  });

  test("gives constant features scale 1 and reports them", () => {
    for (const kind of ["standard", "minMax", "robust"] as const) {
      const scaler = fitScaler(kind, x, 5, 2);
      expect(scaler.constantFeatures).toEqual([1]);
      expect([scaler.center[1], scaler.scale[1]]).toEqual([7, 1]);
    }
    // The mean of three times 0.1 is not 0.1 in binary, but the column is still constant.
    expect(fitScaler("standard", new Float64Array([0.1, 0.1, 0.1]), 3, 1).scale[0]).toBe(1);
  });

  test("learns from the chosen rows only", () => {
    const changed = x.slice();
    changed[8] = 1e9; // row 4, outside of the training part
    expect(fitScaler("standard", changed, 5, 2, { fitRows: { from: 0, to: 4 } })).toEqual(
      fitScaler("standard", x, 5, 2, { fitRows: [0, 1, 2, 3] }),
    );
  });

  test("refuses numbers that are not finite and says where", () => {
    const bad = x.slice();
    bad[4] = Number.NaN;
    const fitBad = () => fitScaler("standard", bad, 5, 2, { names: ["close", "volume"] });
    expect(fitBad).toThrow(PlatformError);
    expect(fitBad).toThrow("row 2, close: expected a finite number, received NaN");
    expect(() => applyScaler(fitScaler("standard", x, 5, 2), bad)).toThrow("row 2, feature 0");
  });

  test("does not look at rows outside the training part", () => {
    const bad = x.slice();
    bad[8] = Number.POSITIVE_INFINITY;
    expect(fitScaler("minMax", bad, 5, 2, { fitRows: { from: 0, to: 4 } }).scale[0]).toBe(3);
  });

  test("refuses shapes that do not fit", () => {
    expect(() => fitScaler("standard", x, 4, 2)).toThrow(
      "expected 4 rows of 2 features, received 10 numbers",
    );
    expect(() => fitScaler("standard", x, 5, 2, { fitRows: [5] })).toThrow("expected rows from 0 to 4");
    expect(() => fitScaler("standard", x, 5, 2, { fitRows: { from: 3, to: 3 } })).toThrow("received none");
    expect(() => applyScaler(fitScaler("standard", x, 5, 2), new Float64Array(3))).toThrow("whole rows");
  });

  test("refuses a spread that overflows", () => {
    expect(() => fitScaler("minMax", new Float64Array([-1e308, 1e308]), 2, 1)).toThrow("finite spread");
  });

  test("takes a spread that only rounding can make for none", () => {
    const column = new Float64Array([0, -5e-324, -8.881784197001252e-16, 0, 0]);
    for (const kind of ["standard", "minMax", "robust"] as const) {
      const scaler = fitScaler(kind, column, 5, 1);
      expect(scaler.constantFeatures).toEqual([0]);
      expect(applyScaler(scaler, column).every(Number.isFinite)).toBe(true);
    }
  });
});

describe("applyScaler", () => {
  test("has mean 0 and deviation 1 on the fitted rows of standard", () => {
    const y = applyScaler(fitScaler("standard", x, 5, 2), x);
    const first = [0, 2, 4, 6, 8].map((i) => y[i]);
    expect(first.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 14);
    expect(first.reduce((sum, value) => sum + value * value, 0) / 5).toBeCloseTo(1, 14);
    expect([1, 3, 5, 7, 9].map((i) => y[i])).toEqual([0, 0, 0, 0, 0]);
  });

  test("keeps the type of array and leaves its input alone", () => {
    const input = Float32Array.from(x);
    const scaled = applyScaler(fitScaler("minMax", input, 5, 2), input);
    expect(scaled).toBeInstanceOf(Float32Array);
    expect(input).toEqual(Float32Array.from(x));
  });

  test("refuses a number whose scaled value overflows, and names its place", () => {
    const scaler = fitScaler("minMax", new Float64Array([0, 1e-14]), 2, 1);
    expect(() => applyScaler(scaler, new Float64Array([1, 1e300]))).toThrow(
      "row 1, feature 0: expected a number whose scaled value is finite, received 1e+300",
    );
  });

  test("is undone by invertScaler", () => {
    const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        fc.constantFrom("standard" as const, "minMax" as const, "robust" as const),
        fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 30 }),
        (kind, rows) => {
          const values = Float64Array.from(rows.flat());
          const scaler = fitScaler(kind, values, rows.length, 2);
          const back = invertScaler(scaler, applyScaler(scaler, values));
          return back.every((value, i) => Math.abs(value - values[i]) <= 1e-9 * (1 + Math.abs(values[i])));
        },
      ),
    );
  });

  test("does not change with a shift and stretch of its input", () => {
    for (const kind of ["standard", "minMax", "robust"] as const) {
      const moved = x.map((value) => 3 * value + 11);
      const before = applyScaler(fitScaler(kind, x, 5, 2), x);
      const after = applyScaler(fitScaler(kind, moved, 5, 2), moved);
      after.forEach((value, i) => {
        expect(value).toBeCloseTo(before[i], 12);
      });
    }
  });
});

describe("scalerFromJson", () => {
  test("brings every bit back", () => {
    const scaler = fitScaler("standard", x, 5, 2);
    expect(scalerFromJson(JSON.parse(JSON.stringify(scalerToJson(scaler))))).toEqual(scaler);
  });

  test("refuses state that cannot be one and names the field", () => {
    const json = scalerToJson(fitScaler("standard", x, 5, 2));
    expect(() => scalerFromJson({ ...json, scale: [1, 0] })).toThrow(
      "scaler.scale.1: expected a number other than 0",
    );
    expect(() => scalerFromJson({ ...json, scale: [1] })).toThrow("as many centers as scales");
    expect(() => scalerFromJson({ kind: "standard" } as never)).toThrow("scaler.center");
  });
});
