/** Weights from a tree of clusters rather than from one optimisation: HRP, HERC, NCO. */
import type { Matrix } from "../../../base/index.ts";
import { defaultLimits, type Limits } from "../constraints/limits.ts";
import {
  type ClusterRisk,
  scenarioRisk,
  varianceRisk,
  volatilityRisk,
} from "../hierarchical/cluster-risk.ts";
import { hierarchicalEqualRiskContribution } from "../hierarchical/equal-risk-contribution.ts";
import { nestedClusters } from "../hierarchical/nested-clusters.ts";
import { hierarchicalRiskParity } from "../hierarchical/risk-parity.ts";
import type { Market } from "../problem.ts";
import { Scenarios, statisticOf } from "../solvers/scenario-measures.ts";
import type { Answer, ObjectiveInput } from "./input.ts";
import { nearestTo } from "./nearest.ts";
import { scenarioMeasure } from "./scenario.ts";
import { entropicValueAtRisk } from "./smooth.ts";
import { minimumVariance } from "./variance.ts";

/** Hierarchical risk parity; bounds of single weights are kept inside of the tree. */
export function riskParityTree(input: ObjectiveInput): Answer {
  const { market, limits, options } = input;
  const bounds = (end: 0 | 1) =>
    market.assets.map(
      (asset) => limits.bounds?.[asset]?.[end] ?? (end === 0 ? limits.minWeight : limits.maxWeight),
    );
  const unit = limits.netExposure === 1;
  const { weights } = hierarchicalRiskParity(market.covariance, {
    ...treeOptions(input),
    linkage: options.linkage ?? "single",
    risk: clusterRisk(input, varianceRisk),
    ...(unit ? { minimum: bounds(0), maximum: bounds(1) } : {}),
  });
  return nearestTo(input, weights);
}

/** Hierarchical equal risk contribution. */
export function equalRiskClusters(input: ObjectiveInput): Answer {
  const { weights, clusters } = hierarchicalEqualRiskContribution(input.market.covariance, {
    ...treeOptions(input),
    risk: clusterRisk(input, volatilityRisk),
  });
  return withClusters(nearestTo(input, weights), clusters, input.market);
}

/** Nested clustered optimisation with minimum variance, long only. */
export function nestedOptimisation(input: ObjectiveInput): Answer {
  const { market, options } = input;
  let gap = 0;
  let tolerance = 0;
  const leastVariance = (covariance: Matrix, expectedReturns: Float64Array): Float64Array => {
    const inner = inside(market, covariance, expectedReturns);
    const { weights, certificate } = minimumVariance({ market: inner, limits: plain, options });
    gap = Math.max(gap, certificate.gap);
    tolerance = Math.max(tolerance, certificate.tolerance);
    // What a solver leaves within its tolerance of 0 is not held.
    const held = weights.map((value) => (value < 1e-9 ? 0 : value));
    const total = held.reduce((sum, value) => sum + value, 0);
    return held.map((value) => value / total);
  };
  const { weights, clusters } = nestedClusters(market.covariance, market.expectedReturns, {
    ...treeOptions(input),
    inner: leastVariance,
  });
  const answer = nearestTo(input, weights);
  const certificate = {
    method: `${clusters.length} nested minimum-variance problems, the largest gap of each`,
    gap: Math.max(gap, answer.certificate.gap),
    tolerance: Math.max(tolerance, answer.certificate.tolerance),
  };
  return withClusters({ ...answer, certificate }, clusters, market);
}

const plain: Limits = defaultLimits;

function inside(market: Market, covariance: Matrix, expectedReturns: Float64Array): Market {
  const assets = Array.from({ length: covariance.rows }, (_, i) => `part ${i + 1}`);
  return { ...market, assets, covariance, expectedReturns, correlation: undefined };
}

function treeOptions({ market, options }: ObjectiveInput) {
  return {
    ...(options.linkage === undefined ? {} : { linkage: options.linkage }),
    ...(options.distance === undefined ? {} : { distance: options.distance }),
    ...(options.clusters === undefined ? {} : { clusters: options.clusters }),
    correlation: market.correlation?.(),
  };
}

/** Of the covariance, or of the scenarios when another measure than volatility is shared out. */
function clusterRisk(
  { market, options }: ObjectiveInput,
  fromCovariance: (covariance: Matrix) => ClusterRisk,
): ClusterRisk {
  const name = options.riskMeasure;
  if (name === "volatility") return fromCovariance(market.covariance);
  if (name === "evar")
    return scenarioRisk(market.scenarios, (returns) => entropicValueAtRisk(returns, options.level).value);
  const measure = scenarioMeasure(name, options);
  return scenarioRisk(market.scenarios, (returns) => {
    if (measure === null) throw new Error("unreachable");
    const one = new Scenarios({ rows: 1, columns: returns.length, data: returns }, measure);
    return statisticOf(one.losses(Float64Array.of(1)).losses, measure.statistic);
  });
}

function withClusters(answer: Answer, clusters: readonly (readonly number[])[], { assets }: Market): Answer {
  const named = clusters.map((items) => items.map((i) => assets[i]).join(" "));
  return { ...answer, warnings: [...answer.warnings, `${clusters.length} clusters: ${named.join(" | ")}`] };
}
