import fc from "fast-check";
import { expect, test } from "vitest";
import { CsvScanner, cellText, detectDelimiter } from "./csv-scanner.ts";

function scan(text: string, chunkBytes = 1 << 20): { line: number; cells: string[] }[] {
  const rows: { line: number; cells: string[] }[] = [];
  const scanner = new CsvScanner("t.csv", 0x2c, (row) => {
    rows.push({
      line: row.line,
      cells: Array.from({ length: row.count }, (_, index) => cellText(row, index)),
    });
  });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunkBytes) scanner.push(bytes.subarray(at, at + chunkBytes));
  scanner.end();
  return rows;
}

test("counts lines through blank lines, quoted line breaks and both line ends", () => {
  const rows = scan('a,b\r\n\r\n"x\ny",2\n\n"say ""hi""", 3 \nlast,');
  expect(rows).toEqual([
    { line: 1, cells: ["a", "b"] },
    { line: 3, cells: ["x\ny", "2"] },
    { line: 6, cells: ['say "hi"', "3"] },
    { line: 7, cells: ["last", ""] },
  ]);
});

test("reads what was written, wherever the chunks are cut", () => {
  const cell = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "\r", "é", " ", "1"), maxLength: 6 });
  const table = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(table, fc.integer({ min: 1, max: 9 }), (cells, chunkBytes) => {
      const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const text = cells.map((row) => row.map(quoted).join(",")).join("\n");
      expect(scan(text, chunkBytes).map((row) => row.cells)).toEqual(
        cells.map((row) => row.map((value) => value.trim())),
      );
    }),
  );
});

test("names the line on which an open quote begins", () => {
  expect(() => scan('a,b\n1,2\n"3,4\n5,6\n')).toThrow("t.csv line 3: expected a closing quote");
});

test("grows with rows of many fields", () => {
  const header = Array.from({ length: 500 }, (_, index) => `c${index}`);
  expect(scan(header.join(","))[0].cells).toEqual(header);
});

test("takes the most frequent separator of the first line, outside quotes", () => {
  const shown = (text: string) => String.fromCharCode(detectDelimiter(Buffer.from(text)));
  expect(shown('"a,b,c";d\n1;2')).toBe(";");
  expect(shown("date\tclose\n")).toBe("\t");
  expect(shown("date,close\n1;2;3")).toBe(",");
});
