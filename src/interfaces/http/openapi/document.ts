/** The OpenAPI 3.1 document of a server, made of the routes that it has. */
import type { Capability } from "../../../base/index.ts";
import { problemOf } from "../../failure.ts";
import { serviceSummaries, tagline } from "../../messages.ts";
import { addressOf } from "../../names.ts";
import { jsonSchemaOf } from "../../schema.ts";
import { accessOf, type RouteAccess } from "../guard/index.ts";
import { messages } from "../messages.ts";
import type { Route } from "../route-list.ts";
import { type Json, type Operation, object, type Refusal, ref, text } from "./operation.ts";

export interface OpenApiOptions {
  readonly capabilities: readonly Capability[];
  readonly version: string;
  /** Whether an API key is asked for. */
  readonly isKeyed: boolean;
  /** Whether requests are counted, and refused when they are too many. */
  readonly isLimited: boolean;
}

export function openApiDocument(routes: readonly Route[], options: OpenApiOptions): Json {
  const { capabilities, version, isKeyed } = options;
  const paths: Record<string, Json> = {};
  const schemas: Json = { ...sharedSchemas };
  for (const { url, methods, config } of routes) {
    const { operation } = config;
    if (operation === undefined) continue;
    const path = url.replace(/:([^/]+)/g, "{$1}");
    const described = describe(operation, url, accessOf(url, config.access), options);
    for (const method of methods)
      if (method !== "HEAD") paths[path] = { ...paths[path], [method.toLowerCase()]: described };
    Object.assign(schemas, operation.schemas);
  }
  const services = [...new Set(capabilities.map((capability) => addressOf(capability).service))];
  const used = new Set(routes.flatMap(({ config }) => config.operation?.tag ?? []));
  const others = Object.entries(messages.tags).filter(([name]) => used.has(name));
  return {
    openapi: "3.1.0",
    info: { title: messages.title, version, summary: tagline, description: messages.apiDescription },
    tags: [
      ...services.map((name) => ({
        name,
        ...(serviceSummaries[name] && { description: serviceSummaries[name] }),
      })),
      ...others.map(([name, description]) => ({ name, description })),
    ],
    paths,
    ...(isKeyed && { security: [{ [keyScheme]: [] }] }),
    components: {
      schemas,
      responses: refusals,
      headers,
      ...(isKeyed && {
        securitySchemes: { [keyScheme]: { type: "http", scheme: "bearer", description: messages.keyScheme } },
      }),
    },
  };
}

/** What Swagger UI offers to enter a key for. */
const keyScheme = "apiKey";

function describe(
  operation: Operation,
  url: string,
  access: RouteAccess,
  { isKeyed, isLimited }: OpenApiOptions,
): Json {
  const isOpen = access === "public";
  const needed = isKeyed && typeof access === "object" ? messages.neededScope(access.name) : undefined;
  const description = [operation.description, needed].filter((part) => part !== undefined).join(" ");
  const names = [...url.matchAll(/:([^/]+)/g)].map(([, name]) => name);
  const parameters = [
    ...names.map((name) => parameter("path", name, operation.path?.[name] ?? text, true)),
    ...queryParameters(operation),
    ...(operation.headers ?? []),
  ];
  const answers = Object.entries(operation.answers).map(([status, answer]) => [
    status,
    { ...answer, headers: { ...(answer["headers"] as Json), ...answerHeaders(!isOpen && isLimited) } },
  ]);
  const statuses: readonly Refusal[] = [
    ...always,
    ...(operation.query === "any" ? [] : [400 as const]),
    ...(!isOpen && isKeyed ? [401 as const] : []),
    ...(!isOpen && isLimited ? [429 as const] : []),
    ...(operation.refusals ?? []),
  ];
  const kind = operation.refusedAs === "error" ? "Error" : "Problem";
  const refused = [...new Set(statuses)].map((status) => [
    String(status),
    { $ref: `#/components/responses/${kind}${status}` },
  ]);
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    ...(description !== "" && { description }),
    ...(isOpen && isKeyed && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(operation.body && { requestBody: operation.body }),
    responses: { ...Object.fromEntries(refused), ...Object.fromEntries(answers) },
  };
}

/** What any route may be refused with: a page or a host of others, a mistake of ours, a server that stops. */
const always: readonly Refusal[] = [403, 500, 503];

function queryParameters({ query }: Operation): Json[] {
  if (query === undefined || query === "any") return [];
  const { properties = {}, required = [] } = jsonSchemaOf(query);
  return Object.entries(properties).map(([name, schema]) =>
    parameter("query", name, schema as Json, required.includes(name)),
  );
}

function parameter(place: "path" | "query", name: string, described: Json, required: boolean): Json {
  const { description, ...schema } = described;
  return {
    name,
    in: place,
    ...(description !== undefined && { description }),
    ...(required && { required }),
    schema,
  };
}

const headerRef = (name: string) => ({ [name]: { $ref: `#/components/headers/${name}` } });
const answerHeaders = (limited: boolean): Json => ({
  ...headerRef("X-Request-Id"),
  ...(limited && { ...headerRef("RateLimit"), ...headerRef("RateLimit-Policy") }),
});

const headers: Json = Object.fromEntries(
  Object.entries(messages.headers).map(([name, description]) => [name, { description, schema: text }]),
);

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
  Error: object({ error: { ...text, description: "where, what was expected and what was received" } }),
};

/** One row for each status: what it means, and an answer such as a client will meet. */
const refusalTable = {
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
} as const satisfies Record<Refusal, readonly unknown[]>;

/** Where a client of the Open Inference Protocol meets another one. */
const inferenceExamples: { readonly [S in Refusal]?: string } = {
  400: 'affine: expected input "x" of FP32[batch, 3], received FP32[1, 2]',
  403: messages.scopeMissing("inference.infer", ["forecast:read"]),
  404: 'expected a model of this server, received "affine"',
  503: "affine: expected room in the queue, received one more request than the 1024 that may wait",
};

/** What a refusal says in its headers. */
const refusalHeaders: { readonly [S in Refusal]?: Json } = {
  401: headerRef("WWW-Authenticate"),
  429: {
    ...headerRef("Retry-After"),
    ...headerRef("RateLimit"),
    ...headerRef("RateLimit-Policy"),
    ...headerRef("RateLimit-Limit"),
    ...headerRef("RateLimit-Remaining"),
    ...headerRef("RateLimit-Reset"),
  },
  503: headerRef("Retry-After"),
};

const refusals: Json = Object.fromEntries(
  Object.entries(refusalTable).flatMap(([key, [description, code, kind, message]]) => {
    const status = Number(key) as Refusal;
    const example = problemOf({ code, kind, message, details: {} }, status);
    const shared = { description, headers: { ...headerRef("X-Request-Id"), ...refusalHeaders[status] } };
    return [
      [
        `Problem${key}`,
        { ...shared, content: { "application/problem+json": { schema: ref("Problem"), example } } },
      ],
      [
        `Error${key}`,
        {
          ...shared,
          content: {
            "application/json": {
              schema: ref("Error"),
              example: { error: inferenceExamples[status] ?? message },
            },
          },
        },
      ],
    ];
  }),
);
