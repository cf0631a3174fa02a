import { expect, test } from "vitest";
import { decimalMarkOf, isAmbiguous, spelledNumber } from "./number-spelling.ts";

test.each([
  [["1.5", "12"], "."],
  [["1,5", "12"], ","],
  [["1.234,50"], ","],
  [["1,234.50", "1,234"], "."],
  [["1,234,567"], "."],
  [["1.234.567", "1,5"], ","],
  [["$12.50"], "."],
  [["2,13B"], ","],
  [["1,234", "12"], undefined],
  [["12", "13"], undefined],
  [["1,5", "1.5"], "."],
  [["1.234", "12"], "."],
  [["1,086", "12.345"], undefined],
  [["0,123", "12"], ","],
  [["1.234", "1,5"], ","],
  [["1,5x", "2024-01-02"], undefined],
])("sees how %j are written", (cells, mark) => {
  expect(decimalMarkOf(cells)).toBe(mark);
});

test("reads numbers with marks between groups of three", () => {
  const points = ["4,567.80", "1'234.5", "1 234.5", "$1,234", "-1,234,567", "+12.50 €", "£ 3.25"];
  expect(points.map((cell) => spelledNumber(cell, "."))).toEqual([
    4567.8, 1234.5, 1234.5, 1234, -1_234_567, 12.5, 3.25,
  ]);
  expect(spelledNumber("1,5e-05", ",")).toBe(1.5e-5);
  const commas = ["4.567,80", "1 234,5", "1\u202f234,5", "1.234", "12,", "€ 3,25"];
  expect(commas.map((cell) => spelledNumber(cell, ","))).toEqual([4567.8, 1234.5, 1234.5, 1234, 12, 3.25]);
});

test("reads what shows its mark by itself when nobody knows it", () => {
  expect(["1,234.5", "1,5", "1.234.567", "$12"].map((cell) => spelledNumber(cell, undefined))).toEqual([
    1234.5, 1.5, 1_234_567, 12,
  ]);
  expect(spelledNumber("1,234", undefined)).toBeUndefined();
  expect(isAmbiguous("1,234")).toBe(true);
});

test("reads units only where they may be", () => {
  expect(spelledNumber("2.13B", ".", { units: true })).toBe(2.13e9);
  expect(spelledNumber("120,5M", ",", { units: true })).toBe(120.5e6);
  expect(spelledNumber("2.13B", ".")).toBeUndefined();
});

test("takes nothing else for a number", () => {
  const others = [
    "12,34,567",
    "1,23",
    "1.2.3",
    "12a",
    "--1",
    "1_000",
    "0x10",
    "$",
    "",
    "1,2345.6",
    "1 23.4",
    "0,123",
  ];
  for (const cell of others) expect(spelledNumber(cell, "."), cell).toBeUndefined();
  for (const cell of ["1.5", "1,2,3", "1.23,4"]) expect(spelledNumber(cell, ","), cell).toBeUndefined();
});
