/**
 * Splits in time. A sample knows what was known at `asOf` and its label reaches until `labelTime`; both ends count as part of
 * that interval. A part may learn only from labels that end before the next part begins, for all symbols at once: samples
 * whose label reaches over the border are purged, and an embargo keeps a further distance.
 *
 * @see Lopez de Prado (2018), "Advances in Financial Machine Learning", chapter 7
 */
import type { UtcMs } from "../base/index.ts";
import { checkEmbargo, distinctTimes, invalid, requireWhole, shownTime, tooShort } from "./split-checks.ts";

/** When samples know and when their labels end, `[samples]` each, UTC milliseconds. Windows are samples. */
export interface SampleTimes {
  readonly asOf: Float64Array;
  readonly labelTime: Float64Array;
}

export interface SplitOptions {
  /** Shares of the distinct times, in this order of time; they add up to 1. 0.7, 0.15 and 0.15 unless given. */
  readonly fractions?: { readonly train: number; readonly validation: number; readonly test: number };
  /** Or the first moments of validation and test. */
  readonly from?: { readonly validation: UtcMs; readonly test: UtcMs };
  /** Distance in milliseconds between the end of a label and the first sample of the next part, beyond the purge. */
  readonly embargoMs?: number;
}

/** Positions of samples, each in the order of the samples. */
export interface Split {
  readonly train: Int32Array;
  readonly validation: Int32Array;
  readonly test: Int32Array;
  /** Samples in no part because their label reaches over a border, or lies within the embargo. */
  readonly purged: Int32Array;
  /** `asOf` of train is before `validationFrom`, of validation before `testFrom`. */
  readonly validationFrom: UtcMs;
  readonly testFrom: UtcMs;
}

/**
 * Splits samples into train, validation and test by time, with the same borders for all symbols.
 *
 * Laws: `labelTime + embargoMs < validationFrom <= asOf` for train against validation, the same for validation against test;
 * every sample is in exactly one of train, validation, test and purged. A validation share of 0 gives an empty part.
 *
 * @throws PlatformError `DATA_OPTION_INVALID`; `DATA_TOO_SHORT` when a part that was asked for is empty
 */
export function splitByTime(samples: SampleTimes, options: SplitOptions = {}): Split {
  const embargoMs = checkEmbargo(options.embargoMs);
  const { validation: validationFrom, test: testFrom } = options.from ?? borders(samples, options.fractions);
  if (!(validationFrom <= testFrom)) {
    throw invalid("from", "validation to begin before test", `${validationFrom} and ${testFrom}`);
  }
  const parts = {
    train: [] as number[],
    validation: [] as number[],
    test: [] as number[],
    purged: [] as number[],
  };
  for (let index = 0; index < samples.asOf.length; index++) {
    const asOf = samples.asOf[index];
    const labelEnd = samples.labelTime[index] + embargoMs;
    if (asOf >= testFrom) parts.test.push(index);
    else if (asOf >= validationFrom) (labelEnd < testFrom ? parts.validation : parts.purged).push(index);
    else (labelEnd < validationFrom ? parts.train : parts.purged).push(index);
  }
  const wanted = options.fractions;
  const mayBeEmpty = { train: false, validation: wanted?.validation === 0, test: wanted?.test === 0 };
  for (const part of ["train", "validation", "test"] as const) {
    if (parts[part].length === 0 && !mayBeEmpty[part]) {
      throw tooShort(
        `split: expected samples in ${part}, received none of ${samples.asOf.length} (validation from ${shownTime(validationFrom)}, test from ${shownTime(testFrom)}, ${parts.purged.length} purged)`,
      );
    }
  }
  return {
    train: Int32Array.from(parts.train),
    validation: Int32Array.from(parts.validation),
    test: Int32Array.from(parts.test),
    purged: Int32Array.from(parts.purged),
    validationFrom,
    testFrom,
  };
}

export interface WalkForwardOptions {
  readonly folds: number;
  /** Distinct times in each test part; the last `folds * testTimes` times are tested. All but the first of `folds + 1` equal parts unless given. */
  readonly testTimes?: number;
  /** `expanding` trains on everything before, `rolling` on the last `trainTimes` times before the test part. */
  readonly mode?: "expanding" | "rolling";
  readonly trainTimes?: number;
  readonly embargoMs?: number;
}

export interface WalkForwardFold {
  readonly train: Int32Array;
  readonly test: Int32Array;
  /** Samples whose label reaches into the test part, or lies within the embargo. */
  readonly purged: Int32Array;
  /** The first and the last `asOf` of the test part. */
  readonly testFrom: UtcMs;
  readonly testTo: UtcMs;
}

/**
 * Walk-forward splits: the test parts follow each other without overlap up to the last time, and each train part ends, with
 * all its labels, before its test part begins.
 *
 * @throws PlatformError `DATA_OPTION_INVALID`; `DATA_TOO_SHORT` when there are too few times, or purging leaves nothing
 */
export function walkForward(samples: SampleTimes, options: WalkForwardOptions): WalkForwardFold[] {
  const { folds, mode = "expanding" } = options;
  const embargoMs = checkEmbargo(options.embargoMs);
  const times = distinctTimes(samples.asOf);
  requireWhole("folds", folds);
  const testTimes = options.testTimes ?? Math.floor(times.length / (folds + 1));
  if (options.testTimes !== undefined) requireWhole("testTimes", testTimes);
  if (mode === "rolling") requireWhole("trainTimes", options.trainTimes ?? Number.NaN);
  const first = times.length - folds * testTimes;
  if (testTimes < 1 || first < 1) {
    throw tooShort(
      `walk-forward: expected more than ${folds} folds of ${Math.max(testTimes, 1)} times, received ${times.length} times`,
    );
  }
  return Array.from({ length: folds }, (_, fold) => {
    const begin = first + fold * testTimes;
    const testFrom = times[begin];
    const testTo = times[begin + testTimes - 1];
    const trainFrom =
      mode === "rolling" ? times[Math.max(0, begin - (options.trainTimes ?? 0))] : Number.NEGATIVE_INFINITY;
    const train: number[] = [];
    const test: number[] = [];
    const purged: number[] = [];
    for (let index = 0; index < samples.asOf.length; index++) {
      const asOf = samples.asOf[index];
      if (asOf >= testFrom) {
        if (asOf <= testTo) test.push(index);
      } else if (asOf >= trainFrom) {
        (samples.labelTime[index] + embargoMs < testFrom ? train : purged).push(index);
      }
    }
    if (train.length === 0) {
      throw tooShort(
        `walk-forward: expected samples to train on before ${shownTime(testFrom)}, received none (${purged.length} purged)`,
      );
    }
    return {
      train: Int32Array.from(train),
      test: Int32Array.from(test),
      purged: Int32Array.from(purged),
      testFrom,
      testTo,
    };
  });
}

function borders(
  samples: SampleTimes,
  fractions = { train: 0.7, validation: 0.15, test: 0.15 },
): { validation: UtcMs; test: UtcMs } {
  const { train, validation, test } = fractions;
  const sum = train + validation + test;
  if (!(train > 0 && validation >= 0 && test >= 0) || Math.abs(sum - 1) > 1e-9) {
    throw invalid(
      "fractions",
      "train above 0, none below 0, and a sum of 1",
      `${train}, ${validation}, ${test}`,
    );
  }
  const times = distinctTimes(samples.asOf);
  // Rounding guards against 0.7 * 10 = 7.000000000000001 and its like.
  const at = (share: number) => times[Math.round(share * times.length)] ?? Number.POSITIVE_INFINITY;
  return { validation: at(train), test: at(train + validation) };
}
