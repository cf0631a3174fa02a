/** From a price source to clean prices: the steps that training, evaluation and prediction share. */
import {
  type Context,
  dayMs,
  type Logger,
  PlatformError,
  type PriceFormat,
  type PriceSource,
  type PriceTable,
  restated,
} from "../../base/index.ts";
import {
  type CleaningExample,
  type CleaningReport,
  type CleanPrices,
  cleanPrices,
  priceSource,
  shownInterval,
  usualInterval,
} from "../../data/index.ts";
import type { ForecastArtifact } from "./artifact.ts";
import type { SampleSet } from "./samples.ts";
import type { Cleaning, CleaningCounts } from "./schema.ts";

export interface PriceRequest {
  readonly data: string;
  readonly symbols?: readonly string[] | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly format?: PriceFormat | undefined;
  readonly seed: number;
}

/** What to read. */
export function sourceOf({ data, ...request }: PriceRequest): PriceSource {
  return priceSource(data, request);
}

/** A request for prices that come later than those of a training, and are read like them unless it says otherwise. */
type LaterRequest = Omit<PriceRequest, "seed"> & {
  readonly seed?: number | undefined;
  readonly artifact: string;
};

/**
 * Reads and cleans prices for a model.
 *
 * @throws PlatformError `DATA_INTERVAL_MISMATCH` when bars are further apart, or closer, than those that it learned from
 */
export async function readForModel(
  request: LaterRequest,
  { configuration }: Pick<ForecastArtifact, "configuration">,
  context: ReadPorts,
): Promise<CleanPrices> {
  const { seed, format, cleaning } = configuration.input;
  const asked = { ...request, seed: request.seed ?? seed, format: mergedFormat(request.format, format) };
  const { prices } = await readClean(asked, cleaning, context).catch((error: unknown) => {
    throw format !== undefined && asked.format !== undefined ? withOrigin(error) : error;
  });
  requireInterval(prices, configuration.interval, request.artifact);
  return prices;
}

/** What is said of a file takes the place of what the training said of its own, field by field; an empty format is a plain file. */
function mergedFormat(
  given: PriceFormat | undefined,
  remembered: PriceFormat | undefined,
): PriceFormat | undefined {
  if (given === undefined) return remembered;
  return Object.keys(given).length === 0 ? undefined : { ...remembered, ...given };
}

/** A person who named no column should know who did. */
function withOrigin(error: unknown): unknown {
  if (!(error instanceof PlatformError) || error.code !== "DATA_COLUMN_MISSING") return error;
  const whole = `${error.message} (the model remembers the format of its training; format {} reads a plain file)`;
  return restated(error, whole);
}

/** Weekends, holidays and the lengths of months do not bring distances this far apart. */
const intervalTolerance = 1.5;

function requireInterval(prices: CleanPrices, expected: number | null | undefined, artifact: string): void {
  const received = usualInterval(prices);
  if (expected === null || expected === undefined || Number.isNaN(received)) return;
  if (Math.max(received / expected, expected / received) <= intervalTolerance) return;
  throw new PlatformError(
    "input",
    "DATA_INTERVAL_MISMATCH",
    `${prices.source}: expected bars about ${shownInterval(expected)} apart, as ${artifact} was trained on, received bars about ${shownInterval(received)} apart`,
    { file: prices.source, field: "data" },
  );
}

type ReadPorts = Pick<Context, "market" | "progress" | "signal" | "logger" | "clock">;

/** Reads and cleans. The report accounts for every row. */
export async function readClean(
  request: PriceRequest,
  cleaning: Cleaning,
  { market, progress, signal, logger, clock }: ReadPorts,
): Promise<{ readonly prices: CleanPrices; readonly report: CleaningReport }> {
  progress.report({ stage: "read", done: 0, total: 1, message: request.data });
  const table = await market.read(sourceOf(request), { signal });
  requireUsablePrices(table);
  progress.report({ stage: "read", done: 1, total: 1, message: request.data });
  progress.report({ stage: "clean", done: 0, total: table.close.length, unit: "rows" });
  const { duplicates, missing, impossible, outliers, outlierAction } = cleaning;
  const simulated = request.data === "simulated";
  const cleaned = cleanPrices(table, {
    duplicates,
    missing: { method: missing },
    impossible,
    outliers: { method: outliers, action: outlierAction ?? (simulated ? "drop" : "flag") },
    // The date of an exchange may be ahead of that of UTC.
    ...(simulated ? {} : { latest: clock.now() + dayMs }),
  });
  progress.report({ stage: "clean", done: table.close.length, total: table.close.length, unit: "rows" });
  warnOfOddities(cleaned.report, logger);
  return cleaned;
}

/** Symbols without a single sample take no part; a person who asked for them should know. */
export function warnOfShortSymbols(
  { frame, windows, lookback }: SampleSet,
  logger: Pick<Logger, "warn">,
): void {
  const present = new Set(windows.symbol);
  const short = frame.symbols.filter((_, symbol) => !present.has(symbol));
  if (short.length === 0) return;
  const need =
    windows.horizon > 0
      ? `lookback ${lookback} and horizon ${windows.horizon} need`
      : `lookback ${lookback} needs`;
  logger.warn(
    `${short.length} of ${frame.symbols.length} symbols have fewer than the ${windows.lookback + windows.horizon} bars that ${need}, and are left out: ${firstFew(short)}`,
  );
}

/** What a person should know of the data before believing the result. */
function warnOfOddities(report: CleaningReport, logger: Pick<Logger, "warn">): void {
  for (const note of report.notes) logger.warn(note);
  if (report.constantSymbols.length > 0)
    logger.warn(`the price never changes of: ${firstFew(report.constantSymbols)}`);
  const gone = report.symbols.filter(({ rowsRead, rowsKept }) => rowsRead > 0 && rowsKept === 0);
  if (gone.length > 0)
    logger.warn(
      `${report.source}: no row is left after cleaning of: ${firstFew(gone.map(({ symbol }) => symbol))}`,
    );
  if (report.notFinite > 0)
    logger.warn(`${report.source}: ${report.notFinite} cells hold NaN or infinity and count as missing`);
  const filled = report.missingCells.close - report.dropped.missing;
  if (filled > 0) {
    const are = filled === 1 ? "close is missing and was" : "closes are missing and were";
    logger.warn(`${report.source}: ${filled} ${are} filled in${firstLine(report, "missing")}`);
  }
  const ahead = report.impossibleBy.inFuture;
  if (ahead > 0) {
    const are = ahead === 1 ? "bar has a time that is" : "bars have times that are";
    logger.warn(`${report.source}: ${ahead} ${are} still to come${firstLine(report, "impossible")}`);
  }
  const suspicious = report.outliers - report.dropped.outlier;
  if (suspicious > 0) {
    const look =
      suspicious === 1 ? "close looks like an outlier and is" : "closes look like outliers and are";
    logger.warn(
      `${report.source}: ${suspicious} ${look} kept${firstLine(report, "outlier")}; cleaning.outlierAction drop leaves them out`,
    );
  }
  const lost = report.rowsRead - report.rowsKept;
  if (lost === 0) return;
  const reasons = dropReasons.filter(({ reason }) => report.dropped[reason] > 0);
  const shown = reasons.map(
    ({ reason, words, example }) => `${words} ${report.dropped[reason]}${firstLine(report, example)}`,
  );
  logger.warn(
    `${report.source}: ${lost} of ${report.rowsRead} rows ${lost === 1 ? "was" : "were"} dropped in cleaning: ${shown.join(", ")}`,
  );
}

/** Reasons for dropping a row in words, and the kind under which its examples stand. */
const dropReasons: readonly {
  readonly reason: keyof CleaningReport["dropped"];
  readonly words: string;
  readonly example: CleaningExample["kind"];
}[] = [
  { reason: "badTime", words: "unreadable times", example: "badTime" },
  { reason: "duplicateIdentical", words: "repeated rows", example: "duplicate" },
  { reason: "duplicateConflicting", words: "repeated times with other values", example: "duplicate" },
  { reason: "impossible", words: "impossible values", example: "impossible" },
  { reason: "missing", words: "missing values", example: "missing" },
  { reason: "outlier", words: "outliers", example: "outlier" },
  { reason: "stale", words: "stale prices", example: "stale" },
];

function firstLine({ examples }: CleaningReport, kind: CleaningExample["kind"]): string {
  const line = examples.find((example) => example.kind === kind)?.line ?? null;
  return line === null ? "" : ` (first on line ${line})`;
}

/** Networks compute in float32, which ends at 3e38 and begins at 1e-38; a price near either is a fault of the file. */
const largestPrice = 1e30;
const smallestPrice = 1e-30;

/** @throws PlatformError `DATA_NOT_FINITE` naming line and column */
function requireUsablePrices({ source, line, ...table }: PriceTable): void {
  for (const column of ["open", "high", "low", "close", "volume"] as const) {
    const row = table[column]?.findIndex((value) => {
      const size = Math.abs(value);
      return Number.isFinite(value) && (size > largestPrice || (size < smallestPrice && size > 0));
    });
    if (row === undefined || row < 0) continue;
    const message = `${source} line ${line[row]}, column "${column}": expected a number between ${smallestPrice} and ${largestPrice}, received ${table[column]?.[row]}`;
    throw new PlatformError("input", "DATA_NOT_FINITE", message, {
      file: source,
      line: line[row],
      field: column,
    });
  }
}

function firstFew(names: readonly string[], most = 10): string {
  const more = names.length > most ? ` and ${names.length - most} more` : "";
  return `${names.slice(0, most).join(", ")}${more}`;
}

/** The counts of a cleaning report that a result carries. */
export function cleaningCounts(report: CleaningReport): CleaningCounts {
  const { rowsRead, rowsKept, rowsAdded, duplicates, missing, outliers, impossible, stale } = report;
  const { gaps, notFinite, dropped } = report;
  return {
    rowsRead,
    rowsKept,
    rowsAdded,
    duplicates,
    missing,
    outliers,
    impossible,
    stale,
    gaps,
    notFinite,
    dropped: { ...dropped },
  };
}
