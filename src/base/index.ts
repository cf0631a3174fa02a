export { type Capability, capability } from "./capability.ts";
export { type ErrorCode, type ErrorKind, errorTable } from "./error-table.ts";
export {
  type ErrorDetails,
  interrupted,
  invariant,
  PlatformError,
  throwIfAborted,
  writeFailure,
} from "./errors.ts";
export {
  type Job,
  type JobEvent,
  type JobFailure,
  type JobFilter,
  type JobHandle,
  type JobOutcome,
  type JobRequest,
  type JobSchedule,
  type JobStatus,
  type JobsPort,
  jobEventTypes,
  jobStatuses,
  type Platform,
  type ScheduleRequest,
} from "./platform/index.ts";
export {
  type Clock,
  type Compute,
  type Context,
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
