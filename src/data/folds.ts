/**
 * Folds for cross-validation: every sample is tested once, by a model that has not seen it. `walkForward` in `split.ts` is the third kind,
 * which tests only what comes after its training.
 */
import { type Key, permutation, type UtcMs } from "../base/index.ts";
import type { SampleTimes } from "./split.ts";
import { checkEmbargo, distinctTimes, requireWhole, shownTime, tooShort } from "./split-checks.ts";

/** Positions of samples, ascending. */
export interface Fold {
  readonly train: Int32Array;
  readonly test: Int32Array;
}

/** A fold in time, with the samples that neither part may have. */
export interface PurgedFold extends Fold {
  readonly purged: Int32Array;
  /** The first and the last `asOf` of the test part. */
  readonly testFrom: UtcMs;
  readonly testTo: UtcMs;
}

/**
 * k-fold: samples in random order, cut into parts that differ by one sample at most. For samples that know nothing of each other; those of a
 * time series do, and want `purgedKFold` or `walkForward`.
 *
 * @throws PlatformError `DATA_OPTION_INVALID`; `DATA_TOO_SHORT` when there are fewer samples than folds
 * @example
 * kFold(5, { folds: 2, key: keyFrom(1) }).map(({ test }) => test.length); // => [2, 3]
 */
export function kFold(
  samples: number,
  { folds, key }: { readonly folds: number; readonly key: Key },
): Fold[] {
  requireWhole("folds", folds, 2);
  if (samples < folds) throw tooShort(`k-fold: expected at least ${folds} samples, received ${samples}`);
  const order = permutation(key, samples);
  return Array.from({ length: folds }, (_, fold) => {
    const [begin, end] = [fold, fold + 1].map((border) => Math.floor((border * samples) / folds));
    return {
      train: Int32Array.from([...order.subarray(0, begin), ...order.subarray(end)]).sort(),
      test: order.slice(begin, end).sort(),
    };
  });
}

/**
 * Purged k-fold: the test parts follow each other in time, and the training part lies before and after. Samples are purged from it when
 * the time from their `asOf` to the end of their label meets that of the test part, since they know its outcomes; and after the test part
 * those that begin within the embargo after its last label, which look like it.
 *
 * Laws: for train against test, `labelTime < testFrom`, or `asOf > last label of test + embargoMs`; every sample is tested once, and in each
 * fold is in exactly one of train, test and purged.
 *
 * @throws PlatformError `DATA_OPTION_INVALID`; `DATA_TOO_SHORT` when there are fewer times than folds, or purging leaves nothing
 * @see Lopez de Prado (2018), "Advances in Financial Machine Learning", section 7.4
 */
export function purgedKFold(
  samples: SampleTimes,
  options: { readonly folds: number; readonly embargoMs?: number },
): PurgedFold[] {
  const { folds } = options;
  requireWhole("folds", folds, 2);
  const embargoMs = checkEmbargo(options.embargoMs);
  const times = distinctTimes(samples.asOf);
  if (times.length < folds)
    throw tooShort(`purged k-fold: expected at least ${folds} times, received ${times.length}`);
  return Array.from({ length: folds }, (_, fold) => {
    const [begin, end] = [fold, fold + 1].map((border) => Math.floor((border * times.length) / folds));
    const [testFrom, testTo] = [times[begin], times[end - 1]];
    const inTest = (i: number) => samples.asOf[i] >= testFrom && samples.asOf[i] <= testTo;
    const all = Int32Array.from(samples.asOf.keys());
    const test = all.filter(inTest);
    const lastLabel = test.reduce((last, i) => Math.max(last, samples.labelTime[i]), testTo);
    const apart = (i: number) => samples.labelTime[i] < testFrom || samples.asOf[i] > lastLabel + embargoMs;
    const train = all.filter((i) => !inTest(i) && apart(i));
    if (train.length === 0) {
      throw tooShort(
        `purged k-fold: expected samples to train on beside ${shownTime(testFrom)} to ${shownTime(testTo)}, received none`,
      );
    }
    return { train, test, purged: all.filter((i) => !inTest(i) && !apart(i)), testFrom, testTo };
  });
}
