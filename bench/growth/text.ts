/** What an operation costs as tables grow, as a table for people. */
import { table } from "../table.ts";
import { type GrowthRow, sizes } from "./rows.ts";

export function growthText(rows: readonly GrowthRow[]): string {
  const head = ["operation", "database", ...sizes.map((size) => size.toLocaleString("en"))];
  const cells = rows.map(({ operation, database, milliseconds }) => [
    operation,
    database,
    ...sizes.map((size) => milliseconds[size].toFixed(2)),
  ]);
  return [
    "Milliseconds for one operation, medians; so many models, versions of one model, ledger entries and keys in the past",
    "",
    table(head, cells),
  ].join("\n");
}
