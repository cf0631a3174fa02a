/** What reading took, as a table for people. */
import { table } from "../table.ts";
import type { benchData } from "./rows.ts";

export function dataText(rows: Awaited<ReturnType<typeof benchData>>): string {
  return table(
    ["rows", "seconds", "microseconds per row", "peak MiB"],
    rows.map(({ rows: count, seconds, peakMiB }) => [
      count.toLocaleString("en"),
      seconds.toFixed(2),
      ((seconds / count) * 1e6).toFixed(2),
      peakMiB.toFixed(0),
    ]),
  );
}
