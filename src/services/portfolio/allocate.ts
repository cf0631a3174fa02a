/** From weights to whole lots: what to buy with a sum of money. */
import { PlatformError } from "../../base/index.ts";
import { optionError, shortNumber } from "./constraints/options.ts";
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
  /**
   * What was reached, to compare with the weights wanted, `[assets]`: shares of what is invested where those add up to 1, as
   * PyPortfolioOpt has it, and shares of the value where they add up to less, so that the rest is wanted as money.
   */
  readonly weights: Float64Array;
  readonly leftover: number;
  /** Root mean square of the difference between the weights reached and those wanted, over all assets. */
  readonly rmse: number;
  readonly certificate: Certificate;
}

/**
 * Buys the whole lots below each wanted amount, largest weight first, then one lot after the other of the asset that is
 * furthest below its weight, while the money lasts. It is the greedy method of PyPortfolioOpt (Martin 2021), lots included.
 *
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` for negative weights, which only the exact method can place, and for weights
 * that add up to more than 1
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
  let left = moneyWanted(problem);
  for (const i of order) {
    bought[i] = Math.floor(Math.min(weights[i] * value, left + 1e-9 * value) / unit[i]);
    left -= bought[i] * unit[i];
  }
  for (;;) {
    const reached = weightsReached(problem, multiplied(bought, lots));
    const deficit = order.map((i) => weights[i] - reached[i]);
    let best = -1;
    for (let k = 0; k < order.length; k++)
      if (deficit[k] > 0 && unit[order[k]] <= left && (best < 0 || deficit[k] > deficit[best])) best = k;
    if (best < 0) break;
    bought[order[best]] += 1;
    left -= unit[order[best]];
  }
  return allocation(problem, multiplied(bought, lots), {
    method: "greedy rounding, no optimum claimed",
    gap: 0,
    tolerance: 0,
  });
}

/**
 * The whole lots that miss the wanted amounts by the least money in all, what is left over included: an integer program. Short
 * positions bring money in; what is spent net is never above the value.
 *
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` for weights that add up to more than 1
 */
export async function allocateExactly(problem: AllocationProblem): Promise<Allocation> {
  requireUsable(problem);
  const { assets, weights, prices, value, lots } = problem;
  const n = assets.length;
  const net = moneyWanted(problem);
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
  return allocation(problem, multiplied(x.subarray(0, n).map(Math.round), lots), certificate);
}

function allocation(problem: AllocationProblem, shares: Float64Array, certificate: Certificate): Allocation {
  const reached = weightsReached(problem, shares);
  const squares = reached.map((weight, i) => (weight - problem.weights[i]) ** 2);
  return {
    shares,
    weights: reached,
    leftover: problem.value - sumOf(multiplied(shares, problem.prices)),
    rmse: Math.sqrt(sumOf(squares) / shares.length),
    certificate,
  };
}

/** How far weights may be from 1 and still count as all of the money: they may have been written with a few digits. */
const rounding = 1e-4;

const isAllInvested = ({ weights }: AllocationProblem) => Math.abs(sumOf(weights) - 1) <= rounding;

/** What all weights together ask to spend, net of what short positions bring. */
function moneyWanted(problem: AllocationProblem): number {
  return isAllInvested(problem) ? problem.value : sumOf(problem.weights) * problem.value;
}

function weightsReached(problem: AllocationProblem, shares: Float64Array): Float64Array {
  const amounts = multiplied(shares, problem.prices);
  const whole = isAllInvested(problem) ? sumOf(amounts) : problem.value;
  return amounts.map((amount) => (amount === 0 ? 0 : amount / whole));
}

const sumOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
/** Products one by one; of nothing, nothing, also where a price is missing. */
const multiplied = (a: Float64Array, b: Float64Array) =>
  a.map((value, i) => (value === 0 ? 0 : value * b[i]));

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
  const sum = sumOf(weights);
  if (sum > 1 + rounding)
    throw optionError(
      "weights",
      "weights that add up to at most 1, since no money is borrowed",
      `a sum of ${shortNumber(sum)}`,
    );
}
