/** A market whose expected returns and covariance have taken views in. */
import { type Matrix, PlatformError } from "../../../base/index.ts";
import { byAsset } from "../constraints/options.ts";
import type { Market } from "../problem.ts";
import { blackLitterman, equilibriumReturns } from "./returns/black-litterman.ts";
import { entropyPooling, meanView, momentsUnder } from "./returns/entropy-pooling.ts";
import { describe, parseView, viewRows } from "./returns/views.ts";

export const viewMethods = ["black-litterman", "entropy-pooling"] as const;
export type ViewMethod = (typeof viewMethods)[number];

export interface ViewOptions {
  /** In words, as `AAPL = 10%` or `MSFT - GOOG = 2% @ 60%`; returns are annual. */
  readonly views: readonly string[];
  readonly viewMethod: ViewMethod;
  /** Of Black-Litterman: the uncertainty of the prior as a share of the covariance. */
  readonly tau: number;
  /** Shares of the market by asset; when given, the prior is what they imply rather than the estimate. */
  readonly marketWeights?: Readonly<Record<string, number>> | undefined;
  /** Of the market that implies the prior. */
  readonly marketRiskAversion: number;
}

/**
 * The market after views. Black-Litterman replaces expected returns and covariance; entropy pooling weighs past scenarios so
 * that their means obey the views, and takes both moments from them. Without views and market weights it is the market itself.
 *
 * @throws PlatformError `PORTFOLIO_VIEW_INVALID` when a view cannot be held, `PORTFOLIO_NOT_SOLVED` when scenarios satisfy no
 *   probabilities for all of them
 */
export function marketWithViews(
  market: Market,
  { views: texts, viewMethod, tau, marketWeights, marketRiskAversion }: ViewOptions,
): { readonly market: Market; readonly warnings: readonly string[] } {
  const { assets, covariance, riskFree, periodsPerYear, scenarios } = market;
  if (texts.length === 0 && marketWeights === undefined) return { market, warnings: [] };
  const views = texts.map((text) => parseView(text, assets));
  if (viewMethod === "black-litterman") {
    const prior =
      marketWeights === undefined
        ? market.expectedReturns
        : equilibriumReturns(
            covariance,
            byAsset("marketWeights", marketWeights, assets),
            marketRiskAversion,
            riskFree,
          );
    const posterior = blackLitterman(assets, covariance, { prior, views, tau });
    return {
      market: { ...market, expectedReturns: posterior.expectedReturns, covariance: posterior.covariance },
      warnings: [],
    };
  }
  if (marketWeights !== undefined)
    throw new PlatformError(
      "input",
      "PORTFOLIO_OPTION_INVALID",
      "marketWeights: expected the view method black-litterman beside them, received entropy-pooling",
      { field: "marketWeights" },
    );
  const { rows, values } = viewRows(views, assets);
  const pooled = entropyPooling(
    views.map((view, k) => meanView(scenarios, rows[k], "=", values[k] / periodsPerYear, describe(view))),
  );
  const { means, covariance: perPeriod } = momentsUnder(scenarios, pooled.probabilities);
  const annual: Matrix = { ...perPeriod, data: perPeriod.data.map((value) => value * periodsPerYear) };
  const sure = views.some(({ confidence }) => confidence !== undefined);
  return {
    market: { ...market, expectedReturns: means.map((mean) => mean * periodsPerYear), covariance: annual },
    warnings: [
      `entropy pooling: ${Math.round(pooled.effectiveScenarios)} of ${scenarios.columns} scenarios still speak; expected returns and covariance are theirs, measures of past periods are not weighed`,
      ...(sure ? ["entropy pooling takes every view as certain: confidences were not used"] : []),
    ],
  };
}
