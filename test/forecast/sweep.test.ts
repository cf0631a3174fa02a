import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { JobHandle, JobOutcome } from "../../src/base/index.ts";
import { localContext } from "../../src/platform/local/index.ts";
import { SweepInput, type TrainInput } from "../../src/services/forecast/schema.ts";
import { sweep, sweepTable } from "../../src/services/forecast/sweep.ts";

async function world(job?: JobHandle) {
  const dataFolder = await mkdtemp(join(tmpdir(), "fathom-sweep-"));
  onTestFinished(() => rm(dataFolder, { recursive: true, force: true }));
  return localContext({ dataFolder, job });
}

const quick = { data: "simulated", to: "2017-06-30", lookback: 5, hiddenSize: 2, epochs: 1, batchSize: 1024 };

test("hands one training for each symbol and seed to its job, and gathers what became of them in order", async () => {
  const asked: TrainInput[] = [];
  const runParts = async (requests: readonly { capability: string; input: unknown }[]) => {
    asked.push(...requests.map(({ input }) => input as TrainInput));
    return requests.map(({ capability }, i): JobOutcome => {
      expect(capability).toBe("forecast.train");
      const failure = {
        kind: "conflict",
        code: "TRAINING_DIVERGED",
        message: "epoch 3",
        details: {},
      } as const;
      if (i === 1) return { id: `job ${i}`, status: "failed", output: null, failure };
      return { id: `job ${i}`, status: "done", output: answer(0.01 * (i + 1)), failure: null };
    });
  };
  const input = SweepInput.parse({
    ...quick,
    seeds: [7, 8],
    eachSymbol: true,
    symbols: ["A", "B/C"],
    out: "m",
  });
  const output = await sweep(input, await world({ id: "parent", runParts }));
  expect(asked.map(({ symbols, seed, out }) => [symbols, seed, out])).toEqual([
    [["A"], 7, "m-A-seed7"],
    [["A"], 8, "m-A-seed8"],
    [["B/C"], 7, "m-B_C-seed7"],
    [["B/C"], 8, "m-B_C-seed8"],
  ]);
  expect(output.trainings.map(({ symbol, seed, job, skill }) => [symbol, seed, job, skill])).toEqual([
    ["A", 7, "job 0", 0.01],
    ["A", 8, "job 1", null],
    ["B/C", 7, "job 2", 0.03],
    ["B/C", 8, "job 3", 0.04],
  ]);
  expect(output.failed).toBe(1);
  // Mean of 1, 3 and 4 percent is 8/3; squares of the deviations -5/3, 1/3 and 4/3 sum to 42/9, over 2 is 21/9.
  expect(output.skill?.mean).toBeCloseTo(0.08 / 3, 12);
  expect(output.skill?.standardDeviation).toBeCloseTo(0.01 * Math.sqrt(21 / 9), 12);
  expect(sweepTable(output)).toContain("TRAINING_DIVERGED: epoch 3");
});

test("counts no seed twice", () => {
  expect(SweepInput.safeParse({ ...quick, seeds: [1, 2, 1] }).error?.issues[0].message).toMatch(
    /each seed once/,
  );
});

test("trains in turn where it runs as no job, and goes on after a training that fails", async () => {
  const input = SweepInput.parse({ ...quick, seeds: [1, 2], eachSymbol: true, symbols: ["NOBODY"] });
  const failed = await sweep(input, await world());
  expect(failed).toMatchObject({ failed: 2, skill: null });
  expect(failed.trainings[0].failure).toMatch(/^DATA_SYMBOL_UNKNOWN: /);
  const { trainings, skill } = await sweep(SweepInput.parse({ ...quick, seeds: [3] }), await world());
  expect(trainings).toMatchObject([{ seed: 3, symbol: null, job: null, failure: null }]);
  expect(skill).toEqual({
    mean: trainings[0].skill,
    standardDeviation: null,
    lowest: trainings[0].skill,
    highest: trainings[0].skill,
  });
});

/** What a training answers with, as far as a sweep reads it. */
function answer(skill: number) {
  const model = {
    mse: 1,
    mae: 1,
    rmse: 1,
    directionAccuracy: null,
    ic: null,
    rankIc: null,
    auc: null,
    logLoss: null,
  };
  const score = {
    n: 1,
    model,
    naive: { mse: 1, mae: 1, directionAccuracy: null, logLoss: null },
    linear: { mse: 1, mae: 1, directionAccuracy: null, ic: null },
    skill,
    linearSkill: null,
    pValue: null,
    trueMeanSkill: null,
    trueMeanSkillError: null,
    coverage: [],
    interval: null,
  };
  return { artifact: "model", test: { ...score, horizons: [] } };
}
