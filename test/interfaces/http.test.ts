/** The HTTP server as its clients see it, called without a port. */
import { copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { expect, onTestFinished, test, vi } from "vitest";
import { buildServer, type ServerOptions } from "../../src/interfaces/http/index.ts";
import { localContext } from "../../src/platform/local/index.ts";
import { jobsCapabilities } from "../../src/services/jobs/index.ts";
import { modelCapabilities } from "../../src/services/model/index.ts";
import { toyJobs } from "./toy-jobs.ts";
import { toys } from "./toys.ts";

async function server(overrides: Partial<ServerOptions> = {}, { running = 1 } = {}) {
  const dataFolder = await realpath(await mkdtemp(join(tmpdir(), "fathom-http-")));
  const { capabilities = toys } = overrides;
  const jobs = toyJobs({ capabilities, dataFolder, running });
  const app = buildServer({
    capabilities,
    version: "1.2.3",
    dataFolder,
    jobs: async () => (await jobs.open()).jobs,
    makeContext: (world) =>
      localContext({ dataFolder, workingFolder: dataFolder, platform: jobs.open, ...world }),
    ...overrides,
  });
  onTestFinished(async () => {
    await app.close();
    await jobs.close();
    await rm(dataFolder, { recursive: true, force: true });
  });
  await app.ready();
  const post = (url: string, payload: object | undefined, headers: Record<string, string> = {}) =>
    app.inject({ method: "POST", url, headers, ...(payload && { payload }) });
  return { app, dataFolder, post };
}

/** The state of a task once `condition` holds. */
async function taskWhen(app: FastifyInstance, href: string, condition: (status: string) => boolean) {
  for (;;) {
    const { task } = (await app.inject(href)).json();
    if (condition(task.status)) return task;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
const ended = (status: string) => !["queued", "running"].includes(status);

const jsonRequest = (body: object) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

interface SentEvent {
  id: number;
  event: string;
  data: Record<string, unknown>;
}
function eventsOf(body: string): SentEvent[] {
  return body
    .split("\n\n")
    .filter((block) => block.startsWith("id: "))
    .map((block) => {
      const lines = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
      return { id: Number(lines.id), event: lines.event, data: JSON.parse(lines.data) };
    });
}

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
  expect(inside.json().received.data).toBe(join(dataFolder, "p.csv"));
  const simulated = await post("/v1/toy/moving-average", { data: "simulated" });
  expect(simulated.json().received.data).toBe("simulated");

  await mkdir(join(dataFolder, "models", "goog"), { recursive: true });
  const named = await post("/v1/toy/locate", { artifact: "goog" });
  expect(named.json()).toEqual({ folder: join(dataFolder, "models", "goog") });
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

test("fills in the served model, which may lie anywhere, unless the request names another", async () => {
  const outside = await mkdtemp(join(tmpdir(), "fathom-served-"));
  onTestFinished(() => rm(outside, { recursive: true, force: true }));
  const { app, post } = await server({ defaults: { "toy.locate": { artifact: outside } } });
  expect((await post("/v1/toy/locate", {})).json()).toEqual({ folder: outside });
  expect((await post("/v1/toy/locate", { artifact: "/etc" })).statusCode).toBe(403);
  const { components } = (await app.inject("/openapi.json")).json();
  expect(components.schemas.ToyLocateInput.required).toEqual([]);
  expect(JSON.stringify(components)).not.toContain(tmpdir());
});

test("runs long work as a task, and tells its progress and its end", async () => {
  const { app, post } = await server();
  const response = await post("/v1/toy/count", { to: 3 });
  expect(response.statusCode).toBe(202);
  const { task } = response.json();
  expect(response.headers.location).toBe(`/v1/tasks/${task.id}`);
  expect(task).toMatchObject({
    capability: "toy.count",
    href: `/v1/tasks/${task.id}`,
    events: `/v1/tasks/${task.id}/events`,
  });

  const done = await taskWhen(app, task.href, ended);
  expect(done).toMatchObject({ status: "done", output: { counted: 3 }, progress: { done: 3, total: 3 } });
  const stream = await app.inject(task.events);
  expect(stream.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
  const events = eventsOf(stream.body);
  expect(events[0].event).toBe("queued");
  expect(events.at(-1)).toMatchObject({ event: "done", data: { output: { counted: 3 } } });
  expect(events.filter(({ event }) => event === "progress").at(-1)?.data).toMatchObject({
    stage: "count",
    done: 3,
    values: { loss: 1 / 3 },
  });
});

test("resumes an event stream after the last event that was seen", async () => {
  const { app, post } = await server();
  const { task } = (await post("/v1/toy/count", {})).json();
  const all = eventsOf((await app.inject(task.events)).body);
  const seen = all[1].id;
  const rest = await app.inject({ url: task.events, headers: { "last-event-id": String(seen) } });
  expect(eventsOf(rest.body)).toEqual(all.filter(({ id }) => id > seen));
  // Whoever has heard everything is told to stay away, or a browser would come back every other second for ever.
  const last = String(all.at(-1)?.id);
  const none = await app.inject({ url: task.events, headers: { "last-event-id": last } });
  expect([none.statusCode, none.body]).toEqual([204, ""]);
});

test("refuses a body in an encoding that it does not read", async () => {
  const { post } = await server();
  const answer = await post("/v1/toy/moving-average", { data: "p.csv" }, { "content-encoding": "gzip" });
  expect(answer.statusCode).toBe(415);
  expect(answer.json().detail).toBe('content-encoding: expected a body as it is, received "gzip"');
});

test("promises no repetition of an answer that it does not keep", async () => {
  const { post } = await server();
  const key = { "idempotency-key": "k-1" };
  const refused = await post("/v1/toy/moving-average", { data: "p.csv" }, key);
  expect(refused.statusCode).toBe(400);
  expect(refused.json().detail).toMatch(/^idempotency-key: expected for a task/);
  const first = (await post("/v1/toy/moving-average?mode=job", { data: "p.csv" }, key)).json();
  const again = (await post("/v1/toy/moving-average?mode=job", { data: "p.csv" }, key)).json();
  expect(again.task.id).toBe(first.task.id);
});

test("runs any capability as a task when asked by query or by header", async () => {
  const { app, post } = await server();
  for (const response of [
    await post("/v1/toy/moving-average?mode=job", { data: "p.csv" }),
    await post("/v1/toy/moving-average", { data: "p.csv" }, { prefer: "respond-async" }),
  ]) {
    expect(response.statusCode).toBe(202);
    const task = await taskWhen(app, response.json().task.href, ended);
    expect(task.output.mean).toBe(0.5);
  }
});

test("refuses bad input before a task starts", async () => {
  const { app, post } = await server();
  expect((await post("/v1/toy/count", { to: 0 })).statusCode).toBe(400);
  expect((await app.inject("/v1/tasks")).json()).toEqual({ tasks: [] });
});

test("tells why a task failed, without our insides", async () => {
  const { app, post } = await server();
  const refused = (await post("/v1/toy/count", { fail: "conflict" })).json().task;
  expect(await taskWhen(app, refused.href, ended)).toMatchObject({
    status: "failed",
    problem: { code: "TRAINING_DIVERGED", status: 409 },
  });
  const broken = (await post("/v1/toy/count", { fail: "bug" })).json().task;
  const task = await taskWhen(app, broken.href, ended);
  expect(task.problem).toMatchObject({ code: "INTERNAL", status: 500 });
  const stream = await app.inject(broken.events);
  expect(eventsOf(stream.body).at(-1)).toMatchObject({
    event: "failed",
    data: { problem: { code: "INTERNAL" } },
  });
  expect(JSON.stringify(task) + stream.body).not.toContain("secret");
});

test("cancels a running task and a waiting one", async () => {
  const { app, post } = await server();
  const long = { to: 100_000, stepMs: 5 };
  const first = (await post("/v1/toy/count", long)).json().task;
  await taskWhen(app, first.href, (status) => status === "running");
  const second = (await post("/v1/toy/count", long)).json().task;
  expect(second.status).toBe("queued");
  const cancelled = await app.inject({ method: "DELETE", url: second.href });
  expect(cancelled.json().task).toMatchObject({ status: "cancelled", problem: { code: "INTERRUPTED" } });
  await app.inject({ method: "DELETE", url: first.href });
  expect(await taskWhen(app, first.href, ended)).toMatchObject({ status: "cancelled" });
  const headers = { "content-type": "application/json" }; // as many clients send it, also without a body
  const again = await app.inject({ method: "DELETE", url: first.href, headers });
  expect(again.json().task.status).toBe("cancelled");
});

test("lets some tasks wait, and refuses the next", async () => {
  const { app, post } = await server({ waitingTasks: 1 });
  const long = { to: 100_000, stepMs: 5 };
  const first = (await post("/v1/toy/count", long)).json().task;
  await taskWhen(app, first.href, (status) => status === "running");
  const second = (await post("/v1/toy/count", { to: 1 })).json().task;
  expect(second.status).toBe("queued");
  const third = await post("/v1/toy/count", long);
  expect(third.statusCode).toBe(503);
  expect(third.json().code).toBe("SERVER_BUSY");
  expect(Number(third.headers["retry-after"])).toBeGreaterThan(0);
  await app.inject({ method: "DELETE", url: first.href });
  expect((await taskWhen(app, second.href, ended)).status).toBe("done");
});

test("lists tasks, the newest first, without their outputs", async () => {
  const { app, post } = await server();
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) {
    const { task } = (await post("/v1/toy/count", { to: 1, stepMs: 0 })).json();
    ids.unshift(task.id);
    await taskWhen(app, task.href, ended);
  }
  const { tasks } = (await app.inject("/v1/tasks")).json();
  expect(tasks.map(({ id }: { id: string }) => id)).toEqual(ids);
  expect(tasks[0]).toMatchObject({ status: "done", attempt: 1 });
  expect(tasks[0].output).toBeUndefined();
});

test("finds the task of a request that is sent again with its key, and refuses the key for another", async () => {
  const { post } = await server();
  const headers = { "idempotency-key": "4711" };
  const first = (await post("/v1/toy/count", { to: 1 }, headers)).json().task;
  expect((await post("/v1/toy/count", { to: 1 }, headers)).json().task.id).toBe(first.id);
  const other = await post("/v1/toy/count", { to: 2 }, headers);
  expect([other.statusCode, other.json().code]).toEqual([409, "JOB_KEY_CONFLICT"]);
});

test("holds the paths of jobs that are queued or scheduled by name to the data folder", async () => {
  const { post, dataFolder } = await server({ capabilities: [...toys, ...jobsCapabilities] }, { running: 0 });
  const asked = { capability: "toy.movingAverage", request: { data: "/etc/passwd" } };
  const outside = await post("/v1/jobs/submit", asked);
  expect([outside.statusCode, outside.json().code]).toEqual([403, "FILE_FORBIDDEN"]);
  const scheduled = await post("/v1/jobs/schedule", { ...asked, name: "x", cron: "0 0 * * *" });
  expect([scheduled.statusCode, scheduled.json().code]).toEqual([403, "FILE_FORBIDDEN"]);
  const inside = await post("/v1/jobs/submit", { ...asked, request: { data: "p.csv" } });
  const { id } = inside.json().job;
  const shown = (await post("/v1/jobs/show", { id })).json();
  expect(shown.input.data).toBe(join(dataFolder, "p.csv"));
  const nested = await post("/v1/jobs/submit", { capability: "jobs.submit", request: asked });
  expect([nested.statusCode, nested.json().code]).toEqual([400, "JOB_CAPABILITY_UNKNOWN"]);
});

test("tells which workers there are, and how many jobs they have", async () => {
  const { app, post } = await server({ capabilities: [...toys, ...jobsCapabilities] });
  const { task } = (await post("/v1/toy/count", { to: 100_000, stepMs: 1 })).json();
  await taskWhen(app, task.href, (status) => status === "running");
  await vi.waitUntil(
    async () => {
      const { workers } = (await post("/v1/jobs/workers", {})).json();
      return workers.length === 1 && workers[0].running === 1;
    },
    { timeout: 20_000 },
  );
  const { workers } = (await post("/v1/jobs/workers", {})).json();
  expect(workers).toMatchObject([{ what: "toys", pid: process.pid, concurrency: 1, alive: true }]);
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

test("describes every route in its OpenAPI document, with references that resolve", async () => {
  const { app } = await server();
  const document = (await app.inject("/openapi.json")).json();
  expect(document.openapi).toBe("3.1.0");
  const { post } = document.paths["/v1/toy/moving-average"];
  expect(post.requestBody.content["application/json"].example).toEqual({ data: "prices.csv" });
  expect(Object.keys(post.responses)).toEqual([
    "200",
    "202",
    "400",
    "403",
    "404",
    "409",
    "413",
    "415",
    "500",
    "503",
  ]);
  expect(document.paths["/v1/toy/count"].post.responses["200"]).toBeUndefined();
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path);
  expect(references.length).toBeGreaterThan(10);
  for (const path of references) {
    const found = path
      .split("/")
      .reduce((value: Record<string, never> | undefined, key) => value?.[key], document);
    expect([path, typeof found]).toEqual([path, "object"]);
  }
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
