export { type Artifact, Manifest, type ManifestFacts, readArtifact, writeArtifact } from "./artifact.ts";
export { type CheckpointStore, type EpochRecord, folderCheckpoints, noCheckpoints } from "./checkpoint.ts";
export { type FitOptions, type FitResult, fit } from "./fit.ts";
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
export type { Architecture, ArchitectureSizes, WindowShape } from "./networks/architecture.ts";
export { ChartNetwork, type ChartNetworkOptions } from "./networks/cnn2d.ts";
export {
  architectures,
  type NetworkName,
  type NetworkOptions,
  network,
  networkNames,
} from "./networks/network.ts";
export {
  decode as decodeSafetensors,
  encode as encodeSafetensors,
  type StoredTensor,
  type TensorFile,
} from "./safetensors.ts";
