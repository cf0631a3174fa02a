/** The covariance estimators that need returns without gaps, by name, with what they did about gaps. Annual. */
import type { Matrix } from "../../../../base/index.ts";
import { completeReturns, isComplete, type ReturnPanel } from "../../returns.ts";
import type { CovarianceEstimate, CovarianceEstimator, EstimatorOptions } from "../table.ts";
import { centreRows, secondMoments, zeroWhereMissing } from "./centre.ts";
import { factorModel, principalFactorModel } from "./factor-model.ts";
import { gerberCovariance } from "./gerber.ts";
import { graphicalLasso } from "./graphical-lasso.ts";
import { nonlinearShrinkage } from "./nonlinear-shrinkage.ts";
import { denoise, detone } from "./random-matrix.ts";
import {
  ledoitWolfConstantCorrelation,
  ledoitWolfConstantVariance,
  ledoitWolfSingleFactor,
  oracleApproximating,
  type Shrunk,
} from "./shrinkage.ts";
import { semiCovariance, weightedCovariance } from "./weighted.ts";

/** What some of the estimators can be told; each has a default. */
export interface CovarianceOptions {
  /** What to do with periods in which some asset has no return: leave them out, or count the missing returns as 0. */
  readonly missing?: "complete" | "zero" | undefined;
  /** Return per period below which the semi-covariance counts a fall; 0 by default. */
  readonly fallsBelow?: number | undefined;
  /** In standard deviations; 0.5 by default. */
  readonly gerberThreshold?: number | undefined;
  /** Of the correlation; 0.1 by default. */
  readonly lassoPenalty?: number | undefined;
  /** Returns of factors `[factors, periods of the panel]`; without them the factors are principal components. */
  readonly factorReturns?: Matrix | undefined;
  /** By default as many components as rise above what noise alone would show. */
  readonly factorCount?: number | undefined;
  /** Largest components that detoning removes; 1 by default. */
  readonly detoneComponents?: number | undefined;
}

export const completeCovarianceEstimators = {
  ewm: withoutGaps((returns, { span }) => ({ covariance: weightedCovariance(returns, span) })),
  semi: withoutGaps((returns, { fallsBelow }) => ({ covariance: semiCovariance(returns, fallsBelow) })),
  "ledoit-wolf": withoutGaps((returns) => shrunk(ledoitWolfConstantVariance(returns))),
  "ledoit-wolf-single-factor": withoutGaps((returns) => shrunk(ledoitWolfSingleFactor(returns))),
  "ledoit-wolf-constant-correlation": withoutGaps((returns) =>
    shrunk(ledoitWolfConstantCorrelation(returns)),
  ),
  oas: withoutGaps((returns) => shrunk(oracleApproximating(returns))),
  nonlinear: withoutGaps((returns) => ({ covariance: nonlinearShrinkage(returns) })),
  denoised: withoutGaps((returns) => {
    const { covariance, factors } = denoise(sampleOf(returns), returns.columns);
    return { covariance, notes: [`denoising: ${factors} of ${returns.rows} eigenvalues rise above noise`] };
  }),
  detoned: withoutGaps((returns, { detoneComponents }) => ({
    covariance: detone(denoise(sampleOf(returns), returns.columns).covariance, detoneComponents),
    notes: ["detoning leaves a singular covariance, made for clustering: use it with hrp, herc or nco"],
  })),
  gerber: withoutGaps((returns, { gerberThreshold }) => ({
    covariance: gerberCovariance(returns, gerberThreshold),
  })),
  factor: withoutGaps((returns, { factorCount, factorReturns: factors }) => {
    if (factors) return { covariance: factorModel(returns, factors).covariance };
    const sample = sampleOf(returns);
    const count = factorCount ?? Math.max(1, denoise(sample, returns.columns).factors);
    return {
      covariance: principalFactorModel(sample, count).covariance,
      notes: [`factor model: ${count} principal components`],
    };
  }),
  "graphical-lasso": withoutGaps((returns, { lassoPenalty = 0.1 }) => {
    const { covariance, precision } = graphicalLasso(sampleOf(returns), lassoPenalty);
    const edges = precision.data.reduce((count, value) => count + (value === 0 ? 0 : 1), -returns.rows) / 2;
    const pairs = (returns.rows * (returns.rows - 1)) / 2;
    return { covariance, notes: [`graphical lasso: ${edges} of ${pairs} pairs stay connected`] };
  }),
} as const satisfies Record<string, CovarianceEstimator>;

interface PerPeriod {
  readonly covariance: Matrix;
  readonly notes?: readonly string[];
}

function withoutGaps(
  estimate: (returns: Matrix, options: EstimatorOptions) => PerPeriod,
): CovarianceEstimator {
  return (panel, options): CovarianceEstimate => {
    const { returns, factors, warnings } = filled(panel, options);
    const { covariance, notes = [] } = estimate(
      returns,
      factors ? { ...options, factorReturns: factors } : options,
    );
    const data = covariance.data.map((value) => value * options.periodsPerYear);
    return { covariance: { ...covariance, data }, warnings: [...warnings, ...notes] };
  };
}

function filled(panel: ReturnPanel, { missing = "complete", factorReturns: factors }: EstimatorOptions) {
  if (isComplete(panel)) return { returns: panel.returns, factors, warnings: [] };
  if (missing === "zero")
    return {
      returns: zeroWhereMissing(panel.returns),
      factors,
      warnings: ["the covariance counts missing returns as 0"],
    };
  // Factors travel as more rows, so that they lose the same periods.
  const joined = factors ? join(panel, factors) : panel;
  const { returns } = completeReturns(joined);
  const assets = panel.assets.length;
  const cut = (from: number, to: number): Matrix => ({
    rows: to - from,
    columns: returns.columns,
    data: returns.data.slice(from * returns.columns, to * returns.columns),
  });
  return {
    returns: cut(0, assets),
    factors: factors ? cut(assets, returns.rows) : undefined,
    warnings: [
      `the covariance uses the ${returns.columns} of ${panel.returns.columns} periods in which all assets have a return`,
    ],
  };
}

function join(panel: ReturnPanel, factors: Matrix): ReturnPanel {
  const data = new Float64Array(panel.returns.data.length + factors.data.length);
  data.set(panel.returns.data);
  data.set(factors.data, panel.returns.data.length);
  const rows = panel.returns.rows + factors.rows;
  const names = Array.from({ length: factors.rows }, (_, k) => `factor ${k + 1}`);
  return {
    ...panel,
    assets: [...panel.assets, ...names],
    returns: { rows, columns: panel.returns.columns, data },
  };
}

function sampleOf(returns: Matrix): Matrix {
  return secondMoments(centreRows(returns), returns.columns - 1);
}

function shrunk({ covariance, intensity }: Shrunk): PerPeriod {
  return { covariance, notes: [`shrinkage intensity ${intensity.toPrecision(4)}`] };
}
