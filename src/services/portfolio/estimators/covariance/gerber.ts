import {
  gramOfRows,
  type Matrix,
  matrix,
  multiplyTransposed,
  PlatformError,
} from "../../../../base/index.ts";
import { centreRows, mapMatrix, secondMoments } from "./centre.ts";

/**
 * Gerber's robust co-movement: pairs count only in periods in which both assets move by more than a share of their standard
 * deviation, and by their signs alone. `original` divides concordant minus discordant periods by those in which at least one
 * moves; `positive-semidefinite` divides by the square roots of the assets' own counts, which cannot have negative
 * eigenvalues.
 *
 * @param returns `[assets, periods]` without gaps
 * @param threshold in standard deviations, inside [0, 1]
 * @returns the covariance per period: Gerber's correlations with the sample's standard deviations
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` when the threshold is outside [0, 1]
 * @see Gerber, Markowitz, Ernst, Miao, Javid and Sargen (2022), "The Gerber statistic"
 */
export function gerberCovariance(
  returns: Matrix,
  threshold = 0.5,
  form: "original" | "positive-semidefinite" = "original",
): Matrix {
  if (!(threshold >= 0 && threshold <= 1))
    throw new PlatformError(
      "input",
      "PORTFOLIO_OPTION_INVALID",
      `gerber threshold: expected 0 to 1 standard deviations, received ${threshold}`,
      { field: "threshold" },
    );
  const { rows: p, columns: n, data } = returns;
  const variances = secondMoments(centreRows(returns), n - 1);
  const deviations = Float64Array.from({ length: p }, (_, i) => Math.sqrt(variances.data[i * p + i]));
  const signs = matrix(p, n); // 1, 0, -1: moved up, not enough, down
  const still = matrix(p, n);
  for (let i = 0; i < p; i++) {
    const limit = threshold * deviations[i];
    for (let k = i * n; k < (i + 1) * n; k++) {
      if (data[k] >= limit && data[k] > 0) signs.data[k] = 1;
      else if (data[k] <= -limit && data[k] < 0) signs.data[k] = -1;
      else still.data[k] = 1;
    }
  }
  const net = gramOfRows(signs);
  const neither = multiplyTransposed(still, still);
  return mapMatrix(net, (value, i, j) => {
    if (i === j) return deviations[i] ** 2;
    const count =
      form === "original"
        ? n - neither.data[i * p + j]
        : Math.sqrt(net.data[i * p + i] * net.data[j * p + j]);
    return count === 0 ? 0 : (value / count) * deviations[i] * deviations[j];
  });
}
