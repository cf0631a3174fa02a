/** Scores of decided classes: which class was forecast, not how sure the model was. Labels are numbers or texts. */
import { invalidMetric } from "./check.ts";

export type Label = number | string;

export interface ConfusionMatrix {
  /** The classes in the order of rows and columns. */
  readonly labels: readonly Label[];
  /** `counts[i][j]`: how often an outcome of class i was forecast as class j. */
  readonly counts: readonly (readonly number[])[];
}

/**
 * - `binary`: the score of the class `positive` (default 1)
 * - `macro`: the mean of the scores of all classes that occur, each counting the same
 * - `micro`: one score over all decisions pooled; with one label for each case it equals accuracy
 */
export type Average =
  | { readonly average?: "binary"; readonly positive?: Label }
  | { readonly average: "macro" | "micro" };

/**
 * Counts of outcomes (rows) by forecasts (columns). Classes are sorted: numbers by size, texts by code unit.
 *
 * @param labels the classes and their order, when some may be absent from the data
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0, or a label is not in `labels`
 * @example
 * confusionMatrix([1, 1, 0, 0], [1, 0, 0, 0]); // => { labels: [0, 1], counts: [[2, 0], [1, 1]] }
 */
export function confusionMatrix(
  outcome: ArrayLike<Label>,
  forecast: ArrayLike<Label>,
  labels?: readonly Label[],
): ConfusionMatrix {
  if (outcome.length !== forecast.length || outcome.length === 0) {
    invalidMetric(
      "confusionMatrix",
      `expected as many forecasts as outcomes and at least one, received ${outcome.length} outcomes and ${forecast.length} forecasts`,
    );
  }
  const order = labels ?? [...new Set([...Array.from(outcome), ...Array.from(forecast)])].sort(compare);
  const place = new Map(order.map((label, index) => [label, index]));
  const counts = order.map(() => new Array<number>(order.length).fill(0));
  for (let i = 0; i < outcome.length; i++) {
    const row = place.get(outcome[i]);
    const column = place.get(forecast[i]);
    if (row === undefined || column === undefined) {
      const foreign = row === undefined ? outcome[i] : forecast[i];
      invalidMetric("confusionMatrix", `expected one of ${order.join(", ")}, received ${foreign} at ${i}`);
    }
    counts[row][column]++;
  }
  return { labels: order, counts };
}

/**
 * Share of cases decided rightly.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * accuracy([1, 0, 1, 1], [1, 0, 0, 1]); // => 0.75
 */
export function accuracy(outcome: ArrayLike<Label>, forecast: ArrayLike<Label>): number {
  const { counts } = confusionMatrix(outcome, forecast);
  let right = 0;
  for (let i = 0; i < counts.length; i++) right += counts[i][i];
  return right / outcome.length;
}

/**
 * Precision: of the cases forecast as a class, the share that were of it. 0 when none was forecast.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * precision([1, 0, 1, 0], [1, 1, 1, 0]); // => 0.6666666666666666
 */
export function precision(
  outcome: ArrayLike<Label>,
  forecast: ArrayLike<Label>,
  options: Average = {},
): number {
  return averaged(outcome, forecast, options, ({ right, forecast: called }) => share(right, called));
}

/**
 * Recall (sensitivity): of the cases of a class, the share that were forecast as it. 0 when there was none.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * recall([1, 0, 1, 1], [1, 1, 1, 0]); // => 0.6666666666666666
 */
export function recall(outcome: ArrayLike<Label>, forecast: ArrayLike<Label>, options: Average = {}): number {
  return averaged(outcome, forecast, options, ({ right, outcome: present }) => share(right, present));
}

/**
 * F1, the harmonic mean of precision and recall: `2 right / (forecast + present)`; the macro average is the mean of the
 * classes' F1. 0 when the class neither occurs nor is forecast.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` when the lengths differ or are 0
 * @example
 * f1Score([1, 0, 1, 1], [1, 1, 0, 0]); // => 0.4
 */
export function f1Score(
  outcome: ArrayLike<Label>,
  forecast: ArrayLike<Label>,
  options: Average = {},
): number {
  return averaged(outcome, forecast, options, (tally) =>
    share(2 * tally.right, tally.forecast + tally.outcome),
  );
}

/** For one class: cases decided rightly, cases forecast as it, cases of it. */
interface Tally {
  readonly right: number;
  readonly forecast: number;
  readonly outcome: number;
}

function averaged(
  outcome: ArrayLike<Label>,
  forecast: ArrayLike<Label>,
  options: Average,
  score: (tally: Tally) => number,
): number {
  const { labels, counts } = confusionMatrix(outcome, forecast);
  const tallies = labels.map(
    (_, k): Tally => ({
      right: counts[k][k],
      forecast: counts.reduce((sum, row) => sum + row[k], 0),
      outcome: counts[k].reduce((sum, count) => sum + count, 0),
    }),
  );
  const total = (part: keyof Tally) => tallies.reduce((sum, tally) => sum + tally[part], 0);
  switch (options.average) {
    case "macro":
      return tallies.reduce((sum, tally) => sum + score(tally), 0) / tallies.length;
    case "micro":
      return score({ right: total("right"), forecast: total("forecast"), outcome: total("outcome") });
    default: {
      const found = labels.indexOf(options.positive ?? 1);
      return found < 0 ? 0 : score(tallies[found]);
    }
  }
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function compare(a: Label, b: Label): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a < b ? -1 : 1;
}
