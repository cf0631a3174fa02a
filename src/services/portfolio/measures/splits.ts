/** Which periods train and which test: walk-forward, purged k-fold, and combinatorial purged cross-validation. */
import { PlatformError } from "../../../base/index.ts";

/** Periods are numbered from 0; ranges are half-open. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Split {
  /** In ascending order, apart from each other. */
  readonly train: readonly Range[];
  readonly test: readonly Range[];
  /** Which path each part of the test belongs to; 0 where there is one path. */
  readonly paths: readonly number[];
}

export interface PurgeOptions {
  /** Periods left out on either side of a test part, whose returns overlap with it. */
  readonly purge?: number;
  /** Periods left out after a test part in addition, through which its effect may last. */
  readonly embargo?: number;
}

export interface WalkForwardOptions {
  readonly train: number;
  readonly test: number;
  /** Trains on everything since the first period rather than on the last `train` ones. */
  readonly expanding?: boolean;
  /** Periods between training and test that neither sees. */
  readonly purge?: number;
}

/**
 * Windows that move by one test part: train, leave out, test. What is left at the end and shorter than a test part is tested as
 * well, so that no period behind the first training is lost.
 *
 * @throws PlatformError `PORTFOLIO_TOO_SHORT` when there is no period to test on
 * @example
 * walkForwardSplits(100, { train: 60, test: 20 }).length; // => 2
 */
export function walkForwardSplits(
  periods: number,
  { train, test, expanding = false, purge = 0 }: WalkForwardOptions,
): Split[] {
  for (const [field, value] of [
    ["train", train],
    ["test", test],
  ] as const)
    if (!Number.isInteger(value) || value < 1)
      throw option(field, `expected a whole number of periods, received ${value}`);
  const splits: Split[] = [];
  for (let from = train + purge; from < periods; from += test) {
    splits.push({
      train: [{ from: expanding ? 0 : from - purge - train, to: from - purge }],
      test: [{ from, to: Math.min(periods, from + test) }],
      paths: [0],
    });
  }
  if (splits.length === 0)
    throw new PlatformError(
      "input",
      "PORTFOLIO_TOO_SHORT",
      `walk-forward: expected more than ${train + purge} periods, to train on and to test behind, received ${periods}`,
      { field: "train" },
    );
  return splits;
}

/** Each of `folds` parts is tested once, and all others train, before and after it. */
export function purgedKFoldSplits(periods: number, folds: number, options: PurgeOptions = {}): Split[] {
  return combinatorialSplits(periods, folds, 1, options);
}

/**
 * Combinatorial purged cross-validation: every choice of `testFolds` out of `folds` is a split, `C(folds, testFolds)` of them;
 * each fold is tested `C(folds - 1, testFolds - 1)` times, which makes as many paths through all periods.
 *
 * @throws PlatformError `PORTFOLIO_OPTION_INVALID` when there are not at least as many folds, `PORTFOLIO_TOO_SHORT` when a fold
 *   would be empty or nothing is left to train on
 * @see López de Prado (2018), "Advances in financial machine learning", chapter 12
 * @example
 * combinatorialSplits(600, 6, 2).length; // => 15
 */
export function combinatorialSplits(
  periods: number,
  folds: number,
  testFolds: number,
  { purge = 0, embargo = 0 }: PurgeOptions = {},
): Split[] {
  if (!Number.isInteger(folds) || folds < 2) throw option("folds", `expected at least 2, received ${folds}`);
  if (!Number.isInteger(testFolds) || testFolds < 1 || testFolds >= folds)
    throw option("testFolds", `expected 1 to ${folds - 1}, received ${testFolds}`);
  if (periods < folds)
    throw new PlatformError(
      "input",
      "PORTFOLIO_TOO_SHORT",
      `cross-validation: expected at least ${folds} periods for ${folds} folds, received ${periods}`,
    );
  const rangeOf = (fold: number): Range => ({
    from: Math.floor((fold * periods) / folds),
    to: Math.floor(((fold + 1) * periods) / folds),
  });
  const tested = new Int32Array(folds);
  return combinations(folds, testFolds).map((chosen) => {
    const test = chosen.map(rangeOf);
    const out = new Uint8Array(periods);
    for (const { from, to } of test)
      out.fill(1, Math.max(0, from - purge), Math.min(periods, to + purge + embargo));
    const train = runs(out);
    if (train.length === 0)
      throw new PlatformError(
        "input",
        "PORTFOLIO_TOO_SHORT",
        `cross-validation: expected periods to train on beside the purged ones, received none of ${periods}`,
        { field: "purge" },
      );
    return { train, test, paths: chosen.map((fold) => tested[fold]++) };
  });
}

/** The choices of `count` out of `total`, in lexicographic order. */
function combinations(total: number, count: number): number[][] {
  if (count === 0) return [[]];
  const out: number[][] = [];
  const chosen: number[] = [];
  const extend = (from: number): void => {
    if (chosen.length === count) {
      out.push([...chosen]);
      return;
    }
    for (let i = from; i <= total - (count - chosen.length); i++) {
      chosen.push(i);
      extend(i + 1);
      chosen.pop();
    }
  };
  extend(0);
  return out;
}

/** The ranges of zeros. */
function runs(out: Uint8Array): Range[] {
  const found: Range[] = [];
  for (let t = 0; t < out.length; t++) {
    if (out[t] === 1) continue;
    const from = t;
    while (t < out.length && out[t] === 0) t++;
    found.push({ from, to: t });
  }
  return found;
}

function option(field: string, what: string): PlatformError {
  return new PlatformError("input", "PORTFOLIO_OPTION_INVALID", `${field}: ${what}`, { field });
}
