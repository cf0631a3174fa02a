/** What a training writes down as it goes. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createRuntime } from "../engine/index.ts";
import { folderCheckpoints } from "./checkpoint.ts";
import { fit } from "./fit.ts";
import { abortAfterEpochs, type FitTaskOptions, fitTask } from "./testing/fit-task.ts";
import { fileLog, type TrainingRecord } from "./training-log.ts";

const runtime = createRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "fathom-fit-log-"));
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true });
});
const task = (options: FitTaskOptions = {}) => fitTask(runtime, options);

describe("the log of a training", () => {
  const logged = (records: TrainingRecord[]) => ({
    begin: async () => {},
    write: async (added: readonly TrainingRecord[]) => void records.push(...added),
  });

  test("has the mean of so many steps in each record, and the rest of an epoch in its last", async () => {
    const [one, three]: TrainingRecord[][] = [[], []];
    await fit(task({ epochs: 2, log: logged(one), logEvery: 1 }));
    const { history } = await fit(task({ epochs: 2, log: logged(three), logEvery: 3 }));
    expect(one.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]); // 50 samples are four batches of 16
    expect(three.map(({ step, epoch }) => [step, epoch])).toEqual([
      [3, 1],
      [4, 1],
      [7, 2],
      [8, 2],
    ]);
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(three[0].loss).toBe(mean(one.slice(0, 3).map(({ loss }) => loss)));
    expect(three[2].gradientNorm).toBe(mean(one.slice(4, 7).map(({ gradientNorm }) => gradientNorm)));
    expect(mean(one.slice(0, 4).map(({ loss }) => loss))).toBeCloseTo(history[0].trainLoss, 12);
    expect(one[0].learningRate).toBeCloseTo(0.02, 8);
  });

  test("is the same file after an interruption, and after a line that was not finished", async () => {
    const place = mkdtempSync(join(folder, "log-"));
    const [whole, cut] = [join(place, "whole.jsonl"), join(place, "cut.jsonl")];
    await fit(task({ log: fileLog(whole), logEvery: 1 }));
    const checkpoints = folderCheckpoints(mkdtempSync(join(folder, "log-run-")), "run");
    const signal = abortAfterEpochs(2, checkpoints);
    await expect(fit(task({ log: fileLog(cut), logEvery: 1, checkpoints, signal }))).rejects.toThrow();
    appendFileSync(cut, '{"step":9,"epoch":3,"loss":0.5,"learningRate":0.02,"gradientNorm":1}\n{"step":1');
    await fit(task({ log: fileLog(cut), logEvery: 1, checkpoints }));
    expect(readFileSync(cut, "utf8")).toBe(readFileSync(whole, "utf8"));
    expect((await fileLog(cut).records()).length).toBe(24);
  });

  test("refuses a file that is not one", async () => {
    const file = join(mkdtempSync(join(folder, "foreign-")), "log.jsonl");
    writeFileSync(file, '{"step":1}\n');
    await expect(fit(task({ log: fileLog(file) }))).rejects.toMatchObject({
      code: "ARTIFACT_CORRUPT",
      message: expect.stringContaining("log.jsonl, line 1: expected a record of a training"),
    });
    writeFileSync(file, "step 1\n");
    await expect(fit(task({ log: fileLog(file) }))).rejects.toMatchObject({ code: "ARTIFACT_CORRUPT" });
  });
});
