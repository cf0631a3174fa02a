export { chiSquareUpperQuantile, chiSquareUpperTail } from "./chi-square-distribution.ts";
export { leastSquares } from "./least-squares.ts";
export { normalCdf, normalPdf, normalQuantile } from "./normal-distribution.ts";
export { ranks } from "./ranks.ts";
export { studentTCdf, studentTTwoSided } from "./student-t-distribution.ts";
export {
  autocovariance,
  mean,
  median,
  quantile,
  quantiles,
  standardDeviation,
  type Values,
  variance,
} from "./summary.ts";
