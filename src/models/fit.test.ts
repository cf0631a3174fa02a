import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normal, type Progress, splitKey } from "../base/index.ts";
import {
  adam,
  BatchNorm,
  constantRate,
  createRuntime,
  gather,
  Linear,
  meanSquaredError,
  parametersOf,
  type Runtime,
  reduceOnPlateau,
  sgd,
  unpackParameters,
  weightedMean,
} from "../engine/index.ts";
import { folderCheckpoints } from "./checkpoint.ts";
import { type FitOptions, fit } from "./fit.ts";
import { pearson } from "./metrics/index.ts";
import { FtTransformer } from "./tabular/ft-transformer.ts";
import { abortAfterEpochs, type FitTaskOptions, fitTask } from "./testing/fit-task.ts";

const runtime = createRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "fathom-fit-"));
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true });
});
const task = (options: FitTaskOptions = {}) => fitTask(runtime, options);

/** The same task, judged by the correlation of prediction and outcome. */
function correlated(
  options: FitTaskOptions,
  score = (predictions: Float32Array, outcomes: number[]) => pearson(predictions, outcomes),
): FitOptions {
  const plain = task(options);
  const outcomes = plain.data.y.data as Float32Array;
  return {
    ...plain,
    metric: {
      name: "correlation",
      better: "higher",
      predict: ({ data, indices, pass }) => plain.model.apply(gather(data.x, indices), pass),
      score: (predictions, samples) =>
        score(
          predictions,
          [...samples].map((i) => outcomes[i]),
        ),
    },
  };
}

describe("fit", () => {
  test("learns a rule that can be learnt", async () => {
    const { history } = await fit(task({ epochs: 60 }));
    expect(history[0].trainLoss).toBeGreaterThan(1);
    expect(history[59].trainLoss).toBeLessThan(0.1);
    expect(history[59].validationLoss).toBeLessThan(0.3);
  });

  test("gives the same bits on one thread and on two", async () => {
    const two = createRuntime({ threads: 2 });
    const results = [await fit(task({ dropout: 0.2 })), await fit(task({ dropout: 0.2, runtime: two }))];
    await two.close();
    expect(results[0].parameters).toEqual(results[1].parameters);
    expect(results[0].history).toEqual(results[1].history);
  });

  test("continues an interrupted training to the same bits", async () => {
    const whole = await fit(task({ dropout: 0.3 }));
    const checkpoints = folderCheckpoints(mkdtempSync(join(folder, "run-")), "run");
    await fit(task({ dropout: 0.3, checkpoints, signal: abortAfterEpochs(2, checkpoints) })).then(
      () => expect.fail("expected an interruption"),
      (error) => expect(error.code).toBe("INTERRUPTED"),
    );
    const resumed = await fit(task({ dropout: 0.3, checkpoints }));
    expect(resumed.resumedFrom).toBeGreaterThanOrEqual(2);
    expect(resumed.resumedFrom).toBeLessThan(6);
    expect(resumed.parameters).toEqual(whole.parameters);
    expect(resumed.history).toEqual(whole.history);
  });

  test("leaves the checkpoint of another run alone", async () => {
    const place = mkdtempSync(join(folder, "other-"));
    await fit(task({ epochs: 2, checkpoints: folderCheckpoints(place, "one") }));
    expect((await fit(task({ epochs: 2, checkpoints: folderCheckpoints(place, "two") }))).resumedFrom).toBe(
      0,
    );
  });

  test("refuses a checkpoint that was changed", async () => {
    const place = mkdtempSync(join(folder, "corrupt-"));
    writeFileSync(join(place, "checkpoint.safetensors"), "not a checkpoint");
    await expect(fit(task({ checkpoints: folderCheckpoints(place, "run") }))).rejects.toMatchObject({
      code: "ARTIFACT_CORRUPT",
    });
  });

  test("stops by patience and returns the best epoch's parameters", async () => {
    // A rate that is far too large wanders: some epoch is the best, and patience ends it.
    const { history, bestEpoch, stopped, parameters } = await fit(
      task({ epochs: 200, patience: 3, schedule: () => constantRate(0.3) }),
    );
    expect(stopped).toBe("patience");
    expect(history.length).toBe(bestEpoch + 3);
    const losses = history.map(({ validationLoss }) => validationLoss);
    expect(losses[bestEpoch - 1]).toBe(Math.min(...losses));
    const upToTheBest = await fit(
      task({ epochs: bestEpoch, patience: 200, schedule: () => constantRate(0.3) }),
    );
    expect(parameters).toEqual(upToTheBest.parameters);
  });

  test("learns a few samples by heart", async () => {
    const few = Int32Array.from({ length: 32 }, (_, i) => i);
    const { history } = await fit(task({ train: few, validation: few, epochs: 300, batchSize: 32 }));
    expect(history[299].trainLoss).toBeLessThan(0.005 * history[0].trainLoss);
  });

  test("judges without dropout, and by every validation sample once", async () => {
    // With rate 0 nothing moves: dropout changes the training loss, and the validation loss not at all.
    const still = { epochs: 1, optimiser: sgd(), schedule: () => () => 0 };
    const [plain, dropped] = [await fit(task(still)), await fit(task({ ...still, dropout: 0.5 }))];
    expect(dropped.history[0].validationLoss).toBe(plain.history[0].validationLoss);
    expect(dropped.history[0].trainLoss).not.toBe(plain.history[0].trainLoss);
    // 300 samples are one batch of 256 and a part of another: the mean of 30 samples ten times over.
    const repeated = Int32Array.from({ length: 300 }, (_, i) => 50 + (i % 30));
    const again = await fit(task({ ...still, validation: repeated }));
    expect(again.history[0].validationLoss).toBeCloseTo(plain.history[0].validationLoss, 6);
  });

  test("draws other dropout in every step and every run of another key", async () => {
    const run = (key: number) => fit(task({ dropout: 0.5, epochs: 1, key: keyFrom(key) }));
    const [one, same, other] = [await run(1), await run(1), await run(2)];
    expect(one.parameters).toEqual(same.parameters);
    expect(one.parameters).not.toEqual(other.parameters);
  });

  test("is heard in the middle of an epoch, and reports how far it is", async () => {
    const controller = new AbortController();
    const reports: Progress[] = [];
    const progress = {
      report(report: Progress) {
        reports.push(report);
        controller.abort();
      },
    };
    await expect(fit(task({ progress, signal: controller.signal }))).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
    expect(reports).toEqual([expect.objectContaining({ stage: "train", done: 1, total: 24, unit: "steps" })]);
  });

  test("lets two trainings share one runtime", async () => {
    const alone = await fit(task());
    const [first, second] = await Promise.all([fit(task()), fit(task({ dropout: 0.4 }))]);
    expect(first.parameters).toEqual(alone.parameters);
    expect(second.parameters).not.toEqual(alone.parameters);
  });

  test("leaves nothing behind in the runtime, whether it ends well or not", async () => {
    const names: string[] = [];
    const watched: Runtime = {
      ...runtime,
      slot: (name) => {
        names.push(runtime.slot(name));
        return names[names.length - 1];
      },
    };
    await fit(task({ epochs: 1, runtime: watched }));
    const wild = fit(task({ runtime: watched, schedule: () => constantRate(1e30) }));
    await expect(wild).rejects.toMatchObject({ code: "TRAINING_DIVERGED" });
    expect(names.length).toBeGreaterThan(8);
    for (const name of names) await expect(runtime.get(name)).rejects.toThrow("nothing is stored");
  });

  test.each<[string, Partial<FitOptions>, string]>([
    ["no training sample", { train: new Int32Array() }, "expected at least one train sample, received none"],
    ["no validation sample", { validation: new Int32Array() }, "at least one validation sample"],
    ["a batch of none", { batchSize: 0 }, "expected batchSize of 1 or more, received 0"],
    ["half an epoch", { epochs: 0.5 }, "expected epochs of 1 or more, received 0.5"],
    ["no patience", { patience: 0 }, "expected patience of 1 or more, received 0"],
  ])("refuses %s", async (_, options, message) => {
    await expect(fit(task(options))).rejects.toMatchObject({
      code: "MODEL_OPTION_INVALID",
      message: expect.stringContaining(message),
    });
  });

  test.each<[string, Partial<FitOptions>, string]>([
    [
      "a training sample that is not there",
      { train: Int32Array.of(3, 80) },
      "train[1]: expected a whole number of 0 to 79, received 80",
    ],
    [
      "a sample below 0",
      { validation: Int32Array.of(5, 6, -1) },
      "validation[2]: expected a whole number of 0 to 79, received -1",
    ],
  ])("refuses %s", async (_, options, message) => {
    await expect(fit(task(options))).rejects.toMatchObject({
      code: "INDEX_OUT_OF_RANGE",
      message: `training: ${message}`,
    });
  });

  test("refuses a category that the model does not know, in the samples that it is given", async () => {
    const table = new FtTransformer(
      { numbers: 0, categories: [2, 3], outputs: 1, hiddenSize: 8, numLayers: 1, numHeads: 2 },
      keyFrom(1),
    );
    const plain = task();
    const codes = new BigInt64Array(2 * plain.data.y.shape[0]);
    const fitted = () =>
      fit({
        ...plain,
        epochs: 1,
        parameters: parametersOf(table),
        data: { y: plain.data.y, codes: { dtype: "int64", shape: [codes.length / 2, 2], data: codes } },
        train: Int32Array.of(1, 2, 3),
        validation: Int32Array.of(4, 5),
        loss: ({ data, indices, weights, pass }) =>
          weightedMean(
            meanSquaredError(
              table.apply({ codes: gather(data.codes, indices) }, pass),
              gather(data.y, indices),
            ),
            weights,
          ),
      });
    codes[2 * 7] = -1n; // a sample that is in neither part
    await fitted();
    codes[2 * 5] = 2n; // the first category of the next column, were it looked up
    await expect(fitted()).rejects.toMatchObject({
      code: "INDEX_OUT_OF_RANGE",
      message: "training: codes[5, 0]: expected a whole number of 0 to 1, received 2",
    });
    codes[2 * 5] = 1n;
    codes[2 * 1 + 1] = -1n;
    await expect(fitted()).rejects.toThrow(
      "training: codes[1, 1]: expected a whole number of 0 to 2, received -1",
    );
  });

  test("refuses the checkpoint of another network or optimiser", async () => {
    const place = mkdtempSync(join(folder, "size-"));
    await fit(task({ epochs: 1, checkpoints: folderCheckpoints(place, "run") }));
    const other = fit(task({ optimiser: sgd(), checkpoints: folderCheckpoints(place, "run") }));
    await expect(other).rejects.toMatchObject({
      code: "ARTIFACT_CORRUPT",
      message:
        "checkpoint: expected parameters[361], best[361], received parameters[361], best[361], mean[361], squares[361]",
    });
  });

  test("gives the same bits in four parts of a batch on one thread and on two, and the whole batch to rounding", async () => {
    const two = createRuntime({ threads: 2 });
    const whole = await fit(task({ shards: 1 }));
    const parts = [await fit(task({ shards: 4 })), await fit(task({ shards: 4, runtime: two }))];
    await two.close();
    expect(parts[0].parameters).toEqual(parts[1].parameters);
    expect(parts[0].history).toEqual(parts[1].history);
    parts[0].parameters.forEach((value, i) => {
      expect(value).toBeCloseTo(whole.parameters[i], 3); // 24 steps of Adam, which divides by small numbers
    });
  });

  test("returns and judges the averaged parameters where it keeps an average", async () => {
    const plain = await fit(task({ epochs: 1 }));
    const averaged = await fit(task({ epochs: 1, averageDecay: 0.5 }));
    expect(averaged.history[0].trainLoss).toBe(plain.history[0].trainLoss); // the way is the same
    expect(averaged.history[0].validationLoss).not.toBe(plain.history[0].validationLoss);
    // With no memory of what was, the average is the last parameters.
    expect((await fit(task({ epochs: 1, averageDecay: 0 }))).parameters).toEqual(plain.parameters);
    // What was returned is what was judged: it has that loss when it is where a training begins and nothing moves.
    const begun = task({ epochs: 1, optimiser: sgd(), schedule: () => () => 0 });
    let offset = 0;
    for (const { parameter } of begun.parameters) {
      parameter.value.set(averaged.parameters.subarray(offset, offset + parameter.value.length));
      offset += parameter.value.length;
    }
    expect((await fit(begun)).history[0].validationLoss).toBe(averaged.history[0].validationLoss);
  });

  test("stops by a metric and keeps the epoch that has the best of it", async () => {
    const { history, bestEpoch, stopped } = await fit(
      correlated({ epochs: 200, patience: 3, schedule: () => constantRate(0.3) }),
    );
    const values = history.map(({ metric }) => metric as number);
    expect(values[bestEpoch - 1]).toBe(Math.max(...values));
    expect(stopped).toBe("patience");
    expect(history.length).toBe(bestEpoch + 3);
  });

  test("refuses a metric that is no number, and a checkpoint that was judged by something else", async () => {
    const broken = fit(correlated({}, () => Number.NaN));
    await expect(broken).rejects.toMatchObject({
      code: "MODEL_OPTION_INVALID",
      message: "training: expected a finite correlation of the validation samples, received NaN",
    });
    const place = mkdtempSync(join(folder, "judged-"));
    await fit(task({ epochs: 1, checkpoints: folderCheckpoints(place, "run") }));
    const other = fit(correlated({ checkpoints: folderCheckpoints(place, "run") }));
    await expect(other).rejects.toMatchObject({
      code: "ARTIFACT_CORRUPT",
      message: "checkpoint: expected epochs judged by correlation, received others",
    });
  });

  test("reduces the rate on a plateau", async () => {
    const still = { epochs: 4, optimiser: sgd(), schedule: () => constantRate(1e-30) }; // the loss stays as it is
    const { history } = await fit(task({ ...still, plateau: reduceOnPlateau({ factor: 0.5, patience: 0 }) }));
    expect(history.map(({ learningRate }) => learningRate)).toEqual([1e-30, 1e-30, 5e-31, 2.5e-31]);
  });

  test("continues average, metric and plateau to the same bits", async () => {
    const options = {
      dropout: 0.3,
      averageDecay: 0.9,
      plateau: reduceOnPlateau({ factor: 0.5, patience: 0, threshold: 0.5 }), // no epoch is that much better
      schedule: () => constantRate(0.1),
    };
    const whole = await fit(correlated(options));
    expect(whole.history[5].learningRate).toBeLessThan(0.1);
    const checkpoints = folderCheckpoints(mkdtempSync(join(folder, "all-")), "run");
    const first = fit(correlated({ ...options, checkpoints, signal: abortAfterEpochs(3, checkpoints) }));
    await expect(first).rejects.toMatchObject({ code: "INTERRUPTED" });
    const resumed = await fit(correlated({ ...options, checkpoints }));
    expect(resumed.resumedFrom).toBe(3);
    expect(resumed.parameters).toEqual(whole.parameters);
    expect(resumed.history).toEqual(whole.history);
  });

  test("does not count the samples that fill the last batch", async () => {
    // With rate 0 and one batch of 64 places for 50 samples, the training loss is the mean over the 50 alone.
    const still = { epochs: 1, optimiser: sgd(), schedule: () => () => 0 };
    const padded = await fit(task({ ...still, batchSize: 64 }));
    const exact = await fit(task({ ...still, batchSize: 50 }));
    expect(padded.history[0].trainLoss).toBeCloseTo(exact.history[0].trainLoss, 6);
  });
});

describe("a network with batch norm", () => {
  const normed = () => {
    const [first, second] = splitKey(keyFrom(11));
    return { up: new Linear(3, 4, first), norm: new BatchNorm(4), head: new Linear(4, 1, second) };
  };
  const columns = {
    x: { dtype: "float32" as const, shape: [60, 3], data: Float32Array.from(normal(keyFrom(12), 180, 2, 3)) },
    y: { dtype: "float32" as const, shape: [60, 1], data: Float32Array.from(normal(keyFrom(13), 60)) },
  };
  const fitted = async (averageDecay: number | undefined, shards: number) => {
    const model = normed();
    const result = await fit({
      parameters: parametersOf(model),
      data: columns,
      train: Int32Array.from({ length: 40 }, (_, i) => i),
      validation: Int32Array.from({ length: 20 }, (_, i) => 40 + i),
      loss: ({ data: { x, y }, indices, weights, pass }) => {
        const hidden = model.norm.apply(model.up.apply(gather(x, indices)), pass);
        return weightedMean(meanSquaredError(model.head.apply(hidden), gather(y, indices)), weights);
      },
      optimiser: adam(),
      schedule: () => constantRate(0.01),
      batchSize: 10,
      epochs: 3,
      patience: 10,
      key: keyFrom(14),
      runtime,
      clock: { now: () => 0, elapsed: () => 0 },
      shards,
      ...(averageDecay === undefined ? {} : { averageDecay }),
    });
    return unpackParameters(parametersOf(model), result.parameters);
  };

  test.each([1, 2])(
    "keeps its statistics, judges and returns them beside an average too, in %i shards",
    async (shards) => {
      const plain = await fitted(undefined, shards);
      const averaged = await fitted(0.9, shards);
      const values = (list: typeof plain, name: string) => [
        ...(list.find((p) => p.name === name)?.values ?? []),
      ];
      for (const name of ["norm.runningMean", "norm.runningVariance"]) {
        expect(
          values(plain, name).every((value) => Number.isFinite(value) && value !== 0 && value !== 1),
        ).toBe(true);
      }
      expect(values(averaged, "norm.runningMean")).toHaveLength(4);
      expect(values(averaged, "head.weight")).not.toEqual(values(plain, "head.weight"));
    },
  );
});
