/**
 * Objectives under a limit on shares of risk, by the convex-concave procedure (Yuille and Rangarajan 2003; Lipp and Boyd 2016):
 * from equal shares, which keep every limit, through convex problems that lie inside of the true one. Each answer is at least as
 * good as the one before; where they end is a local optimum, and no more is claimed.
 */
import { optionError } from "./constraints/options.ts";
import { type Answer, defaultOptions, type ObjectiveInput } from "./objectives/input.ts";
import { riskContributions } from "./objectives/risk-parity.ts";
import { type ObjectiveName, objectives } from "./objectives/table.ts";
import { notSolved } from "./solvers/interior-point.ts";

const method = "convex-concave procedure, a local optimum,";
/** Of the improvement by a further step, relative. */
const tolerance = 1e-7;

/** @throws PlatformError `PORTFOLIO_OPTION_INVALID` when the limit is below what equal shares would need */
export function withinRiskShares(name: ObjectiveName, input: ObjectiveInput, limit: number): Answer {
  const { market, limits } = input;
  const largest = (weights: Float64Array) => Math.max(...riskContributions(market.covariance, weights));
  const free = objectives[name].solve(input);
  if (largest(free.weights) <= limit + 1e-9) return free;
  const start = objectives["risk-parity"].solve({ ...input, options: defaultOptions }).weights;
  if (largest(start) > limit)
    throw optionError(
      "risk-contribution-limit",
      `at least ${largest(start).toFixed(4)}, the largest share when shares are as equal as the constraints allow`,
      limit,
    );
  let around = start;
  let before = Number.POSITIVE_INFINITY;
  for (let iterations = 1; iterations <= 500; iterations++) {
    const answer = objectives[name].solve({ ...input, limits: { ...limits, riskShares: { limit, around } } });
    const gap = (before - answer.objective) / Math.max(Math.abs(answer.objective), 1e-9);
    if (gap <= tolerance) {
      const warning = `shares of risk of at most ${limit} are no convex set: the answer is the best near equal shares, not proved to be the best of all`;
      return {
        ...answer,
        certificate: {
          method: `${method} over ${answer.certificate.method}`,
          gap: Math.max(0, gap, answer.certificate.gap),
          tolerance,
          iterations,
        },
        warnings: [...answer.warnings, warning],
      };
    }
    before = answer.objective;
    around = answer.weights;
  }
  throw notSolved(method, Number.NaN, tolerance);
}
