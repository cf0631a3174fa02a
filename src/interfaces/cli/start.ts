/** `fathom start`: the main job from end to end. Trains a forecast (or finds the one it trained before), shows it, serves it. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { type Context, capability, PlatformError, type Provider } from "../../base/index.ts";
import { forecastTrain, TrainInput } from "../../services/forecast/index.ts";
import { call, parseInput } from "../call.ts";
import { jsonSchemaOf } from "../schema.ts";
import { flagName } from "./flags.ts";
import { messages } from "./messages.ts";
import type { CommandWorld, ExtraCommand } from "./run.ts";

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
  }),
  output: z.void(),
  run: async () => {},
});

type MakeContext = (options: {
  dataFolder: string;
  compute: { provider: Provider };
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
      const { once, retrain, port, host, ...input } = parseInput(start, raw, flagName);
      const { dataFolder, provider, terminal, signal } = world;
      const compute = { provider };
      const context = makeContext({ dataFolder, compute, signal, progress: terminal, logger: terminal });
      const reference = input.out ?? `start-${await nameOf(input)}`;
      const found = retrain ? undefined : await context.models.locate(reference).catch(nothingThere);
      const folder = found ?? (await trainNow({ ...input, out: reference }, context, world));
      if (found) {
        const manifest = JSON.parse(await readFile(join(found, "manifest.json"), "utf8"));
        terminal.line(messages.reused(found, manifest.createdAt));
      }
      if (once) return;
      await serve.run({ artifact: folder, port, host, logLevel: "warn" }, world);
    },
  };
}

async function trainNow(
  input: TrainInput,
  context: Context,
  { terminal, print }: CommandWorld,
): Promise<string> {
  const output = await call(forecastTrain, input, context);
  terminal.close();
  print(forecastTrain.print?.(output) ?? "");
  return output.artifact;
}

/** Names a training by its input and by the bytes of its file, so that a changed file trains anew. */
async function nameOf({ out, ...deciding }: TrainInput): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(deciding));
  const path = resolve(deciding.data);
  if (deciding.data !== "simulated" && existsSync(path))
    await pipeline(createReadStream(path), hash, { end: false });
  return hash.digest("hex").slice(0, 16);
}

function nothingThere(error: unknown): undefined {
  if (error instanceof PlatformError && error.code === "ARTIFACT_MISSING") return undefined;
  throw error;
}
