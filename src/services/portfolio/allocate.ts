/** From weights to whole lots: what to buy with a sum of money. */
import { PlatformError } from "../../base/index.ts";
import { optionError } from "./constraints/options.ts";
import type { Certificate } from "./problem.ts";
import { type IntegerRow, solveIntegerProgram } from "./solvers/integer-program.ts";

export interface AllocationProblem {
  readonly assets: readonly string[];
  readonly weights: Float64Array;
  /** Price of one share, `[assets]`. */
  readonly prices: Float64Array;
  /** Money to invest. */
  readonly value: number;
  /** Shares that are traded together, `[assets]`. */
  readonly lots: Float64Array;
}

export interface Allocation {
  /** `[assets]` */
  readonly shares: Float64Array;
  readonly leftover: number;
  /** Root mean square of the difference between the weights reached and those wanted, over all assets. */
  readonly rmse: number;
  readonly certificate: Certificate;
}

/**
 * Buys the whole lots below each wanted amount, largest weight first, then one lot after the other of the asset that is
 * furthest below its weight, while the money lasts. It is the greedy method of PyPortfolioOpt (Martin 2021), lots included.
 *
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` for negative weights, which only the exact method can place
 */
export function allocateGreedily(problem: AllocationProblem): Allocation {
  requireUsable(problem);
  const { assets, weights, prices, value, lots } = problem;
  const short = weights.findIndex((weight) => weight < 0);
  if (short >= 0)
    throw optionError(
      `weight of ${assets[short]}`,
      "at least 0 for the greedy method (--method exact takes short positions)",
      weights[short],
    );
  const order = Array.from(weights.keys())
    .filter((i) => weights[i] > 0)
    .sort((a, b) => weights[b] - weights[a]);
  const unit = prices.map((price, i) => price * lots[i]);
  const bought = new Float64Array(assets.length);
  let left = value;
  for (const i of order) {
    bought[i] = Math.floor((weights[i] * value) / unit[i]);
    left -= bought[i] * unit[i];
  }
  for (;;) {
    let invested = 0;
    for (const i of order) invested += bought[i] * unit[i];
    const deficit = order.map((i) => weights[i] - (invested > 0 ? (bought[i] * unit[i]) / invested : 0));
    let best = -1;
    for (let k = 0; k < order.length; k++)
      if (deficit[k] > 0 && unit[order[k]] <= left && (best < 0 || deficit[k] > deficit[best])) best = k;
    if (best < 0) break;
    bought[order[best]] += 1;
    left -= unit[order[best]];
  }
  const shares = bought.map((count, i) => count * lots[i]);
  return {
    shares,
    leftover: left,
    rmse: rootMeanSquare(problem, shares),
    certificate: { method: "greedy rounding, no optimum claimed", gap: 0, tolerance: 0 },
  };
}

/** The whole lots that miss the wanted amounts by the least money in all, what is left over included: an integer program. */
export async function allocateExactly(problem: AllocationProblem): Promise<Allocation> {
  requireUsable(problem);
  const { assets, weights, prices, value, lots } = problem;
  const n = assets.length;
  const net = weights.reduce((sum, weight) => sum + weight, 0) * value;
  const unit = prices.map((price, i) => price * lots[i]);
  // Columns: lots, misses, money left.
  const size = 2 * n + 1;
  const cost = new Float64Array(size);
  const lower = new Float64Array(size);
  const upper = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
  const rows: IntegerRow[] = [];
  for (let i = 0; i < n; i++) {
    const wanted = weights[i] * value;
    cost[n + i] = 1;
    const most = Math.floor(Math.abs(wanted) / unit[i]) + 1;
    lower[i] = weights[i] < 0 ? -most : 0;
    upper[i] = weights[i] > 0 ? most : 0;
    rows.push({
      columns: [i, n + i],
      coefficients: [unit[i], 1],
      low: wanted,
      high: Number.POSITIVE_INFINITY,
    });
    rows.push({
      columns: [i, n + i],
      coefficients: [unit[i], -1],
      low: Number.NEGATIVE_INFINITY,
      high: wanted,
    });
  }
  cost[2 * n] = 1;
  rows.push({
    columns: [...Array.from({ length: n }, (_, i) => i), 2 * n],
    coefficients: [...unit, 1],
    low: net,
    high: net,
  });
  const whole = Array.from({ length: size }, (_, i) => i < n);
  const { x, certificate } = await solveIntegerProgram({ cost, lower, upper, whole, rows });
  const shares = lots.map((lot, i) => Math.round(x[i]) * lot);
  let spent = 0;
  for (let i = 0; i < n; i++) spent += shares[i] * prices[i];
  return { shares, leftover: value - spent, rmse: rootMeanSquare(problem, shares), certificate };
}

function rootMeanSquare({ weights, prices }: AllocationProblem, shares: Float64Array): number {
  let total = 0;
  for (let i = 0; i < shares.length; i++) total += shares[i] * prices[i];
  let sum = 0;
  for (let i = 0; i < shares.length; i++) {
    const reached = total === 0 ? 0 : (shares[i] * prices[i]) / total;
    sum += (reached - weights[i]) ** 2;
  }
  return Math.sqrt(sum / shares.length);
}

function requireUsable({ assets, weights, prices, value, lots }: AllocationProblem): void {
  if (!(value > 0)) throw optionError("value", "an amount of money above 0", value);
  for (let i = 0; i < assets.length; i++) {
    if (!Number.isFinite(weights[i]))
      throw optionError(`weight of ${assets[i]}`, "a finite number", weights[i]);
    if (!(lots[i] >= 1 && Number.isInteger(lots[i])))
      throw optionError(`lot of ${assets[i]}`, "a whole number of shares, at least 1", lots[i]);
    if (weights[i] !== 0 && !(prices[i] > 0))
      throw new PlatformError(
        "input",
        "PORTFOLIO_PRICES_INVALID",
        `${assets[i]}: expected a price above 0 to allocate by, received ${prices[i]}`,
      );
  }
}
