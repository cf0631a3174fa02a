/**
 * Columns of text for a terminal, flush left up to `numbersFrom` and flush right from there on.
 *
 * @example
 * textTable(["name", "n"], [["a", "10"]], 1); // => "name   n\na     10"
 */
export function textTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  numbersFrom: number,
): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column < numbersFrom ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
