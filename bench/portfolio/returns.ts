/** Returns for the benchmark: one common factor and heavy tails, so that covariances and tails look like those of shares. */
import { keyFrom, matrix, normal, studentT } from "../../src/base/index.ts";
import { type ReturnPanel, returnPanel } from "../../src/services/portfolio/index.ts";

export function benchReturns(assets: number, periods: number): ReturnPanel {
  const common = studentT(keyFrom(1), periods, 5);
  const own = studentT(keyFrom(2), assets * periods, 5);
  const loading = normal(keyFrom(3), assets);
  const drift = normal(keyFrom(4), assets);
  const returns = matrix(assets, periods);
  for (let i = 0; i < assets; i++) {
    const volatility = 0.012 + 0.004 * Math.abs(drift[i]);
    for (let t = 0; t < periods; t++)
      returns.data[i * periods + t] =
        0.0004 +
        0.0002 * drift[i] +
        0.009 * (1 + 0.3 * loading[i]) * common[t] +
        volatility * own[i * periods + t];
  }
  const names = Array.from({ length: assets }, (_, i) => `A${i}`);
  return returnPanel(names, returns);
}
