/** From a price table, long or wide, to closes on one calendar: assets x dates. */
import {
  formatTime,
  type Matrix,
  matrix,
  PlatformError,
  type PriceTable,
  type UtcMs,
} from "../../base/index.ts";

export interface PricePanel {
  readonly assets: readonly string[];
  /** UTC milliseconds, ascending, `[dates]`. */
  readonly times: Float64Array;
  /** Closes `[assets, dates]`; NaN before an asset's first price, and where `gaps` says that none is made up. */
  readonly prices: Matrix;
  /** What was odd and what was done about it, in sentences. */
  readonly warnings: readonly string[];
}

export interface PanelOptions {
  /**
   * A date on which an asset has no price between two that it has: `fill` carries the last one forward, so that the return is
   * 0 and the next one covers both dates; `missing` leaves both returns out.
   */
  readonly gaps?: "fill" | "missing";
  /** A price that is later cannot be. */
  readonly latest?: UtcMs;
}

/**
 * Aligns the closes of all symbols on the union of their dates.
 *
 * @throws PlatformError `PORTFOLIO_PRICES_INVALID` when a price is zero or negative, a symbol has two prices for one date that
 *   differ, or a row has no date
 *   or one that is still to come
 * @throws PlatformError `PORTFOLIO_TOO_SHORT` when fewer than three dates have a price
 */
export function pricePanel(
  table: PriceTable,
  { gaps = "fill", latest = Number.POSITIVE_INFINITY }: PanelOptions = {},
): PricePanel {
  const times = calendar(table, latest);
  const column = new Map(Array.from(times, (time, at) => [time, at]));
  const prices = matrix(table.symbols.length, times.length);
  prices.data.fill(Number.NaN);
  for (let row = 0; row < table.close.length; row++) {
    const price = table.close[row];
    if (Number.isNaN(price)) continue;
    if (!(price > 0) || price === Number.POSITIVE_INFINITY) throw notPositive(table, row);
    const at = table.symbol[row] * times.length + (column.get(table.time[row]) as number);
    if (!Number.isNaN(prices.data[at]) && prices.data[at] !== price) throw twice(table, row, prices.data[at]);
    prices.data[at] = price;
  }
  if (times.length < 3)
    throw new PlatformError(
      "input",
      "PORTFOLIO_TOO_SHORT",
      `${table.source}: expected prices of at least 3 dates, received ${times.length}`,
      { file: table.source },
    );
  return tidy({ assets: table.symbols, times, prices, warnings: [] }, gaps);
}

/** The same panel without the assets that are not named; the order is that of `assets`. */
export function selectAssets(panel: PricePanel, assets: readonly string[]): PricePanel {
  const { columns, data } = panel.prices;
  const prices = matrix(assets.length, columns);
  assets.forEach((asset, to) => {
    const from = panel.assets.indexOf(asset);
    prices.data.set(data.subarray(from * columns, (from + 1) * columns), to * columns);
  });
  return { ...panel, assets, prices };
}

/** The dates on which at least one symbol has a price. */
function calendar(table: PriceTable, latest: UtcMs): Float64Array {
  const seen = new Set<number>();
  for (let row = 0; row < table.close.length; row++) {
    if (Number.isNaN(table.close[row])) continue;
    if (Number.isNaN(table.time[row]))
      throw invalid(table, row, "expected a date beside the price, received none");
    if (table.time[row] > latest)
      throw invalid(
        table,
        row,
        `expected a date that has come, received ${formatTime(table.time[row])}; clean leaves it out`,
      );
    seen.add(table.time[row]);
  }
  return Float64Array.from(seen).sort();
}

/** Leaves out what cannot be held, closes gaps, and says so. */
function tidy(panel: PricePanel, gaps: "fill" | "missing"): PricePanel {
  const { assets, times, prices } = panel;
  const count = times.length;
  const warnings: string[] = [];
  const kept: number[] = [];
  const starts = new Map<string, string[]>();
  for (let i = 0; i < assets.length; i++) {
    const row = prices.data.subarray(i * count, (i + 1) * count);
    const first = row.findIndex((price) => !Number.isNaN(price));
    const last = row.findLastIndex((price) => !Number.isNaN(price));
    if (last - first < 2) {
      warnings.push(`${assets[i]}: left out, because it has fewer than 3 prices`);
      continue;
    }
    if (row.subarray(first, last + 1).every((price) => Number.isNaN(price) || price === row[first])) {
      warnings.push(
        `${assets[i]}: left out, because its price never changes, so that neither its return nor its risk can be measured`,
      );
      continue;
    }
    const missing = gaps === "fill" ? carryForward(row, first, last) : countMissing(row, first, last);
    if (missing > 0)
      warnings.push(
        `${assets[i]}: ${missing === 1 ? "1 date" : `${missing} dates`} without a price after ${formatTime(times[first])} ${gapsDone(gaps, missing)}`,
      );
    if (last < count - 1)
      warnings.push(
        `${assets[i]}: prices end on ${formatTime(times[last])}, ${count - 1 - last} dates before the others`,
      );
    const start = formatTime(times[first]);
    starts.set(start, [...(starts.get(start) ?? []), assets[i]]);
    kept.push(i);
  }
  if (kept.length === 0)
    throw new PlatformError(
      "input",
      "PORTFOLIO_PRICES_INVALID",
      `expected an asset whose price changes, received none: ${warnings.join("; ")}`,
    );
  if (starts.size > 1) {
    const latest = [...starts.keys()].sort().at(-1) as string;
    warnings.push(
      `prices start on ${starts.size} different dates, the last of them ${latest} (${(starts.get(latest) as string[]).join(", ")}): what is measured on whole portfolios begins there`,
    );
  }
  const all = { assets, times, prices, warnings };
  return kept.length === assets.length
    ? all
    : selectAssets(
        all,
        kept.map((i) => assets[i]),
      );
}

function gapsDone(gaps: "fill" | "missing", count: number): string {
  if (gaps === "fill") return count === 1 ? "carries the last price forward" : "carry the last price forward";
  return count === 1 ? "is left out" : "are left out";
}

function carryForward(row: Float64Array, first: number, last: number): number {
  let filled = 0;
  for (let t = first + 1; t <= last; t++) {
    if (!Number.isNaN(row[t])) continue;
    row[t] = row[t - 1];
    filled++;
  }
  return filled;
}

function countMissing(row: Float64Array, first: number, last: number): number {
  let missing = 0;
  for (let t = first; t <= last; t++) if (Number.isNaN(row[t])) missing++;
  return missing;
}

function invalid({ source, line }: PriceTable, row: number, what: string): PlatformError {
  return new PlatformError(
    "input",
    "PORTFOLIO_PRICES_INVALID",
    `${source}${line[row] > 0 ? `: line ${line[row]}` : ""}: ${what}`,
    { file: source, ...(line[row] > 0 ? { line: line[row] } : {}) },
  );
}

function notPositive(table: PriceTable, row: number): PlatformError {
  const symbol = table.symbols[table.symbol[row]];
  return invalid(table, row, `${symbol}: expected a price above 0, received ${table.close[row]}`);
}

function twice(table: PriceTable, row: number, before: number): PlatformError {
  const symbol = table.symbols[table.symbol[row]];
  return invalid(
    table,
    row,
    `${symbol}: expected one price for ${formatTime(table.time[row])}, received ${before} and ${table.close[row]}`,
  );
}
