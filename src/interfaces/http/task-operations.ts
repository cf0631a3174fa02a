/** What the routes of tasks say of themselves. */
import { z } from "zod";
import { jobStatuses } from "../../base/index.ts";
import { messages } from "./messages.ts";
import { type Json, json, media, type Operation, object, ref, text } from "./openapi/index.ts";

const time = { type: "string", format: "date-time" };

const schemas: Json = {
  Task: {
    type: "object",
    required: ["id", "capability", "status", "attempt", "href", "events", "createdAt"],
    properties: {
      id: { ...text, format: "uuid" },
      capability: text,
      status: { enum: jobStatuses },
      attempt: { type: "integer", description: "how often a worker took it" },
      href: text,
      events: text,
      createdAt: time,
      startedAt: time,
      endedAt: time,
      progress: {
        type: "object",
        properties: {
          stage: text,
          done: { type: "number" },
          total: { type: "number" },
          unit: text,
          message: text,
          values: { type: "object", additionalProperties: { type: "number" } },
        },
      },
      output: { description: "what the capability answered, when the status is done" },
      problem: ref("Problem"),
    },
  },
  TaskAnswer: object({ task: ref("Task") }),
};

/** Which tasks are listed. */
export const TaskQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(100).describe(messages.tasksLimit),
  status: z.enum(jobStatuses).optional().describe(messages.tasksStatus),
  capability: z.string().min(1).optional().describe(messages.tasksCapability),
});

/** A page cannot set a header when it opens a stream, and some readers come back with this field instead. */
export const EventQuery = z.object({
  lastEventId: z.coerce.number().int().min(0).default(0).describe(messages.lastEventQuery),
});

const one = {
  tag: "tasks",
  path: { id: { ...text, format: "uuid" } },
  answers: { 200: json(messages.answer, ref("TaskAnswer")) },
  refusals: [404],
  schemas,
} as const;

export const taskOperations = {
  list: {
    id: "list-tasks",
    tag: one.tag,
    summary: messages.tasksSummary,
    query: TaskQuery,
    answers: { 200: json(messages.answer, object({ tasks: { type: "array", items: ref("Task") } })) },
    schemas,
  },
  show: { ...one, id: "get-task", summary: messages.taskSummary },
  cancel: { ...one, id: "cancel-task", summary: messages.cancelSummary },
  follow: {
    ...one,
    id: "task-events",
    summary: messages.eventsSummary,
    query: EventQuery,
    headers: [
      {
        name: "Last-Event-ID",
        in: "header",
        description: messages.lastEvent,
        schema: { type: "integer" },
      },
    ],
    answers: {
      200: { description: messages.events, content: media("text/event-stream", text) },
      204: { description: messages.allHeard },
    },
  },
} as const satisfies Record<string, Operation>;
