/** Messages about headers. */
import { PlatformError, type PriceFormat } from "../../base/index.ts";
import { acceptedNames, type Role } from "./column-names.ts";
import { didYouMean } from "./nearest.ts";

/** Where headers stand, and what a person said of them. */
export interface HeaderPlace {
  /** How a message begins: the file, and the line where there are lines. */
  readonly where: string;
  readonly file: string;
  readonly format: PriceFormat;
}

export function missing(
  what: string,
  role: Role,
  headers: readonly string[],
  place: HeaderPlace,
  besides = "",
): PlatformError {
  const names = acceptedNames[role].slice(0, 8).join(", ");
  const received = headers.length === 0 ? "none" : shownHeaders(headers);
  const near = role === "adjusted" ? "" : didYouMean(what, headers) || `; format.${role} names another`;
  const hint = looksLikeData(headers) ? noHeader : near;
  const article = /^[aeiou]/.test(what) ? "an" : "a";
  const message = `expected ${article} ${what} column${besides} (${names}), found ${received}${hint}`;
  return columnMissing(message, what, place);
}

/** @throws PlatformError `DATA_COLUMN_MISSING` */
export function unknownColumn(
  wanted: string,
  role: keyof PriceFormat,
  headers: readonly string[],
  place: HeaderPlace,
): never {
  const hint = looksLikeData(headers) ? noHeader : didYouMean(wanted, headers);
  const message = `expected a column "${wanted}", which format.${role} names, found ${shownHeaders(headers)}${hint}`;
  throw columnMissing(message, `format.${role}`, place);
}

const noHeader =
  "; the file seems to have no header: name its columns in their order by format.header, as time,open,high,low,close,volume";

function columnMissing(message: string, field: string, { where, file }: HeaderPlace): PlatformError {
  const line = where === file ? {} : { line: 1 };
  return new PlatformError("input", "DATA_COLUMN_MISSING", `${where}: ${message}`, { file, field, ...line });
}

function shownHeaders(headers: readonly string[]): string {
  const shown = headers.slice(0, 20).map((header) => JSON.stringify(header.trim().slice(0, 40)));
  if (headers.length > 20) shown.push(`and ${headers.length - 20} more`);
  return shown.join(", ");
}

/** Whether a first line holds numbers beside at most times and symbols, as a file without a header has. */
function looksLikeData(headers: readonly string[]): boolean {
  const numbers = headers.filter((header) => /^\s*[-+]?\d*[.,]?\d+\s*$/.test(header)).length;
  return numbers > 0 && numbers >= headers.length - 2;
}

export function duplicate(header: string, { where, file }: HeaderPlace): PlatformError {
  const line = where === file ? {} : { line: 1 };
  return new PlatformError(
    "input",
    "DATA_COLUMN_DUPLICATE",
    `${where}: expected column names to differ, received "${header.trim()}" twice`,
    { file, field: header.trim(), ...line },
  );
}
