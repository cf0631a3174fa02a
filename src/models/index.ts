export { type Artifact, Manifest, type ManifestFacts, readArtifact, writeArtifact } from "./artifact.ts";
export { type CheckpointStore, type EpochRecord, folderCheckpoints, noCheckpoints } from "./checkpoint.ts";
export {
  type CrossValidation,
  type CrossValidationFold,
  type CrossValidationOptions,
  crossValidate,
  type FoldModel,
} from "./cross-validate.ts";
export { type FitOptions, type FitResult, fit } from "./fit.ts";
export type { ValidationMetric } from "./judge.ts";
export {
  type LearningRateRange,
  type LearningRateRangeOptions,
  learningRateRange,
} from "./learning-rate-range.ts";
export {
  type Average,
  accuracy,
  areaUnderRoc,
  type CalibrationRow,
  type ConfusionMatrix,
  calibrationTable,
  categoricalLogLoss,
  confusionMatrix,
  crpsFromQuantiles,
  crpsNormal,
  type DieboldMariano,
  dieboldMariano,
  directionAccuracy,
  f1Score,
  type InformationCoefficient,
  type IntervalCoverage,
  informationCoefficient,
  intervalCoverage,
  type Label,
  logLoss,
  lossDifferencesPerDate,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanAbsoluteScaledError,
  meanSquaredError,
  type Panel,
  pearson,
  pinballLoss,
  precision,
  rankInformationCoefficient,
  recall,
  rootMeanSquaredError,
  rSquared,
  seasonalScale,
  skill,
  spearman,
  symmetricMeanAbsolutePercentageError,
  type VarianceKernel,
} from "./metrics/index.ts";
export { type NetworkName, type NetworkOptions, network, networkNames } from "./networks/network.ts";
export {
  decode as decodeSafetensors,
  encode as encodeSafetensors,
  float32Of,
  type StoredTensor,
  type TensorFile,
} from "./safetensors.ts";
export {
  asha,
  fileJournal,
  type HalvingOptions,
  integerBetween,
  type JobRecord,
  logUniformBetween,
  oneOf,
  randomSearch,
  type SearchDimension,
  type SearchJournal,
  type SearchOptions,
  type SearchParameters,
  type SearchResult,
  type SearchSpace,
  type Strategy,
  search,
  successiveHalving,
  type TpeOptions,
  type Trial,
  type TrialContext,
  tpe,
  uniformBetween,
} from "./search/index.ts";
export { type FileLog, fileLog, type TrainingLog, TrainingRecord } from "./training-log.ts";
export { bertWeights } from "./weights/bert.ts";
export { loadWeights, saveWeights, type WeightMapping, type WeightRule } from "./weights/weights.ts";
