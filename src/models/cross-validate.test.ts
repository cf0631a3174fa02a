import { describe, expect, test } from "vitest";
import { keyFrom, mean, type Progress } from "../base/index.ts";
import { type CrossValidationOptions, crossValidate } from "./cross-validate.ts";
import { meanAbsoluteError, meanSquaredError } from "./metrics/index.ts";

const outcomes = [1, 2, 3, 10];
const folds = [
  { train: Int32Array.of(2, 3), test: Int32Array.of(0, 1) },
  { train: Int32Array.of(0, 1), test: Int32Array.of(2, 3) },
];
/** Predicts the mean of the training part. */
const meanOf: CrossValidationOptions["model"] = ({ train, test }) =>
  new Array<number>(test.length).fill(mean(Float64Array.from(train, (i) => outcomes[i])));
const options = (more: Partial<CrossValidationOptions> = {}): CrossValidationOptions => ({
  folds,
  model: ({ test }) => Float64Array.from(test, (i) => outcomes[i] + 1),
  baseline: meanOf,
  outcomes,
  metrics: { mse: meanSquaredError, mae: meanAbsoluteError },
  key: keyFrom(1),
  ...more,
});

describe("cross-validation", () => {
  test("judges model and baseline on each fold, and on the mean of folds", async () => {
    const { folds: judged, mean: average, deviation } = await crossValidate(options());
    // The baseline says 6.5 of 1 and 2, and 1.5 of 3 and 10.
    expect(judged).toEqual([
      { train: 2, test: 2, model: { mse: 1, mae: 1 }, baseline: { mse: (5.5 ** 2 + 4.5 ** 2) / 2, mae: 5 } },
      { train: 2, test: 2, model: { mse: 1, mae: 1 }, baseline: { mse: (1.5 ** 2 + 8.5 ** 2) / 2, mae: 5 } },
    ]);
    expect(average).toEqual({ model: { mse: 1, mae: 1 }, baseline: { mse: (25.25 + 37.25) / 2, mae: 5 } });
    expect(deviation).toEqual({ mse: 0, mae: 0 });
  });

  test("gives each fold a key of its own, the same in every run", async () => {
    const keysOf = async () => {
      const keys: unknown[] = [];
      await crossValidate(
        options({
          model: (fold, context) => {
            keys.push(context.key);
            return meanOf(fold, context);
          },
        }),
      );
      return keys;
    };
    const keys = await keysOf();
    expect(keys[0]).not.toEqual(keys[1]);
    expect(await keysOf()).toEqual(keys);
  });

  test("tells how far it is, and is heard between folds", async () => {
    const controller = new AbortController();
    const reports: Progress[] = [];
    const progress = { report: (report: Progress) => void reports.push(report) };
    await crossValidate(options({ progress }));
    expect(reports.map(({ done, total }) => [done, total])).toEqual([
      [0, 2],
      [1, 2],
      [2, 2],
    ]);
    controller.abort();
    await expect(crossValidate(options({ signal: controller.signal }))).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
  });

  test.each<[string, Partial<CrossValidationOptions>, string]>([
    ["no fold", { folds: [] }, "expected at least one fold and one metric, received 0 and 2"],
    ["no metric", { metrics: {} }, "received 2 and 0"],
    [
      "too few predictions",
      { model: () => [1] },
      "expected 2 predictions of the model in fold 1, received 1",
    ],
  ])("refuses %s", async (_, more, message) => {
    await expect(crossValidate(options(more))).rejects.toMatchObject({
      code: "MODEL_OPTION_INVALID",
      message: expect.stringContaining(message),
    });
  });
});
