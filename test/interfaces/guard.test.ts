/** Keys, scopes and limits of the HTTP server, as callers meet them. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import {
  type Capability,
  capability,
  type JobsPort,
  type Platform,
  PlatformError,
} from "../../src/base/index.ts";
import { confinedJobs } from "../../src/interfaces/http/confined-jobs.ts";
import { buildServer, type ServerOptions } from "../../src/interfaces/http/index.ts";
import { type LazyPlatform, lazyPlatform, localContext } from "../../src/platform/local/index.ts";
import { forecastCapabilities } from "../../src/services/forecast/index.ts";
import { jobsCapabilities } from "../../src/services/jobs/index.ts";
import { keysCapabilitiesOf } from "../../src/services/keys/index.ts";
import { toys } from "./toys.ts";

const whoami = capability({
  name: "toy.whoami",
  summary: "Says who asks",
  effect: "reads",
  input: z.object({ artifact: z.string().optional() }),
  output: z.object({ actor: z.string(), scopes: z.array(z.string()).nullable() }),
  run: async (_, { actor = "nobody", scopes }) => ({ actor, scopes: scopes ? [...scopes] : null }),
});
const all: readonly Capability[] = [
  ...toys,
  whoami as unknown as Capability,
  ...keysCapabilitiesOf(() => all),
];

let dataFolder: string;
let platform: LazyPlatform;
let keys: Platform["keys"];
let now = 0;
const clock = { now: () => 1_800_000_000_000 + now, elapsed: () => now };

beforeAll(async () => {
  dataFolder = await realpath(await mkdtemp(join(tmpdir(), "fathom-guard-")));
  platform = lazyPlatform({ dataFolder, clock });
  keys = (await platform.open()).keys;
});
beforeEach(() => {
  now += 3_600_000;
});
afterAll(async () => {
  await platform.close();
  await rm(dataFolder, { recursive: true, force: true });
});

async function server(
  guard: Partial<NonNullable<ServerOptions["guard"]>> = {},
  overrides: Partial<ServerOptions> = {},
) {
  const app = buildServer({
    capabilities: all,
    version: "1.2.3",
    dataFolder,
    clock,
    jobs: async () => (await platform.open()).jobs,
    makeContext: (world) =>
      localContext({ dataFolder, workingFolder: dataFolder, platform: platform.open, clock, ...world }),
    guard: { keys: async () => keys, clock, ...guard },
    ...overrides,
  });
  onTestFinished(() => app.close());
  await app.ready();
  return app;
}

async function key(scopes: string[], more: Partial<Parameters<Platform["keys"]["create"]>[0]> = {}) {
  const request = {
    name: "k",
    actor: "desk-7",
    scopes,
    expiresAt: null,
    requestsPerSecond: null,
    by: "owner",
    ...more,
  };
  return keys.create(request);
}

const ask = (app: FastifyInstance, url: string, token?: string, payload: object = {}, headers = {}) =>
  app.inject({
    method: "POST",
    url,
    payload,
    headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
  });

test("asks for a key, says how, and lets the holder of one in under their name", async () => {
  const app = await server();
  const without = await ask(app, "/v1/toy/whoami");
  expect([without.statusCode, without.json().code]).toEqual([401, "KEY_MISSING"]);
  expect(without.headers["www-authenticate"]).toBe('Bearer realm="fathom"');
  const { token } = await key(["toy.whoami"]);
  expect((await ask(app, "/v1/toy/whoami", token)).json()).toEqual({
    actor: "desk-7",
    scopes: ["toy.whoami"],
  });
  const byHeader = await app.inject({
    method: "POST",
    url: "/v1/toy/whoami",
    payload: {},
    headers: { "x-api-key": token },
  });
  expect(byHeader.statusCode).toBe(200);
});

test.each([
  ["another scheme", (token: string) => `Basic ${token}`],
  ["a cut token", (token: string) => `Bearer ${token.slice(0, -1)}`],
  ["two tokens", (token: string) => `Bearer ${token} ${token}`],
  ["nothing", () => "Bearer"],
])("refuses %s", async (_, write) => {
  const app = await server();
  const { token } = await key(["*"]);
  const headers = { authorization: write(token) };
  const answer = await app.inject({ method: "POST", url: "/v1/toy/whoami", payload: {}, headers });
  expect([answer.statusCode, answer.json().code]).toEqual([401, "KEY_INVALID"]);
  expect(answer.headers["www-authenticate"]).toBe('Bearer realm="fathom", error="invalid_token"');
  expect(answer.body).not.toContain(token.slice(0, -1));
});

test("tells the holder of a key that it expired or was revoked", async () => {
  const app = await server();
  const expired = await key(["*"], { expiresAt: clock.now() + 10 });
  const revoked = await key(["*"]);
  await keys.revoke(revoked.key.prefix);
  now += 10;
  expect((await ask(app, "/v1/toy/whoami", expired.token)).json().detail).toContain("has expired");
  expect((await ask(app, "/v1/toy/whoami", revoked.token)).json().detail).toContain("was revoked");
});

test("names the scope that a key lacks", async () => {
  const app = await server();
  const { token } = await key(["toy:read", "forecast.*"]);
  expect((await ask(app, "/v1/toy/whoami", token)).statusCode).toBe(200);
  const refused = await ask(app, "/v1/toy/moving-average", token, { data: "p.csv" });
  expect([refused.statusCode, refused.json().code]).toEqual([403, "SCOPE_MISSING"]);
  expect(refused.json().detail).toBe(
    "authorization: expected a key with the scope toy.movingAverage, received one with toy:read, forecast.*",
  );
  expect(refused.headers["www-authenticate"]).toBe(
    'Bearer realm="fathom", error="insufficient_scope", scope="toy.movingAverage"',
  );
});

test("opens only what is meant for everybody, and closes a route that nobody thought of", async () => {
  const app = buildServer({
    capabilities: all,
    version: "1.2.3",
    dataFolder,
    clock,
    jobs: async () => (await platform.open()).jobs,
    makeContext: (world) => localContext({ dataFolder, ...world }),
    guard: { keys: async () => keys, clock },
  });
  onTestFinished(() => app.close());
  app.register(async (routes) => {
    routes.get("/metrics", async () => "measurements");
    routes.get("/v2/health/live", async () => ({ live: true }));
    routes.get("/v2/models/:name", async () => ({}));
    routes.post("/v2/models/:name/infer", async () => ({}));
    routes.get("/debug/heap", async () => "insides");
  });
  await app.ready();
  for (const url of [
    "/",
    "/docs",
    "/docs/style.css",
    "/openapi.json",
    "/healthz",
    "/readyz",
    "/v2/health/live",
  ])
    expect([url, (await app.inject(url)).statusCode]).toEqual([url, 200]);
  expect((await app.inject("/nothing/here")).statusCode).toBe(404);
  const status = async (method: "GET" | "POST", url: string, scopes: string[]) => {
    const { token } = await key(scopes);
    const headers = { authorization: `Bearer ${token}` };
    return (await app.inject({ method, url, headers, ...(method === "POST" && { payload: {} }) })).statusCode;
  };
  for (const [method, url, scope] of [
    ["GET", "/metrics", "server.metrics"],
    ["GET", "/metrics", "read"],
    ["GET", "/v2/models/m", "inference.describe"],
    ["POST", "/v2/models/m/infer", "inference.infer"],
    ["GET", "/debug/heap", "*"],
  ] as const) {
    expect([url, await status(method, url, [scope])]).toEqual([url, 200]);
    expect([url, await status(method, url, ["toy.*"])]).toEqual([url, 403]);
    expect([url, (await app.inject({ method, url })).statusCode]).toEqual([url, 401]);
  }
  expect(await status("GET", "/debug/heap", ["read", "server.metrics"])).toBe(403);
});

test("asks for the right to whatever an input wants beside its capability, before anything begins", async () => {
  const capabilities = [...all, ...forecastCapabilities, ...jobsCapabilities];
  const app = await server({}, { capabilities });
  const trains = await key(["forecast.*", "jobs.*", "toy.keep"]);
  const registers = await key(["forecast.train", "registry.register"]);
  const training = { data: "simulated", register: "spy" };
  const job = { capability: "forecast.train", request: training };
  for (const [url, body, scope] of [
    ["/v1/forecast/train", training, "registry.register"],
    ["/v1/jobs/submit", job, "registry.register"],
    ["/v1/jobs/schedule", { ...job, name: "nightly", cron: "0 3 * * *" }, "registry.register"],
    ["/v1/toy/keep", { under: "x" }, "toy.name"],
    ["/v1/toy/keep?mode=job", { under: "x" }, "toy.name"],
  ] as const) {
    const refused = await ask(app, url, trains.token, body);
    expect([url, refused.statusCode, refused.json().code]).toEqual([url, 403, "SCOPE_MISSING"]);
    expect(refused.json().detail).toContain(`the scope ${scope},`);
  }
  const mine = {
    headers: { authorization: `Bearer ${trains.token}` },
    url: "/v1/tasks?capability=forecast.train",
  };
  expect((await app.inject(mine)).json()).toEqual({ tasks: [] });
  expect((await ask(app, "/v1/jobs/schedules", trains.token)).json()).toEqual({ schedules: [] });
  expect((await ask(app, "/v1/forecast/train", trains.token, { data: "simulated" })).statusCode).toBe(202);
  expect((await ask(app, "/v1/forecast/train", registers.token, training)).statusCode).toBe(202);
  const alias = await ask(app, "/v1/forecast/train", registers.token, { ...training, register: "spy@best" });
  expect(alias.json().detail).toContain("the scope registry.alias,");
  for (const register of ["spy@champion", "spy@canary", "../spy", "spy@", ""]) {
    const wrong = await ask(app, "/v1/forecast/train", registers.token, { ...training, register });
    expect([register, wrong.statusCode, wrong.json().field]).toEqual([register, 400, "register"]);
  }
});

describe("a job begins again", () => {
  const capabilities = [...all, ...jobsCapabilities];
  const keep = async (app: FastifyInstance, under?: string) => {
    const { token } = await key(["toy.*"]);
    const { task } = (await ask(app, "/v1/toy/keep?mode=job", token, { under })).json();
    return task.id as string;
  };

  test("for whoever has every right that it took to submit it", async () => {
    const app = await server({}, { capabilities });
    const [some, every] = [await key(["toy.keep", "jobs.*"]), await key(["toy.*", "jobs.*"])];
    for (const [under, status] of [
      [undefined, 200],
      ["x", 403],
    ] as const) {
      const id = await keep(app, under);
      await ask(app, "/v1/jobs/cancel", some.token, { id });
      const answer = await ask(app, "/v1/jobs/retry", some.token, { id });
      expect([under, answer.statusCode]).toEqual([under, status]);
      if (status === 403) expect(answer.json().detail).toContain("the scope toy.name,");
      else await ask(app, "/v1/jobs/cancel", some.token, { id });
      expect((await ask(app, "/v1/jobs/retry", every.token, { id })).statusCode).toBe(200);
    }
  });

  test("so, where dead letters do", async () => {
    const app = await server({}, { capabilities });
    const { jobs } = await platform.open();
    const dead = [await keep(app), await keep(app, "x"), await keep(app)];
    for (const id of dead) await jobs.cancel(id);
    /** The queue, with these as its dead letters, in pages of one. */
    const list: JobsPort["list"] = async ({ before, capability } = {}) =>
      capability === "toy.keep"
        ? Promise.all(
            dead
              .slice(1 + dead.indexOf(before ?? ""))
              .slice(0, 1)
              .map(jobs.find),
          )
        : [];
    const as = (scopes: string[]) =>
      confinedJobs({ ...jobs, list, redrive: async () => [] }, { capabilities, dataFolder, scopes });
    expect(await as(["toy.keep"]).redrive()).toEqual([dead[0], dead[2]]);
    expect((await jobs.find(dead[1])).status).toBe("cancelled");
    expect(await as(["toy.*"]).redrive({ capability: "toy.keep" })).toEqual([dead[1]]);
  });
});

test("shows tasks to those alone who may ask for such a thing", async () => {
  const app = await server();
  const [mine, other] = [await key(["toy.count"]), await key(["toy.whoami"])];
  const { task } = (await ask(app, "/v1/toy/count", mine.token, { to: 100_000, stepMs: 5 })).json();
  const as = (token: string, url: string, method: "GET" | "DELETE" = "GET") =>
    app.inject({ method, url, headers: { authorization: `Bearer ${token}` } });
  const listed = await as(mine.token, "/v1/tasks");
  expect(listed.json().tasks).toHaveLength(1);
  expect(listed.headers["cache-control"]).toBe("no-store");
  expect((await app.inject("/docs/swagger-ui.css")).headers["cache-control"]).toContain("public");
  expect((await as(other.token, "/v1/tasks")).json().tasks).toEqual([]);
  for (const url of [task.href, task.events])
    expect((await as(other.token, url)).json().code).toBe("JOB_UNKNOWN");
  expect((await as(other.token, task.href, "DELETE")).json().code).toBe("JOB_UNKNOWN");
  expect((await as(mine.token, task.href)).json().task.status).toBe("queued"); // nobody works here
  expect((await as(mine.token, task.href, "DELETE")).statusCode).toBe(200);
});

test("makes keys over HTTP, under the name of who asks, and never as a job", async () => {
  const app = await server();
  const { token } = await key(["keys.*", "toy:read"], { actor: "key-master" });
  const body = { name: "n", scopes: ["toy:read"] };
  const made = await ask(app, "/v1/keys/create", token, body);
  expect(made.json().key.createdBy).toBe("key-master");
  expect(made.headers["cache-control"]).toBe("no-store");
  expect((await ask(app, "/v1/toy/whoami", made.json().token)).statusCode).toBe(200);
  for (const answer of [
    await ask(app, "/v1/keys/create?mode=job", token, body),
    await ask(app, "/v1/keys/create", token, body, { prefer: "respond-async" }),
  ])
    expect([answer.statusCode, answer.json().field]).toEqual([400, "mode"]);
  expect((await ask(app, "/v1/keys/create", token, { name: "n", scopes: ["*"] })).statusCode).toBe(403);
  await ask(app, "/v1/keys/revoke", token, { key: made.json().key.prefix });
  expect((await ask(app, "/v1/toy/whoami", made.json().token)).statusCode).toBe(401);
});

test("answers 503 while the database cannot be reached, and comes back by itself", async () => {
  let down = true;
  const failure = new PlatformError(
    "unavailable",
    "STATE_UNAVAILABLE",
    "db: the database could not be reached",
  );
  const verify = async (token: string) => {
    if (down) throw new Error("Failed query: select ... secret insides", { cause: failure });
    return keys.verify(token);
  };
  const app = await server({ keys: async () => ({ verify }) });
  const { token } = await key(["*"]);
  const answer = await ask(app, "/v1/toy/whoami", token);
  expect([answer.statusCode, answer.json().code, answer.headers["retry-after"]]).toEqual([
    503,
    "STATE_UNAVAILABLE",
    "5",
  ]);
  expect(answer.body).not.toContain("secret insides");
  expect((await app.inject("/healthz")).statusCode).toBe(200);
  down = false;
  expect((await ask(app, "/v1/toy/whoami", token)).statusCode).toBe(200);
});

describe("limits", () => {
  test("a key to its rate, says so in every answer, and lets it in again", async () => {
    const app = await server({ requestsPerSecond: 2, burstSeconds: 2 });
    const [one, other] = [await key(["*"]), await key(["*"])];
    const first = await ask(app, "/v1/toy/whoami", one.token);
    expect(first.headers).toMatchObject({
      "ratelimit-policy": '"key";q=4;w=2',
      ratelimit: '"key";r=3;t=1',
      "ratelimit-limit": "4",
      "ratelimit-remaining": "3",
      "ratelimit-reset": "1",
    });
    for (let i = 0; i < 3; i++) expect((await ask(app, "/v1/toy/whoami", one.token)).statusCode).toBe(200);
    const over = await ask(app, "/v1/toy/whoami", one.token);
    expect([over.statusCode, over.json().code]).toEqual([429, "RATE_LIMITED"]);
    expect(over.headers).toMatchObject({ "retry-after": "1", ratelimit: '"key";r=0;t=1' });
    expect((await ask(app, "/v1/toy/whoami", other.token)).statusCode).toBe(200);
    now += 1000 * Number(over.headers["retry-after"]);
    expect((await ask(app, "/v1/toy/whoami", one.token)).statusCode).toBe(200);
  });

  test("a key to a rate of its own", async () => {
    const app = await server({ requestsPerSecond: 1000, burstSeconds: 1 });
    const { token } = await key(["*"], { requestsPerSecond: 1 });
    expect((await ask(app, "/v1/toy/whoami", token)).statusCode).toBe(200);
    expect((await ask(app, "/v1/toy/whoami", token)).statusCode).toBe(429);
  });

  test("a model over all keys, whether it is named or the served one", async () => {
    const defaults = { "toy.whoami": { artifact: "served" } };
    const app = await server(
      { modelRequestsPerSecond: 1, burstSeconds: 2, requestsPerSecond: 10 },
      { defaults },
    );
    const [one, other] = [await key(["*"]), await key(["*"])];
    const first = await ask(app, "/v1/toy/whoami", one.token, { artifact: "m" });
    expect(first.headers["ratelimit-policy"]).toBe('"key";q=20;w=2, "model";q=2;w=2');
    expect(first.headers["ratelimit-limit"]).toBe("2"); // the tighter of the two
    expect((await ask(app, "/v1/toy/whoami", other.token, { artifact: "m" })).statusCode).toBe(200);
    const over = await ask(app, "/v1/toy/whoami", other.token, { artifact: "m" });
    expect([over.statusCode, over.json().detail]).toEqual([
      429,
      "model: expected at most 1 requests a second, received more; try again in 1 s",
    ]);
    const served: number[] = [];
    for (let i = 0; i < 3; i++) served.push((await ask(app, "/v1/toy/whoami", one.token)).statusCode);
    expect(served).toEqual([200, 200, 429]);
  });

  test("wrong keys from one address, and neither right keys from it nor other addresses", async () => {
    const app = await server({ failedAttemptsPerMinute: 3 });
    const { token } = await key(["*"]);
    const from = (remoteAddress: string, bearer?: string) =>
      app.inject({
        method: "POST",
        url: "/v1/toy/whoami",
        payload: {},
        remoteAddress,
        headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
      });
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push((await from("2001:db8::1", `guess-${i}`)).statusCode);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    const refused = await from("2001:db8:0:0:ffff::2", "guess"); // the same line, another of its addresses
    expect([refused.statusCode, refused.json().code]).toEqual([429, "RATE_LIMITED"]);
    expect(Number(refused.headers["retry-after"])).toBe(20);
    expect((await from("2001:db8::1", token)).statusCode).toBe(200);
    expect((await from("2001:db8::1")).statusCode).toBe(401); // none at all is no guess
    expect((await from("2001:db9::1", "guess")).statusCode).toBe(401);
    now += 20_000;
    expect((await from("2001:db8::1", "guess")).statusCode).toBe(401);
  });
});

describe("without keys", () => {
  test("everybody who reaches the port may do everything, as nobody in particular", async () => {
    const app = await server({ keys: undefined, requestsPerSecond: 1 });
    for (let i = 0; i < 5; i++)
      expect((await ask(app, "/v1/toy/whoami")).json()).toEqual({ actor: "anonymous", scopes: null });
    expect((await app.inject("/openapi.json")).json().security).toBeUndefined();
  });

  test.each([
    ["http://evil.example", 403],
    ["null", 403],
    ["http://localhost.evil.example", 403],
    ["http://localhost:3000", 403],
    ["http://localhost", 200],
    ["https://desk.example", 200],
  ])("a page of %s gets %d", async (origin, status) => {
    const app = await server({ keys: undefined, allowedOrigins: ["https://desk.example"] });
    const answer = await ask(app, "/v1/toy/whoami", undefined, {}, { origin, host: "localhost" });
    expect(answer.statusCode).toBe(status);
    if (status === 403) expect(answer.json().code).toBe("ORIGIN_FORBIDDEN");
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
  });
});

describe("refuses before it reads further", () => {
  test("a body that is nested too deeply, at once", async () => {
    const app = await server({ keys: undefined });
    const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    const send = (payload: string) =>
      app.inject({
        method: "POST",
        url: "/v1/toy/whoami",
        payload,
        headers: { "content-type": "application/json" },
      });
    for (const levels of [65, 1_000, 500_000]) {
      const { statusCode, json } = await send(nested(levels));
      expect([statusCode, json().detail]).toEqual([
        400,
        "body: expected at most 64 levels of lists and objects, received more",
      ]);
    }
    expect((await send(nested(64))).json().detail).toContain("expected a JSON object");
    expect((await send(JSON.stringify({ artifact: '"[{'.repeat(100) }))).statusCode).toBe(200);
  });

  test("an address that is too long", async () => {
    const app = await server({}, { addressLimit: 100 });
    const answer = await app.inject(`/healthz?${"x".repeat(100)}`);
    expect([answer.statusCode, answer.json().code]).toEqual([414, "ADDRESS_TOO_LONG"]);
  });

  test("headers that are too large, and bytes that are no HTTP, as problems", async () => {
    const app = await server({}, { headerLimitBytes: 2048 });
    const address = new URL(await app.listen({ port: 0, host: "127.0.0.1" }));
    const send = (bytes: string) =>
      new Promise<string>((resolve, reject) => {
        let answer = "";
        const socket = connect(Number(address.port), "127.0.0.1", () => socket.write(bytes));
        socket.setEncoding("utf8").on("data", (text) => {
          answer += text;
        });
        socket.on("close", () => resolve(answer)).on("error", reject);
      });
    const large = await send(`GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ${"y".repeat(4096)}\r\n\r\n`);
    expect(large).toMatch(
      /^HTTP\/1\.1 431 Request Header Fields Too Large\r\ncontent-type: application\/problem\+json/,
    );
    expect(JSON.parse(large.split("\r\n\r\n")[1])).toMatchObject({ status: 431, code: "HEADERS_TOO_LARGE" });
    for (const bytes of [
      "\x16\x03\x01\x02\x00",
      "GET / HTTP/1.1\r\nno colon\r\n\r\n",
      "DELETE * NOTHTTP/9\r\n\r\n",
    ]) {
      const answer = await send(bytes);
      expect(JSON.parse(answer.split("\r\n\r\n")[1])).toMatchObject({ status: 400, code: "INPUT_INVALID" });
    }
    expect((await fetch(`${address.origin}/healthz`)).status).toBe(200);
  });
});

test("answers whatever JSON it is sent with a status of ours, and says nothing of its insides", async () => {
  const app = await server({ keys: undefined });
  const routes = all.filter(({ name }) => !["toy.wait", "toy.nap", "toy.wrong", "toy.count"].includes(name));
  const names = [...new Set(routes.flatMap(({ input }) => Object.keys(input.shape)))];
  const fields = fc.dictionary(
    fc.oneof(fc.constantFrom(...names, "constructor", "toString"), fc.string()),
    fc.jsonValue(),
  );
  const body = fc.oneof({ weight: 4, arbitrary: fields }, { weight: 1, arbitrary: fc.jsonValue() });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...routes), body, async ({ name }, payload) => {
      const url = `/v1/${name.replace(".", "/").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      const answer = await app.inject({
        method: "POST",
        url,
        payload: JSON.stringify(payload),
        headers: { "content-type": "application/json" },
      });
      expect([200, 400, 403, 404]).toContain(answer.statusCode);
      if (answer.statusCode === 200) return;
      expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
      const text = answer.body.replaceAll(JSON.stringify(JSON.stringify(payload)).slice(1, -1), "");
      expect(text).not.toContain(dataFolder);
      expect(text).not.toMatch(/\.[tj]s:\d+|node_modules|\bat [\w.]+ \(/);
    }),
    { numRuns: 200 },
  );
});

test("answers whatever headers it is sent", async () => {
  const app = await server();
  const value = fc.string({
    unit: fc.constantFrom(..." !\"#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~".split("")),
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.record(
        { authorization: value, "x-api-key": value, origin: value, prefer: value },
        { requiredKeys: [] },
      ),
      async (headers) => {
        const answer = await app.inject({ method: "POST", url: "/v1/toy/whoami", payload: {}, headers });
        expect([401, 403, 429]).toContain(answer.statusCode);
      },
    ),
    { numRuns: 200 },
  );
});
