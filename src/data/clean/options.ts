import { PlatformError, type UtcMs } from "../../base/index.ts";

/** What to do with what is odd in prices. Every choice has a default; `defaultCleanOptions` lists them with their reasons. */
export interface CleanOptions {
  /** Of rows with the same symbol and time but other values: the first, the last, or an error. */
  readonly duplicates?: "first" | "last" | "error";
  readonly missing?: Partial<MissingOptions>;
  readonly impossible?: "repair" | "drop" | "flag";
  readonly outliers?: Partial<OutlierOptions>;
  readonly stale?: Partial<StaleOptions>;
  readonly gaps?: Partial<GapOptions>;
  /** The latest time that a bar can have; none unless given. A later one is impossible, and no repair makes its time known. */
  readonly latest?: UtcMs;
  /** When every close of every symbol is the same number. */
  readonly constant?: "error" | "flag";
  /** Examples with line numbers that the report keeps of each kind of problem. */
  readonly examples?: number;
}

export interface MissingOptions {
  /**
   * How a bar without a close gets one: not at all, from the close before, from the median of the closes before, or on the
   * line between its neighbours. `interpolate` looks ahead, so it must be allowed by name and never before training.
   */
  readonly method: "forwardFill" | "drop" | "median" | "interpolate";
  /** The most bars in a row that are made; what follows is dropped. */
  readonly limit: number;
  /** Closes before the missing one of which `median` takes the median. */
  readonly window: number;
  readonly allowLookahead: boolean;
}

export interface OutlierOptions {
  /** The band around the log returns of the `window` bars before: median and MAD, quartiles, or mean and deviation. */
  readonly method: "hampel" | "iqr" | "zscore" | "none";
  readonly action: "flag" | "winsorise" | "drop";
  readonly window: number;
  /** Nothing is judged before this many returns are known. */
  readonly minimumReturns: number;
  /** Half width of the band, in scaled MADs, interquartile ranges (beyond the quartiles) or standard deviations. */
  readonly threshold: number;
}

export interface StaleOptions {
  /** The number of identical closes in a row from which on a close is stale. */
  readonly closes: number;
  readonly action: "flag" | "drop";
}

export interface GapOptions {
  readonly action: "report" | "fill";
  /** The most bars in a row that are made. */
  readonly limit: number;
}

export interface ResolvedCleanOptions {
  readonly duplicates: "first" | "last" | "error";
  readonly missing: MissingOptions;
  readonly impossible: "repair" | "drop" | "flag";
  readonly outliers: OutlierOptions;
  readonly stale: StaleOptions;
  readonly gaps: GapOptions;
  readonly latest: UtcMs;
  readonly constant: "error" | "flag";
  readonly examples: number;
}

/** Thresholds that are all about eight standard deviations of a normal sample: real markets move six more often than data fails. */
const thresholds = { hampel: 8, iqr: 5.3, zscore: 8, none: Number.POSITIVE_INFINITY } as const;

export const defaultCleanOptions: ResolvedCleanOptions = {
  duplicates: "last", // a source that repeats a bar does so to correct it
  missing: { method: "forwardFill", limit: 5, window: 21, allowLookahead: false },
  impossible: "repair", // a wrong high or low should not cost a good close
  outliers: {
    method: "hampel",
    action: "flag",
    window: 63,
    minimumReturns: 20,
    threshold: thresholds.hampel,
  }, // a crash is data
  stale: { closes: 5, action: "flag" },
  gaps: { action: "report", limit: 5 },
  latest: Number.POSITIVE_INFINITY,
  constant: "error",
  examples: 5,
};

/** The options with defaults filled in. @throws PlatformError `DATA_OPTION_INVALID` naming the option */
export function resolveCleanOptions(options: CleanOptions): ResolvedCleanOptions {
  const defaults = defaultCleanOptions;
  const method = options.outliers?.method ?? defaults.outliers.method;
  const resolved: ResolvedCleanOptions = {
    duplicates: options.duplicates ?? defaults.duplicates,
    missing: { ...defaults.missing, ...options.missing },
    impossible: options.impossible ?? defaults.impossible,
    outliers: { ...defaults.outliers, threshold: thresholds[method], ...options.outliers },
    stale: { ...defaults.stale, ...options.stale },
    gaps: { ...defaults.gaps, ...options.gaps },
    latest: options.latest ?? defaults.latest,
    constant: options.constant ?? defaults.constant,
    examples: options.examples ?? defaults.examples,
  };
  const { missing, outliers, stale, gaps } = resolved;
  requireWhole("missing.limit", missing.limit, 0);
  requireWhole("missing.window", missing.window, 1);
  requireWhole("outliers.window", outliers.window, 3);
  requireWhole("outliers.minimumReturns", outliers.minimumReturns, 3);
  requireWhole("stale.closes", stale.closes, 2);
  requireWhole("gaps.limit", gaps.limit, 0);
  requireWhole("examples", resolved.examples, 0);
  if (!(outliers.threshold > 0)) throw invalid("outliers.threshold", "a number above 0", outliers.threshold);
  if (outliers.minimumReturns > outliers.window) {
    throw invalid(
      "outliers.minimumReturns",
      `at most the window of ${outliers.window}`,
      outliers.minimumReturns,
    );
  }
  if (missing.method === "interpolate" && !missing.allowLookahead) {
    throw invalid(
      "missing.method",
      "a method that uses no later row (forwardFill, drop, median), or allowLookahead beside it",
      "interpolate",
    );
  }
  return resolved;
}

function requireWhole(field: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least)
    throw invalid(field, `a whole number of at least ${least}`, value);
}

function invalid(field: string, expected: string, received: unknown): PlatformError {
  return new PlatformError(
    "input",
    "DATA_OPTION_INVALID",
    `cleaning: ${field}: expected ${expected}, received ${received}`,
    {
      field,
    },
  );
}
