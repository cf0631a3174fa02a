/** What every online strategy answers with, and how its wealth is counted. Price relatives are `[days, assets]`. */
import { type Matrix, matrix, PlatformError } from "../../../base/index.ts";

export interface OnlineResult {
  /** Wealth after the last day of one unit invested before the first, without costs. */
  readonly finalWealth: number;
  /** After each day, `[days]`. */
  readonly wealth: Float64Array;
  /** Held during each day, `[days, assets]`, decided before it. */
  readonly weights: Matrix;
}

/** The price of each asset at the end of a day over that at its beginning; 1.02 is a rise of two percent. */
export type PriceRelatives = Matrix;

/**
 * Runs a rule that decides each day's weights before it sees the day.
 *
 * @param next writes the weights for day `t` into `weights`, which holds those of the day before (equal ones at first)
 * @throws PlatformError `PORTFOLIO_PRICES_INVALID` when a price relative is not above 0
 */
export function play(
  relatives: PriceRelatives,
  next: (weights: Float64Array, t: number) => void,
): OnlineResult {
  requireRelatives(relatives);
  const { rows: days, columns: n, data } = relatives;
  const weights = matrix(days, n);
  const wealth = new Float64Array(days);
  const current = new Float64Array(n).fill(1 / n);
  let money = 1;
  for (let t = 0; t < days; t++) {
    next(current, t);
    weights.data.set(current, t * n);
    let growth = 0;
    for (let i = 0; i < n; i++) growth += current[i] * data[t * n + i];
    money *= growth;
    wealth[t] = money;
  }
  return { finalWealth: money, wealth, weights };
}

export function requireRelatives({ rows, columns, data }: PriceRelatives): void {
  if (rows === 0 || columns === 0)
    throw new PlatformError(
      "input",
      "PORTFOLIO_TOO_SHORT",
      "online selection: expected at least one day of one asset, received none",
    );
  for (let k = 0; k < data.length; k++)
    if (!(data[k] > 0 && Number.isFinite(data[k])))
      throw new PlatformError(
        "input",
        "PORTFOLIO_PRICES_INVALID",
        `online selection: expected price relatives above 0, received ${data[k]} on day ${Math.floor(k / columns) + 1}`,
      );
}

/**
 * The nearest point to `values` whose parts are not negative and add up to one, in place.
 *
 * @see Duchi, Shalev-Shwartz, Singer and Chandra (2008), "Efficient projections onto the l1-ball"
 * @example
 * Array.from(projectToSimplex(Float64Array.of(0.8, 0.6, -1))); // => [0.6, 0.4, 0]
 */
export function projectToSimplex(values: Float64Array): Float64Array {
  const sorted = Float64Array.from(values).sort().reverse();
  let sum = 0;
  let shift = 0;
  for (let k = 0; k < sorted.length; k++) {
    sum += sorted[k];
    const candidate = (sum - 1) / (k + 1);
    if (sorted[k] > candidate) shift = candidate;
  }
  for (let i = 0; i < values.length; i++) values[i] = Math.max(0, values[i] - shift);
  return values;
}
