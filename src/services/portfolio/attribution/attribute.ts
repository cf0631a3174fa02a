/** The work of `portfolio.attribution`. */
import { type Context, calendarDate, PlatformError } from "../../../base/index.ts";
import { byAsset, optionError, shortNumber } from "../constraints/options.ts";
import { estimateMarket } from "../estimate.ts";
import { panelOf } from "../optimise.ts";
import { completeReturns, simpleReturns } from "../returns.ts";
import { rebalancingPeriods } from "../walk-forward/calendar.ts";
import { simulate } from "../walk-forward/simulate.ts";
import { brinsonFachler } from "./brinson.ts";
import { riskAttribution } from "./risk.ts";
import type { AttributionInput, AttributionOutput } from "./schema.ts";

/** Return by group and risk by asset and group, of given weights against a benchmark. */
export async function attribute(
  input: AttributionInput,
  ports: Pick<Context, "market" | "signal" | "clock">,
): Promise<AttributionOutput> {
  const all = simpleReturns(await panelOf(input, ports));
  const panel = completeReturns(all);
  const { assets, returns, times } = panel;
  const periods = returns.columns;
  const weights = byAsset("weights", input.weights, assets);
  const benchmark =
    input.benchmark === undefined
      ? new Float64Array(assets.length).fill(1 / assets.length)
      : byAsset("benchmark", input.benchmark, assets);
  const warnings = [...all.warnings];
  for (const [name, values] of [
    ["weights", weights],
    ["benchmark", benchmark],
  ] as const) {
    warnings.push(...notInvested(name, values));
  }
  const { groupOf, names } = grouped(assets, input.groups);
  const trades = rebalancingPeriods({ from: 0, to: periods }, times, input.rebalance);
  const held = (target: Float64Array) =>
    simulate(
      returns,
      trades.map((period) => ({ period, target })),
      { costBps: 0, impact: 0 },
    ).weights;
  const effects = brinsonFachler(returns, held(weights), held(benchmark), groupOf, names.length);
  const { market, warnings: estimated } = estimateMarket(panel, input);
  warnings.push(...estimated.filter((warning) => !warnings.includes(warning)));
  const own = riskAttribution(market.covariance, weights);
  const active = riskAttribution(
    market.covariance,
    weights.map((value, i) => value - benchmark[i]),
  );
  const sumOf = (values: Float64Array, group: number) =>
    values.reduce((sum, value, i) => sum + (groupOf[i] === group ? value : 0), 0);
  const groups = names.map((name, g) => {
    const { allocation, selection, interaction, ...rest } = effects.groups[g];
    return [
      name,
      {
        allocation,
        selection,
        interaction,
        total: allocation + selection + interaction,
        ...rest,
        volatilityContribution: sumOf(own.contributions, g),
        trackingErrorContribution: sumOf(active.contributions, g),
      },
    ] as const;
  });
  const totals = (effect: "allocation" | "selection" | "interaction") =>
    effects.groups.reduce((sum, group) => sum + group[effect], 0);
  return {
    portfolioReturn: effects.portfolioReturn,
    benchmarkReturn: effects.benchmarkReturn,
    activeReturn: effects.activeReturn,
    allocation: totals("allocation"),
    selection: totals("selection"),
    interaction: totals("interaction"),
    groups: Object.fromEntries(groups),
    volatilityAnnual: own.risk,
    benchmarkVolatilityAnnual: riskAttribution(market.covariance, benchmark).risk,
    trackingErrorAnnual: active.risk,
    assets: Object.fromEntries(
      assets.map((asset, i) => {
        let growth = 1;
        for (let t = 0; t < periods; t++) growth *= 1 + returns.data[i * periods + t];
        return [
          asset,
          {
            weight: weights[i],
            benchmarkWeight: benchmark[i],
            return: growth - 1,
            volatilityContribution: own.contributions[i],
            trackingErrorContribution: active.contributions[i],
          },
        ];
      }),
    ),
    from: calendarDate(times[0]),
    to: calendarDate(times[periods - 1]),
    observations: periods,
    warnings,
  };
}

/**
 * What is said of weights that do not add up to 1.
 *
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` where long positions alone would need a loan
 */
function notInvested(name: "weights" | "benchmark", values: Float64Array): string[] {
  const sum = values.reduce((total, value) => total + value, 0);
  if (Math.abs(sum - 1) <= 1e-6) return [];
  if (sum < 1) return [`the ${name} add up to ${shortNumber(sum)}: the rest is cash without return`];
  if (values.every((value) => value >= 0))
    throw optionError(
      name,
      "weights that add up to at most 1 where none is short",
      `a sum of ${shortNumber(sum)}`,
    );
  return [`the ${name} add up to ${shortNumber(sum)}: ${shortNumber(sum - 1)} is borrowed without cost`];
}

/** The group of each asset; those that no group names are a group called other. */
function grouped(assets: readonly string[], groups: AttributionInput["groups"]) {
  if (groups === undefined) return { groupOf: Int32Array.from(assets.keys()), names: assets };
  const names = Object.keys(groups);
  const groupOf = new Int32Array(assets.length).fill(-1);
  names.forEach((name, g) => {
    byAsset(`groups.${name}`, Object.fromEntries(groups[name].map((asset) => [asset, 1])), assets).forEach(
      (one, i) => {
        if (one === 0) return;
        if (groupOf[i] >= 0)
          throw new PlatformError(
            "input",
            "PORTFOLIO_OPTION_INVALID",
            `groups: expected each asset in one group, received ${assets[i]} in ${names[groupOf[i]]} and in ${name}`,
            { field: "groups" },
          );
        groupOf[i] = g;
      },
    );
  });
  if (!groupOf.includes(-1)) return { groupOf, names };
  return { groupOf: groupOf.map((group) => (group < 0 ? names.length : group)), names: [...names, "other"] };
}
