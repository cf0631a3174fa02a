/** The OpenAPI 3.1 document of a server, generated from the schemas of its capabilities. */
import { basename } from "node:path";
import type { Capability } from "../../base/index.ts";
import { problemOf } from "../failure.ts";
import { serviceSummaries, tagline } from "../messages.ts";
import { addressOf } from "../names.ts";
import { alternatives, type JsonSchema, jsonSchemaOf, propertyNames, typesOf } from "../schema.ts";
import { messages } from "./messages.ts";

type Json = Record<string, unknown>;

export interface OpenApiOptions {
  readonly capabilities: readonly Capability[];
  readonly version: string;
  /** Fields that the server fills in when a request leaves them out, by capability name. */
  readonly defaults?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
  /** Whether an API key is asked for. */
  readonly keys?: boolean;
}

/** The address of a capability's route. */
export function routeOf(capability: Pick<Capability, "name">): string {
  const { service, action } = addressOf(capability);
  return `/v1/${service}/${action}`;
}

export function openApiDocument(options: OpenApiOptions): Json {
  const { capabilities, version, defaults = {}, keys = false } = options;
  const keyStatuses = keys ? (["401", "429"] as const) : [];
  const schemas: Json = { ...sharedSchemas };
  const paths: Json = {};
  for (const capability of capabilities) {
    const { service, action } = addressOf(capability);
    const name = pascalCase(capability.name);
    const input = withDefaults(jsonSchemaOf(capability.input), defaults[capability.name] ?? {});
    schemas[`${name}Input`] = hoist(input, `${name}Input`, schemas);
    schemas[`${name}Output`] = hoist(jsonSchemaOf(capability.output, "output"), `${name}Output`, schemas);
    paths[routeOf(capability)] = {
      post: {
        operationId: `${service}-${action}`,
        tags: [service],
        summary: capability.summary,
        ...(keys && { description: messages.neededScope(capability.name) }),
        parameters: [...(capability.mode === "answer" ? [modeParameter] : []), keyParameter],
        requestBody: {
          required: true,
          content: { "application/json": { schema: ref(`${name}Input`), example: exampleOf(input, input) } },
        },
        responses: {
          ...(capability.mode === "answer" && { 200: json(messages.answer, ref(`${name}Output`)) }),
          202: accepted,
          ...problems(["400", "403", "404", "409", "413", "415", "500", "503", ...keyStatuses]),
        },
      },
    };
  }
  const services = [...new Set(capabilities.map((capability) => addressOf(capability).service))];
  return {
    openapi: "3.1.0",
    info: { title: messages.title, version, summary: tagline, description: messages.apiDescription },
    tags: [
      ...services.map((name) => ({
        name,
        ...(serviceSummaries[name] && { description: serviceSummaries[name] }),
      })),
      { name: messages.taskTag },
      { name: messages.serverTag },
    ],
    paths: { ...paths, ...taskPaths(["503", ...keyStatuses]), ...serverPaths },
    ...(keys && { security: [{ [keyScheme]: [] }] }),
    components: {
      schemas,
      responses: problemResponses,
      ...(keys && {
        securitySchemes: { [keyScheme]: { type: "http", scheme: "bearer", description: messages.keyScheme } },
      }),
    },
  };
}

/** What Swagger UI offers to enter a key for. */
const keyScheme = "apiKey";

/**
 * A request that the schema accepts: the examples and defaults it states, else the plainest value of each required field.
 */
export function exampleOf(schema: JsonSchema, root: JsonSchema): unknown {
  if (schema.examples && schema.examples.length > 0) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  const [one] = alternatives(schema, root);
  if (one !== schema && one.examples && one.examples.length > 0) return one.examples[0];
  if (one.const !== undefined) return one.const;
  if (one.enum) return one.enum[0];
  switch (typesOf(one)[0]) {
    case "object":
      return Object.fromEntries(
        propertyNames(one, root)
          .filter((name) => one.required?.includes(name) || one.properties?.[name].examples)
          .map((name) => [name, exampleOf({ ...knownExamples[name], ...one.properties?.[name] }, root)]),
      );
    case "array":
      return one.items ? [exampleOf(one.items, root)] : [];
    case "integer":
    case "number":
      return Math.max(1, one.minimum ?? 1);
    case "boolean":
      return true;
    case "string":
      return one.format === "date" ? "2024-01-31" : "text";
    default:
      return null;
  }
}

/** Values that work on every server, for fields that state no example of their own. */
const knownExamples: Readonly<Record<string, JsonSchema>> = {
  data: { examples: ["simulated"] },
  artifact: { examples: ["my-model"] },
};

/** The first letter of each part large: `forecast.train` as `ForecastTrain`. */
function pascalCase(name: string): string {
  return name.replace(/(^|[.-])([a-z])/gi, (_, __, letter: string) => letter.toUpperCase());
}

function withDefaults(schema: JsonSchema, defaults: Readonly<Record<string, unknown>>): JsonSchema {
  const names = Object.keys(defaults);
  if (names.length === 0) return schema;
  const stated = names.map((name) => {
    const description = messages.servedDefault(basename(String(defaults[name]))); // where it lies is nobody's business
    return [name, { ...schema.properties?.[name], description }] as const;
  });
  return {
    ...schema,
    properties: { ...schema.properties, ...Object.fromEntries(stated) },
    required: (schema.required ?? []).filter((name) => !names.includes(name)),
  };
}

/** Definitions inside a schema move to the document's own, since references count from the document's root. */
function hoist(schema: JsonSchema, name: string, schemas: Json): unknown {
  const { $defs, ...rest } = schema;
  const rename = (reference: string) =>
    reference === "#"
      ? `#/components/schemas/${name}`
      : reference.replace("#/$defs/", `#/components/schemas/${name}.`);
  const rewrite = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rewrite);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        key === "$ref" && typeof inner === "string" ? rename(inner) : rewrite(inner),
      ]),
    );
  };
  for (const [key, definition] of Object.entries($defs ?? {}))
    schemas[`${name}.${key}`] = rewrite(definition);
  return rewrite(rest);
}

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const json = (description: string, schema: Json) => ({
  description,
  content: { "application/json": { schema } },
});
const text = { type: "string" };
const time = { type: "string", format: "date-time" };

const sharedSchemas: Json = {
  Problem: {
    type: "object",
    description: "RFC 9457",
    required: ["type", "title", "status", "detail", "code"],
    properties: {
      type: { ...text, description: "a URN that ends in the code" },
      title: text,
      status: { type: "integer" },
      detail: { ...text, description: "where, what was expected and what was received" },
      code: { ...text, description: "stable; see docs/errors.md" },
      instance: text,
      field: { ...text, description: "the field of the request" },
      file: text,
      line: { type: "integer" },
    },
  },
  Task: {
    type: "object",
    required: ["id", "capability", "status", "href", "events", "createdAt"],
    properties: {
      id: { ...text, format: "uuid" },
      capability: text,
      status: { enum: ["queued", "running", "done", "failed", "cancelled"] },
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
  TaskAnswer: { type: "object", required: ["task"], properties: { task: ref("Task") } },
};

/** One row for each status: what it means, and an answer such as a client will meet. */
const problemTable = {
  400: [
    messages.badRequest,
    "INPUT_INVALID",
    "input",
    "lookback: expected a whole number of at least 2, received 1",
  ],
  401: [messages.unauthorized, "KEY_MISSING", "forbidden", messages.keyMissing],
  403: [messages.forbidden, "FILE_FORBIDDEN", "forbidden", messages.pathForbidden("data", "../prices.csv")],
  404: [
    messages.missing,
    "ARTIFACT_MISSING",
    "missing",
    "my-model: expected the folder of a trained model, found nothing there",
  ],
  409: [messages.conflict, "TRAINING_DIVERGED", "conflict", "epoch 3: expected a finite loss, received NaN"],
  413: [messages.tooLarge, "BODY_TOO_LARGE", "input", messages.bodyTooLarge(1048576)],
  415: [messages.notJson, "MEDIA_TYPE_UNKNOWN", "input", messages.mediaType("text/csv")],
  429: [messages.limited, "RATE_LIMITED", "forbidden", messages.rateLimited("key", 2000, 1)],
  500: [messages.mistake, "INTERNAL", "bug", messages.internal],
  503: [messages.unavailable, "SERVER_BUSY", "unavailable", messages.busy(16)],
} as const;

const problemResponses: Json = Object.fromEntries(
  Object.entries(problemTable).map(([status, [description, code, kind, message]]) => [
    `Problem${status}`,
    {
      description,
      content: {
        "application/problem+json": {
          schema: ref("Problem"),
          example: problemOf({ code, kind, message, details: {} }, Number(status)),
        },
      },
    },
  ]),
);

function problems(statuses: readonly `${keyof typeof problemTable}`[]): Json {
  return Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]),
  );
}

const accepted = {
  ...json(messages.accepted, ref("TaskAnswer")),
  headers: { Location: { description: "where the task is", schema: text } },
};
const modeParameter = {
  name: "mode",
  in: "query",
  description: messages.modeDescription,
  schema: { enum: ["job"] },
};
const keyParameter = {
  name: "Idempotency-Key",
  in: "header",
  description: messages.keyDescription,
  schema: { ...text, maxLength: 200 },
};
const idParameter = { name: "id", in: "path", required: true, schema: { ...text, format: "uuid" } };

/** @param always what every one of them may be refused with */
const taskPaths = (always: Parameters<typeof problems>[0]): Json => ({
  "/v1/tasks": {
    get: {
      operationId: "list-tasks",
      tags: [messages.taskTag],
      summary: messages.tasksSummary,
      responses: {
        200: json(messages.answer, {
          type: "object",
          required: ["tasks"],
          properties: { tasks: { type: "array", items: ref("Task") } },
        }),
        ...problems(always),
      },
    },
  },
  "/v1/tasks/{id}": {
    parameters: [idParameter],
    get: {
      operationId: "get-task",
      tags: [messages.taskTag],
      summary: messages.taskSummary,
      responses: { 200: json(messages.answer, ref("TaskAnswer")), ...problems(["404", ...always]) },
    },
    delete: {
      operationId: "cancel-task",
      tags: [messages.taskTag],
      summary: messages.cancelSummary,
      responses: { 200: json(messages.answer, ref("TaskAnswer")), ...problems(["404", ...always]) },
    },
  },
  "/v1/tasks/{id}/events": {
    parameters: [idParameter],
    get: {
      operationId: "task-events",
      tags: [messages.taskTag],
      summary: messages.eventsSummary,
      parameters: [
        {
          name: "Last-Event-ID",
          in: "header",
          description: "resume after this event",
          schema: { type: "integer" },
        },
      ],
      responses: {
        200: { description: messages.events, content: { "text/event-stream": { schema: text } } },
        ...problems(["404", ...always]),
      },
    },
  },
});

const statusAnswer = json(messages.answer, {
  type: "object",
  required: ["status"],
  properties: { status: text },
});

const serverPaths: Json = {
  "/healthz": {
    get: {
      operationId: "health",
      security: [],
      tags: [messages.serverTag],
      summary: messages.healthSummary,
      responses: { 200: statusAnswer },
    },
  },
  "/readyz": {
    get: {
      operationId: "ready",
      security: [],
      tags: [messages.serverTag],
      summary: messages.readySummary,
      responses: { 200: statusAnswer, 503: statusAnswer },
    },
  },
};
