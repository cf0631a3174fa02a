/** What the capabilities of this service print for people. */
import { formatNumber } from "../../report/index.ts";
import type { Sample } from "./samples.ts";
import type { AllocateOutput, FrontierOutput, OptimizeOutput } from "./schema.ts";

/** The English of this file, in one place so that it can be translated. */
const words = {
  asset: "asset",
  weight: "weight",
  risk: "of risk",
  notHeld: (count: number) => `${count} assets are not held`,
  estimated: "estimated",
  measured: "measured",
  return: "return",
  volatility: "volatility",
  sharpe: "Sharpe ratio",
  cvar: "mean loss of worst periods (CVaR)",
  maxDrawdown: "maximum drawdown",
  effectiveAssets: "effective number of assets",
  expectedReturn: "expected return",
  covariance: "covariance",
  /** An estimate whose assets, or pairs of assets, have histories of different lengths. */
  sample: ({ estimator, observations, fewest, from, to }: Sample, each: string) =>
    `${estimator}, ${fewest === observations ? observations : `${fewest} to ${observations}`} periods${fewest === observations ? "" : ` for each ${each}`}, ${from} to ${to}`,
  eachAsset: "asset",
  eachPair: "pair of assets",
  shared: ({ observations, from, to }: Sample, periodsPerYear: number) =>
    `${observations} periods in which all assets have a return, ${from} to ${to}, ${formatNumber(periodsPerYear)} in a year`,
  certificate: ({ method, gap, tolerance }: OptimizeOutput["certificate"]) =>
    `${method}, gap ${gap.toExponential(1)} (at most ${tolerance.toExponential(0)})`,
  shares: "shares",
  amount: "amount",
  leftover: "left over",
  rmse: "root mean square error of weights",
  solver: "solver",
  measuredRisk: (name: string) => `${name}, measured`,
};

const percent = (value: number | null) => (value === null ? "-" : `${(100 * value).toFixed(2)} %`);
const number = (value: number | null) => (value === null ? "-" : formatNumber(value, 3));

/** Positions by size, then what the portfolio is expected to do, and would have done. */
export function optimizeTable(output: OptimizeOutput): string {
  const { weights, riskContributions, measures, warnings, certificate } = output;
  const held = Object.entries(weights)
    .filter(([, weight]) => Math.abs(weight) >= 5e-5)
    .sort(([, a], [, b]) => b - a);
  const rest = Object.keys(weights).length - held.length;
  return [
    table(
      [words.asset, words.weight, words.risk],
      held.map(([asset, weight]) => [asset, percent(weight), percent(riskContributions[asset])]),
    ),
    ...(rest > 0 ? [words.notHeld(rest)] : []),
    "",
    table(
      ["", words.estimated, words.measured],
      [
        [words.return, percent(output.expectedReturnAnnual), percent(measures.returnAnnual)],
        [words.volatility, percent(output.volatilityAnnual), percent(measures.volatilityAnnual)],
        [words.sharpe, number(output.sharpe), number(measures.sharpeAnnual)],
        [words.cvar, "", percent(measures.cvar)],
        [words.maxDrawdown, "", percent(measures.maxDrawdown)],
      ],
    ),
    "",
    list([
      [words.effectiveAssets, number(measures.effectiveAssets)],
      ...samplesList(output),
      [words.solver, words.certificate(certificate)],
    ]),
    ...warnings.map((warning) => `! ${warning}`),
  ].join("\n");
}

/** What the numbers come from. */
function samplesList({
  samples: { expectedReturns, covariance, measures },
  periodsPerYear,
}: Pick<OptimizeOutput, "samples" | "periodsPerYear">): (readonly [string, string])[] {
  return [
    [words.expectedReturn, words.sample(expectedReturns, words.eachAsset)],
    [words.covariance, words.sample(covariance, words.eachPair)],
    [words.measured, words.shared(measures, periodsPerYear)],
  ];
}

/** The points of the frontier, special ones named. Risk other than volatility is measured, the rest estimated. */
export function frontierTable(output: FrontierOutput): string {
  const { points, special, riskMeasure, warnings } = output;
  const other = riskMeasure !== "volatility";
  const row = (name: string, point: FrontierOutput["points"][number]) => [
    name,
    percent(point.expectedReturnAnnual),
    percent(point.volatilityAnnual),
    number(point.sharpe),
    ...(other ? [percent(point.risk)] : []),
  ];
  return [
    table(
      [
        "",
        words.expectedReturn,
        words.volatility,
        words.sharpe,
        ...(other ? [words.measuredRisk(riskMeasure)] : []),
      ],
      [
        ...points.map((point, i) => row(String(i + 1), point)),
        ...Object.entries(special).map(([name, point]) => row(name, point)),
      ],
    ),
    "",
    list(samplesList(output)),
    ...warnings.map((warning) => `! ${warning}`),
  ].join("\n");
}

export function allocateTable(output: AllocateOutput): string {
  const { shares, amounts, weights, leftover, rmse, certificate, warnings } = output;
  return [
    table(
      [words.asset, words.shares, words.amount, words.weight],
      Object.entries(shares).map(([asset, count]) => [
        asset,
        String(count),
        amounts[asset].toFixed(2),
        percent(weights[asset]),
      ]),
    ),
    "",
    list([
      [words.leftover, leftover.toFixed(2)],
      [words.rmse, percent(rmse)],
      [words.solver, certificate.method],
    ]),
    ...warnings.map((warning) => `! ${warning}`),
  ].join("\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c].length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function list(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}
