import { PlatformError } from "../../base/index.ts";
import { decimalMarkOf, isAmbiguous } from "./number-spelling.ts";
import { shownCell } from "./numbers.ts";

/** The error for a text where a number belongs. */
export function notANumber(source: string, line: number, column: string, text: string): PlatformError {
  const hint =
    isAmbiguous(text) || decimalMarkOf([text]) === ","
      ? "; format.decimal says whether the comma is the decimal mark"
      : "";
  return new PlatformError(
    "input",
    "DATA_CELL_NOT_NUMBER",
    `${source} line ${line}, column "${column.trim()}": expected a number, received ${shownCell(text)}${hint}`,
    { file: source, line, field: column.trim() },
  );
}
