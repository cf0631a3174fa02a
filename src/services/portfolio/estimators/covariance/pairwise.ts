import { type Matrix, matrix } from "../../../../base/index.ts";
import { isComplete, type ReturnPanel } from "../../returns.ts";
import { sampleCovariance } from "../moments.ts";
import { correlationOf } from "./centre.ts";

/**
 * The correlation of each pair over the periods that both have, each with its own means and deviations over those periods, as
 * pandas' `corr` gives it. Where history is complete it is the correlation of the sample covariance.
 *
 * @throws PlatformError `PORTFOLIO_TOO_SHORT` when a pair shares fewer than two periods
 */
export function pairwiseCorrelation(panel: ReturnPanel): Matrix {
  const covariance = sampleCovariance(panel, "pairwise");
  if (isComplete(panel)) return correlationOf(covariance);
  const { rows, columns, data } = panel.returns;
  const out = matrix(rows, rows);
  for (let i = 0; i < rows; i++) {
    out.data[i * rows + i] = 1;
    for (let j = 0; j < i; j++) {
      let count = 0;
      let x = 0;
      let y = 0;
      let xx = 0;
      let yy = 0;
      let xy = 0;
      for (let t = 0; t < columns; t++) {
        const a = data[i * columns + t];
        const b = data[j * columns + t];
        if (Number.isNaN(a + b)) continue;
        count++;
        x += a;
        y += b;
        xx += a * a;
        yy += b * b;
        xy += a * b;
      }
      const spread = Math.sqrt((xx - (x * x) / count) * (yy - (y * y) / count));
      const value = spread > 0 ? Math.max(-1, Math.min(1, (xy - (x * y) / count) / spread)) : 0;
      out.data[i * rows + j] = out.data[j * rows + i] = value;
    }
  }
  return out;
}
