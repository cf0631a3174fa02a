/** How unlike two assets are, from their correlation. */
import { type Matrix, matrix } from "../../../base/index.ts";
import { correlationOf, mapMatrix } from "../estimators/covariance/centre.ts";

/** Distances by name. Each is a metric, or nearly one, on correlations; the diagonal is 0. */
export const distances = {
  /** `√((1 - ρ) / 2)`, the angular distance of López de Prado (2016): 0 for +1, 1 for -1. */
  angular: (rho: number) => Math.sqrt(Math.max(0, (1 - rho) / 2)),
  /** `√(1 - |ρ|)`: assets that move against each other are as near as those that move together. */
  absolute: (rho: number) => Math.sqrt(Math.max(0, 1 - Math.abs(rho))),
  /** `√(2 (1 - ρ))`, the Euclidean distance of standardised returns (Mantegna 1999). */
  euclidean: (rho: number) => Math.sqrt(Math.max(0, 2 * (1 - rho))),
  /** `√(1 - ρ²)`. */
  squared: (rho: number) => Math.sqrt(Math.max(0, 1 - rho * rho)),
} as const satisfies Record<string, (rho: number) => number>;

export type DistanceName = keyof typeof distances;
export const distanceNames = Object.keys(distances) as DistanceName[];

/** The matrix of distances `[assets, assets]` of a covariance. */
export function distanceMatrix(covariance: Matrix, name: DistanceName = "angular"): Matrix {
  const distance = distances[name];
  return mapMatrix(correlationOf(covariance), (rho, i, j) => (i === j ? 0 : distance(rho)));
}

/** The Euclidean distances between the rows of a matrix of distances, with which López de Prado (2016) clusters. */
export function distancesOfRows(a: Matrix): Matrix {
  const n = a.rows;
  const out = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += (a.data[i * n + k] - a.data[j * n + k]) ** 2;
      out.data[i * n + j] = out.data[j * n + i] = Math.sqrt(sum);
    }
  }
  return out;
}
