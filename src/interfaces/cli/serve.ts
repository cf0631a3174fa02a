/** `fathom serve`: the HTTP server with the local platform behind it. */
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { z } from "zod";
import { type Capability, capability, type Logger, PlatformError } from "../../base/index.ts";
import type { Worker } from "../../platform/jobs/index.ts";
import { localContext, systemClock } from "../../platform/local/index.ts";
import { createLogger } from "../../platform/logs/index.ts";
import { createMetrics } from "../../platform/metrics/index.ts";
import { createTracer } from "../../platform/traces/index.ts";
import { parseInput } from "../call.ts";
import { failureOf } from "../failure.ts";
import { buildServer, checkPort, listen, localNames } from "../http/index.ts";
import { startLocalWorker } from "../jobs/start-worker.ts";
import type { ModelSettings } from "../model-settings.ts";
import { jsonSchemaOf } from "../schema.ts";
import { flagName } from "./flags.ts";
import { messages } from "./messages.ts";
import type { ExtraCommand } from "./run.ts";
import { inferenceFields, serveModels } from "./serve-models.ts";
import { packageVersion } from "./version.ts";
import { type JobWorld, jobFlags, stopWorker } from "./worker.ts";

/** Its settings: every one is a flag, a variable and a line of the configuration file. */
export const ServeSettings = z.object({
  port: z
    .int()
    .min(0)
    .max(65535)
    .default(8080)
    .describe("0 takes any free port")
    .meta({ variables: ["PORT"] }),
  host: z.string().min(1).default("127.0.0.1").describe("0.0.0.0 serves other machines too"),
  artifact: z.string().min(1).optional().describe("the model that requests use when they name none"),
  bodyLimitBytes: z
    .int()
    .min(1024)
    .default(1024 * 1024)
    .describe("the largest request body"),
  answerTimeoutSeconds: z.number().positive().default(60).describe("how long an answer may take"),
  runningTasks: z
    .int()
    .min(0)
    .default(1)
    .describe("how many jobs run here at a time; others wait, or run in workers; 0 leaves all to workers"),
  waitingTasks: z.int().min(0).default(1000).describe("how many jobs may wait before new ones are refused"),
  stopSeconds: z
    .number()
    .min(0)
    .default(10)
    .describe(
      "how long requests in flight, and jobs that save their work, may take when it stops; 30 for fathom worker",
    ),
  leaseSeconds: jobFlags.leaseSeconds,
  ...inferenceFields,
  logLevel: z
    .enum(["silent", "error", "warn", "info", "debug"])
    .default("info")
    .describe("what is logged on standard error, as JSON lines"),
  keys: z.boolean().default(true).describe("ask for an API key; --no-keys is for a loopback host only"),
  requestsPerSecond: z
    .number()
    .min(0)
    .default(2000)
    .describe("requests per second of one key; 0 for no limit"),
  modelRequestsPerSecond: z
    .number()
    .min(0)
    .default(0)
    .describe("and for one model, of all keys; 0 for no limit"),
  burstSeconds: z
    .number()
    .positive()
    .default(2)
    .describe("so many seconds' worth of requests may come at once"),
  failedAttemptsPerMinute: z.int().min(1).default(30).describe("wrong keys that one address may try"),
  allowedOrigins: z
    .array(z.url())
    .default([])
    .describe("web origins whose pages may ask, beside the server's own"),
  trustedProxies: z
    .array(z.string().min(1))
    .default([])
    .describe("proxies whose X-Forwarded-For is believed, by address or network"),
  tracesTo: z
    .url()
    .optional()
    .describe("where traces are sent (OTLP over HTTP); none are made when absent")
    .meta({ variables: ["OTEL_EXPORTER_OTLP_ENDPOINT"] }),
  headerLimitBytes: z.int().min(1024).default(16384).describe("the largest headers of a request together"),
});

/** Its flags, described as a capability's are; it is none, since it does not end. */
const serve = capability({
  name: "serve",
  summary: messages.serveSummary,
  input: ServeSettings,
  output: z.void(),
  run: async () => {},
});

/** The model of `--artifact`, loaded while the server already answers about its health. */
export interface ServedModel {
  ready(): boolean;
  close(): Promise<void>;
}

/** A plain ONNX file is ready when it is loaded. */
const alwaysReady: ServedModel = { ready: () => true, close: async () => {} };

/** @param folder the artifact's */
export type OpenModel = (folder: string, signal: AbortSignal) => Promise<ServedModel>;

/**
 * @param openModel loads and checks the model of `--artifact` before the server is ready
 * @param jobs how jobs are reached and run
 * @param settings what to do with a model without a signature
 */
export function serveCommand(
  capabilities: readonly Capability[],
  openModel: OpenModel,
  jobs: JobWorld,
  settings: () => Pick<ModelSettings, "unsigned"> = () => ({ unsigned: undefined }),
): ExtraCommand {
  return {
    name: serve.name,
    summary: serve.summary,
    schema: jsonSchemaOf(serve.input),
    async run(raw, { dataFolder, compute, terminal, signal, configuration }) {
      const options = parseInput(serve, raw, flagName);
      const { host, port, tracesTo } = options;
      const folder = resolve(dataFolder);
      const { unsigned } = settings();
      expectKeys(options);
      const { databaseUrl } = configuration.values;
      const platform = jobs.platformOf(folder, databaseUrl);
      // Many lines at a time and never waiting for the reader: a write for each would cost a request more than its log is worth.
      const destination = pino.destination({ dest: 2, sync: false, minLength: 4096, periodicFlush: 100 });
      const logger = createLogger({ level: options.logLevel, destination });
      const metrics = createMetrics();
      // Found before anything opens, from where the user stands; a request's own paths start at the data folder.
      const models = await serveModels(options, {
        asked: options.artifact,
        dataFolder: folder,
        artifacts: localContext({ dataFolder, signal, unsigned, platform: platform.open }).models,
        platform: platform.open,
        clock: systemClock,
        logger: portLogger(logger),
        metrics,
      });
      const { artifact } = models;
      const service = { name: "fathom", version: packageVersion() };
      const closeModels = async () => {
        await models.close();
        metrics.close();
        destination.flushSync();
      };
      // Threads that still start must not be left to the end of the process, which would abort inside ONNX Runtime.
      const { tracer, release } = await orClearUp(closeModels, async () => {
        await checkPort({ host, port });
        return {
          tracer: tracesTo === undefined ? undefined : await createTracer({ endpoint: tracesTo, service }),
          release: await platform.claim(serverName(options)),
        };
      });
      let model: ServedModel | undefined;
      /** Not before the first key was printed: whoever waits for a server that is ready finds it there. */
      let admits = !options.keys;
      const app = buildServer({
        // Without keys nobody is known, and nobody unknown makes keys that outlive this server.
        capabilities: options.keys
          ? capabilities
          : capabilities.filter(({ name }) => !name.startsWith("keys.")),
        version: packageVersion(),
        dataFolder: folder,
        clock: systemClock,
        logger,
        bodyLimitBytes: options.bodyLimitBytes,
        answerTimeoutMs: options.answerTimeoutSeconds * 1000,
        stopLimitMs: options.stopSeconds * 1000,
        jobs: async () => (await platform.open()).jobs,
        waitingTasks: options.waitingTasks,
        defaults: artifact === undefined ? {} : artifactDefaults(capabilities, artifact.reference),
        models: models.server,
        watching: { metrics, tracer },
        ready: () => admits && (models.name === undefined || model?.ready() === true),
        onClose: async () => {
          await model?.close();
          await tracer?.close();
          await closeModels();
        },
        ...allowedHosts(host),
        headerLimitBytes: options.headerLimitBytes,
        trustedProxies: options.trustedProxies,
        guard: {
          keys: options.keys ? async () => (await platform.open()).keys : undefined,
          clock: systemClock,
          requestsPerSecond: options.requestsPerSecond,
          modelRequestsPerSecond: options.modelRequestsPerSecond,
          burstSeconds: options.burstSeconds,
          failedAttemptsPerMinute: options.failedAttemptsPerMinute,
          allowedOrigins: options.allowedOrigins,
        },
        makeContext: ({ signal: asked, progress, requestId, actor, scopes }) =>
          localContext({
            dataFolder: folder,
            workingFolder: folder,
            platform: platform.open,
            unsigned,
            compute,
            signal: asked,
            actor,
            scopes,
            progress,
            logger: portLogger(logger.child({ reqId: requestId })),
          }),
      });
      metrics.shared(async () => {
        try {
          const { jobs: queue, registry } = await platform.open();
          const [depth, workers, drift] = await Promise.all([
            queue.countQueued(countedJobs),
            queue.workers(),
            registry.driftChecks({ limit: watchedModels }),
          ]);
          return { jobs: [{ name: "jobs", depth }], workers, drift };
        } catch (error) {
          logger.warn({ err: failureOf(error, serve.name) }, messages.stateUnread);
          throw error;
        }
      });
      let worker: Worker | undefined;
      try {
        const address = await listen(app, { host, port });
        // Opened before the first request needs it; one that finds it closed tries again, and says what is wrong.
        platform
          .open()
          .catch((error: unknown) =>
            logger.warn({ err: failureOf(error, serve.name) }, messages.stateClosed),
          );
        if (options.runningTasks > 0) {
          const startWorker = () =>
            startLocalWorker({
              ...jobs,
              platform,
              databaseUrl,
              dataFolder: folder,
              compute,
              what: serverName(options),
              version: service.version,
              logger: portLogger(logger),
              concurrency: options.runningTasks,
              leaseSeconds: options.leaseSeconds,
              stopSeconds: options.stopSeconds,
              watch: { clock: systemClock, tracer, onEnd: metrics.job },
            });
          worker = await patiently(startWorker, signal);
        }
        if (models.name !== undefined) {
          await models.server.preload(models.name);
          model = artifact === undefined ? alwaysReady : await openModel(artifact.folder, signal);
          terminal.line(messages.servedModel(artifact?.reference ?? models.name));
        }
        const firstKey = async () => (await platform.open()).keys.createFirst();
        const first = options.keys ? await patiently(firstKey, signal) : undefined;
        if (first !== undefined) terminal.lines(messages.firstKey(first.token));
        admits = true;
        if (!options.keys) terminal.line(messages.withoutKeys);
        terminal.line(messages.listening(address));
        await new Promise<void>((done) => {
          if (signal.aborted) return done();
          signal.addEventListener("abort", () => done(), { once: true });
        });
      } finally {
        await Promise.all([app.close(), stopWorker(worker, terminal)]);
        await release();
      }
      terminal.line(messages.stopped);
    },
  };
}

/** Above it the depth of the queue is no longer told apart: to count on would cost the database more than the number is worth. */
const countedJobs = 100_000;

/** Versions whose drift `/metrics` tells: those that were checked last. */
const watchedModels = 250;

/**
 * Tries again for some seconds while the state is unavailable: another process may be handing the embedded database over, and a server
 * that starts with its database should not depend on who is first.
 */
async function patiently<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const isUnavailable = failureOf(error, serve.name).kind === "unavailable";
      if (!isUnavailable || tries >= 10 || signal.aborted) throw error;
      await sleep(tries * 100);
    }
  }
}

/** Does some work, and clears up when it fails. */
async function orClearUp<Result>(clearUp: () => Promise<void>, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    await clearUp();
    throw error;
  }
}

/** What another server on the same data folder hears of this one; any free port is not known yet. */
function serverName({ host, port }: { host: string; port: number }): string {
  if (port === 0) return messages.serveName;
  return messages.serveAt(`http://${host.includes(":") ? `[${host}]` : host}:${port}`);
}

/** @throws PlatformError `KEYS_NEEDED` when other machines could ask without a key */
export function expectKeys({ host, keys }: { host: string; keys: boolean }): void {
  if (keys || localNames(host) !== undefined) return;
  throw new PlatformError("input", "KEYS_NEEDED", messages.keysNeeded(host), { field: "keys" });
}

/** Every capability that takes an artifact uses the served one when a request names none. */
function artifactDefaults(
  capabilities: readonly Capability[],
  artifact: string,
): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    capabilities
      .filter((one) => Object.hasOwn(jsonSchemaOf(one.input).properties ?? {}, "artifact"))
      .map((one) => [one.name, { artifact }]),
  );
}

function allowedHosts(host: string): { allowedHosts?: readonly string[] } {
  const names = localNames(host);
  return names === undefined ? {} : { allowedHosts: names };
}

export function portLogger(logger: Pick<pino.Logger, "info" | "warn">): Logger {
  return {
    info: (message, values) => logger.info({ ...values }, message),
    warn: (message, values) => logger.warn({ ...values }, message),
  };
}
