/** Sample means and covariances, on all periods that the assets share pair by pair, or on the complete ones. */
import { gramOfRows, type Matrix, matrix, PlatformError } from "../../../base/index.ts";
import { completeReturns, isComplete, type ReturnPanel } from "../returns.ts";

/**
 * The arithmetic mean return of each asset over the periods that it has, per period.
 *
 * @throws PlatformError `PORTFOLIO_TOO_SHORT` when an asset has no return
 */
export function meanReturns({ assets, returns }: ReturnPanel): Float64Array {
  return Float64Array.from(assets, (asset, i) => {
    let sum = 0;
    let count = 0;
    for (let t = i * returns.columns; t < (i + 1) * returns.columns; t++) {
      const value = returns.data[t];
      if (Number.isNaN(value)) continue;
      sum += value;
      count++;
    }
    if (count === 0) throw tooShort(asset, 1, 0);
    return sum / count;
  });
}

/**
 * The sample covariance per period, divisor n - 1. `pairwise` uses for each pair the periods in which both have a return,
 * each with its own means, as pandas does; it need not be positive semi-definite. `complete` uses those of all assets.
 *
 * @returns `[assets, assets]`
 * @throws PlatformError `PORTFOLIO_TOO_SHORT` when a pair shares fewer than two periods
 */
export function sampleCovariance(panel: ReturnPanel, rows: "pairwise" | "complete" = "pairwise"): Matrix {
  if (rows === "complete" || isComplete(panel)) return completeCovariance(completeReturns(panel));
  return pairwiseCovariance(panel);
}

function completeCovariance({ assets, returns }: ReturnPanel): Matrix {
  const { rows, columns, data } = returns;
  if (columns < 2) throw tooShort(assets[0], 2, columns);
  const centred = matrix(rows, columns);
  for (let i = 0; i < rows; i++) {
    const at = i * columns;
    let sum = 0;
    for (let t = 0; t < columns; t++) sum += data[at + t];
    const mean = sum / columns;
    for (let t = 0; t < columns; t++) centred.data[at + t] = data[at + t] - mean;
  }
  const out = gramOfRows(centred);
  for (let i = 0; i < out.data.length; i++) out.data[i] /= columns - 1;
  return out;
}

function pairwiseCovariance({ assets, returns: { rows, columns, data } }: ReturnPanel): Matrix {
  const out = matrix(rows, rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) {
      let count = 0;
      let sumX = 0;
      let sumY = 0;
      for (let t = 0; t < columns; t++) {
        const sum = data[i * columns + t] + data[j * columns + t];
        if (Number.isNaN(sum)) continue;
        count++;
        sumX += data[i * columns + t];
        sumY += data[j * columns + t];
      }
      if (count < 2) throw tooShort(`${assets[i]} and ${assets[j]}`, 2, count);
      const meanX = sumX / count;
      const meanY = sumY / count;
      let sum = 0;
      for (let t = 0; t < columns; t++) {
        const product = (data[i * columns + t] - meanX) * (data[j * columns + t] - meanY);
        if (!Number.isNaN(product)) sum += product;
      }
      out.data[i * rows + j] = out.data[j * rows + i] = sum / (count - 1);
    }
  }
  return out;
}

function tooShort(what: string, needed: number, received: number): PlatformError {
  return new PlatformError(
    "input",
    "PORTFOLIO_TOO_SHORT",
    `${what}: expected at least ${needed} periods with a return, received ${received}`,
  );
}
