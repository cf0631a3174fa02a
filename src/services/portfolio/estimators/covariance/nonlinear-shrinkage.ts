import { type Matrix, PlatformError, symmetricEigen } from "../../../../base/index.ts";
import { centreRows, fromEigen, secondMoments } from "./centre.ts";

/**
 * Analytical nonlinear shrinkage: every eigenvalue is moved by its own amount, which an Epanechnikov kernel estimate of the
 * spectral density and its Hilbert transform give in closed form. The means are estimated, so that n - 1 periods count.
 *
 * @param returns `[assets, periods]` without gaps, at least 13 periods
 * @returns the covariance per period
 * @throws PlatformError `PORTFOLIO_TOO_SHORT` below 13 periods, where the kernel means nothing
 * @see Ledoit and Wolf (2020), "Analytical nonlinear shrinkage of large-dimensional covariance matrices"
 */
export function nonlinearShrinkage(returns: Matrix): Matrix {
  const { rows: p, columns } = returns;
  const n = columns - 1;
  if (n < 12)
    throw new PlatformError(
      "input",
      "PORTFOLIO_TOO_SHORT",
      `nonlinear shrinkage: expected at least 13 periods, received ${columns}`,
    );
  const { values, vectors } = symmetricEigen(secondMoments(centreRows(returns), n));
  const from = Math.max(0, p - n); // with fewer periods than assets the first eigenvalues are zero
  const lambda = values.slice(from).map((value) => Math.max(value, 1e-300));
  const h = n ** (-1 / 3);
  const { density, hilbert } = kernelEstimates(lambda, h);
  const ratio = p / n;
  const shrunk = new Float64Array(p);
  if (p <= n) {
    lambda.forEach((value, i) => {
      const imaginary = Math.PI * ratio * value * density[i];
      const real = 1 - ratio - Math.PI * ratio * value * hilbert[i];
      shrunk[i] = value / (imaginary ** 2 + real ** 2);
    });
  } else {
    const root = Math.sqrt(5) * h;
    const meanInverse = lambda.reduce((sum, value) => sum + 1 / value, 0) / lambda.length;
    const atZero =
      (1 / Math.PI) *
      (3 / (10 * h * h) +
        (3 / (4 * Math.sqrt(5) * h)) * (1 - 1 / (5 * h * h)) * Math.log((1 + root) / (1 - root))) *
      meanInverse;
    shrunk.fill(1 / ((Math.PI * (p - n) * atZero) / n), 0, from);
    lambda.forEach((value, i) => {
      shrunk[from + i] = value / (Math.PI ** 2 * value ** 2 * (density[i] ** 2 + hilbert[i] ** 2));
    });
  }
  return fromEigen(vectors, shrunk);
}

/** The density of eigenvalues and its Hilbert transform at each of them; the bandwidth is `h` times the eigenvalue. */
function kernelEstimates(lambda: Float64Array, h: number) {
  const count = lambda.length;
  const density = new Float64Array(count);
  const hilbert = new Float64Array(count);
  const root = Math.sqrt(5);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      const width = h * lambda[j];
      const x = (lambda[i] - lambda[j]) / width;
      const bend = 1 - (x * x) / 5;
      density[i] += ((3 / (4 * root)) * Math.max(bend, 0)) / width;
      const log = Math.abs(x) === root ? 0 : bend * Math.log(Math.abs((root - x) / (root + x)));
      hilbert[i] += ((-3 / (10 * Math.PI)) * x + (3 / (4 * root * Math.PI)) * log) / width;
    }
    density[i] /= count;
    hilbert[i] /= count;
  }
  return { density, hilbert };
}
