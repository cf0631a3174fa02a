/** What can be compared in a walk-forward: every objective, and strategies that learn as they go. */
import { type Key, PlatformError, throwIfAborted, transpose } from "../../../base/index.ts";
import { didYouMean } from "../../../data/index.ts";
import type { Limits } from "../constraints/limits.ts";
import { type EstimateOptions, estimateMarket } from "../estimate.ts";
import type { ObjectiveOptions } from "../objectives/input.ts";
import { type ObjectiveName, objectiveNames } from "../objectives/table.ts";
import { buyAndHold, constantlyRebalanced } from "../online/benchmarks.ts";
import {
  exponentiatedGradient,
  movingAverageReversion,
  robustMedianReversion,
  universalPortfolio,
} from "../online/learners.ts";
import type { OnlineResult, PriceRelatives } from "../online/strategy.ts";
import { type PositionLimits, solveObjective } from "../positions.ts";
import type { Certificate, Market } from "../problem.ts";
import type { ReturnPanel } from "../returns.ts";

/** Strategies that change weights every period; they see the training part and then each period after it has passed. */
export const onlineStrategies = {
  "online-buy-and-hold": (relatives) => buyAndHold(relatives),
  "online-rebalanced": (relatives) => constantlyRebalanced(relatives),
  "online-universal": (relatives, key) => universalPortfolio(relatives, key, { samples: 500 }),
  "online-eg": (relatives) => exponentiatedGradient(relatives),
  "online-olmar": (relatives) => movingAverageReversion(relatives),
  "online-rmr": (relatives) => robustMedianReversion(relatives),
} as const satisfies Record<string, (relatives: PriceRelatives, key: Key) => OnlineResult>;

export type OnlineName = keyof typeof onlineStrategies;
export type MethodName = ObjectiveName | OnlineName | "learned";
export const methodNames: readonly MethodName[] = [
  ...objectiveNames,
  ...(Object.keys(onlineStrategies) as OnlineName[]),
  "learned",
];

/** In every comparison, so that skill is measured against what needs none. */
export const alwaysCompared: readonly MethodName[] = ["equal-weight", "inverse-volatility"];

/** The methods of a request, each once, with those that are always compared. */
export function methodsOf(names: readonly string[]): MethodName[] {
  for (const name of names)
    if (!methodNames.includes(name as MethodName))
      throw new PlatformError(
        "input",
        "PORTFOLIO_OPTION_INVALID",
        `objectives: expected one of ${methodNames.join(", ")}, received "${name}"${didYouMean(name, methodNames)}`,
        { field: "objectives" },
      );
  return [...new Set([...(names as readonly MethodName[]), ...alwaysCompared])];
}

export interface MethodOptions {
  readonly limits: Limits;
  readonly positions: PositionLimits;
  readonly objective: ObjectiveOptions;
  readonly estimate: EstimateOptions;
}

/** The market of a training window; the same for every objective, so that it is estimated once. */
export function windowMarket(panel: ReturnPanel, { estimate }: MethodOptions) {
  return estimateMarket(panel, estimate);
}

export interface Fitted {
  readonly weights: Float64Array;
  readonly certificate: Certificate;
  readonly warnings: readonly string[];
}

/** Weights of an objective on a training window. */
export function fitObjective(
  name: ObjectiveName,
  market: Market,
  limits: Limits,
  { positions, objective }: MethodOptions,
  signal: AbortSignal,
): Fitted {
  throwIfAborted(signal, "portfolio.backtest");
  const { weights, certificate, warnings } = solveObjective(
    name,
    { market, limits, options: objective },
    positions,
  );
  return { weights: weights.map((value) => (Math.abs(value) < 1e-10 ? 0 : value)), certificate, warnings };
}

export function isOnline(name: MethodName): name is OnlineName {
  return name in onlineStrategies;
}

/**
 * Weights of an online strategy for each period of a test part, decided on the training part and the test periods before it.
 *
 * @returns `[test periods][assets]`
 */
export function playOnline(name: OnlineName, history: ReturnPanel, test: number, key: Key): Float64Array[] {
  const relatives = transpose({
    ...history.returns,
    data: history.returns.data.map((value) => 1 + (Number.isNaN(value) ? 0 : value)),
  });
  const { weights } = onlineStrategies[name](relatives, key);
  return Array.from({ length: test }, (_, k) => {
    const t = relatives.rows - test + k;
    return weights.data.slice(t * weights.columns, (t + 1) * weights.columns);
  });
}
