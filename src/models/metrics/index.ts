export {
  type Average,
  accuracy,
  type ConfusionMatrix,
  confusionMatrix,
  f1Score,
  type Label,
  precision,
  recall,
} from "./classification.ts";
export {
  type DieboldMariano,
  dieboldMariano,
  lossDifferencesPerDate,
  type VarianceKernel,
} from "./diebold-mariano.ts";
export {
  type InformationCoefficient,
  informationCoefficient,
  type Panel,
  pearson,
  rankInformationCoefficient,
  spearman,
} from "./information-coefficient.ts";
export { areaUnderRoc, categoricalLogLoss, logLoss } from "./probability.ts";
export {
  type CalibrationRow,
  calibrationTable,
  crpsFromQuantiles,
  crpsNormal,
  type IntervalCoverage,
  intervalCoverage,
  pinballLoss,
} from "./quantile-forecast.ts";
export {
  directionAccuracy,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanAbsoluteScaledError,
  meanSquaredError,
  rootMeanSquaredError,
  rSquared,
  seasonalScale,
  skill,
  symmetricMeanAbsolutePercentageError,
} from "./regression.ts";
