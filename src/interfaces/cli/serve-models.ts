/** The models behind `/v2`, and the flags that say how they run. */
import { realpath } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import {
  type Clock,
  type Logger,
  type ModelReference,
  type ModelsPort,
  modelReference,
  type Platform,
  PlatformError,
  type ServingPlan,
} from "../../base/index.ts";
import { folderSource, ModelServer, pathSource, registrySource } from "../../platform/inference/index.ts";
import type { Metrics } from "../../platform/metrics/index.ts";
import { answersDiffer, isCandidateFor } from "../../platform/registry/index.ts";
import { messages } from "./messages.ts";

/** Fields of the settings of `fathom serve`. */
export const inferenceFields = {
  inferenceThreads: z
    .int()
    .min(1)
    .optional()
    .describe("threads that run models for /v2; one less than the processor has"),
  modelConcurrency: z.int().min(1).optional().describe("batches of one model at a time; as many as threads"),
  maxBatchRows: z.int().min(1).default(32).describe("rows that run together at most"),
  batchWindowMs: z.number().min(0).default(0).describe("how long a batch under load waits for more requests"),
  inferenceQueue: z.int().min(1).default(1024).describe("requests for one model that may wait"),
  inferenceTimeoutSeconds: z.number().positive().default(10).describe("how long one may wait and run"),
  loadedModels: z.int().min(1).default(32).describe("models in memory at a time"),
  modelRefreshSeconds: z.number().positive().default(2).describe("how often models are looked at again"),
};

export type InferenceSettings = z.output<z.ZodObject<typeof inferenceFields>>;

export interface ServedModels {
  readonly server: ModelServer;
  /** What `/v2` calls the model of `--artifact`. */
  readonly name?: string | undefined;
  /** Its artifact; none where it is a plain ONNX file. */
  readonly artifact?: {
    /** What capabilities are given when a request names none: an alias of the registry stays one. */
    readonly reference: string;
    readonly folder: string;
  };
  close(): Promise<void>;
}

/**
 * @param asked the artifact or ONNX file of `--artifact`
 * @throws PlatformError `ARTIFACT_MISSING`, `INPUT_INVALID` as `expectOwnName` says, and what the registry throws for a version that it does not have
 */
export async function serveModels(
  settings: InferenceSettings,
  world: {
    readonly asked: string | undefined;
    readonly dataFolder: string;
    readonly artifacts: ModelsPort;
    /** Opened when a model is asked for that the data folder does not have. */
    readonly platform: () => Promise<Platform>;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly metrics: Metrics;
  },
): Promise<ServedModels> {
  const { asked, dataFolder, artifacts, platform, clock, logger, metrics } = world;
  const isFile = asked?.endsWith(".onnx") === true;
  const folder = asked === undefined || isFile ? undefined : await artifacts.locate(asked);
  const isRegistered = asked !== undefined && !isFile && modelReference(asked) !== undefined;
  const served = asked === undefined || isRegistered ? undefined : pathSource(folder ?? resolve(asked));
  if (asked !== undefined && served !== undefined)
    await expectOwnName(folder ?? resolve(asked), { dataFolder, flag: "--artifact" });
  const registered = registrySource<ModelReference, ServingPlan>({
    registry: async () => (await platform()).registry,
    referenceOf: modelReference,
    isCandidateFor,
    answersDiffer: (champion, candidate) => answersDiffer(champion, candidate, answerTolerance),
    logger,
  });
  const server = new ModelServer({
    sources: [
      ...(served === undefined ? [] : [served]),
      // A registered name is the registry's: nothing that somebody puts into the folder takes its place.
      registered,
      folderSource(join(dataFolder, "models"), (name) => artifacts.locate(name)),
    ],
    workers: settings.inferenceThreads ?? Math.max(1, availableParallelism() - 1),
    threadsPerBatch: 1,
    concurrency: settings.modelConcurrency,
    maxBatchRows: settings.maxBatchRows,
    windowMs: settings.batchWindowMs,
    queueLimit: settings.inferenceQueue,
    timeoutMs: settings.inferenceTimeoutSeconds * 1000,
    maxLoaded: settings.loadedModels,
    refreshMs: settings.modelRefreshSeconds * 1000,
    elapsed: clock.elapsed,
    logger,
    onThreadLost(reason) {
      metrics.inferenceThreadLost();
      logger.warn("an inference thread ended", { reason: reason.message });
    },
    onInference: metrics.inference,
    onShadow: metrics.shadow,
  });
  metrics.inferenceDepth(() => server.depths());
  return {
    server,
    name: isRegistered ? asked : served?.name,
    ...(asked !== undefined &&
      folder !== undefined && { artifact: { reference: isRegistered ? asked : folder, folder } }),
    async close() {
      await server.close();
      await registered.close();
    },
  };
}

/**
 * Requests name a served model that lies elsewhere by the last part of its path, and so no model of the data folder may have that name.
 *
 * @param place of an artifact or an ONNX file
 * @param flag which said so
 * @throws PlatformError `INPUT_INVALID` naming both models
 */
export async function expectOwnName(
  place: string,
  { dataFolder, flag }: { readonly dataFolder: string; readonly flag: "--artifact" | "--out" },
): Promise<void> {
  const real = (path: string) => realpath(path).catch(() => undefined);
  const models = join(dataFolder, "models");
  const folder = await real(dirname(place));
  if (folder !== undefined && folder === (await real(models))) return;
  const name = join(models, pathSource(place).name);
  for (const other of [name, `${name}.onnx`]) {
    const found = await real(other);
    if (found === undefined || found === (await real(place))) continue;
    const message = messages.servedNameTaken(flag, place, other);
    throw new PlatformError("input", "INPUT_INVALID", message, { field: flag.slice(2) });
  }
}

/** Two answers differ when any number does by more than this share of the champion's. */
const answerTolerance = 0.01;
