/**
 * Risk budgeting: every asset contributes its share of the portfolio's risk. It is the minimum of `risk(y) - Σ b log y` over
 * positive y, scaled to the budget afterwards (Spinu 2013); constraints hold on the cone over the feasible set.
 */
import {
  choleskyFactor,
  choleskySolve,
  dot,
  type Matrix,
  multiplyVector,
  PlatformError,
  quadraticForm,
} from "../../../base/index.ts";
import { feasibleSet } from "../constraints/feasible.ts";
import { type FeasibleSet, homogeneous } from "../constraints/feasible-set.ts";
import { byAsset, optionError } from "../constraints/options.ts";
import { notSolved } from "../solvers/interior-point.ts";
import { minimise, nearestToEqual } from "../solvers/minimise.ts";
import type { ScenarioMeasure } from "../solvers/scenario-measures.ts";
import type { Answer, ObjectiveInput } from "./input.ts";
import { minimumRisk, riskOf, scenarioMeasure } from "./scenario.ts";
import { logBarrier } from "./smooth.ts";
import { minimumVariance, volatilities } from "./variance.ts";

/**
 * Weights whose risk contributions are in proportion to the budgets.
 *
 * @throws PlatformError `PORTFOLIO_UNBOUNDED` when weights without any risk are allowed, as a singular covariance has them: they
 *   have no shares of risk
 */
export function riskParity(input: ObjectiveInput): Answer {
  try {
    return shareOut(input);
  } catch (error) {
    if (error instanceof PlatformError && error.code === "PORTFOLIO_NOT_SOLVED") requireRisk(input);
    throw error;
  }
}

function requireRisk({ market, limits, options }: ObjectiveInput): void {
  const { weights } =
    options.riskMeasure === "volatility"
      ? minimumVariance({ market, limits, options: { ...options, l2: 0 } })
      : minimumRisk(options.riskMeasure)({ market, limits, options });
  const least = riskOf(options.riskMeasure, { market, limits, options }, weights);
  const alone = Math.max(...volatilities(market));
  if (least > 1e-5 * alone) return;
  throw new PlatformError(
    "input",
    "PORTFOLIO_UNBOUNDED",
    `risk parity has no answer, because ${market.scenarios.columns} periods of ${market.assets.length} assets allow weights without any risk to share; take more periods, fewer assets or a shrunk covariance such as ledoit-wolf`,
  );
}

function shareOut(input: ObjectiveInput): Answer {
  const { market, limits, options } = input;
  const budgets = budgetsOf(input);
  const set = feasibleSet(limits, market);
  if (options.riskMeasure === "volatility" && isLongOnly(set) && limits.netExposure !== null)
    return byNewton(market.covariance, budgets, limits.netExposure);
  if (!["volatility", "cvar", "cdar"].includes(options.riskMeasure))
    throw optionError("risk-measure", "volatility, cvar or cdar for risk parity", options.riskMeasure);
  const cone = homogeneous(set);
  const smallest = Float64Array.from(cone.lower);
  for (let i = 0; i < set.assets; i++) smallest[i] = Math.max(smallest[i], 1e-3 / set.assets);
  const start = nearestToEqual(cone, smallest);
  const scenario =
    options.riskMeasure === "volatility"
      ? {}
      : {
          scenario: {
            measure: scenarioMeasure(options.riskMeasure, options) as ScenarioMeasure,
            returns: market.scenarios,
            factor: 1,
            scaleAt: -1,
          },
        };
  // The unit of risk in which y is of size 1 at the solution.
  const typical = Math.max(...volatilities(market));
  const scaled =
    options.riskMeasure === "volatility"
      ? { quadratic: { ...market.covariance, data: market.covariance.data.map((v) => v / typical ** 2) } }
      : {};
  if ("scenario" in scenario) {
    const factor = Math.sqrt(market.periodsPerYear) / typical;
    Object.assign(scenario, { scenario: { ...scenario.scenario, factor } });
  }
  const minimum = minimise({
    set: cone,
    ...scaled,
    ...scenario,
    smooth: logBarrier(budgets),
    start,
    tolerance: 1e-7,
  });
  const scale = minimum.x[set.size];
  const weights = minimum.x.slice(0, set.assets).map((value) => value / scale);
  const warnings = options.riskMeasure === "volatility" ? unequal(market.covariance, weights, budgets) : [];
  return { weights, certificate: minimum.certificate, objective: minimum.objective, warnings };
}

/** `w[i] (Σ w)[i] / wᵀ Σ w` of each asset; zeros where there is no risk to share. */
export function riskContributions(covariance: Matrix, weights: Float64Array): Float64Array {
  const marginal = multiplyVector(covariance, weights);
  const variance = dot(weights, marginal);
  return weights.map((value, i) => (variance > 0 ? (value * marginal[i]) / variance : 0));
}

/** Newton on `yᵀ Σ y / 2 - Σ b log y`, which is self-concordant, with a line search. */
function byNewton(covariance: Matrix, budgets: Float64Array, net: number): Answer {
  const method = "Newton on the logarithmic barrier";
  const tolerance = 1e-9;
  const n = budgets.length;
  let y = Float64Array.from(budgets, (b, i) => Math.sqrt(b / covariance.data[i * n + i]));
  for (let iterations = 1; iterations <= 200; iterations++) {
    const marginal = multiplyVector(covariance, y);
    const gradient = marginal.map((value, i) => value - budgets[i] / y[i]);
    const hessian = { ...covariance, data: Float64Array.from(covariance.data) };
    for (let i = 0; i < n; i++) hessian.data[i * n + i] += budgets[i] / (y[i] * y[i]);
    const lower = choleskyFactor(hessian);
    if (lower === null) throw notSolved(method, Number.NaN, tolerance);
    const step = choleskySolve(lower, gradient);
    // Largest error of a contribution to risk, as a share of all.
    let gap = 0;
    const variance = dot(y, marginal);
    for (let i = 0; i < n; i++) gap = Math.max(gap, Math.abs((y[i] * marginal[i]) / variance - budgets[i]));
    if (gap <= tolerance) {
      const total = y.reduce((sum, value) => sum + value, 0);
      return {
        weights: y.map((value) => (value * net) / total),
        certificate: { method, gap, tolerance, iterations },
        objective: 0.5 * variance,
        warnings: [],
      };
    }
    // Inside of positive weights, and down by a part of what the slope promises; near the end that is below rounding.
    let length = 1;
    for (let i = 0; i < n; i++) if (step[i] > 0) length = Math.min(length, (0.95 * y[i]) / step[i]);
    const value = barrier(covariance, budgets, y);
    const drop = dot(gradient, step);
    const moved = (by: number) => y.map((one, i) => one - by * step[i]);
    let next = moved(length);
    while (
      drop > 1e-12 &&
      barrier(covariance, budgets, next) > value - 1e-4 * length * drop &&
      length > 1e-12
    ) {
      length *= 0.5;
      next = moved(length);
    }
    y = next;
  }
  throw notSolved(method, Number.NaN, tolerance);
}

function barrier(covariance: Matrix, budgets: Float64Array, y: Float64Array): number {
  let sum = 0.5 * quadraticForm(covariance, y);
  for (let i = 0; i < y.length; i++) sum -= budgets[i] * Math.log(y[i]);
  return sum;
}

function budgetsOf({ market, options }: ObjectiveInput): Float64Array {
  const { riskBudgets } = options;
  if (riskBudgets === undefined) return new Float64Array(market.assets.length).fill(1 / market.assets.length);
  const out = byAsset("risk-budgets", riskBudgets, market.assets);
  const total = out.reduce((sum, value) => sum + value, 0);
  const bad = market.assets.findIndex((_, i) => !(out[i] > 0));
  if (bad >= 0) throw optionError(`risk-budgets of ${market.assets[bad]}`, "a share above 0", out[bad]);
  return out.map((value) => value / total);
}

/** Only a budget and weights of at least 0. */
function isLongOnly(set: FeasibleSet): boolean {
  return (
    set.size === set.assets &&
    set.cones.length === 0 &&
    set.rows.length === 1 &&
    set.lower.every((value) => value <= 0) &&
    set.upper.every((value) => !Number.isFinite(value))
  );
}

function unequal(covariance: Matrix, weights: Float64Array, budgets: Float64Array): string[] {
  const shares = riskContributions(covariance, weights);
  let worst = 0;
  for (let i = 0; i < shares.length; i++) worst = Math.max(worst, Math.abs(shares[i] - budgets[i]));
  return worst > 1e-5
    ? [
        `the constraints keep risk contributions from their budgets, by up to ${(100 * worst).toFixed(2)} % of the risk`,
      ]
    : [];
}
