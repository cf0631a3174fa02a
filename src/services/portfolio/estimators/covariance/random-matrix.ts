/** What the Marchenko-Pastur law says of a correlation matrix: which eigenvalues are noise, and the market's share. */
import { type Matrix, matrix, PlatformError, symmetricEigen } from "../../../../base/index.ts";
import { correlationOf, covarianceOf, deviationsOf, fromEigen, mapMatrix } from "./centre.ts";

export interface Denoised {
  readonly covariance: Matrix;
  /** Eigenvalues above the edge of the noise. */
  readonly factors: number;
  /** The upper edge of the noise, of a correlation matrix. */
  readonly edge: number;
}

/**
 * Denoising: the eigenvalues of the correlation that lie within the Marchenko-Pastur law are replaced by their mean, and the
 * diagonal is made one again. The variance of the noise is what the largest eigenvalue, the market, leaves over (Laloux, Cizeau,
 * Bouchaud and Potters 1999): `σ² = 1 - λ_max / p`, with the edge `σ² (1 + √(p / n))²`.
 *
 * @param observations periods behind `covariance`
 * @see López de Prado (2020), "Machine learning for asset managers", section 2.5
 */
export function denoise(covariance: Matrix, observations: number): Denoised {
  const p = covariance.rows;
  const { values, vectors } = symmetricEigen(correlationOf(covariance));
  const spread = (1 + Math.sqrt(p / observations)) ** 2;
  // Without a market the whole variance is noise; with one, its share is not.
  const largest = values[p - 1];
  const edge = (largest <= spread ? 1 : 1 - largest / p) * spread;
  const noise = values.reduce((count, value) => count + (value <= edge ? 1 : 0), 0);
  const cleaned = Float64Array.from(values);
  if (noise > 0)
    cleaned.fill(values.subarray(0, noise).reduce((sum, value) => sum + value, 0) / noise, 0, noise);
  const correlation = correlationOf(fromEigen(vectors, cleaned));
  return { covariance: covarianceOf(correlation, deviationsOf(covariance)), factors: p - noise, edge };
}

/**
 * Detoning: the correlation without its `components` largest eigenvectors, the first of which is the market, with a unit
 * diagonal again. It is singular: made for clustering, not to be inverted.
 *
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` when `components` is not below the number of assets
 */
export function detone(covariance: Matrix, components = 1): Matrix {
  const p = covariance.rows;
  if (!Number.isInteger(components) || components < 1 || components >= p)
    throw new PlatformError(
      "input",
      "PORTFOLIO_OPTION_INVALID",
      `detoning: expected 1 to ${p - 1} components, received ${components}`,
      { field: "components" },
    );
  const { values, vectors } = symmetricEigen(correlationOf(covariance));
  const kept = matrix(p - components, p, vectors.data.slice(0, (p - components) * p));
  const left = fromEigen(kept, values.subarray(0, p - components));
  const roots = deviationsOf(left);
  const correlation = mapMatrix(left, (value, i, j) => (i === j ? 1 : value / (roots[i] * roots[j])));
  return covarianceOf(correlation, deviationsOf(covariance));
}
