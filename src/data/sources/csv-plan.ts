/** How a CSV file is to be read, from its first rows and from what a person says of it. */
import { PlatformError, type PriceFormat } from "../../base/index.ts";
import { isTimeName, numberRoles } from "./column-names.ts";
import { findLayout } from "./columns.ts";
import { type CsvRow, CsvScanner, cellText } from "./csv-scanner.ts";
import { findGroupedLayout } from "./grouped-columns.ts";
import type { Layout } from "./layout.ts";
import { type DecimalMark, decimalMarkOf } from "./number-spelling.ts";

/** A row as text. */
export interface TextRow {
  readonly line: number;
  readonly cells: readonly string[];
}

export interface CsvPlan {
  /** Rows before the first bar. */
  readonly headerRows: number;
  /** What to call each column. */
  readonly headers: readonly string[];
  readonly layout: Layout;
  readonly decimal: DecimalMark | undefined;
  readonly notes: readonly string[];
}

export function textRow(row: CsvRow): TextRow {
  return { line: row.line, cells: Array.from({ length: row.count }, (_, index) => cellText(row, index)) };
}

/** Enough to see how numbers are written. */
const mostRows = 1000;

/** The first rows that lie whole in the first bytes of a file. @param whole whether these are all its bytes */
export function firstRows(head: Buffer, whole: boolean, source: string, delimiter: number): TextRow[] {
  const rows: TextRow[] = [];
  const scanner = new CsvScanner(source, delimiter, (row) => {
    if (rows.length < mostRows) rows.push(textRow(row));
  });
  scanner.push(head);
  if (whole) scanner.end();
  return rows;
}

/**
 * @param rows the first rows, as many as there are at hand
 * @throws PlatformError `DATA_EMPTY_FILE`, `DATA_COLUMN_MISSING`, `DATA_COLUMN_DUPLICATE`
 */
export function planCsv(rows: readonly TextRow[], source: string, format: PriceFormat): CsvPlan {
  const first = rows.length > 0 && /^sep=/i.test(rows[0].cells[0]) && rows[0].cells.length <= 2 ? 1 : 0; // Excel's hint
  const top = rows.at(first);
  if (top === undefined) throw noRows(source);
  const place = { where: `${source} line ${top.line}`, file: source, format };
  const { headerRows, headers, layout } =
    format.header !== undefined
      ? { headerRows: first, headers: format.header, layout: findLayout(format.header, place) }
      : (planGrouped(rows, first, place) ?? {
          headerRows: first + 1,
          headers: top.cells,
          layout: findLayout(top.cells, place),
        });
  const cells = rows
    .slice(headerRows)
    .flatMap((row) => numberColumns(layout).map((at) => row.cells[at] ?? ""));
  const decimal = format.decimal ?? decimalMarkOf(cells);
  const comma = decimal === "," && format.decimal === undefined;
  return {
    headerRows,
    headers,
    layout,
    decimal,
    notes: [...layout.notes, ...(comma ? ["Numbers are written with a decimal comma."] : [])],
  };
}

/** Three lines of headers: two of fields and symbols, and one that names the times, as yfinance writes them through pandas. */
function planGrouped(
  rows: readonly TextRow[],
  first: number,
  place: Parameters<typeof findGroupedLayout>[1],
): Pick<CsvPlan, "headerRows" | "headers" | "layout"> | undefined {
  const [upper, lower, names] = rows.slice(first, first + 3).map((row) => row.cells);
  if (names === undefined || upper.length < 2 || upper.length !== lower.length) return undefined;
  if (!isTimeName(names[0]) || names.slice(1).some((cell) => cell !== "")) return undefined;
  const levels = upper.map((cell, at): [string, string] => (at === 0 ? [names[0], ""] : [cell, lower[at]]));
  return {
    headerRows: first + 3,
    headers: levels.map((pair) => pair.filter((name) => name !== "").join(" ")),
    layout: findGroupedLayout(levels, place),
  };
}

function numberColumns(layout: Layout): number[] {
  const of = (columns: { readonly [role: string]: number | null | undefined }) =>
    numberRoles.flatMap((role) => columns[role] ?? []);
  return layout.kind === "long" ? of(layout.columns) : layout.assets.flatMap((asset) => of(asset.columns));
}

export function noRows(source: string): PlatformError {
  return new PlatformError(
    "input",
    "DATA_EMPTY_FILE",
    `${source}: expected a header and rows, received blank lines only`,
    { file: source },
  );
}
