/** The OpenAPI document against the server that it describes: the same routes, and answers as it says. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { input, mul, toOnnx, traceGraph } from "../../src/engine/index.ts";
import { parseInput } from "../../src/interfaces/call.ts";
import { capabilities } from "../../src/interfaces/capabilities.ts";
import { buildServer } from "../../src/interfaces/http/index.ts";
import { addressOf } from "../../src/interfaces/names.ts";
import { folderSource, ModelServer } from "../../src/platform/inference/index.ts";
import { lazyPlatform, localContext, systemClock } from "../../src/platform/local/index.ts";
import { createMetrics } from "../../src/platform/metrics/index.ts";
import { toys } from "./toys.ts";

interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  security?: unknown[];
  parameters?: { name: string; in: string; required?: boolean; schema: unknown }[];
  requestBody?: { content: Record<string, { schema: unknown; example?: object }> };
  responses: Record<string, unknown>;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  security: unknown[];
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
}
interface Answer {
  description: string;
  headers: Record<string, unknown>;
  content?: Record<string, { schema: Record<string, unknown> }>;
}

const platforms: ReturnType<typeof lazyPlatform>[] = [];
let dataFolder: string;
let app: FastifyInstance;
let document: Document;
let token: string;

/** Everything that a server can have. */
async function fullServer(): Promise<FastifyInstance> {
  const platform = lazyPlatform({ dataFolder });
  platforms.push(platform);
  const context = localContext({ dataFolder, workingFolder: dataFolder, platform: platform.open });
  const metrics = createMetrics();
  const models = new ModelServer({
    sources: [folderSource(join(dataFolder, "models"), context.models.locate)],
    workers: 1,
    threadsPerBatch: 1,
    maxBatchRows: 64,
    windowMs: 0,
    queueLimit: 10,
    timeoutMs: 30_000,
    maxLoaded: 8,
    refreshMs: 60_000,
    elapsed: systemClock.elapsed,
    logger: context.logger,
  });
  return buildServer({
    capabilities: [...capabilities, ...toys],
    version: "1.2.3",
    dataFolder,
    clock: systemClock,
    jobs: async () => (await platform.open()).jobs,
    makeContext: (world) =>
      localContext({ dataFolder, workingFolder: dataFolder, platform: platform.open, ...world }),
    models,
    watching: { metrics },
    guard: { keys: async () => (await platform.open()).keys, clock: systemClock },
    onClose: async () => {
      await models.close();
      metrics.close();
    },
  });
}

beforeAll(async () => {
  dataFolder = await realpath(await mkdtemp(join(tmpdir(), "fathom-openapi-")));
  await mkdir(join(dataFolder, "models"));
  const twice = toOnnx(traceGraph({ y: mul(input("x", ["batch", 2]), 2) }));
  await writeFile(join(dataFolder, "models", "twice.onnx"), twice);
  app = await fullServer();
  await app.ready();
  document = (await app.inject("/openapi.json")).json();
  const { keys } = await platforms[0].open();
  const request = { name: "t", actor: "t", scopes: ["*"], expiresAt: null, requestsPerSecond: null };
  ({ token } = await keys.create({ ...request, by: "owner" }));
});
afterAll(async () => {
  await app.close();
  for (const platform of platforms) await platform.close();
  await rm(dataFolder, { recursive: true, force: true });
});

/** `GET /v1/tasks/{id}` and all others, as the router itself prints what it has. */
function routesOf(server: FastifyInstance): string[] {
  const stack: string[] = [];
  const lines = server.printRoutes({ commonPrefix: false }).split("\n");
  return lines.flatMap((line) => {
    const [, indent, piece, methods] = /^([ │]*)[├└]── (\S+)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (piece === undefined) return [];
    stack.length = indent.length / 4;
    stack.push(piece);
    const path = stack.join("").replace(/(?<=.)\/$/, "");
    return (methods ?? "")
      .split(", ")
      .filter((method) => method !== "" && method !== "HEAD") // answered wherever GET is
      .map((method) => `${method} ${path.replace(/^\/+/, "/").replace(/:([^/]+)/g, "{$1}")}`);
  });
}
const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );
const describedOf = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );

test("describes every route of the server, and no other", () => {
  const routes = [...new Set(routesOf(app))].sort();
  expect(routes).toEqual(
    expect.arrayContaining([
      "GET /",
      "GET /docs/{file}",
      "GET /metrics",
      "DELETE /mcp",
      "POST /v1/registry/plan-status",
      "DELETE /v1/tasks/{id}",
      "POST /v2/models/{model}/versions/{version}/infer",
    ]),
  );
  expect(describedOf(document).sort()).toEqual(routes);
});

test("leaves out a route that says nothing of itself, which the comparison then finds", async () => {
  const other = await fullServer();
  other.register(async (routes) => {
    routes.get("/v1/unsaid/:thing", async () => ({}));
  });
  await other.ready();
  const described = describedOf((await other.inject("/openapi.json")).json());
  const undescribed = routesOf(other).filter((route) => !described.includes(route));
  await other.close();
  expect(undescribed).toEqual(["GET /v1/unsaid/{thing}"]);
});

test("has what OpenAPI asks for: names once, tags that are listed, parameters that the address has", () => {
  expect(document).toMatchObject({ openapi: "3.1.0", info: { title: "Fathom", version: "1.2.3" } });
  const ids = operations().map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const tags = document.tags.map(({ name }) => name);
  expect(new Set(tags).size).toBe(tags.length);
  for (const { path, method, operation } of operations()) {
    const where = `${method} ${path}`;
    expect([where, tags]).toEqual([where, expect.arrayContaining(operation.tags)]);
    expect([where, operation.summary]).toEqual([where, expect.stringMatching(/\S/)]);
    const { parameters = [] } = operation;
    const names = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
    const inPath = parameters.filter((one) => one.in === "path");
    expect([where, inPath.map(({ name }) => name)]).toEqual([where, names]);
    for (const one of parameters) {
      expect([where, ["path", "query", "header"]]).toEqual([where, expect.arrayContaining([one.in])]);
      expect([where, typeof one.schema]).toEqual([where, "object"]);
      if (one.in === "path") expect([where, one.required]).toEqual([where, true]);
    }
    expect([where, operation.requestBody !== undefined]).toEqual([
      where,
      method === "post" && path !== "/v2/repository/index",
    ]);
    const statuses = Object.keys(operation.responses);
    expect([where, statuses.some((status) => status.startsWith("2"))]).toEqual([where, true]);
    for (const status of statuses) {
      const answer = answerOf(path, method, status);
      expect([where, status, answer?.description]).toEqual([where, status, expect.stringMatching(/\S/)]);
    }
  }
});

test("has references that resolve, and no definition that nothing refers to", () => {
  const text = JSON.stringify(document);
  const references = [...new Set([...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, way]) => way))];
  expect(references.length).toBeGreaterThan(100);
  for (const way of references) expect([way, typeof resolve(way)]).toEqual([way, "object"]);
  for (const kind of ["schemas", "headers"])
    for (const name of Object.keys(resolve(`components/${kind}`) as object))
      expect(references).toContain(`components/${kind}/${name}`);
});

function resolve(way: string): unknown {
  return way
    .split("/")
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
}

/** What is said of a status of an operation. */
function answerOf(path: string, method: string, status: string): Answer | undefined {
  const found = document.paths[path]?.[method]?.responses[status] as (Answer & { $ref?: string }) | undefined;
  return found?.$ref === undefined ? found : (resolve(found.$ref.slice(2)) as Answer);
}

/** A schema with the definitions of the document, as zod reads it. */
function validatorOf(schema: object): z.ZodType {
  const { schemas } = resolve("components") as { schemas: object };
  const whole = JSON.stringify({ ...schema, $defs: schemas }).replaceAll("#/components/schemas/", "#/$defs/");
  return z.fromJSONSchema(JSON.parse(whole));
}

const infer = { inputs: [{ name: "x", shape: [1, 2], datatype: "FP32", data: [1, 2] }] };
const json = { "content-type": "application/json" };
const handshake = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } },
};
const both = { accept: "application/json, text/event-stream", "content-type": "application/json" };

/** Address, as the document has it; status; whether a key goes with it; what is sent. */
const exchanges: readonly (readonly [
  "get" | "post" | "delete",
  string,
  number,
  { url?: string; keyless?: boolean; payload?: object | string; headers?: Record<string, string> },
])[] = [
  ["get", "/", 200, {}],
  ["get", "/docs", 200, {}],
  ["get", "/docs/{file}", 404, { url: "/docs/nothing.js" }],
  ["get", "/healthz", 200, {}],
  ["get", "/readyz", 200, {}],
  ["get", "/openapi.json", 200, {}],
  ["get", "/metrics", 200, {}],
  ["get", "/metrics", 401, { keyless: true }],
  ["get", "/metrics", 400, { url: "/metrics?name=x" }],
  ["get", "/v1/tasks", 200, {}],
  ["get", "/v1/tasks", 400, { url: "/v1/tasks?limit=0" }],
  ["get", "/v1/tasks/{id}", 404, { url: "/v1/tasks/1" }],
  ["get", "/v1/tasks/{id}/events", 401, { url: "/v1/tasks/1/events", keyless: true }],
  ["post", "/v1/toy/moving-average", 200, { payload: { data: "simulated" }, headers: json }],
  ["post", "/v1/toy/moving-average", 400, { payload: { data: 1 }, headers: json }],
  ["post", "/v1/toy/moving-average", 403, { payload: { data: "../x" }, headers: json }],
  ["post", "/v1/toy/moving-average", 415, { payload: "x", headers: { "content-type": "text/csv" } }],
  ["post", "/v1/toy/count", 202, { payload: {}, headers: json }],
  ["post", "/v1/registry/keys", 200, { payload: {}, headers: json }],
  ["get", "/v2", 200, {}],
  ["get", "/v2", 401, { keyless: true }],
  ["get", "/v2/health/live", 200, { keyless: true }],
  ["get", "/v2/health/ready", 200, { keyless: true }],
  ["post", "/v2/repository/index", 200, {}],
  ["get", "/v2/models/{model}", 200, { url: "/v2/models/twice" }],
  ["get", "/v2/models/{model}", 404, { url: "/v2/models/other" }],
  ["get", "/v2/models/{model}/ready", 200, { url: "/v2/models/twice/ready" }],
  ["get", "/v2/models/{model}/versions/{version}", 404, { url: "/v2/models/twice/versions/9" }],
  ["post", "/v2/models/{model}/infer", 200, { url: "/v2/models/twice/infer", payload: infer }],
  ["post", "/v2/models/{model}/infer", 400, { url: "/v2/models/twice/infer", payload: "{}" }],
  ["post", "/mcp", 200, { payload: handshake, headers: both }],
  ["post", "/mcp", 401, { keyless: true, payload: handshake, headers: both }],
  ["post", "/mcp", 406, { payload: handshake, headers: json }],
  ["post", "/mcp", 404, { payload: handshake, headers: { ...both, "mcp-session-id": "none" } }],
  ["get", "/mcp", 400, { headers: { accept: "text/event-stream" } }],
  ["delete", "/mcp", 400, {}],
];

test.each(exchanges)("says of %s %s with %d what comes", async (method, path, status, asked) => {
  const { url = path, keyless = false, payload, headers = {} } = asked;
  const answer = await app.inject({
    method: method.toUpperCase() as "GET",
    url,
    headers: { ...headers, ...(!keyless && { authorization: `Bearer ${token}` }) },
    ...(payload !== undefined && { payload }),
  });
  expect([answer.statusCode, answer.statusCode === status ? "" : answer.body]).toEqual([status, ""]);
  const described = answerOf(path, method, String(status));
  const [type] = String(answer.headers["content-type"]).split(";");
  expect(Object.keys(described?.content ?? {})).toContain(type);
  const needed = { 401: "WWW-Authenticate", 429: "Retry-After" }[status];
  for (const name of ["X-Request-Id", ...(needed ? [needed] : [])]) {
    expect(Object.keys(described?.headers ?? {})).toContain(name);
    expect(answer.headers[name.toLowerCase()]).toBeDefined();
  }
  const counted = answer.headers["ratelimit"] !== undefined && status < 300;
  if (counted) expect(Object.keys(described?.headers ?? {})).toContain("RateLimit");
  const schema = described?.content?.[type].schema ?? {};
  if (type.endsWith("json")) expect(validatorOf(schema).safeParse(answer.json()).error).toBeUndefined();
});

test("shows a request of a capability that works, and whether its answer comes at once", () => {
  const { post } = document.paths["/v1/toy/moving-average"];
  expect(post.requestBody?.content["application/json"]).toMatchObject({ example: { data: "prices.csv" } });
  expect(Object.keys(post.responses)).toEqual([
    "200",
    "202",
    "400",
    "401",
    "403",
    "404",
    "409",
    "413",
    "415",
    "429",
    "500",
    "503",
  ]);
  expect(document.paths["/v1/toy/count"].post.responses["200"]).toBeUndefined();
  expect(document.paths["/v1/keys/create"].post.responses["202"]).toBeUndefined(); // its answer is a secret
});

test.each(capabilities)("shows a request of $name that its schema accepts", (one) => {
  const { service, action } = addressOf(one);
  const { requestBody } = document.paths[`/v1/${service}/${action}`].post;
  const example = requestBody?.content["application/json"].example ?? {};
  expect(() => parseInput(one, example, (path) => path.join("."))).not.toThrow();
  expect(Object.values(example)).not.toContain("text"); // the word for what nobody thought of
});

test("says how a key is given, where none is needed, and which scope is", () => {
  expect(document.security).toEqual([{ apiKey: [] }]);
  expect(resolve("components/securitySchemes/apiKey")).toMatchObject({ type: "http", scheme: "bearer" });
  for (const { path, operation } of operations()) {
    const isOpen = /^\/(healthz|readyz|openapi\.json|docs.*|)$|^\/v2\/health\//.test(path);
    expect([path, operation.security]).toEqual([path, isOpen ? [] : undefined]);
  }
  const described = (path: string) => Object.values(document.paths[path])[0] as { description?: string };
  expect(described("/v1/toy/moving-average").description).toContain("scope toy.movingAverage");
  expect(described("/metrics").description).toContain("scope server.metrics");
  expect(described("/v2/models/{model}").description).toContain("scope inference.describe");
  expect(described("/v2/models/{model}/infer").description).toContain("scope inference.infer");
});
