/** How many jobs get through, as a table for people. */
import { table } from "../table.ts";
import type { benchJobs } from "./rows.ts";

export function jobsText(rows: Awaited<ReturnType<typeof benchJobs>>): string {
  return table(
    ["database", "workers", "jobs in the past", "jobs", "accepted/s", "done/s"],
    rows.map((row) => [
      row.database,
      String(row.workers),
      row.past.toLocaleString("en"),
      row.jobs.toLocaleString("en"),
      row.acceptedPerSecond.toFixed(0),
      row.donePerSecond.toFixed(0),
    ]),
  );
}
