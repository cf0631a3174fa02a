import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError } from "../../base/index.ts";
import { categoriesFromJson, fitCategories, oneHotNames, toOneHot, toOrdinal } from "./categories.ts";

const table = {
  purpose: ["car", "house", "car", "boat"],
  employed: ["yes", null, "no", "yes"],
};

describe("fitCategories", () => {
  test("orders categories whatever the order of the rows, and puts missing last", () => {
    const { columns } = fitCategories(table);
    expect(columns).toEqual([
      { name: "purpose", categories: ["boat", "car", "house"] },
      { name: "employed", categories: ["no", "yes", null] },
    ]);
    const reversed = { purpose: table.purpose.toReversed(), employed: table.employed.toReversed() };
    expect(fitCategories(reversed).columns).toEqual(columns);
  });

  test("learns from the training rows only", () => {
    const { columns } = fitCategories(table, { fitRows: { from: 0, to: 1 } });
    expect(columns.map(({ categories }) => categories)).toEqual([["car"], ["yes"]]);
  });

  test("takes the chosen columns in the chosen order", () => {
    const encoder = fitCategories(table, { columns: ["employed"] });
    expect(oneHotNames(encoder)).toEqual(["employed=no", "employed=yes", "employed is missing"]);
  });

  test("counts null, undefined, NaN and the empty text as missing, and 1 as the text 1", () => {
    const { columns } = fitCategories({ code: [1, "1", null, undefined, Number.NaN, "", true] });
    expect(columns[0].categories).toEqual(["1", "true", null]);
  });

  test("refuses columns that are absent, uneven or empty", () => {
    expect(() => fitCategories(table, { columns: ["age"] })).toThrow(
      'expected a column "age", received the columns purpose, employed',
    );
    expect(() => fitCategories({ a: ["x"], b: [] })).toThrow("b: expected 1 rows as in a, received 0");
    expect(() => fitCategories({ a: [] })).toThrow("expected at least one row, received none");
    expect(() => fitCategories({ a: ["x"] }, { columns: ["toString"] })).toThrow(PlatformError);
  });
});

describe("toOrdinal", () => {
  test("gives the place of each category, row by row", () => {
    expect([...toOrdinal(fitCategories(table), table)]).toEqual([1, 1, 2, 2, 1, 0, 0, 1]);
  });

  test("refuses an unknown category by row and column", () => {
    const encoder = fitCategories(table);
    const rows = { purpose: ["car", "yacht"], employed: ["yes", "yes"] };
    expect(() => toOrdinal(encoder, rows)).toThrow(
      'row 1, purpose: expected one of "boat", "car", "house", received "yacht"',
    );
  });

  test("counts missing as unknown when training had none", () => {
    const encoder = fitCategories({ purpose: ["car"] });
    expect(() => toOrdinal(encoder, { purpose: [null] })).toThrow("received missing");
  });

  test("gives unknown categories the code after the last, when told to", () => {
    const encoder = fitCategories(table, { unknown: "unknown" });
    expect([...toOrdinal(encoder, { purpose: ["yacht"], employed: ["maybe"] })]).toEqual([3, 3]);
  });
});

describe("toOneHot", () => {
  test("sets one feature for each column", () => {
    const encoder = fitCategories(table);
    expect([...toOneHot(encoder, { purpose: ["house"], employed: [null] })]).toEqual([0, 0, 1, 0, 0, 1]);
  });

  test("leaves unknown categories all zero, when told to", () => {
    const encoder = fitCategories(table, { unknown: "unknown" });
    expect([...toOneHot(encoder, { purpose: ["yacht"], employed: ["no"] })]).toEqual([0, 0, 0, 1, 0, 0]);
  });

  test("says the same as the ordinal codes", () => {
    const column = fc.array(fc.constantFrom("a", "b", "c", null), { minLength: 1 });
    fc.assert(
      fc.property(column, (cells) => {
        const encoder = fitCategories({ column: cells });
        const features = oneHotNames(encoder).length;
        const oneHot = toOneHot(encoder, { column: cells });
        return toOrdinal(encoder, { column: cells }).every((code, row) => {
          const bits = [...oneHot.slice(row * features, (row + 1) * features)];
          return bits.indexOf(1) === code && bits.filter((bit) => bit === 1).length === 1;
        });
      }),
    );
  });
});

describe("categoriesFromJson", () => {
  test("brings an encoder back", () => {
    const encoder = fitCategories(table, { unknown: "unknown" });
    expect(categoriesFromJson(JSON.parse(JSON.stringify(encoder)))).toEqual(encoder);
  });

  test("refuses other values and names the field", () => {
    const twice = { unknown: "error", columns: [{ name: "a", categories: ["x", "x"] }] };
    expect(() => categoriesFromJson(twice)).toThrow(
      "categories.columns.0.categories: expected categories that differ",
    );
    expect(() => categoriesFromJson(null)).toThrow(PlatformError);
  });
});
