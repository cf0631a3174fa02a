/** The HTTP server, built from capabilities. It opens no port: tests call it with `inject`, `listen.ts` gives it one. */
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from "fastify";
import {
  type Capability,
  type Clock,
  type Context,
  interrupted,
  type JobsPort,
  PlatformError,
  type Progress,
  type ProgressPort,
} from "../../base/index.ts";
import type { ModelServer } from "../../platform/inference/index.ts";
import { systemClock } from "../../platform/local/index.ts";
import { call } from "../call.ts";
import { failureOf } from "../failure.ts";
import { mcpRoutes } from "../mcp/http.ts";
import { turns } from "../mcp/turns.ts";
import { readJsonBody } from "./body.ts";
import { capabilityRoutes } from "./capability-routes.ts";
import { confinedJobs, withJobs } from "./confined-jobs.ts";
import { answerRawError, askerOf, type GuardOptions, guardRoutes } from "./guard/index.ts";
import { inferenceRoutes } from "./inference/index.ts";
import { inputOf } from "./input.ts";
import { messages } from "./messages.ts";
import { openApiDocument } from "./openapi/index.ts";
import { pageRoutes } from "./page-routes.ts";
import { outwardPaths } from "./paths.ts";
import { describeProblem, handleProblems, problemAnswerer, publicProblem } from "./problems.ts";
import { holdQueries } from "./query.ts";
import { listRoutes } from "./route-list.ts";
import { securityHeaders } from "./security-headers.ts";
import { serverOperations } from "./server-operations.ts";
import { taskRoutes } from "./task-routes.ts";
import { type Watching, watchRequests } from "./watching.ts";

export interface ServerOptions {
  readonly capabilities: readonly Capability[];
  readonly version: string;
  /** Paths in requests must stay inside it. */
  readonly dataFolder: string;
  readonly clock?: Clock;
  /** Where tasks are kept and queued; asked for when one is first needed. Workers run them, here or elsewhere. */
  readonly jobs: () => Promise<JobsPort>;
  readonly makeContext: (world: {
    signal: AbortSignal;
    progress: ProgressPort;
    requestId: string;
    actor?: string;
    scopes?: readonly string[] | undefined;
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
  /** How many tasks may wait; one more is refused with `SERVER_BUSY`. */
  readonly waitingTasks?: number;
  /** Host names under which a server of the local machine may be asked; all when absent. */
  readonly allowedHosts?: readonly string[];
  /** Keys, scopes and limits; everybody may do everything when absent. */
  readonly guard?: GuardOptions;
  /** The longest address, in characters. */
  readonly addressLimit?: number;
  /** All headers of a request together. */
  readonly headerLimitBytes?: number;
  /** Proxies whose `X-Forwarded-For` is believed, by address or network. */
  readonly trustedProxies?: readonly string[];
}

export function buildServer(options: ServerOptions): FastifyInstance {
  const { capabilities, version, defaults = {}, ready = () => true } = options;
  const { bodyLimitBytes = 1024 * 1024, requestTimeoutMs = 30_000, answerTimeoutMs = 60_000 } = options;
  const {
    stopLimitMs = 10_000,
    waitingTasks = 1_000,
    jobs,
    trustedProxies = [],
    clock = systemClock,
  } = options;
  const { addressLimit = 8 * 1024, headerLimitBytes = 16 * 1024 } = options;
  const dataFolder = resolve(options.dataFolder);
  const jobsOf = async (request: FastifyRequest) =>
    confinedJobs(await jobs(), { capabilities, dataFolder, defaults, ...askerOf(request) });
  const inFlight = new Set<Promise<unknown>>();
  const cut = new AbortController();
  let stopping = false;
  const leaving = new AbortController();
  const served = Object.values(defaults).flatMap(({ artifact }) =>
    typeof artifact === "string" ? [artifact] : [],
  );
  const outward = outwardPaths({ dataFolder, capabilities, served: [...new Set(served)] });
  const answerProblem = problemAnswerer(outward, bodyLimitBytes);
  const app: FastifyInstance = Fastify({
    ...(options.logger && { loggerInstance: options.logger }),
    bodyLimit: bodyLimitBytes,
    // Looked at often, so that who is slow is ended when the time is over and not half a minute later.
    http: { maxHeaderSize: headerLimitBytes, connectionsCheckingInterval: 2_000 },
    clientErrorHandler: answerRawError,
    pluginTimeout: stopLimitMs + 15_000, // it bounds stopping too, which waits for answers in flight
    ...(trustedProxies.length > 0 && { trustProxy: [...trustedProxies] }),
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

  const always = Object.entries(securityHeaders());
  app.addHook("onRequest", async (request, reply) => {
    for (const [name, value] of always) reply.header(name, value);
    reply.header("x-request-id", request.id);
    if (options.allowedHosts && !options.allowedHosts.includes(request.hostname)) {
      throw new PlatformError("forbidden", "HOST_FORBIDDEN", messages.hostForbidden(request.hostname));
    }
    if (request.url.length > addressLimit)
      throw new PlatformError("input", "ADDRESS_TOO_LONG", messages.addressTooLong(addressLimit));
    if (stopping) throw new PlatformError("unavailable", "SERVER_STOPPING", messages.stopping);
  });
  const routeList = listRoutes(app);
  watchRequests(app, options.watching ?? {});
  if (options.guard) guardRoutes(app, { ...options.guard, defaults });
  else app.decorateRequest("caller", null);
  holdQueries(app);
  // What was answered to somebody belongs to nobody else, and to no cache on the way.
  app.addHook("onSend", async (request, reply) => {
    const isOpen = request.method === "GET" && request.caller === null;
    if (!isOpen && !reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
  });
  // Only JSON is read; anything else is refused before its bytes are.
  app.removeContentTypeParser(["text/plain", "application/json"]);
  app.addContentTypeParser(
    "application/json",
    { parseAs: "string" },
    async (request: FastifyRequest, text: string) => {
      const encoding = request.headers["content-encoding"] ?? "identity";
      if (encoding !== "identity")
        throw new PlatformError("input", "MEDIA_TYPE_UNKNOWN", messages.contentEncoding(encoding));
      // Many clients name a media type on every request, also where there is no body to have one.
      return request.method === "DELETE" && text === "" ? undefined : readJsonBody(text);
    },
  );
  const refuseRoute = handleProblems(app, answerProblem, routeList);

  // As a plugin, so that its routes come after the hooks above are in place.
  app.register(async (routes) => {
    const { keys, modelRequestsPerSecond = 0 } = options.guard ?? {};
    const [isKeyed, isLimited] = [keys !== undefined, keys !== undefined || modelRequestsPerSecond > 0];
    let made: unknown;
    const { document, health, readiness } = serverOperations;
    routes.get("/openapi.json", { config: { operation: document } }, async () => {
      made ??= openApiDocument(routeList, { capabilities, version, isKeyed, isLimited });
      return made;
    });
    routes.get("/healthz", { config: { operation: health } }, async () => ({ status: "ok" }));
    routes.get("/readyz", { config: { operation: readiness } }, async (_, reply) => {
      const isReady = ready();
      return reply.code(isReady ? 200 : 503).send({ status: isReady ? "ready" : "loading" });
    });
    pageRoutes(routes, { capabilities, version, defaults });
    taskRoutes(routes, { jobsOf, outward, leaving: leaving.signal });
    const inTurn = turns();
    mcpRoutes(routes, {
      capabilities,
      version,
      clock,
      problemOf: (error, what, signal) => {
        const failure = failureOf(error, what, signal);
        if (failure.kind === "bug") app.log.error({ err: error, tool: what }, "a mistake of ours");
        return publicProblem(failure, outward);
      },
      async run(request, capability, given, { signal, progress }) {
        const filledIn = defaults[capability.name];
        const input = await inputOf(capability, given, { filledIn, dataFolder });
        const world = {
          signal: AbortSignal.any([signal, cut.signal]),
          progress: { report: (one: Progress) => progress.report(outward(one)) },
          requestId: request.id,
        };
        const work = () =>
          call(
            capability,
            input,
            withJobs(options.makeContext({ ...world, ...askerOf(request) }), () => jobsOf(request)),
          );
        const result = capability.mode === "task" ? inTurn(world.signal, capability.name, work) : work();
        inFlight.add(result);
        try {
          return outward(await result, capability.name);
        } catch (error) {
          // Whatever stopped work throws is no mistake of ours.
          throw world.signal.aborted && !(error instanceof PlatformError)
            ? interrupted(capability.name)
            : error;
        } finally {
          inFlight.delete(result);
        }
      },
    });
    capabilityRoutes(routes, {
      capabilities,
      makeContext: options.makeContext,
      dataFolder,
      outward,
      defaults,
      jobsOf,
      waitingTasks,
      answerTimeoutMs,
      inFlight,
      cut: cut.signal,
    });
  });

  const { models } = options;
  if (models !== undefined) {
    const describeFailure = describeProblem(outward, bodyLimitBytes);
    app.register(inferenceRoutes, {
      prefix: "/v2",
      models,
      version,
      ready,
      inFlight,
      clock,
      describeFailure,
      refuseRoute,
    });
  }

  // Event streams end at once, and their readers come back to another server or later; answers may finish.
  app.addHook("preClose", async () => {
    stopping = true;
    const patience = new AbortController();
    leaving.abort();
    const ended = Promise.allSettled(inFlight);
    await Promise.race([ended, sleep(stopLimitMs, undefined, { signal: patience.signal }).catch(() => {})]);
    patience.abort();
    cut.abort();
    // A reader who neither reads nor leaves must not hold the server.
    setTimeout(() => app.server.closeAllConnections(), 1_000).unref();
  });
  app.addHook("onClose", async () => options.onClose?.());
  return app;
}
