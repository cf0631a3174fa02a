/** `fathom start`: the main job from end to end. Trains a forecast (or finds the one it trained before), shows it, serves it. */
import { resolve } from "node:path";
import { z } from "zod";
import {
  type Compute,
  type Context,
  capability,
  type MarketPort,
  PlatformError,
  type PriceTable,
} from "../../base/index.ts";
import { artifactFolder } from "../../platform/local/index.ts";
import {
  type Difference,
  forecastTrain,
  readForecastArtifact,
  sourceOf,
  TrainInput,
  trainingDifferences,
  trainingName,
} from "../../services/forecast/index.ts";
import { call, parseInput } from "../call.ts";
import { checkPort } from "../http/index.ts";
import { showValue } from "../issues.ts";
import { jsonSchemaOf } from "../schema.ts";
import { flagName } from "./flags.ts";
import { messages } from "./messages.ts";
import type { CommandWorld, ExtraCommand } from "./run.ts";
import { expectKeys } from "./serve.ts";
import { expectOwnName } from "./serve-models.ts";

/** The input of a training, with the defaults of the main job, and where to serve. */
const start = capability({
  name: "start",
  summary: messages.startSummary,
  input: TrainInput.extend({
    data: z
      .string()
      .min(1)
      .default("simulated")
      .describe("price file, or 'simulated' for the built-in market"),
    horizon: z.array(z.number().int().min(1)).min(1).default([1, 5]).describe("bars ahead, one or several"),
    once: z.boolean().default(false).describe("end after the report"),
    retrain: z.boolean().default(false).describe("train even when the same model is there"),
    port: z.int().min(0).max(65535).default(8080).describe("0 takes any free port"),
    host: z.string().min(1).default("127.0.0.1").describe("0.0.0.0 serves other machines too"),
    keys: z.boolean().default(true).describe("ask for an API key; --no-keys is for a loopback host only"),
  }),
  output: z.void(),
  run: async () => {},
});

type MakeContext = (options: {
  dataFolder: string;
  compute: Compute;
  signal: AbortSignal;
  progress: CommandWorld["terminal"];
  logger: CommandWorld["terminal"];
}) => Context;

/** @param serve the command that serves an artifact, run after the report */
export function startCommand(serve: ExtraCommand, makeContext: MakeContext): ExtraCommand {
  return {
    name: start.name,
    summary: start.summary,
    schema: jsonSchemaOf(start.input),
    async run(raw, world) {
      const { once, retrain, port, host, keys, ...input } = parseInput(start, raw, flagName);
      if (!once) {
        expectKeys({ host, keys });
        await checkPort({ host, port });
        if (input.out !== undefined) {
          const dataFolder = resolve(world.dataFolder);
          await expectOwnName(artifactFolder(input.out, { dataFolder }), { dataFolder, flag: "--out" });
        }
      }
      const folder = await obtain(input, { retrain }, makeContext, world);
      if (once) return;
      const { given } = world.configuration;
      const configured = Object.entries(given).filter(([name]) =>
        Object.hasOwn(serve.schema.properties ?? {}, name),
      );
      const settings = {
        logLevel: "warn",
        ...Object.fromEntries(configured),
        artifact: folder,
        port,
        host,
        keys,
      };
      await serve.run(settings, world);
    },
  };
}

/** The folder of the model: the one that this training gave before, else a new one. */
async function obtain(
  input: TrainInput,
  { retrain }: { retrain: boolean },
  makeContext: MakeContext,
  world: CommandWorld,
): Promise<string> {
  const { dataFolder, compute, terminal, signal } = world;
  const local = makeContext({ dataFolder, compute, signal, progress: terminal, logger: terminal });
  const context = { ...local, market: readOnce(local.market) };
  const progress = { stage: "read", total: 1, message: input.data };
  terminal.report({ ...progress, done: 0 }); // the end is reported by the training, which finds the prices read
  const { fingerprint } = await context.market.read(sourceOf(input), { signal });
  const reference = input.out ?? `start-${trainingName({ input, fingerprint })}`;
  const found = retrain ? undefined : await context.models.locate(reference).catch(nothingThere);
  if (found === undefined) return trainNow({ ...input, out: reference, replace: retrain }, context, world);
  terminal.report({ ...progress, done: 1 });
  const made = await readForecastArtifact(found);
  const differences = trainingDifferences(made, { input, fingerprint });
  if (differences.length > 0) {
    const message = messages.otherTraining(reference, differences.map(describeDifference));
    throw new PlatformError("conflict", "ARTIFACT_DIFFERS", message, { file: reference });
  }
  terminal.line(messages.reused(found, made.artifact.manifest.createdAt));
  if (world.json) world.print(JSON.stringify(reusedDocument(found, made)));
  return found;
}

async function trainNow(
  input: TrainInput,
  context: Context,
  { terminal, json, print }: CommandWorld,
): Promise<string> {
  const output = await call(forecastTrain, input, context);
  terminal.close();
  print(json ? JSON.stringify(output) : (forecastTrain.print?.(output) ?? ""));
  return output.artifact;
}

/** With `--json`: what the manifest knows of the output of the training, under the same names. */
function reusedDocument(
  folder: string,
  { artifact: { manifest }, configuration }: Awaited<ReturnType<typeof readForecastArtifact>>,
) {
  const { testSet, ...metrics } = manifest.metrics;
  return {
    reused: true,
    artifact: folder,
    report: `${folder}/report.html`,
    target: configuration.input.target,
    parameters: manifest.parameters,
    trainedAt: manifest.createdAt,
    ...metrics,
  };
}

/** Standard input can be read once only, and the bytes that are compared have to be those that are trained on. */
function readOnce(market: MarketPort): MarketPort {
  const tables = new Map<string, Promise<PriceTable>>();
  return {
    read(source, options) {
      const key = JSON.stringify(source);
      const table = tables.get(key) ?? market.read(source, options);
      tables.set(key, table);
      return table;
    },
  };
}

function describeDifference(difference: Difference): string {
  const flag = flagName([difference.field]);
  if ("bytes" in difference) return messages.otherBytes(flag);
  return messages.otherField(flag, showValue(difference.asked), showValue(difference.found));
}

function nothingThere(error: unknown): undefined {
  if (error instanceof PlatformError && error.code === "ARTIFACT_MISSING") return undefined;
  throw error;
}
