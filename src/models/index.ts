export { type Artifact, Manifest, type ManifestFacts, readArtifact, writeArtifact } from "./artifact.ts";
export { type CheckpointStore, type EpochRecord, folderCheckpoints, noCheckpoints } from "./checkpoint.ts";
export {
  type CrossValidation,
  type CrossValidationFold,
  type CrossValidationOptions,
  crossValidate,
  type FoldModel,
} from "./cross-validate.ts";
export {
  type Correction,
  checkDrift,
  corrections,
  countClasses,
  type Distribution,
  type DriftMeasure,
  type DriftOptions,
  DriftReference,
  type DriftSample,
  distributionOf,
  driftMeasures,
  effectiveSize,
  type FeatureDrift,
  jensenShannonDivergence,
  kolmogorovSmirnov,
  kolmogorovUpperTail,
  levelOfOneTest,
  type MeasuredDrift,
  populationStabilityIndex,
  referenceName,
  Sketch,
  scatter,
  sketchOf,
  stabilityNull,
  wassersteinDistance,
} from "./drift/index.ts";
export { type FitOptions, type FitResult, fit } from "./fit.ts";
export { Autoencoder, type AutoencoderOptions, DenseStack } from "./generative/autoencoder.ts";
export {
  type GanNetwork,
  type GanOptions,
  type GanResult,
  type GanState,
  trainGan,
} from "./generative/gan.ts";
export { decodeGanState, encodeGanState } from "./generative/gan-file.ts";
export { QuantGanDiscriminator, QuantGanGenerator, type QuantGanOptions } from "./generative/quant-gan.ts";
export { bootstrapReturns, type SeriesStatistics, seriesStatistics } from "./generative/series-statistics.ts";
export { type LatentNormal, type Likelihood, Vae, type VaeOptions, vaeLoss } from "./generative/vae.ts";
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
export type { Architecture, ArchitectureSizes, WindowShape } from "./networks/architecture.ts";
export { ChartNetwork, type ChartNetworkOptions } from "./networks/cnn2d.ts";
export {
  architectures,
  type NetworkName,
  type NetworkOptions,
  type NetworkSizes,
  network,
  networkNames,
  networkSizes,
  networkTitles,
} from "./networks/network.ts";
export { stepsPerCall } from "./pace.ts";
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
export { FtTransformer, type FtTransformerOptions } from "./tabular/ft-transformer.ts";
export type { Row } from "./tabular/row.ts";
export { embeddingWidth, TabMlp, type TabMlpOptions } from "./tabular/tab-mlp.ts";
export { Bert, BertClassifier, type BertContext, type BertOptions } from "./text/bert.ts";
export { FastText, type FastTextOptions } from "./text/fast-text.ts";
export {
  type Generated,
  type GenerateOptions,
  type GeneratorSizes,
  gptStepModel,
  loadTextGenerator,
  pickToken,
  type SamplingOptions,
  type TextGenerator,
} from "./text/generate.ts";
export { Gpt, type GptOptions, nextTokenLoss } from "./text/gpt.ts";
export {
  type MaskedTokens,
  type MaskingOptions,
  maskedLanguageLoss,
  maskTokens,
} from "./text/masked-language.ts";
export { TextCnn, type TextCnnOptions } from "./text/text-cnn.ts";
export { tokenLoss } from "./text/token-loss.ts";
export { type FileLog, fileLog, type TrainingLog, TrainingRecord } from "./training-log.ts";
export { bertWeights } from "./weights/bert.ts";
export { loadWeights, saveWeights, type WeightMapping, type WeightRule } from "./weights/weights.ts";
