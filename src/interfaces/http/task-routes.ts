/** Tasks over HTTP: their state, their events as they happen, and their end. */
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { type Access, PlatformError } from "../../base/index.ts";
import type { Failure, Problem } from "../failure.ts";
import { mayReach } from "./guard/index.ts";
import { messages } from "./messages.ts";
import { publicProblem } from "./problems.ts";
import type { Task, TaskEvent, Tasks } from "./tasks.ts";

/** Proxies cut connections that stay silent; a comment line now and then keeps them open. */
const heartbeatMs = 15_000;

export interface TaskView {
  readonly id: string;
  readonly capability: string;
  readonly status: Task["status"];
  readonly href: string;
  readonly events: string;
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly progress?: Task["progress"];
  readonly output?: unknown;
  readonly problem?: Problem;
}

/** A task as it is sent. */
export function taskAnswer(task: Task, dataFolder: string): { task: TaskView } {
  const { id, capability, status, createdAt, startedAt, endedAt, progress, output, failure } = task;
  return {
    task: {
      id,
      capability,
      status,
      href: `/v1/tasks/${id}`,
      events: `/v1/tasks/${id}/events`,
      createdAt: new Date(createdAt).toISOString(),
      ...(startedAt !== undefined && { startedAt: new Date(startedAt).toISOString() }),
      ...(endedAt !== undefined && { endedAt: new Date(endedAt).toISOString() }),
      ...(progress && { progress }),
      ...(output !== undefined && { output }),
      ...(failure && { problem: publicProblem(failure, dataFolder) }),
    },
  };
}

/** @param accessTo what it takes to ask for a capability: its tasks are for the same keys, and unknown to all others */
export function taskRoutes(
  app: FastifyInstance,
  tasks: Tasks,
  dataFolder: string,
  accessTo: (capability: string) => Access,
): void {
  const visible = (request: FastifyRequest, task: Task) => mayReach(request, accessTo(task.capability));
  const find = (request: FastifyRequest, id: string) => {
    const task = tasks.get(id);
    if (visible(request, task)) return task;
    throw new PlatformError("missing", "TASK_UNKNOWN", messages.unknownTask(id));
  };
  app.get("/v1/tasks", async (request) => ({
    tasks: tasks
      .list()
      .filter((task) => visible(request, task))
      .map((task) => {
        const { output: _, ...view } = taskAnswer(task, dataFolder).task; // outputs may be large; each is at its own address
        return view;
      }),
  }));

  app.get<{ Params: { id: string } }>("/v1/tasks/:id", async (request) =>
    taskAnswer(find(request, request.params.id), dataFolder),
  );

  app.delete<{ Params: { id: string } }>("/v1/tasks/:id", async (request) =>
    taskAnswer(tasks.cancel(find(request, request.params.id).id), dataFolder),
  );

  app.get<{ Params: { id: string } }>("/v1/tasks/:id/events", async (request, reply) => {
    const { id } = request.params;
    find(request, id); // an unknown task is refused before the stream opens
    const last = Number(request.headers["last-event-id"] ?? 0);
    const stream = eventStream(tasks, id, Number.isSafeInteger(last) ? last : 0, dataFolder);
    return reply
      .type("text/event-stream; charset=utf-8")
      .header("cache-control", "no-store")
      .header("x-accel-buffering", "no") // nginx would hold the events back
      .send(stream);
  });
}

/** Ends after the task's last event; a reader who leaves destroys it. */
function eventStream(tasks: Tasks, id: string, after: number, dataFolder: string): Readable {
  const leaving = new AbortController();
  const stream = new Readable({
    read() {},
    destroy(error, done) {
      leaving.abort();
      clearInterval(heartbeat);
      done(error);
    },
  });
  const heartbeat = setInterval(() => stream.push(": still here\n\n"), heartbeatMs);
  const pump = async () => {
    stream.push("retry: 2000\n\n");
    for await (const event of tasks.events(id, after, leaving.signal))
      stream.push(eventText(event, dataFolder));
    stream.push(null);
  };
  pump().catch((error: unknown) => stream.destroy(error as Error));
  return stream;
}

function eventText({ id, type, data }: TaskEvent, dataFolder: string): string {
  const shown = type === "failed" ? { problem: publicProblem(data as Failure, dataFolder) } : data;
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(shown)}\n\n`;
}
