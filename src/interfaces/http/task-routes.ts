/** Tasks over HTTP: their state, their events as they happen, and their end. A task is a job that a request asked for. */
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { z } from "zod";
import type { Job, JobEvent, JobFailure, JobsPort } from "../../base/index.ts";
import type { Problem } from "../failure.ts";
import type { Outward } from "./paths.ts";
import { publicProblem } from "./problems.ts";
import { type EventQuery, type TaskQuery, taskOperations } from "./task-operations.ts";

/** Proxies cut connections that stay silent; a comment line now and then keeps them open. */
const heartbeatMs = 15_000;
/** A reader who takes nothing is waited for from here on, so that its events stay where they are. */
const bufferedBytes = 256 * 1024;

export interface TaskView {
  readonly id: string;
  readonly capability: string;
  readonly status: Job["status"];
  readonly attempt: number;
  readonly href: string;
  readonly events: string;
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly progress?: Job["progress"];
  readonly output?: unknown;
  readonly problem?: Problem;
}

/** A task as it is sent, with paths as a request may name them. */
export function taskAnswer(job: Job, outward: Outward): { task: TaskView } {
  const { id, capability, status, attempt, createdAt, startedAt, endedAt, progress, output, failure } = job;
  return {
    task: {
      id,
      capability,
      status,
      attempt,
      href: `/v1/tasks/${id}`,
      events: `/v1/tasks/${id}/events`,
      createdAt: new Date(createdAt).toISOString(),
      ...(startedAt !== null && { startedAt: new Date(startedAt).toISOString() }),
      ...(endedAt !== null && { endedAt: new Date(endedAt).toISOString() }),
      ...(progress && { progress: outward(progress) }),
      ...(status === "done" && { output: outward(output, capability) }),
      ...(failure && endedAt !== null && { problem: publicProblem(failure, outward) }),
    },
  };
}

interface EventRequest {
  readonly Params: { readonly id: string };
  readonly Querystring: z.output<typeof EventQuery>;
}

export interface TaskRouteOptions {
  /** Jobs as the one who asks may see them. */
  readonly jobsOf: (request: FastifyRequest) => Promise<JobsPort>;
  readonly outward: Outward;
  /** Fires when the server stops. */
  readonly leaving: AbortSignal;
}

export function taskRoutes(app: FastifyInstance, { jobsOf, outward, leaving }: TaskRouteOptions): void {
  const { list, show, cancel, follow } = taskOperations;
  app.get<{ Querystring: z.output<typeof TaskQuery> }>(
    "/v1/tasks",
    { config: { operation: list } },
    async (request) => ({
      tasks: (await (await jobsOf(request)).list(request.query)).map((job) => {
        const { output: _, ...view } = taskAnswer(job, outward).task; // outputs may be large; each is at its own address
        return view;
      }),
    }),
  );

  app.get<{ Params: { id: string } }>("/v1/tasks/:id", { config: { operation: show } }, async (request) =>
    taskAnswer(await (await jobsOf(request)).find(request.params.id), outward),
  );

  app.delete<{ Params: { id: string } }>(
    "/v1/tasks/:id",
    { config: { operation: cancel } },
    async (request) => taskAnswer(await (await jobsOf(request)).cancel(request.params.id), outward),
  );

  const events = { config: { operation: follow }, exposeHeadRoute: false }; // a stream that nobody reads would go on
  app.get<EventRequest>("/v1/tasks/:id/events", events, async (request, reply) => {
    const { id } = request.params;
    const port = await jobsOf(request);
    const { capability, endedAt } = await port.find(id); // an unknown task is refused before the stream opens
    const last = Number(request.headers["last-event-id"] ?? request.query.lastEventId);
    const after = Number.isInteger(last) && last > 0 && last < 2 ** 31 ? last : 0;
    // Whoever has heard everything is told not to ask again.
    if (endedAt !== null && after > 0 && (await port.events(id, after)).length === 0)
      return reply.code(204).send();
    return reply
      .type("text/event-stream; charset=utf-8")
      .header("cache-control", "no-store")
      .header("x-accel-buffering", "no") // nginx would hold the events back
      .send(eventStream(port, id, after, { outward: (data) => outward(data, capability), leaving }));
  });
}

/** Ends after the task's last event, or when the server stops; a reader who leaves destroys it. */
function eventStream(
  jobs: JobsPort,
  id: string,
  after: number,
  { outward, leaving }: Pick<TaskRouteOptions, "outward" | "leaving">,
): Readable {
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, leaving]);
  let resume = () => {};
  const stream = new Readable({
    highWaterMark: bufferedBytes,
    read: () => resume(),
    destroy(error, done) {
      gone.abort();
      resume();
      clearInterval(heartbeat);
      done(error);
    },
  });
  const heartbeat = setInterval(() => stream.push(": still here\n\n"), heartbeatMs);
  const pump = async () => {
    stream.push("retry: 2000\n\n");
    for await (const event of jobs.follow(id, { after, signal })) {
      if (stream.destroyed || stream.push(eventText(event, outward))) continue;
      await new Promise<void>((resolve) => {
        resume = resolve;
      });
    }
    stream.push(null);
  };
  pump().catch((error: unknown) => stream.destroy(error as Error));
  return stream;
}

function eventText({ sequence, type, data }: JobEvent, outward: Outward): string {
  const shown =
    type === "failed" || type === "retrying"
      ? { problem: publicProblem(data as JobFailure, outward) }
      : outward(data);
  return `id: ${sequence}\nevent: ${type}\ndata: ${JSON.stringify(shown)}\n\n`;
}
