/** Covariances that weigh periods: the recent ones more, or only the falls. Per period. */
import { type Matrix, matrix, PlatformError } from "../../../../base/index.ts";
import { secondMoments } from "./centre.ts";

/**
 * The exponentially weighted covariance around exponentially weighted means, with the correction for reliability weights
 * (pandas' `ewm(span).cov()`).
 *
 * @param returns `[assets, periods]` without gaps
 * @param span weights fall by `1 - 2 / (span + 1)` from one period to the one before
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` when `span` is not above 1
 */
export function weightedCovariance({ rows, columns, data }: Matrix, span: number): Matrix {
  if (!(span > 1))
    throw new PlatformError(
      "input",
      "PORTFOLIO_OPTION_INVALID",
      `span: expected above 1 period, received ${span}`,
      { field: "span" },
    );
  const decay = 1 - 2 / (span + 1);
  const weights = Float64Array.from({ length: columns }, (_, t) => decay ** (columns - 1 - t));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const concentration = weights.reduce((sum, weight) => sum + (weight / total) ** 2, 0);
  const scaled = matrix(rows, columns);
  for (let i = 0; i < rows; i++) {
    let mean = 0;
    for (let t = 0; t < columns; t++) mean += (weights[t] / total) * data[i * columns + t];
    for (let t = 0; t < columns; t++)
      scaled.data[i * columns + t] = Math.sqrt(weights[t] / total) * (data[i * columns + t] - mean);
  }
  return secondMoments(scaled, 1 - concentration);
}

/**
 * The semi-covariance: mean products of the shortfalls below `benchmark` (Estrada 2008, "Mean-semivariance optimization: a
 * heuristic approach"). A period counts as 0 for an asset that has no return in it.
 *
 * @param benchmark return per period below which a fall begins
 */
export function semiCovariance({ rows, columns, data }: Matrix, benchmark = 0): Matrix {
  const falls = matrix(
    rows,
    columns,
    data.map((value) => (value < benchmark ? value - benchmark : 0)),
  );
  return secondMoments(falls, columns);
}
