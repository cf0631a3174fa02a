import fc from "fast-check";
import { expect, test } from "vitest";
import { classifyCell, parseNumber } from "./numbers.ts";

const parse = (text: string) => parseNumber(Buffer.from(text), 0, Buffer.byteLength(text));

test("reads every double as Number does, to the last bit", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(parse(String(value))).toBe(Number(String(value)));
      expect(parse(` ${value.toFixed(6)} `)).toBe(Number(value.toFixed(6)));
    }),
  );
});

test("reads the usual spellings and nothing else", () => {
  expect(["1", "+1.50", "-.5", "1.", "2e3", "1E-2"].map(parse)).toEqual([1, 1.5, -0.5, 1, 2000, 0.01]);
  for (const text of ["", "-", ".", "1,000", "0x10", "1_0", "12a", "1e", "1 2", "Infinity", "١"]) {
    expect(parse(text)).toBeNaN();
  }
});

test("tells missing cells from infinite ones and from text", () => {
  for (const text of ["", " ", "NA", "n/a", "NaN", "null", "-", "#N/A"])
    expect(classifyCell(text)).toBe("missing");
  for (const text of ["inf", "-Infinity", "1e999"]) expect(classifyCell(text)).toBe("infinite");
  for (const text of ["abc", "1,5", "12 USD"]) expect(classifyCell(text)).toBe("text");
});
