import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeText, formatNumber, sharedDigits, textWidth, unbroken, wrapText } from "./format.ts";

test.each<[number, number | undefined, string]>([
  [1234567.891, 1, "1,234,567.9"],
  [-0.5, 2, "−0.50"],
  [-0.0001, 2, "0.00"],
  [0.046912, undefined, "0.04691"],
  [12345.678, undefined, "12,346"],
  [1234567, undefined, "1,234,567"],
  [0.0000123, undefined, "1.23e−5"],
  [0, undefined, "0"],
  [Number.NaN, 2, "–"],
  [Number.NEGATIVE_INFINITY, 2, "−∞"],
])("writes %d with %s digits as a reader expects", (value, digits, expected) => {
  expect(formatNumber(value, digits)).toBe(expected);
});

test("leaves nothing that HTML or XML could take for markup", () => {
  expect(escapeText(`<a href="x" id='y'>&\u0000\u0007`)).toBe(
    "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;",
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(escapeText(text)).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/);
    }),
  );
});

test("wraps between words, and never drops one", () => {
  const lines = wrapText("share of outcomes at or below the quantile", 12, 120);
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.join(" ")).toBe("share of outcomes at or below the quantile");
  for (const line of lines) expect(textWidth(line, 12)).toBeLessThanOrEqual(120);
});

test.each<[number[], number | undefined]>([
  [[0.014, 0.01412], 5],
  [[0.0287, 0.02864, -0.3], 5],
  [[278.4, 0.099999, 0], 4],
  [[12345.6, 23456.7], 0],
  [[1, 20, 300], undefined],
  [[Number.NaN], undefined],
  [[1e-12, 0.5], undefined],
])("shows the smallest of %j with four significant digits", (values, digits) => {
  expect(sharedDigits(values)).toBe(digits);
});

test("breaks no line inside a date, or between a number and its percent sign", () => {
  expect(unbroken("2022-06-01 to 2023-12-27 09:30")).toBe(
    '<span class="whole">2022-06-01</span> to <span class="whole">2023-12-27 09:30</span>',
  );
  expect(unbroken("95 % (p = 0.01) <b>")).toBe("95\u00a0% (p\u00a0=\u00a00.01) &lt;b&gt;");
});
