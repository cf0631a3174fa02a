/** From a price source to clean prices: the steps that training, evaluation and prediction share. */
import { type Context, dayMs, type Logger, type PriceSource, startOfDay } from "../../base/index.ts";
import { type CleaningReport, type CleanPrices, cleanPrices } from "../../data/index.ts";
import type { SampleSet } from "./samples.ts";
import type { Cleaning, CleaningCounts } from "./schema.ts";

export interface PriceRequest {
  readonly data: string;
  readonly symbols?: readonly string[] | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly seed: number;
}

/** What to read: dates include the whole of their day. */
export function sourceOf({ data, symbols, from, to, seed }: PriceRequest): PriceSource {
  return {
    path: data,
    seed,
    ...(symbols && symbols.length > 0 ? { symbols } : {}),
    ...(from === undefined ? {} : { from: startOfDay(from) }),
    ...(to === undefined ? {} : { to: startOfDay(to) + dayMs - 1 }),
  };
}

/** Reads and cleans. The report accounts for every row. */
export async function readClean(
  request: PriceRequest,
  cleaning: Cleaning,
  { market, progress, signal, logger }: Pick<Context, "market" | "progress" | "signal" | "logger">,
): Promise<{ readonly prices: CleanPrices; readonly report: CleaningReport }> {
  progress.report({ stage: "read", done: 0, total: 1, message: request.data });
  const table = await market.read(sourceOf(request), { signal });
  progress.report({ stage: "read", done: 1, total: 1, message: request.data });
  progress.report({ stage: "clean", done: 0, total: table.close.length, unit: "rows" });
  const { duplicates, missing, impossible, outliers, outlierAction } = cleaning;
  const cleaned = cleanPrices(table, {
    duplicates,
    missing: { method: missing },
    impossible,
    outliers: { method: outliers, action: outlierAction },
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
  const lost = report.rowsRead - report.rowsKept;
  if (lost === 0) return;
  const reasons = Object.entries(report.dropped).filter(([, rows]) => rows > 0);
  logger.warn(
    `${report.source}: ${lost} of ${report.rowsRead} rows were dropped in cleaning: ${reasons.map(([reason, rows]) => `${reason} ${rows}`).join(", ")}`,
  );
}

function firstFew(names: readonly string[], most = 10): string {
  const more = names.length > most ? ` and ${names.length - most} more` : "";
  return `${names.slice(0, most).join(", ")}${more}`;
}

/** The counts of a cleaning report that a result carries. */
export function cleaningCounts(report: CleaningReport): CleaningCounts {
  const { rowsRead, rowsKept, rowsAdded, duplicates, missing, outliers, impossible, stale, gaps, dropped } =
    report;
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
    dropped: { ...dropped },
  };
}
