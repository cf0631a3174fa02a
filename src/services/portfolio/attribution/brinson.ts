/**
 * Why a portfolio did better or worse than its benchmark: Brinson and Fachler (1985), "Measuring non-US equity portfolio
 * performance", with the effects of several periods linked after Carino (1999), so that they add up exactly.
 */
import { type Matrix, PlatformError } from "../../../base/index.ts";

/** Effects of one group; all of them are shares of the portfolio's value and add up to its active return. */
export interface GroupEffects {
  /** Choosing more or less of the group: `(w_p - w_b) (r_b - R_b)`. */
  readonly allocation: number;
  /** Choosing inside of the group: `w_b (r_p - r_b)`. */
  readonly selection: number;
  /** Both at once: `(w_p - w_b) (r_p - r_b)`. */
  readonly interaction: number;
  /** Mean over the periods. */
  readonly portfolioWeight: number;
  readonly benchmarkWeight: number;
  /** Compounded over the periods; 0 where the group is not held. */
  readonly portfolioReturn: number;
  readonly benchmarkReturn: number;
}

export interface Attribution {
  readonly groups: readonly GroupEffects[];
  /** Compounded. */
  readonly portfolioReturn: number;
  readonly benchmarkReturn: number;
  /** `portfolioReturn - benchmarkReturn`, which the effects of all groups add up to. */
  readonly activeReturn: number;
}

/**
 * Effects by group.
 *
 * @param returns simple, `[assets, periods]`, without gaps
 * @param portfolio weights at the beginning of each period, `[periods, assets]`; so is `benchmark`
 * @param groupOf the group of each asset, 0 to `groupCount - 1`
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` when a portfolio loses everything, so that returns cannot be linked
 */
export function brinsonFachler(
  returns: Matrix,
  portfolio: Matrix,
  benchmark: Matrix,
  groupOf: ArrayLike<number>,
  groupCount: number,
): Attribution {
  const { rows: n, columns: periods } = returns;
  const zeros = () => new Float64Array(groupCount);
  const sums = { allocation: zeros(), selection: zeros(), interaction: zeros() };
  const weights = { portfolio: zeros(), benchmark: zeros() };
  const growth = { portfolio: zeros().fill(1), benchmark: zeros().fill(1) };
  let [wealth, other] = [1, 1];
  const links = new Float64Array(periods);
  const effects: { allocation: Float64Array; selection: Float64Array; interaction: Float64Array }[] = [];
  for (let t = 0; t < periods; t++) {
    const p = byGroup(returns, portfolio, groupOf, groupCount, t, n);
    const b = byGroup(returns, benchmark, groupOf, groupCount, t, n);
    wealth *= 1 + p.total;
    other *= 1 + b.total;
    if (!(wealth > 0 && other > 0))
      throw new PlatformError(
        "input",
        "PORTFOLIO_OPTION_INVALID",
        `attribution: expected portfolios that keep some value, received one that loses everything in period ${t + 1}`,
      );
    const active = p.total - b.total;
    links[t] =
      Math.abs(active) < 1e-12 ? 1 / (1 + b.total) : (Math.log1p(p.total) - Math.log1p(b.total)) / active;
    const row = { allocation: zeros(), selection: zeros(), interaction: zeros() };
    for (let g = 0; g < groupCount; g++) {
      // A group that one side does not hold has the return of the other there, so that only allocation speaks.
      const held = [
        p.weight[g] !== 0 ? p.gain[g] / p.weight[g] : null,
        b.weight[g] !== 0 ? b.gain[g] / b.weight[g] : null,
      ];
      const portfolioReturn = held[0] ?? held[1] ?? 0;
      const benchmarkReturn = held[1] ?? held[0] ?? 0;
      const overweight = p.weight[g] - b.weight[g];
      row.allocation[g] = overweight * (benchmarkReturn - b.total);
      row.selection[g] = b.weight[g] * (portfolioReturn - benchmarkReturn);
      row.interaction[g] = overweight * (portfolioReturn - benchmarkReturn);
      weights.portfolio[g] += p.weight[g] / periods;
      weights.benchmark[g] += b.weight[g] / periods;
      growth.portfolio[g] *= 1 + (held[0] ?? 0);
      growth.benchmark[g] *= 1 + (held[1] ?? 0);
    }
    effects.push(row);
  }
  const active = wealth - other;
  const link = Math.abs(active) < 1e-12 ? 1 / wealth : (Math.log(wealth) - Math.log(other)) / active;
  effects.forEach((row, t) => {
    const factor = links[t] / link;
    for (let g = 0; g < groupCount; g++) {
      sums.allocation[g] += factor * row.allocation[g];
      sums.selection[g] += factor * row.selection[g];
      sums.interaction[g] += factor * row.interaction[g];
    }
  });
  return {
    groups: Array.from({ length: groupCount }, (_, g) => ({
      allocation: sums.allocation[g],
      selection: sums.selection[g],
      interaction: sums.interaction[g],
      portfolioWeight: weights.portfolio[g],
      benchmarkWeight: weights.benchmark[g],
      portfolioReturn: growth.portfolio[g] - 1,
      benchmarkReturn: growth.benchmark[g] - 1,
    })),
    portfolioReturn: wealth - 1,
    benchmarkReturn: other - 1,
    activeReturn: active,
  };
}

function byGroup(
  returns: Matrix,
  weights: Matrix,
  groupOf: ArrayLike<number>,
  groupCount: number,
  t: number,
  n: number,
) {
  const weight = new Float64Array(groupCount);
  const gain = new Float64Array(groupCount);
  let total = 0;
  for (let i = 0; i < n; i++) {
    const w = weights.data[t * n + i];
    const value = w * returns.data[i * returns.columns + t];
    weight[groupOf[i]] += w;
    gain[groupOf[i]] += value;
    total += value;
  }
  return { weight, gain, total };
}
