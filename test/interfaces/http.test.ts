/** The HTTP server as its clients see it, called without a port. */
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { auditCapabilities } from "../../src/services/audit/index.ts";
import { modelCapabilities } from "../../src/services/model/index.ts";
import { ended, eventsOf, jsonRequest, server, taskWhen } from "./http-server.ts";
import { toys } from "./toys.ts";

test("answers a capability with its defaults filled in", async () => {
  const { post } = await server();
  const response = await post("/v1/toy/moving-average", { data: "prices.csv", lookback: 5 });
  expect(response.statusCode).toBe(200);
  expect(response.json()).toMatchObject({
    mean: 0.5,
    received: { lookback: 5, method: "simple", horizon: [1] },
  });
});

test("answers bad input with a problem that names the field", async () => {
  const { post } = await server();
  const response = await post("/v1/toy/moving-average", {
    data: "p.csv",
    lookback: 1,
    cleaning: { maxGpa: 1 },
  });
  expect(response.statusCode).toBe(400);
  expect(response.headers["content-type"]).toMatch(/^application\/problem\+json/);
  expect(response.json()).toMatchObject({
    type: "urn:fathom:error:input-invalid",
    title: "The request is not valid",
    status: 400,
    code: "INPUT_INVALID",
    field: "cleaning.maxGpa",
    detail:
      "cleaning.maxGpa: is not a field of toy.movingAverage; did you mean cleaning.maxGap?; lookback: expected a whole number of at least 2, received 1",
    instance: expect.stringMatching(/^urn:uuid:/),
  });
});

test.each([
  ["GET", "/nothing", 404, "ROUTE_UNKNOWN", undefined, {}],
  ["GET", "/v1/toy/count", 405, "METHOD_UNKNOWN", undefined, {}],
  ["POST", "/v1/tasks/1234", 405, "METHOD_UNKNOWN", "{}", { "content-type": "application/json" }],
  ["POST", "/v1/toy/moving-average", 400, "INPUT_INVALID", "{oops", { "content-type": "application/json" }],
  [
    "POST",
    "/v1/toy/moving-average",
    400,
    "INPUT_INVALID",
    '{"__proto__":{}}',
    { "content-type": "application/json" },
  ],
  ["POST", "/v1/toy/moving-average", 400, "INPUT_INVALID", "[1]", { "content-type": "application/json" }],
  ["POST", "/v1/toy/moving-average", 400, "INPUT_INVALID", "", { "content-type": "application/json" }],
  ["POST", "/v1/toy/moving-average", 400, "INPUT_INVALID", undefined, {}],
  [
    "POST",
    "/v1/toy/moving-average",
    415,
    "MEDIA_TYPE_UNKNOWN",
    "data: p.csv",
    { "content-type": "application/yaml" },
  ],
  ["POST", "/v1/toy/moving-average", 415, "MEDIA_TYPE_UNKNOWN", "x", { "content-type": "text/plain" }],
  [
    "POST",
    "/v1/toy/moving-average",
    413,
    "BODY_TOO_LARGE",
    `"${"x".repeat(2000)}"`,
    { "content-type": "application/json" },
  ],
  [
    "POST",
    "/v1/toy/moving-average?mode=later",
    400,
    "INPUT_INVALID",
    '{"data":"p"}',
    { "content-type": "application/json" },
  ],
  [
    "POST",
    "/v1/toy/locate",
    404,
    "ARTIFACT_MISSING",
    '{"artifact":"nothing"}',
    { "content-type": "application/json" },
  ],
  ["GET", "/v1/tasks/1234", 404, "JOB_UNKNOWN", undefined, {}],
  ["GET", "/v1/tasks/1234/events", 404, "JOB_UNKNOWN", undefined, {}],
  [
    "POST",
    "/v1/toy/count",
    400,
    "INPUT_INVALID",
    "{}",
    { "content-type": "application/json", "idempotency-key": "two words" },
  ],
  ["GET", "/%zz", 400, "INPUT_INVALID", undefined, {}],
] as const)("answers %s %s with %d %s", async (method, url, status, code, payload, headers) => {
  const { app } = await server({ bodyLimitBytes: 1024 });
  const response = await app.inject({ method, url, headers, ...(payload !== undefined && { payload }) });
  expect(response.json()).toMatchObject({ status, code });
  expect(response.statusCode).toBe(status);
  expect(response.headers["content-type"]).toMatch(/^application\/problem\+json/);
  if (status === 405) expect(response.headers.allow).toMatch(/POST|GET/);
});

test("opens no stream for who wants its head alone", async () => {
  const { app } = await server();
  for (const url of ["/v1/tasks/1234/events", "/mcp"]) {
    const { statusCode, body, headers } = await app.inject({ method: "HEAD", url });
    expect([url, statusCode, body]).toEqual([url, 405, ""]);
    expect(headers.allow).not.toContain("HEAD");
  }
  expect((await app.inject({ method: "HEAD", url: "/v1/tasks" })).statusCode).toBe(200);
});

test.each([
  [
    '{"data":"p","__proto__":{}}',
    'body: expected other keys, received "__proto__", which is refused in any place',
  ],
  [
    '{"weights":{"constructor":{"prototype":1}}}',
    'body: expected other keys, received "constructor", which is refused in any place',
  ],
  ["{oops", expect.stringMatching(/^body: expected JSON, received /)],
  [" ", "body: expected a JSON object, received nothing"],
])("says of the body %s what is wrong with it", async (payload, detail) => {
  const { app } = await server();
  const headers = { "content-type": "application/json" };
  const response = await app.inject({ method: "POST", url: "/v1/toy/moving-average", headers, payload });
  expect(response.json()).toMatchObject({ status: 400, code: "INPUT_INVALID", detail });
});

test.each([
  [
    "GET",
    "/v1/tasks?limt=5",
    "limt",
    "limt: is not a field of the query of GET /v1/tasks; did you mean limit?",
  ],
  ["GET", "/v1/tasks?limit=five", "limit", 'limit: expected a whole number, received "five"'],
  ["GET", "/v1/tasks?limit=1&limit=2", "limit", 'limit: expected a whole number, received ["1","2"]'],
  [
    "GET",
    "/v1/tasks?status=runing",
    "status",
    'status: expected one of "queued", "running", "done", "failed" or "cancelled", received "runing"; did you mean "running"?',
  ],
  ["GET", "/v1/tasks/1?verbose", "verbose", "verbose: is not a field of the query of GET /v1/tasks/:id"],
  [
    "POST",
    "/v1/toy/moving-average?mod=job",
    "mod",
    "mod: is not a field of the query of POST /v1/toy/moving-average; did you mean mode?",
  ],
  [
    "POST",
    "/v1/toy/moving-average?mode=jbo",
    "mode",
    'mode: expected "job", received "jbo"; did you mean "job"?',
  ],
  ["DELETE", "/v1/tasks/1?force=true", "force", "force: is not a field of the query of DELETE /v1/tasks/:id"],
] as const)("refuses the query of %s %s, and names the field", async (method, url, field, detail) => {
  const { app } = await server();
  const body = { headers: { "content-type": "application/json" }, payload: '{"data":"simulated"}' };
  const response = await app.inject({ method, url, ...(method === "POST" && body) });
  expect(response.headers["content-type"]).toMatch(/^application\/problem\+json/);
  expect(response.json()).toMatchObject({
    status: 400,
    code: "INPUT_INVALID",
    field,
    detail,
  });
});

test("lets machines and browsers add what they like to the address of a page or a probe", async () => {
  const { app } = await server();
  for (const url of ["/", "/docs", "/docs/style.css", "/openapi.json", "/healthz", "/readyz"])
    expect([url, (await app.inject(`${url}?_=1`)).statusCode]).toEqual([url, 200]);
});

test("refuses a field in the body of a capability that takes none", async () => {
  const { post } = await server();
  const response = await post("/v1/toy/wait", { lookback: 3 });
  expect([response.statusCode, response.json().detail]).toEqual([
    400,
    "lookback: is not a field of toy.wait",
  ]);
});

test("keeps a mistake of ours to itself", async () => {
  const { post } = await server();
  const response = await post("/v1/toy/wrong", {});
  expect(response.statusCode).toBe(500);
  expect(response.json()).toMatchObject({
    code: "INTERNAL",
    detail: expect.stringContaining("its log has more"),
  });
  expect(response.body).not.toContain("mean");
});

test("refuses paths that lead out of the data folder, by dots, from the root, by links or from standard input", async () => {
  const { post, dataFolder } = await server();
  const outside = await mkdtemp(join(tmpdir(), "fathom-outside-"));
  onTestFinished(() => rm(outside, { recursive: true, force: true }));
  await symlink(outside, join(dataFolder, "link"));
  await symlink(join(outside, "later.csv"), join(dataFolder, "dangling.csv"));
  await symlink("circle", join(dataFolder, "circle"));
  await mkdir(join(dataFolder, "models"));
  await symlink(outside, join(dataFolder, "models", "linked"));
  const paths = [
    "../secret.csv",
    "/etc/passwd",
    "a/../../b",
    "link/p.csv",
    "dangling.csv",
    "circle/p.csv",
    "-",
    "x\0y",
  ];
  for (const data of paths) {
    const response = await post("/v1/toy/moving-average", { data });
    expect([data, response.statusCode, response.json().code]).toEqual([data, 403, "FILE_FORBIDDEN"]);
    expect(response.json().field).toBe("data");
  }
  const response = await post("/v1/toy/locate", { artifact: "linked" });
  expect(response.json().code).toBe("FILE_FORBIDDEN");
});

test("starts relative paths at the data folder, and names nothing above it", async () => {
  const { post, dataFolder } = await server();
  const inside = await post("/v1/toy/moving-average", { data: "deep/../p.csv" });
  expect(inside.json().received.data).toBe("./p.csv");
  const again = await post("/v1/toy/moving-average", { data: inside.json().received.data });
  expect(again.json()).toEqual(inside.json());
  const simulated = await post("/v1/toy/moving-average", { data: "simulated" });
  expect(simulated.json().received.data).toBe("simulated");

  await mkdir(join(dataFolder, "models", "goog"), { recursive: true });
  const named = await post("/v1/toy/locate", { artifact: "goog" });
  expect(named.json()).toEqual({ folder: "models/goog" });
  expect((await post("/v1/toy/locate", { artifact: "models/goog" })).json()).toEqual(named.json());
  const absent = await post("/v1/toy/locate", { artifact: "./absent" });
  expect(absent.json().detail).toBe("absent: expected the folder of a trained model, found nothing there");
});

test("looks for a file that ends in .onnx in the data folder only, even under a plain name", async () => {
  const { post, dataFolder } = await server({ capabilities: modelCapabilities });
  const network = new URL("../../src/engine/onnx/testing/torch-network-17.onnx", import.meta.url);
  await mkdir(join(dataFolder, "models"));
  await copyFile(network, join(dataFolder, "models", "network.onnx"));
  const named = await post("/v1/model/describe", { artifact: "network.onnx" });
  expect([named.statusCode, named.json().parameters]).toEqual([200, 372]);
  const absent = await post("/v1/model/describe", { artifact: "other.onnx" });
  expect([absent.statusCode, absent.json().code]).toEqual([404, "ARTIFACT_MISSING"]);
  for (const body of [{ artifact: "../x.onnx" }, { artifact: "network.onnx", svg: "../x.svg" }])
    expect((await post("/v1/model/describe", body)).json().code).toBe("FILE_FORBIDDEN");
});

test("writes a report under a plain name into the data folder, and not where the server was started", async () => {
  const { post, dataFolder, open } = await server({ capabilities: auditCapabilities });
  const platform = await open();
  await platform.audit.append({ action: "test", subject: "x", payload: {}, actor: "t" });
  const name = "exported-by-a-test.jsonl";
  const made = await post("/v1/audit/export", { out: name });
  expect([made.statusCode, made.json().file]).toEqual([200, `./${name}`]);
  expect(existsSync(join(dataFolder, name))).toBe(true);
  expect(existsSync(name)).toBe(false);
  const checked = await post("/v1/audit/verify", { file: made.json().file });
  expect(checked.json()).toMatchObject({ entries: 1 });
});

test("fills in the served model, which may lie anywhere, unless the request names another", async () => {
  const outside = await mkdtemp(join(tmpdir(), "fathom-served-"));
  onTestFinished(() => rm(outside, { recursive: true, force: true }));
  const { app, post } = await server({ defaults: { "toy.locate": { artifact: outside } } });
  expect((await post("/v1/toy/locate", {})).json()).toEqual({ folder: basename(outside) });
  const byName = await post("/v1/toy/locate", { artifact: basename(outside) });
  expect(byName.json()).toEqual({ folder: basename(outside) });
  for (const query of ["", "?mode=job"])
    expect((await post(`/v1/toy/locate${query}`, { artifact: "/etc" })).statusCode).toBe(403);
  const task = await taskWhen(app, (await post("/v1/toy/locate?mode=job", {})).json().task.href, ended);
  expect(task.output).toEqual({ folder: basename(outside) });
  const { components } = (await app.inject("/openapi.json")).json();
  expect(components.schemas.ToyLocateInput.required).toEqual([]);
  expect(JSON.stringify(components)).not.toContain(tmpdir());
});

test("answers about its health while a task runs", async () => {
  const { app, post } = await server();
  const { task } = (await post("/v1/toy/count", { to: 100_000, stepMs: 1 })).json();
  await taskWhen(app, task.href, (status) => status === "running");
  expect((await app.inject("/healthz")).json()).toEqual({ status: "ok" });
  expect((await app.inject(task.href)).json().task.status).toBe("running");
});

test("is ready only when its model is loaded", async () => {
  let loaded = false;
  const { app } = await server({ ready: () => loaded });
  expect((await app.inject("/readyz")).statusCode).toBe(503);
  expect((await app.inject("/healthz")).statusCode).toBe(200);
  loaded = true;
  expect((await app.inject("/readyz")).json()).toEqual({ status: "ready" });
});

test("stops work that takes longer than an answer may", async () => {
  const { post } = await server({ answerTimeoutMs: 20 });
  const response = await post("/v1/toy/wait", {});
  expect(response.statusCode).toBe(503);
  expect(response.json().code).toBe("ANSWER_TIMEOUT");
});

test("lets an answer in flight finish when it stops, and takes nothing new", async () => {
  const { app, post } = await server();
  const address = await app.listen({ port: 0, host: "127.0.0.1" });
  const { task } = (await post("/v1/toy/count", { to: 100_000, stepMs: 5 })).json();
  await taskWhen(app, task.href, (status) => status === "running");
  const slow = fetch(`${address}/v1/toy/nap`, jsonRequest({ ms: 2500 }));
  await new Promise((resolve) => setTimeout(resolve, 900)); // lets the request arrive
  const closing = app.close();
  const late = await fetch(`${address}/healthz`).then(
    async (response) => ((await response.json()) as { code: string }).code,
    () => "refused",
  );
  expect(["SERVER_STOPPING", "refused"]).toContain(late);
  expect(await (await slow).json()).toEqual({ rested: true });
  await closing;
});

test("stops what takes too long, ends event streams and closes its model when it stops", async () => {
  let closed = 0;
  const { app, post } = await server({
    stopLimitMs: 50,
    onClose: async () => {
      closed++;
    },
  });
  const address = await app.listen({ port: 0, host: "127.0.0.1" });
  const { task } = (await post("/v1/toy/count", { to: 100_000, stepMs: 5 })).json();
  await taskWhen(app, task.href, (status) => status === "running");
  const stream = await fetch(address + task.events);
  const waiting = fetch(`${address}/v1/toy/wait`, jsonRequest({}));
  await new Promise((resolve) => setTimeout(resolve, 900)); // lets the request arrive
  await app.close();
  // The job goes on elsewhere, and so does its reader.
  const types = eventsOf(await stream.text()).map(({ event }) => event);
  expect(types.slice(0, 2)).toEqual(["queued", "started"]);
  expect(types).not.toContain("failed");
  expect((await waiting).status).toBe(503);
  expect(closed).toBe(1);
});

test("answers a local machine only under its own names", async () => {
  const { app } = await server({ allowedHosts: ["127.0.0.1", "localhost"] });
  expect((await app.inject({ url: "/healthz", headers: { host: "localhost:8080" } })).statusCode).toBe(200);
  const rebound = await app.inject({ url: "/healthz", headers: { host: "evil.example" } });
  expect(rebound.json()).toMatchObject({ status: 403, code: "HOST_FORBIDDEN" });
});

test("serves its pages from its own files, under a strict content security policy", async () => {
  const { app } = await server();
  const landing = await app.inject("/");
  expect(landing.body).toContain("POST /v1/toy/moving-average");
  const docs = await app.inject("/docs");
  for (const page of [landing, docs]) {
    const csp = String(page.headers["content-security-policy"]);
    expect(csp).toContain("default-src 'self'");
    expect(csp).not.toContain("script-src");
    expect(page.headers["x-content-type-options"]).toBe("nosniff");
    const links = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) expect([link, (await app.inject(link)).statusCode]).toEqual([link, 200]);
  }
});

test("escapes what schemas and models are called", async () => {
  const [toy] = toys;
  const { app } = await server({ capabilities: [{ ...toy, summary: "<script>alert(1)</script>" }] });
  expect((await app.inject("/")).body).not.toContain("<script>");
});

test("writes request ids and no bodies to its log", async () => {
  const lines: string[] = [];
  const { pino } = await import("pino");
  const logger = pino({ level: "trace" }, { write: (line: string) => lines.push(line) });
  const { post } = await server({ logger });
  const response = await post("/v1/toy/moving-average", { data: "customer-4711.csv" });
  const log = lines.join("");
  expect(log).toContain(String(response.headers["x-request-id"]));
  expect(log).not.toContain("customer-4711");
});

test("keeps the files of others out of reach through the address", async () => {
  const { app, dataFolder } = await server();
  await writeFile(join(dataFolder, "secret.txt"), "secret");
  for (const url of ["/docs/../package.json", "/docs/%2e%2e/package.json", "/secret.txt", "/docs/index.js"]) {
    expect((await app.inject(url)).statusCode).toBe(404);
  }
});
