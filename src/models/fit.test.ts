import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normal, type Progress } from "../base/index.ts";
import {
  adam,
  constantRate,
  createRuntime,
  gather,
  meanSquaredError,
  parametersOf,
  type Runtime,
  sgd,
  type TensorValue,
  weightedMean,
} from "../engine/index.ts";
import { folderCheckpoints } from "./checkpoint.ts";
import { type FitOptions, fit } from "./fit.ts";
import { network } from "./networks/network.ts";

const runtime = createRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "fathom-fit-"));
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true });
});

/** A small task with a known rule: the sum of the last two values of the window, and a little noise. */
function task(options: Partial<FitOptions> & { dropout?: number } = {}): FitOptions {
  const [samples, lookback] = [80, 6];
  const x = Float32Array.from(normal(keyFrom(1), samples * lookback));
  const noise = normal(keyFrom(2), samples, 0, 0.05);
  const y = Float32Array.from(noise, (e, i) => x[i * lookback + 4] + x[i * lookback + 5] + e);
  const data: Record<string, TensorValue> = {
    x: { dtype: "float32", shape: [samples, lookback, 1], data: x },
    y: { dtype: "float32", shape: [samples, 1], data: y },
  };
  const size = {
    lookback,
    features: 1,
    outputs: 1,
    hiddenSize: 8,
    numLayers: 1,
    dropout: options.dropout ?? 0,
  };
  const model = network("lstm", size, keyFrom(3));
  return {
    parameters: parametersOf(model),
    data,
    train: Int32Array.from({ length: 50 }, (_, i) => i),
    validation: Int32Array.from({ length: 30 }, (_, i) => 50 + i),
    loss: ({ data, indices, weights, pass }) =>
      weightedMean(
        meanSquaredError(model.apply(gather(data.x, indices), pass), gather(data.y, indices)),
        weights,
      ),
    optimiser: adam(),
    schedule: () => constantRate(0.02),
    batchSize: 16, // 50 samples are three batches and two samples more
    epochs: 6,
    patience: 100,
    key: keyFrom(4),
    runtime,
    clock: { now: () => 0, elapsed: () => 0 },
    ...options,
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

  test("stops when the loss is no number any more, and keeps the last good checkpoint", async () => {
    const checkpoints = folderCheckpoints(mkdtempSync(join(folder, "diverge-")), "run");
    await fit(task({ epochs: 1, checkpoints }));
    const wild = task({
      epochs: 5,
      checkpoints,
      schedule: () => (step) => (step < 4 ? 0.01 : 1e30),
      optimiser: adam(),
    });
    await expect(fit(wild)).rejects.toMatchObject({ code: "TRAINING_DIVERGED" });
    expect((await checkpoints.load())?.history.length).toBeGreaterThanOrEqual(1);
  });

  test("does not count the samples that fill the last batch", async () => {
    // With rate 0 and one batch of 64 places for 50 samples, the training loss is the mean over the 50 alone.
    const still = { epochs: 1, optimiser: sgd(), schedule: () => () => 0 };
    const padded = await fit(task({ ...still, batchSize: 64 }));
    const exact = await fit(task({ ...still, batchSize: 50 }));
    expect(padded.history[0].trainLoss).toBeCloseTo(exact.history[0].trainLoss, 6);
  });
});

/** A signal that fires once so many epochs are saved. */
function abortAfterEpochs(epochs: number, checkpoints: ReturnType<typeof folderCheckpoints>): AbortSignal {
  const controller = new AbortController();
  const { save } = checkpoints;
  let saved = 0;
  Object.assign(checkpoints, {
    save: async (state: Parameters<typeof save>[0]) => {
      await save(state);
      if (++saved === epochs) controller.abort();
    },
  });
  return controller.signal;
}
