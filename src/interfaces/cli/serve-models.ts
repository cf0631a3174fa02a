/** The models behind `/v2`, and the flags that say how they run. */
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { Clock, Logger, ModelsPort } from "../../base/index.ts";
import { folderSource, ModelServer, pathSource } from "../../platform/inference/index.ts";
import type { Metrics } from "../../platform/metrics/index.ts";

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
  /** The folder of the artifact that was asked for, for capabilities that take one; none where a plain ONNX file was. */
  readonly artifact?: string | undefined;
  /** What `/v2` calls it. */
  readonly name?: string | undefined;
}

/**
 * @param asked the artifact or ONNX file of `--artifact`
 * @throws PlatformError `ARTIFACT_MISSING`
 */
export async function serveModels(
  settings: InferenceSettings,
  world: {
    readonly asked: string | undefined;
    readonly dataFolder: string;
    readonly artifacts: ModelsPort;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly metrics: Metrics;
  },
): Promise<ServedModels> {
  const { asked, dataFolder, artifacts, clock, logger, metrics } = world;
  const isFile = asked?.endsWith(".onnx") === true;
  const artifact = asked === undefined || isFile ? undefined : await artifacts.locate(asked);
  const served = asked === undefined ? undefined : pathSource(artifact ?? resolve(asked));
  const server = new ModelServer({
    sources: [
      ...(served === undefined ? [] : [served]),
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
  return { server, artifact, name: served?.name };
}
