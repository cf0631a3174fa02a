import type { Values } from "../../base/index.ts";

/** The rows of each date, dates in time order, rows in their own order. */
export function groupByDate(date: Values): [date: number, rows: number[]][] {
  const groups = new Map<number, number[]>();
  for (let row = 0; row < date.length; row++) {
    const rows = groups.get(date[row]);
    if (rows) rows.push(row);
    else groups.set(date[row], [row]);
  }
  return [...groups].sort(([a], [b]) => a - b);
}
