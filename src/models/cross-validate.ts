/** How good a way of fitting is: it is fitted on each fold's training part and judged on its test part, beside a baseline. */
import {
  foldIn,
  type Key,
  mean,
  PlatformError,
  type ProgressPort,
  standardDeviation,
  throwIfAborted,
} from "../base/index.ts";

/** Sample numbers to learn from and to judge by. The folds of the data layer (k-fold, purged k-fold, walk-forward) are such. */
export interface CrossValidationFold {
  readonly train: Int32Array;
  readonly test: Int32Array;
}

/** From a fold to one prediction for each of its test samples, in their order. */
export type FoldModel = (
  fold: CrossValidationFold,
  context: { readonly key: Key; readonly signal: AbortSignal | undefined },
) => Promise<ArrayLike<number>> | ArrayLike<number>;

export interface CrossValidationOptions {
  readonly folds: readonly CrossValidationFold[];
  readonly model: FoldModel;
  /** What the model has to be better than: the mean of the training part, the last value, a linear model. */
  readonly baseline: FoldModel;
  /** Outcome of every sample, by its number. */
  readonly outcomes: ArrayLike<number>;
  readonly metrics: Readonly<Record<string, (actual: Float64Array, predicted: Float64Array) => number>>;
  /** Each fold has a key of its own, the same for model and baseline. */
  readonly key: Key;
  readonly progress?: ProgressPort;
  readonly signal?: AbortSignal;
}

type Scores = Readonly<Record<string, number>>;

export interface CrossValidation {
  readonly folds: readonly {
    readonly train: number;
    readonly test: number;
    readonly model: Scores;
    readonly baseline: Scores;
  }[];
  /** Over folds, each counting the same. */
  readonly mean: { readonly model: Scores; readonly baseline: Scores };
  /** Standard deviation of the model's metric over folds; NaN for one fold. */
  readonly deviation: Scores;
}

/**
 * Cross-validation: fits and judges on each fold, one after the other.
 *
 * The test part decides nothing: whatever the fit stops by has to be cut from the training part.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when there is no fold or no metric, or a model gives another number of predictions than
 *   there are test samples
 * @throws PlatformError `INTERRUPTED` when the signal fires
 */
export async function crossValidate(options: CrossValidationOptions): Promise<CrossValidation> {
  const { folds, outcomes, metrics, key, signal } = options;
  const names = Object.keys(metrics);
  if (folds.length === 0 || names.length === 0)
    throw invalid(`at least one fold and one metric`, `${folds.length} and ${names.length}`);
  const judged: CrossValidation["folds"][number][] = [];
  for (const [i, fold] of folds.entries()) {
    throwIfAborted(signal, "cross-validation");
    options.progress?.report({ stage: "fold", done: i, total: folds.length, unit: "folds" });
    const actual = Float64Array.from(fold.test, (sample) => outcomes[sample]);
    const scores = async (name: string, model: FoldModel): Promise<Scores> => {
      const predicted = Float64Array.from(await model(fold, { key: foldIn(key, i), signal }));
      if (predicted.length !== actual.length)
        throw invalid(`${actual.length} predictions of the ${name} in fold ${i + 1}`, predicted.length);
      return Object.fromEntries(names.map((metric) => [metric, metrics[metric](actual, predicted)]));
    };
    judged.push({
      train: fold.train.length,
      test: fold.test.length,
      model: await scores("model", options.model),
      baseline: await scores("baseline", options.baseline),
    });
  }
  options.progress?.report({ stage: "fold", done: folds.length, total: folds.length, unit: "folds" });
  const over = (who: "model" | "baseline", statistic: (values: number[]) => number): Scores =>
    Object.fromEntries(names.map((name) => [name, statistic(judged.map((fold) => fold[who][name]))]));
  return {
    folds: judged,
    mean: { model: over("model", mean), baseline: over("baseline", mean) },
    deviation: over("model", (values) => (values.length > 1 ? standardDeviation(values) : Number.NaN)),
  };
}

function invalid(expected: string, received: unknown): PlatformError {
  return new PlatformError(
    "input",
    "MODEL_OPTION_INVALID",
    `cross-validation: expected ${expected}, received ${received}`,
  );
}
