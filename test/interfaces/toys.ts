/** Small capabilities that stand in for the real ones: every way a capability can answer, fail, report and wait. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Capability, capability, interrupted, PlatformError } from "../../src/base/index.ts";

const average = capability({
  name: "toy.movingAverage",
  summary: "Means of the last values",
  paths: ["data"],
  input: z.object({
    data: z
      .string()
      .min(1)
      .describe("price file")
      .meta({ examples: ["prices.csv"] }),
    lookback: z.int().min(2).max(500).default(30).describe("how many values"),
    method: z.enum(["simple", "exponential"]).default("simple").describe("kind of mean"),
    horizon: z.array(z.int().min(1)).default([1]).describe("days ahead"),
    symbols: z.array(z.string()).optional().describe("only these symbols"),
    from: z.iso.date().optional().describe("first day"),
    rate: z
      .union([z.number().positive(), z.literal("auto")])
      .default("auto")
      .describe("learning rate"),
    refit: z.boolean().default(true).describe("fit again"),
    cleaning: z
      .object({
        outliers: z.enum(["hampel", "iqr", "none"]).default("hampel").describe("rule for outliers"),
        maxGap: z.int().min(0).default(5).describe("longest gap to fill"),
      })
      .prefault({}),
    weights: z.record(z.string(), z.number()).optional().describe("share of each symbol"),
  }),
  output: z.object({ received: z.record(z.string(), z.unknown()), mean: z.number() }),
  print: ({ mean }) => `mean ${mean}`,
  run: async (input) => ({ received: input, mean: 0.5 }),
});

/** Counts slowly, reports, and stops when it is told to. */
const count = capability({
  name: "toy.count",
  summary: "Counts, and says how far it is",
  mode: "task",
  input: z.object({
    to: z.int().min(1).default(3),
    stepMs: z.int().min(0).default(1),
    fail: z.enum(["no", "field", "conflict", "bug"]).default("no"),
  }),
  output: z.object({ counted: z.int() }),
  async run({ to, stepMs, fail }, { progress, signal, logger }) {
    logger.info("counting", { to });
    for (let i = 1; i <= to; i++) {
      await sleep(stepMs, undefined, { signal }).catch(() => {
        throw interrupted("toy.count");
      });
      progress.report({ stage: "count", done: i, total: to, unit: "steps", values: { loss: 1 / i } });
    }
    if (fail === "field") {
      const message = `stepMs: expected a later one, received ${stepMs}`;
      throw new PlatformError("input", "INPUT_INVALID", message, { field: "stepMs" });
    }
    if (fail === "conflict")
      throw new PlatformError("conflict", "TRAINING_DIVERGED", "toy.count: the loss became NaN");
    if (fail === "bug") throw new Error("secret insides");
    return { counted: to };
  },
});

/** Answers only when it is stopped, and then with an error that is none of ours. */
const wait = capability({
  name: "toy.wait",
  summary: "Waits for ever",
  input: z.object({}),
  output: z.object({}),
  run: (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("stopped somehow")))),
});

/** Takes its time, and cannot be hurried. */
const nap = capability({
  name: "toy.nap",
  summary: "Rests for a while",
  input: z.object({ ms: z.int().default(1) }),
  output: z.object({ rested: z.boolean() }),
  run: ({ ms }, { signal }) => sleep(ms, { rested: true }, { signal }),
});

/** Answers with what its output schema does not allow. */
const wrong = capability({
  name: "toy.wrong",
  summary: "Answers wrongly",
  input: z.object({}),
  output: z.object({ mean: z.number() }),
  run: async () => ({ mean: Number.NaN }),
});

const locate = capability({
  name: "toy.locate",
  summary: "Finds an artifact",
  artifacts: ["artifact"],
  positional: "artifact",
  input: z.object({ artifact: z.string().min(1).describe("trained model") }),
  output: z.object({ folder: z.string() }),
  run: async ({ artifact }, { models }) => ({ folder: await models.locate(artifact) }),
});

/** Writes into a file what it may compute with, and says where: in its answer, its progress and its log. */
const write = capability({
  name: "toy.write",
  summary: "Writes a file, and says where",
  mode: "task",
  paths: ["file"],
  input: z.object({ file: z.string().min(1) }),
  output: z.object({ report: z.string(), summary: z.string() }),
  async run({ file }, { progress, logger, compute }) {
    logger.info(`begins with ${file}`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${compute.threads} threads of the ${compute.provider}`);
    progress.report({ stage: "write", done: 1, total: 1, message: `writes ${file}` });
    return { report: file, summary: `${file} was written, and nothing else in ${dirname(file)}` };
  },
});

/** Asks the right to something else where its input does. */
const keep = capability({
  name: "toy.keep",
  summary: "Keeps something, under a name when one is given",
  input: z.object({ under: z.string().optional() }),
  output: z.object({ kept: z.boolean() }),
  needs: ({ under }) => (under === undefined ? [] : [{ name: "toy.name", effect: "writes" }]),
  run: async () => ({ kept: true }),
});

export const toys = [
  average,
  count,
  wait,
  nap,
  wrong,
  locate,
  write,
  keep,
] as unknown as readonly Capability[];
