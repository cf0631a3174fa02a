/** `fathom worker`: runs queued jobs, beside others on this machine or elsewhere. */
import { resolve } from "node:path";
import { pino } from "pino";
import { z } from "zod";
import { capability } from "../../base/index.ts";
import type { Worker } from "../../platform/jobs/index.ts";
import type { LazyPlatform } from "../../platform/local/index.ts";
import { parseInput } from "../call.ts";
import { startLocalWorker } from "../jobs/start-worker.ts";
import { jsonSchemaOf } from "../schema.ts";
import { flagName } from "./flags.ts";
import { messages } from "./messages.ts";
import type { ExtraCommand } from "./run.ts";
import type { Terminal } from "./terminal.ts";
import { packageVersion } from "./version.ts";

/** How commands that run jobs reach them. */
export interface JobWorld {
  /** The platform of a data folder, opened when first needed and closed by whoever owns the process. */
  readonly platformOf: (dataFolder: string, databaseUrl: string | undefined) => LazyPlatform;
  /** The module of the processes that run jobs; the product's own when absent. */
  readonly module?: URL | undefined;
}

export const jobFlags = {
  leaseSeconds: z
    .number()
    .min(1)
    .max(3600)
    .default(15)
    .describe("a worker that is not heard of for so long loses its jobs to another one"),
};

/** Its settings: every one is a flag, a variable and a line of the configuration file. */
export const WorkerSettings = z.object({
  concurrency: z.int().min(1).max(1000).default(1).describe("jobs at a time, each in a process of its own"),
  stopSeconds: z
    .number()
    .min(0)
    .default(30)
    .describe("how long jobs may take to save their work when it stops"),
  ...jobFlags,
  logLevel: z
    .enum(["silent", "error", "warn", "info", "debug"])
    .default("info")
    .describe("what is logged on standard error, as JSON lines"),
});

/** Its flags, described as a capability's are; it is none, since it does not end. */
const worker = capability({
  name: "worker",
  summary: messages.workerSummary,
  input: WorkerSettings,
  output: z.void(),
  run: async () => {},
});

export function workerCommand(jobs: JobWorld): ExtraCommand {
  return {
    name: worker.name,
    summary: worker.summary,
    schema: jsonSchemaOf(worker.input),
    async run(raw, { dataFolder, compute, terminal, signal, configuration }) {
      const { logLevel, ...options } = parseInput(worker, raw, flagName);
      const logger = pino({ level: logLevel }, pino.destination(2));
      const folder = resolve(dataFolder);
      const { databaseUrl } = configuration.values;
      const running = await startLocalWorker({
        ...jobs,
        ...options,
        platform: jobs.platformOf(folder, databaseUrl),
        databaseUrl,
        dataFolder: folder,
        compute,
        what: messages.workerName,
        version: packageVersion(),
        logger: {
          info: (message, values) => logger.info({ ...values }, message),
          warn: (message, values) => logger.warn({ ...values }, message),
        },
      });
      terminal.line(messages.working(running.name, options.concurrency));
      await new Promise<void>((done) => {
        if (signal.aborted) return done();
        signal.addEventListener("abort", () => done(), { once: true });
      });
      await stopWorker(running, terminal);
      terminal.line(messages.stopped);
    },
  };
}

/** Lets what runs save itself, and says so. */
export async function stopWorker(running: Worker | undefined, terminal: Terminal): Promise<void> {
  const count = running?.running() ?? 0;
  if (count > 0) terminal.line(messages.draining(count));
  await running?.stop();
}
