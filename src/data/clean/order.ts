/** Brings rows into the order of cleaning: by symbol, then by time, one row for each. */
import { formatTime, PlatformError, type PriceTable } from "../../base/index.ts";
import type { Tally } from "./report.ts";

/** Rows of the table by symbol: those of symbol `i` are `rows[starts[i] .. starts[i + 1])`, in the order of time. */
export interface OrderedRows {
  readonly rows: Int32Array;
  readonly starts: Int32Array;
}

/** Sorts rows by symbol and time, stable; rows without a time are dropped. Linear in rows when each symbol is in order. */
export function orderRows(table: PriceTable, tally: Tally): OrderedRows {
  const { symbol, time } = table;
  const starts = new Int32Array(table.symbols.length + 1);
  for (let row = 0; row < time.length; row++) {
    tally.symbols[symbol[row]].rowsRead++;
    if (Number.isNaN(time[row])) {
      tally.dropped.badTime++;
      tally.example("badTime", row, () => "expected a date or time, received none that can be read");
    } else starts[symbol[row] + 1]++;
  }
  for (let index = 1; index < starts.length; index++) starts[index] += starts[index - 1];
  const next = starts.slice();
  const rows = new Int32Array(starts[starts.length - 1]);
  const latest = new Float64Array(table.symbols.length).fill(Number.NEGATIVE_INFINITY);
  const outOfOrder = new Uint8Array(table.symbols.length);
  const rises = new Uint8Array(table.symbols.length); // some row is not earlier than the row before
  for (let row = 0; row < time.length; row++) {
    if (Number.isNaN(time[row])) continue;
    const id = symbol[row];
    if (next[id] > starts[id] && time[row] >= time[rows[next[id] - 1]]) rises[id] = 1;
    rows[next[id]++] = row;
    if (time[row] >= latest[id]) latest[id] = time[row];
    else {
      tally.unsorted++;
      outOfOrder[id] = 1;
      tally.example("unsorted", row, () => `a row before it has the later time ${formatTime(latest[id])}`);
    }
  }
  for (let id = 0; id < outOfOrder.length; id++) {
    if (outOfOrder[id] === 0) continue;
    const own = rows.subarray(starts[id], starts[id + 1]);
    if (rises[id] === 1) own.sort((a, b) => time[a] - time[b] || a - b);
    else own.reverse(); // newest first, as many sources write
  }
  return { rows, starts };
}

/** Of rows with one symbol and time keeps one. Writes the survivors to the front of `rows` and returns how many they are. */
export function dropDuplicates(
  table: PriceTable,
  rows: Int32Array,
  keep: "first" | "last" | "error",
  tally: Tally,
): number {
  const { time, symbol } = table;
  let kept = 0;
  for (let at = 0; at < rows.length; ) {
    let end = at + 1;
    while (end < rows.length && time[rows[end]] === time[rows[at]]) end++;
    const survivor = keep === "last" ? rows[end - 1] : rows[at];
    for (let index = at; end > at + 1 && index < end; index++) {
      const row = rows[index];
      if (row === survivor) continue;
      const identical = sameValues(table, row, survivor);
      if (!identical && keep === "error") throw conflict(table, survivor, row);
      tally.dropped[identical ? "duplicateIdentical" : "duplicateConflicting"]++;
      tally.symbols[symbol[row]].duplicates++;
      tally.example("duplicate", row, () =>
        identical
          ? `the same as line ${table.line[survivor]}`
          : `other values than line ${table.line[survivor]}, which was kept`,
      );
    }
    rows[kept++] = survivor;
    at = end;
  }
  return kept;
}

function sameValues(table: PriceTable, a: number, b: number): boolean {
  const { open, high, low, close, volume } = table;
  return [open, high, low, close, volume].every(
    (column) => column === null || Object.is(column[a], column[b]),
  );
}

function conflict(table: PriceTable, first: number, second: number): PlatformError {
  const { source, line, symbols, symbol, time } = table;
  return new PlatformError(
    "conflict",
    "DATA_DUPLICATE_CONFLICT",
    `${source} line ${line[second]}: expected one row for ${symbols[symbol[second]]} at ${formatTime(time[second])}, received other values on line ${line[first]}`,
    { file: source, line: line[second] },
  );
}
