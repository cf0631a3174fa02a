export { type Capability, capability, type Effect } from "./capability.ts";
export { type ErrorCode, type ErrorKind, errorTable } from "./error-table.ts";
export {
  type ErrorDetails,
  interrupted,
  invariant,
  PlatformError,
  throwIfAborted,
  writeFailure,
} from "./errors.ts";
export type { Platform } from "./platform/index.ts";
export {
  type Clock,
  type Compute,
  type Context,
  type Entropy,
  type LedgerEntry,
  type LedgerPort,
  type Logger,
  type MarketPort,
  type ModelsPort,
  type PriceSource,
  type PriceTable,
  type Progress,
  type ProgressPort,
  type Provider,
  providers,
} from "./ports.ts";
export { foldIn, type Key, keyFrom, normal, permutation, splitKey, studentT, uniform } from "./random.ts";
export {
  autocovariance,
  leastSquares,
  mean,
  median,
  normalCdf,
  normalPdf,
  normalQuantile,
  quantile,
  quantiles,
  ranks,
  standardDeviation,
  studentTCdf,
  studentTTwoSided,
  type Values,
  variance,
} from "./statistics/index.ts";
export {
  type CalendarDate,
  calendarDate,
  dayMs,
  dayOfWeek,
  formatTime,
  startOfDay,
  type UtcMs,
} from "./time.ts";
