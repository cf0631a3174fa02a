/** `fathom serve`: the HTTP server with the local platform behind it. */
import { resolve } from "node:path";
import { pino } from "pino";
import { z } from "zod";
import { type Capability, capability, type Logger } from "../../base/index.ts";
import { type LazyPlatform, localContext, systemClock } from "../../platform/local/index.ts";
import { parseInput } from "../call.ts";
import { buildServer, listen, localNames } from "../http/index.ts";
import type { ModelSettings } from "../model-settings.ts";
import { jsonSchemaOf } from "../schema.ts";
import { flagName } from "./flags.ts";
import { messages } from "./messages.ts";
import type { ExtraCommand } from "./run.ts";
import { packageVersion } from "./version.ts";

/** Its flags, described as a capability's are; it is none, since it does not end. */
const serve = capability({
  name: "serve",
  summary: messages.serveSummary,
  input: z.object({
    port: z.int().min(0).max(65535).default(8080).describe("0 takes any free port"),
    host: z.string().min(1).default("127.0.0.1").describe("0.0.0.0 serves other machines too"),
    artifact: z.string().min(1).optional().describe("the model that requests use when they name none"),
    bodyLimitBytes: z
      .int()
      .min(1024)
      .default(1024 * 1024)
      .describe("the largest request body"),
    answerTimeoutSeconds: z.number().positive().default(60).describe("how long an answer may take"),
    runningTasks: z.int().min(1).default(1).describe("how many tasks run at a time; others wait"),
    waitingTasks: z.int().min(0).default(16).describe("how many tasks may wait"),
    stopSeconds: z.number().min(0).default(10).describe("how long requests in flight may take when it stops"),
    logLevel: z
      .enum(["silent", "error", "warn", "info", "debug"])
      .default("info")
      .describe("what is logged on standard error, as JSON lines"),
  }),
  output: z.void(),
  run: async () => {},
});

/** The model of `--artifact`, loaded while the server already answers about its health. */
export interface ServedModel {
  ready(): boolean;
  close(): Promise<void>;
}

/** @param folder the artifact's */
export type OpenModel = (folder: string, signal: AbortSignal) => Promise<ServedModel>;

/**
 * @param openModel loads and checks the model of `--artifact` before the server is ready
 * @param settings what to do with a model without a signature
 * @param platformOf the platform of a data folder, opened when first needed and closed by whoever owns the process
 */
export function serveCommand(
  capabilities: readonly Capability[],
  openModel: OpenModel,
  platformOf: (dataFolder: string) => LazyPlatform,
  settings: () => Pick<ModelSettings, "unsigned"> = () => ({ unsigned: undefined }),
): ExtraCommand {
  return {
    name: serve.name,
    summary: serve.summary,
    schema: jsonSchemaOf(serve.input),
    async run(raw, { dataFolder, provider, terminal, signal }) {
      const options = parseInput(serve, raw, flagName);
      const { host, port } = options;
      const folder = resolve(dataFolder);
      const { unsigned } = settings();
      // Found before anything opens, from where the user stands; a request's own paths start at the data folder.
      const artifact =
        options.artifact === undefined
          ? undefined
          : await localContext({
              dataFolder,
              signal,
              unsigned,
              platform: async () => platformOf(folder).open(),
            }).models.locate(options.artifact);
      const logger = pino({ level: options.logLevel }, pino.destination(2));
      let model: ServedModel | undefined;
      const app = buildServer({
        capabilities,
        version: packageVersion(),
        dataFolder: folder,
        clock: systemClock,
        logger,
        bodyLimitBytes: options.bodyLimitBytes,
        answerTimeoutMs: options.answerTimeoutSeconds * 1000,
        stopLimitMs: options.stopSeconds * 1000,
        tasks: { running: options.runningTasks, waiting: options.waitingTasks },
        defaults: artifact === undefined ? {} : artifactDefaults(capabilities, artifact),
        ready: () => artifact === undefined || model?.ready() === true,
        onClose: async () => model?.close(),
        ...allowedHosts(host),
        makeContext: ({ signal: asked, progress, requestId }) =>
          localContext({
            dataFolder: folder,
            workingFolder: folder,
            platform: platformOf(folder).open,
            unsigned,
            compute: { provider },
            signal: asked,
            progress,
            logger: portLogger(logger.child({ reqId: requestId })),
          }),
      });
      try {
        const address = await listen(app, { host, port });
        if (artifact !== undefined) {
          model = await openModel(artifact, signal);
          terminal.line(messages.servedModel(artifact));
        }
        terminal.line(messages.listening(address));
        await new Promise<void>((done) => {
          if (signal.aborted) return done();
          signal.addEventListener("abort", () => done(), { once: true });
        });
      } finally {
        await app.close();
      }
      terminal.line(messages.stopped);
    },
  };
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

function portLogger(logger: Pick<pino.Logger, "info" | "warn">): Logger {
  return {
    info: (message, values) => logger.info({ ...values }, message),
    warn: (message, values) => logger.warn({ ...values }, message),
  };
}
