/** Which periods each number of an answer comes from: estimates may use more of them than what is measured on whole portfolios. */
import { calendarDate } from "../../base/index.ts";
import type { CovarianceName, ExpectedReturnsName } from "./estimators/table.ts";
import type { ViewMethod } from "./estimators/with-views.ts";
import { completePeriods, type ReturnPanel } from "./returns.ts";

/** The periods behind an estimate. */
export interface Sample {
  readonly estimator: string;
  /** Periods of the asset, or pair of assets, that has the most. */
  readonly observations: number;
  /** Of the one that has the fewest. */
  readonly fewest: number;
  /** End of the first period and of the last one, `YYYY-MM-DD`. */
  readonly from: string;
  readonly to: string;
}

export interface Samples {
  readonly expectedReturns: Sample;
  readonly covariance: Sample;
  /** The periods in which all assets have a return. */
  readonly measures: Sample;
}

export interface SampleChoice {
  readonly expectedReturns: ExpectedReturnsName;
  readonly covariance: CovarianceName;
  readonly missing: "complete" | "zero";
  readonly views: readonly string[];
  readonly viewMethod: ViewMethod;
  readonly marketWeights?: Readonly<Record<string, number>> | undefined;
}

export function samplesOf(panel: ReturnPanel, choice: SampleChoice): Samples {
  const { expectedReturns, covariance, missing, views, viewMethod, marketWeights } = choice;
  const { times } = panel;
  const shared = completePeriods(panel);
  const ofShared = (estimator: string): Sample => ({
    estimator,
    observations: shared.length,
    fewest: shared.length,
    from: calendarDate(times[shared[0]]),
    to: calendarDate(times[shared[shared.length - 1]]),
  });
  const ofAll = (estimator: string, [observations, fewest]: readonly [number, number]): Sample => ({
    estimator,
    observations,
    fewest,
    from: calendarDate(times[0]),
    to: calendarDate(times[times.length - 1]),
  });
  const measures = ofShared("history");
  if (views.length > 0 && viewMethod === "entropy-pooling") {
    const pooled = ofShared(viewMethod);
    return { expectedReturns: pooled, covariance: pooled, measures };
  }
  const zeros = missing === "zero" && covariance !== "sample-complete" && shared.length < times.length;
  const covarianceSample =
    covariance === "sample"
      ? ofAll(covariance, pairPeriods(panel))
      : zeros
        ? ofAll(covariance, [times.length, times.length])
        : ofShared(covariance);
  const own = ofAll(expectedReturns, ownPeriods(panel));
  const viewed = views.length > 0 ? `${expectedReturns} and ${viewMethod}` : expectedReturns;
  return {
    expectedReturns:
      marketWeights === undefined
        ? { ...own, estimator: viewed }
        : { ...covarianceSample, estimator: viewMethod },
    covariance: covarianceSample,
    measures,
  };
}

/** Most and fewest returns of an asset. */
function ownPeriods({ returns: { rows, columns, data } }: ReturnPanel): readonly [number, number] {
  let [most, fewest] = [0, columns];
  for (let i = 0; i < rows; i++) {
    let count = 0;
    for (let t = i * columns; t < (i + 1) * columns; t++) if (!Number.isNaN(data[t])) count++;
    most = Math.max(most, count);
    fewest = Math.min(fewest, count);
  }
  return [most, fewest];
}

/** Most and fewest periods that two assets share; an asset shares all of its own with itself. */
function pairPeriods(panel: ReturnPanel): readonly [number, number] {
  const { rows, columns, data } = panel.returns;
  const [most, fewestOwn] = ownPeriods(panel);
  if (fewestOwn === columns) return [most, columns];
  let fewest = fewestOwn;
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < i; j++) {
      let count = 0;
      for (let t = 0; t < columns; t++)
        if (!Number.isNaN(data[i * columns + t]) && !Number.isNaN(data[j * columns + t])) count++;
      fewest = Math.min(fewest, count);
    }
  return [most, fewest];
}
