/** The HTTP server, built from capabilities. It opens no port: tests call it with `inject`, `listen.ts` gives it one. */
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import helmet from "@fastify/helmet";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import {
  type Capability,
  type Clock,
  type Context,
  PlatformError,
  type ProgressPort,
} from "../../base/index.ts";
import type { ModelServer } from "../../platform/inference/index.ts";
import { failureOf } from "../failure.ts";
import { readJsonBody } from "./body.ts";
import { capabilityRoutes } from "./capability-routes.ts";
import { inferenceRoutes } from "./inference/index.ts";
import { messages } from "./messages.ts";
import { openApiDocument } from "./openapi.ts";
import { pageRoutes } from "./page-routes.ts";
import { describeProblem, handleProblems, problemAnswerer } from "./problems.ts";
import { taskRoutes } from "./task-routes.ts";
import { Tasks } from "./tasks.ts";
import { type Watching, watchRequests } from "./watching.ts";

export interface ServerOptions {
  readonly capabilities: readonly Capability[];
  readonly version: string;
  /** Paths in requests must stay inside it. */
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly makeContext: (world: {
    signal: AbortSignal;
    progress: ProgressPort;
    requestId: string;
  }) => Context;
  /** Fields that are filled in when a request leaves them out, by capability name: the served model. */
  readonly defaults?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Models behind the Open Inference Protocol below `/v2`; no such routes when absent. */
  readonly models?: ModelServer;
  /** Metrics at `/metrics`, and traces. */
  readonly watching?: Watching;
  /** `/readyz` answers 503 until this is true. */
  readonly ready?: () => boolean;
  /** Called once when the server has stopped. */
  readonly onClose?: () => Promise<void>;
  readonly logger?: FastifyBaseLogger;
  readonly bodyLimitBytes?: number;
  /** How long a request may take to arrive. */
  readonly requestTimeoutMs?: number;
  /** How long an answer may take. */
  readonly answerTimeoutMs?: number;
  /** How long answers in flight may take when the server stops. */
  readonly stopLimitMs?: number;
  readonly tasks?: { readonly running?: number; readonly waiting?: number; readonly kept?: number };
  /** Host names under which a server of the local machine may be asked; all when absent. */
  readonly allowedHosts?: readonly string[];
}

export function buildServer(options: ServerOptions): FastifyInstance {
  const { capabilities, version, defaults = {}, ready = () => true } = options;
  const { bodyLimitBytes = 1024 * 1024, requestTimeoutMs = 30_000, answerTimeoutMs = 60_000 } = options;
  const { stopLimitMs = 10_000 } = options;
  const dataFolder = resolve(options.dataFolder);
  const inFlight = new Set<Promise<unknown>>();
  const cut = new AbortController();
  let stopping = false;
  const tasks = new Tasks({
    clock: options.clock,
    ...options.tasks,
    failureOf: (error, task, signal) => {
      const failure = failureOf(error, task.capability, signal);
      if (failure.kind === "bug") app.log.error({ err: error, task: task.id }, "a mistake of ours");
      return failure;
    },
  });
  const answerProblem = problemAnswerer(dataFolder, bodyLimitBytes);
  const app: FastifyInstance = Fastify({
    ...(options.logger && { loggerInstance: options.logger }),
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    logController: new LogController({ disableRequestLogging: true }), // one line for each answer, by watchRequests
    connectionTimeout: 0, // event streams stay open
    genReqId: () => randomUUID(),
    forceCloseConnections: "idle",
    frameworkErrors: (error, request, reply) => {
      answerProblem(request, reply, error);
    },
    return503OnClosing: false, // ours is a problem with a code
    routerOptions: { ignoreTrailingSlash: true },
  }) as unknown as FastifyInstance;

  app.register(helmet, {
    // Served over plain HTTP; a proxy that adds TLS adds these two as well.
    strictTransportSecurity: false,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        objectSrc: ["'none'"],
        imgSrc: ["'self'", "data:"], // Swagger UI draws its icons so
        styleSrc: ["'self'", "'unsafe-inline'"], // and sets styles on its elements
      },
    },
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
    if (options.allowedHosts && !options.allowedHosts.includes(request.hostname)) {
      throw new PlatformError("forbidden", "HOST_FORBIDDEN", messages.hostForbidden(request.hostname));
    }
    if (stopping) throw new PlatformError("unavailable", "SERVER_STOPPING", messages.stopping);
  });
  watchRequests(app, options.watching ?? {});
  // Only JSON is read; anything else is refused before its bytes are.
  app.removeContentTypeParser(["text/plain", "application/json"]);
  app.addContentTypeParser("application/json", { parseAs: "string" }, async (_: unknown, text: string) =>
    readJsonBody(text),
  );
  handleProblems(app, answerProblem);

  // As a plugin, so that its routes come after the hooks above are in place.
  app.register(async (routes) => {
    const document = openApiDocument({ capabilities, version, defaults });
    routes.get("/openapi.json", async () => document);
    routes.get("/healthz", async () => ({ status: "ok" }));
    routes.get("/readyz", async (_, reply) => {
      const isReady = ready();
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? "ready" : "loading" });
    });
    pageRoutes(routes, { capabilities, version, defaults });
    taskRoutes(routes, tasks, dataFolder);
    capabilityRoutes(routes, {
      capabilities,
      makeContext: options.makeContext,
      dataFolder,
      defaults,
      tasks,
      answerTimeoutMs,
      inFlight,
      cut: cut.signal,
    });
  });

  const { models, clock } = options;
  if (models !== undefined) {
    const describeFailure = describeProblem(dataFolder, bodyLimitBytes);
    app.register(inferenceRoutes, {
      prefix: "/v2",
      models,
      version,
      ready,
      inFlight,
      clock,
      describeFailure,
    });
  }

  // Tasks are told to stop at once, so that their event streams end; answers may finish.
  app.addHook("preClose", async () => {
    stopping = true;
    const patience = new AbortController();
    const ended = Promise.all([tasks.stop(), Promise.allSettled(inFlight)]);
    await Promise.race([ended, sleep(stopLimitMs, undefined, { signal: patience.signal }).catch(() => {})]);
    patience.abort();
    cut.abort();
    // A reader who neither reads nor leaves must not hold the server.
    setTimeout(() => app.server.closeAllConnections(), 1_000).unref();
  });
  app.addHook("onClose", async () => options.onClose?.());
  return app;
}
