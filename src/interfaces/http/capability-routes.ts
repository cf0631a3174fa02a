/** One route for each capability: an answer in the request, or a background task. */
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import {
  type Capability,
  type Context,
  interrupted,
  type JobsPort,
  PlatformError,
  type ProgressPort,
} from "../../base/index.ts";
import { call } from "../call.ts";
import { showValue } from "../issues.ts";
import { withJobs } from "./confined-jobs.ts";
import { askerOf } from "./guard/index.ts";
import { inputOf } from "./input.ts";
import { messages } from "./messages.ts";
import { capabilityOperation, type Mode, routeOf } from "./openapi/index.ts";
import type { Outward } from "./paths.ts";
import { taskAnswer } from "./task-routes.ts";

export interface CapabilityRouteOptions {
  readonly capabilities: readonly Capability[];
  readonly makeContext: (world: {
    signal: AbortSignal;
    progress: ProgressPort;
    requestId: string;
    actor?: string;
    scopes?: readonly string[] | undefined;
  }) => Context;
  readonly dataFolder: string;
  readonly outward: Outward;
  readonly defaults: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Jobs as the one who asks may see them. */
  readonly jobsOf: (request: FastifyRequest) => Promise<JobsPort>;
  readonly waitingTasks: number;
  readonly answerTimeoutMs: number;
  /** Answers in flight, so that a server that stops can wait for them. */
  readonly inFlight: Set<Promise<unknown>>;
  /** Fires when the server has waited long enough. */
  readonly cut: AbortSignal;
}

export function capabilityRoutes(app: FastifyInstance, options: CapabilityRouteOptions): void {
  for (const capability of options.capabilities) {
    const { name, effect } = capability;
    const filledIn = options.defaults[name] ?? {};
    const config = { access: { name, effect }, operation: capabilityOperation(capability, filledIn) };
    app.post(routeOf(capability), { config }, async (request, reply) => {
      const raw = bodyOf(request);
      const asTask = capability.mode === "task" || wantsTask(request);
      if (asTask && capability.secretOutput === true)
        throw new PlatformError("input", "INPUT_INVALID", messages.neverTask(name), { field: "mode" });
      const input = await inputOf(capability, raw, { filledIn, dataFolder: options.dataFolder });
      if (asTask) {
        const answer = await queueTask(request, capability, input, options);
        return reply.code(202).header("location", answer.task.href).send(answer);
      }
      if (effect !== "reads" && keyOf(request) !== undefined)
        throw new PlatformError("input", "INPUT_INVALID", messages.keyUnkept);
      const output = await answerInTime(request, reply, options, (signal) => {
        const world = { signal, progress: { report() {} }, requestId: request.id, ...askerOf(request) };
        const context = options.makeContext(world);
        return call(
          capability,
          input,
          withJobs(context, () => options.jobsOf(request)),
        );
      });
      return options.outward(output, name);
    });
  }
}

/**
 * Queues a capability. With the header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) a request that is sent again
 * finds the task that the first one made.
 */
async function queueTask(
  request: FastifyRequest,
  { name }: Capability,
  input: Readonly<Record<string, unknown>>,
  { jobsOf, waitingTasks, outward }: CapabilityRouteOptions,
) {
  const port = await jobsOf(request);
  if ((await port.countQueued(waitingTasks)) >= waitingTasks)
    throw new PlatformError("unavailable", "SERVER_BUSY", messages.busy(waitingTasks));
  const { job } = await port.submit({
    capability: name,
    input,
    idempotencyKey: keyOf(request),
  });
  return taskAnswer(job, outward);
}

function keyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers["idempotency-key"];
  if (key === undefined || (typeof key === "string" && /^[\x21-\x7e]{1,200}$/.test(key))) return key;
  throw new PlatformError("input", "INPUT_INVALID", messages.keyInvalid(String(key)));
}

/** Runs until it answers, the caller leaves, the server stops or the time is over. */
async function answerInTime(
  request: FastifyRequest,
  reply: FastifyReply,
  { answerTimeoutMs, inFlight, cut }: CapabilityRouteOptions,
  run: (signal: AbortSignal) => Promise<unknown>,
): Promise<unknown> {
  const leaving = new AbortController();
  const done = new AbortController();
  const onClose = () => {
    if (!reply.raw.writableFinished) leaving.abort();
  };
  request.raw.socket?.once("close", onClose);
  const tooSlow = sleep(answerTimeoutMs, undefined, { signal: done.signal }).then(() => {
    const error = new PlatformError(
      "unavailable",
      "ANSWER_TIMEOUT",
      messages.tooSlow(answerTimeoutMs / 1000),
    );
    leaving.abort(error);
    throw error;
  });
  const signal = AbortSignal.any([leaving.signal, cut]);
  const answer = Promise.race([run(signal), tooSlow]).catch((error: unknown) => {
    // Whatever stopped work throws is no mistake of ours.
    throw signal.aborted && !(error instanceof PlatformError) ? interrupted(request.url) : error;
  });
  inFlight.add(answer);
  try {
    return await answer;
  } finally {
    inFlight.delete(answer);
    request.raw.socket?.off("close", onClose);
    tooSlow.catch(() => {}); // the sleep that is no longer needed ends with an abort
    done.abort();
  }
}

function bodyOf(request: FastifyRequest): Record<string, unknown> {
  const { body } = request;
  if (body === undefined) throw new PlatformError("input", "INPUT_INVALID", messages.bodyExpected);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new PlatformError("input", "INPUT_INVALID", messages.bodyNotObject(showValue(body)));
  }
  return body as Record<string, unknown>;
}

/** `?mode=job`, or the header `Prefer: respond-async` of RFC 7240. */
function wantsTask(request: FastifyRequest): boolean {
  const { mode } = request.query as z.output<typeof Mode>;
  return mode === "job" || /\brespond-async\b/.test(String(request.headers.prefer ?? ""));
}
