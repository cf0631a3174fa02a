export { barInterval, shownInterval, usualInterval } from "./bar-interval.ts";
export {
  type CategoryCell,
  type CategoryEncoder,
  type CategoryTable,
  categoriesFromJson,
  type FitCategoriesOptions,
  fitCategories,
  oneHotNames,
  toOneHot,
  toOrdinal,
  type UnknownPolicy,
} from "./categories/index.ts";
export { cleanPrices, type TableToClean } from "./clean/clean-prices.ts";
export {
  type CleanOptions,
  defaultCleanOptions,
  type GapOptions,
  type MissingOptions,
  type OutlierOptions,
  type ResolvedCleanOptions,
  type StaleOptions,
} from "./clean/options.ts";
export type { CleanPrices, PriceSeries } from "./clean/prices.ts";
export type {
  CellColumn,
  CleaningExample,
  CleaningReport,
  DropReason,
  ImpossibleRule,
  ReadingFacts,
  SymbolReport,
} from "./clean/report.ts";
export { filterPrices } from "./filter.ts";
export { chosenRows, type FitRows } from "./fit-rows.ts";
export { type Fold, kFold, type PurgedFold, purgedKFold } from "./folds.ts";
export {
  type ChartBars,
  chartMatrix,
  decodeImage,
  drawPriceChart,
  type ImageMatrix,
  type ImageOptions,
  type PriceChart,
  type PriceChartOptions,
  readImage,
} from "./images/index.ts";
export {
  applyScaler,
  type FitScalerOptions,
  fitScaler,
  invertScaler,
  logReturns,
  pricesFromLogReturns,
  pricesFromSimpleReturns,
  type Scaler,
  type ScalerJson,
  type ScalerKind,
  scalerFromJson,
  scalerToJson,
  simpleReturns,
} from "./normalise/index.ts";
export {
  type Defect,
  type SimulatedMarket,
  type SimulatedMarketOptions,
  simulatedMarket,
  type TrueMeanSkill,
  type TrueMeanSkillOptions,
  trueMeanSkill,
} from "./simulate/index.ts";
export type { ByteSource } from "./sources/bytes.ts";
export { type NumberMatrix, readMatrix } from "./sources/matrix.ts";
export { didYouMean, nearestNames } from "./sources/nearest.ts";
export { priceFormat } from "./sources/price-format.ts";
export { priceRequestFields, priceSource, priceSourceMeaning } from "./sources/price-request.ts";
export { type ReadOptions, readPriceTable } from "./sources/read.ts";
export type { PriceFile, Reading, RowFilter } from "./sources/table-builder.ts";
export {
  type SampleTimes,
  type Split,
  type SplitOptions,
  splitByTime,
  type WalkForwardFold,
  type WalkForwardOptions,
  walkForward,
} from "./split.ts";
export {
  type EncodedTexts,
  encodeTexts,
  fitTfIdf,
  fitVocabulary,
  type HashedNgramsOptions,
  hashNgrams,
  ngrams,
  type SparseRow,
  specialTokens,
  type TfIdf,
  type TfIdfJson,
  type TfIdfOptions,
  tfIdfFromJson,
  tfIdfToJson,
  toDense,
  tokenise,
  type Vocabulary,
  type VocabularyOptions,
  vectorise,
  vocabularyFromJson,
} from "./text/index.ts";
export {
  type Frame,
  gatherWindows,
  newestTime,
  type PriceColumn,
  pickWindows,
  priceFrame,
  symbolOffsets,
  type Windows,
  windowsOf,
} from "./windows.ts";
