/** One bar while it is being cleaned: what is impossible in it, and what is missing. */
import type { PriceTable } from "../../base/index.ts";
import type { CellColumn, ImpossibleRule, Tally } from "./report.ts";

export interface Bar {
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** Copies a row of the table; a column that the table lacks is NaN. */
export function loadBar(bar: Bar, table: PriceTable, row: number): void {
  bar.open = table.open === null ? Number.NaN : table.open[row];
  bar.high = table.high === null ? Number.NaN : table.high[row];
  bar.low = table.low === null ? Number.NaN : table.low[row];
  bar.close = table.close[row];
  bar.volume = table.volume === null ? Number.NaN : table.volume[row];
}

/** Counts the rules that a bar breaks and says whether there are any. A comparison with a missing cell breaks nothing. */
export function isImpossible(
  { open, high, low, close, volume }: Bar,
  by: Record<ImpossibleRule, number>,
): boolean {
  const highBelowLow = high < low;
  const openOutside = open < low || open > high;
  const closeOutside = close < low || close > high;
  const priceNotPositive = open <= 0 || high <= 0 || low <= 0 || close <= 0;
  const volumeNegative = volume < 0;
  const boundsBroken = highBelowLow || openOutside || closeOutside;
  if (!(boundsBroken || priceNotPositive || volumeNegative)) return false;
  if (boundsBroken) by.boundsBroken++;
  if (highBelowLow) by.highBelowLow++;
  if (openOutside) by.openOutside++;
  if (closeOutside) by.closeOutside++;
  if (priceNotPositive) by.priceNotPositive++;
  if (volumeNegative) by.volumeNegative++;
  return true;
}

/** Makes what cannot be missing, and widens high and low until open and close lie between them. */
export function repairBar(bar: Bar): void {
  if (bar.open <= 0) bar.open = Number.NaN;
  if (bar.high <= 0) bar.high = Number.NaN;
  if (bar.low <= 0) bar.low = Number.NaN;
  if (bar.close <= 0) bar.close = Number.NaN;
  if (bar.volume < 0) bar.volume = Number.NaN;
  if (bar.high < bar.low) [bar.high, bar.low] = [bar.low, bar.high];
  if (bar.open > bar.high) bar.high = bar.open;
  if (bar.close > bar.high) bar.high = bar.close;
  if (bar.open < bar.low) bar.low = bar.open;
  if (bar.close < bar.low) bar.low = bar.close;
}

/** Counts missing cells of columns that the table has; returns how many they are. */
export function countMissing(bar: Bar, table: PriceTable, tally: Tally): number {
  const { missingCells } = tally;
  let missing = 0;
  if (Number.isNaN(bar.close)) missing += tallyCell(missingCells, "close");
  if (table.open !== null && Number.isNaN(bar.open)) missing += tallyCell(missingCells, "open");
  if (table.high !== null && Number.isNaN(bar.high)) missing += tallyCell(missingCells, "high");
  if (table.low !== null && Number.isNaN(bar.low)) missing += tallyCell(missingCells, "low");
  if (table.volume !== null && Number.isNaN(bar.volume)) missing += tallyCell(missingCells, "volume");
  return missing;
}

function tallyCell(cells: Record<CellColumn, number>, column: CellColumn): 1 {
  cells[column]++;
  return 1;
}

/** The names of the columns that are missing in a bar. */
export function missingNames(bar: Bar, table: PriceTable): string {
  const columns = (["open", "high", "low", "close", "volume"] as const).filter(
    (column) => table[column] !== null && Number.isNaN(bar[column]),
  );
  return columns.join(", ");
}

/** Fills open, high, low and volume of a bar whose close is known, from the bar itself and the bar before. */
export function fillAroundClose(bar: Bar, closeBefore: number, volumeBefore: number): void {
  const { close } = bar;
  if (Number.isNaN(bar.open)) {
    let open = Number.isNaN(closeBefore) ? close : closeBefore;
    if (open > bar.high) open = bar.high;
    if (open < bar.low) open = bar.low;
    bar.open = open;
  }
  if (Number.isNaN(bar.high)) bar.high = Math.max(bar.open, close);
  if (Number.isNaN(bar.low)) bar.low = Math.min(bar.open, close);
  if (Number.isNaN(bar.volume)) bar.volume = Number.isNaN(volumeBefore) ? 0 : volumeBefore;
}

/** Makes the whole bar from one price, with no volume: a bar without a close is a bar without trade as far as is known. */
export function makeBar(bar: Bar, price: number): void {
  bar.open = price;
  bar.high = price;
  bar.low = price;
  bar.close = price;
  bar.volume = 0;
}

/** Moves prices between two bounds. */
export function clipBar(bar: Bar, lowest: number, highest: number): void {
  const clip = (price: number) => Math.min(Math.max(price, lowest), highest);
  bar.open = clip(bar.open);
  bar.high = clip(bar.high);
  bar.low = clip(bar.low);
  bar.close = clip(bar.close);
}

export function describeBar({ open, high, low, close, volume }: Bar): string {
  const cells = { open, high, low, close, volume };
  return Object.entries(cells)
    .filter(([, value]) => !Number.isNaN(value))
    .map(([column, value]) => `${column} ${shown(value)}`)
    .join(", ");
}

/** A value of a bar in a message: six digits say enough, and whole numbers, such as volumes, stay whole. */
export function shown(value: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(6)));
}
