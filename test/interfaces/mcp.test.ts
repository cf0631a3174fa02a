/** An agent's view: the protocol's own client, over standard input and output and over HTTP. */
import { spawn } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { Progress } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { capabilities } from "../../src/interfaces/capabilities.ts";
import { buildServer } from "../../src/interfaces/http/index.ts";
import {
  type LazyPlatform,
  lazyPlatform,
  localContext,
  systemClock,
} from "../../src/platform/local/index.ts";
import { keysCapabilitiesOf } from "../../src/services/keys/index.ts";
import { toys } from "./toys.ts";

let dataFolder: string;
let platform: LazyPlatform;
beforeAll(async () => {
  dataFolder = await realpath(await mkdtemp(join(tmpdir(), "fathom-mcp-")));
  platform = lazyPlatform({ dataFolder });
});
afterAll(async () => {
  await platform.close();
  await rm(dataFolder, { recursive: true, force: true });
});

async function connected(transport: unknown): Promise<Client> {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport as Transport);
  return client;
}
async function connect(transport: unknown): Promise<Client> {
  const client = await connected(transport);
  onTestFinished(() => client.close());
  return client;
}

/** One process for all tests: it takes two seconds to start from sources. */
let child: Promise<Client> | undefined;
afterAll(async () => (await child)?.close());
const overStdio = () => {
  child ??= connected(
    new StdioClientTransport({
      command: process.execPath,
      args: ["--import", "tsx", "test/interfaces/toy-fathom.ts", "mcp", "--data-folder", dataFolder],
      stderr: "ignore",
    }),
  );
  return child;
};

/** A server with keys, on a port of its own. */
async function serve(stopLimitMs = 100) {
  const all = [...toys, ...keysCapabilitiesOf(() => toys)];
  const app = buildServer({
    capabilities: all,
    version: "1.2.3",
    dataFolder,
    clock: systemClock,
    jobs: async () => (await platform.open()).jobs,
    stopLimitMs,
    makeContext: (world) =>
      localContext({ dataFolder, workingFolder: dataFolder, platform: platform.open, ...world }),
    guard: { keys: async () => (await platform.open()).keys, clock: systemClock },
  });
  const address = await app.listen({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => app.close());
  return { app, url: new URL("/mcp", address) };
}
async function keyFor(...scopes: string[]) {
  const { keys } = await platform.open();
  const request = {
    name: "agent",
    actor: "agent",
    expiresAt: null,
    requestsPerSecond: null,
    by: "owner",
    scopes,
  };
  return keys.create(request);
}
const withKey = (url: URL, token: string) =>
  new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization: `Bearer ${token}` } } });
async function overHttp() {
  return connect(withKey((await serve()).url, (await keyFor("*")).token));
}

describe.each([
  ["standard input and output", overStdio],
  ["HTTP", overHttp],
] as const)("over %s", (_, open) => {
  test("lists every capability with its schemas and what it does to the world", async () => {
    const client = await open();
    expect(client.getServerVersion()).toMatchObject({ name: "fathom" });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["toy_movingAverage", "toy_count"]));
    expect(tools.map(({ name }) => name)).not.toContain("keys_create"); // its answer is a secret
    const average = tools.find(({ name }) => name === "toy_movingAverage");
    expect(average).toMatchObject({
      description: "Means of the last values",
      annotations: {
        title: "toy.movingAverage",
        readOnlyHint: false,
        destructiveHint: false,
        openWorldHint: false,
      },
      inputSchema: {
        type: "object",
        required: ["data"],
        properties: { lookback: { type: "integer", minimum: 2, default: 30 } },
      },
      outputSchema: { type: "object", properties: { mean: { type: "number" } } },
    });
  });

  test("calls one, and answers with data that fits its schema and as text", async () => {
    const client = await open();
    await client.listTools(); // the client now checks answers against the schemas
    const result = await client.callTool({
      name: "toy_movingAverage",
      arguments: { data: "simulated", lookback: 5 },
    });
    expect(result.structuredContent).toMatchObject({
      mean: 0.5,
      received: { lookback: 5, method: "simple" },
    });
    expect(JSON.parse((result.content as { text: string }[])[0].text)).toEqual(result.structuredContent);
    expect(result.isError).toBeUndefined();
  });

  test("reports progress that only grows", async () => {
    const client = await open();
    const heard: Progress[] = [];
    const call = { name: "toy_count", arguments: { to: 40, stepMs: 10 } };
    const result = await client.callTool(call, undefined, { onprogress: (one) => heard.push(one) });
    expect(result.structuredContent).toEqual({ counted: 40 });
    expect(heard.length).toBeGreaterThan(1);
    expect(heard[0].message).toMatch(/^count: 1\/40 steps/);
    for (let i = 1; i < heard.length; i++) expect(heard[i].progress).toBeGreaterThan(heard[i - 1].progress);
  });

  test("stops work that the client cancels, and goes on with other work", async () => {
    const client = await open();
    const controller = new AbortController();
    const call = { name: "toy_count", arguments: { to: 100_000, stepMs: 5 } };
    const running = client.callTool(call, undefined, {
      signal: controller.signal,
      onprogress: () => controller.abort("no longer needed"),
    });
    await expect(running).rejects.toThrow(/no longer needed/);
    // One long piece at a time: this one would wait for ever if the first were still at work.
    const next = await client.callTool({ name: "toy_count", arguments: { to: 1 } });
    expect(next.structuredContent).toEqual({ counted: 1 });
  });

  test.each([
    [
      { data: "p.csv", lookback: 1 },
      "INPUT_INVALID",
      "error INPUT_INVALID: lookback: expected a whole number of at least 2, received 1",
    ],
    [{ data: "p.csv", lokback: 5 }, "INPUT_INVALID", /did you mean lookback\?$/],
  ])("answers %j with a tool error and our code", async (given, code, text) => {
    const client = await open();
    const result = await client.callTool({ name: "toy_movingAverage", arguments: given });
    expect(result).toMatchObject({ isError: true, _meta: { "fathom/problem": { code } } });
    expect((result.content as { text: string }[])[0].text).toMatch(text);
  });

  test("refuses a tool that is none", async () => {
    const client = await open();
    await expect(client.callTool({ name: "toy.nothing" })).rejects.toThrow(/expected the name of a tool/);
  });

  test("hands out the documentation, and no other file", async () => {
    const client = await open();
    const { resources } = await client.listResources();
    expect(resources).toContainEqual(
      expect.objectContaining({
        uri: "fathom://docs/http.md",
        title: "The HTTP server",
        mimeType: "text/markdown",
      }),
    );
    const { contents } = await client.readResource({ uri: "fathom://docs/http.md" });
    expect((contents[0] as { text: string }).text).toMatch(/^# The HTTP server/);
    for (const uri of ["fathom://docs/../package.json", "fathom://docs/", "file:///etc/passwd"])
      await expect(client.readResource({ uri })).rejects.toThrow(/expected a resource/);
  });
});

describe("over HTTP", () => {
  test("asks for a key, and shows and runs what its scopes allow", async () => {
    const { url } = await serve();
    await expect(connect(new StreamableHTTPClientTransport(url))).rejects.toThrow(
      /KEY_MISSING|401|Unauthorized/,
    );
    const { token } = await keyFor("toy.count", "keys.list");
    const client = await connect(withKey(url, token));
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["toy_count", "keys_list"]);
    const refused = await client.callTool({ name: "toy_movingAverage", arguments: { data: "p.csv" } });
    expect(refused).toMatchObject({
      isError: true,
      _meta: { "fathom/problem": { code: "SCOPE_MISSING", status: 403 } },
    });
  });

  test("refuses what a call asks for beside its tool", async () => {
    const { url } = await serve();
    const { token } = await keyFor("toy.keep");
    const client = await connect(withKey(url, token));
    const plain = await client.callTool({ name: "toy_keep", arguments: {} });
    expect(plain.structuredContent).toEqual({ kept: true });
    const refused = await client.callTool({ name: "toy_keep", arguments: { under: "x" } });
    expect(refused).toMatchObject({
      isError: true,
      content: [
        {
          text: "error SCOPE_MISSING: expected a key with the scope toy.name, received one with toy.keep",
        },
      ],
    });
  });

  test("keeps a session to its key, and ends when the key is revoked", async () => {
    const { url } = await serve();
    const [mine, other] = [await keyFor("*"), await keyFor("*")];
    const transport = withKey(url, mine.token);
    const client = await connect(transport);
    const post = (token: string) =>
      fetch(url, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          "mcp-session-id": String(transport.sessionId),
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
      });
    const stolen = await post(other.token);
    expect([stolen.status, ((await stolen.json()) as { code: string }).code]).toEqual([
      404,
      "SESSION_UNKNOWN",
    ]);
    expect((await post(mine.token)).status).toBe(200);
    await (await platform.open()).keys.revoke(mine.key.prefix);
    expect((await post(mine.token)).status).toBe(401);
    await expect(client.listTools()).rejects.toThrow();
  });

  test("confines paths to the data folder, and says nothing of where it lies", async () => {
    const client = await overHttp();
    const refused = await client.callTool({
      name: "toy_movingAverage",
      arguments: { data: "../secret.csv" },
    });
    expect(refused).toMatchObject({ isError: true, _meta: { "fathom/problem": { code: "FILE_FORBIDDEN" } } });
    const absent = await client.callTool({ name: "toy_locate", arguments: { artifact: "./absent" } });
    expect(JSON.stringify(absent)).not.toContain(dataFolder);
    const written = await client.callTool({ name: "toy_write", arguments: { file: "deep/report.html" } });
    expect(written.structuredContent).toEqual({
      report: "deep/report.html",
      summary: "deep/report.html was written, and nothing else in deep",
    });
    const again = await client.callTool({ name: "toy_write", arguments: { file: "./x.html" } });
    expect(again.structuredContent).toMatchObject({ report: "./x.html" });
    const broken = await client.callTool({ name: "toy_count", arguments: { fail: "bug", to: 1 } });
    expect(JSON.stringify(broken)).toContain("INTERNAL");
    expect(JSON.stringify(broken)).not.toContain("secret insides");
  });

  test("tells of progress without saying where the data folder lies", async () => {
    const client = await overHttp();
    const heard: Progress[] = [];
    const call = { name: "toy_write", arguments: { file: "report.html" } };
    await client.callTool(call, undefined, { onprogress: (one) => heard.push(one) });
    expect(heard.map(({ message }) => message).join()).toContain("writes report.html");
    expect(JSON.stringify(heard)).not.toContain(dataFolder);
  });

  test("refuses a web page of another origin", async () => {
    const { url } = await serve();
    const { token } = await keyFor("*");
    const answer = await fetch(url, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        origin: "http://evil.example",
      },
      body: "{}",
    });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
      403,
      "ORIGIN_FORBIDDEN",
    ]);
  });

  test("stops with open sessions", async () => {
    const { app, url } = await serve();
    const client = await connect(withKey(url, (await keyFor("*")).token));
    const running = client.callTool({ name: "toy_wait", arguments: {} });
    await client.listTools();
    await app.close();
    const ended = await running.then(JSON.stringify, String);
    expect(ended).toMatch(/INTERRUPTED|closed|terminated/i);
  });
});

test("writes nothing but the protocol on standard output, and ends with its input", async () => {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "test/interfaces/toy-fathom.ts", "mcp", "--data-folder", dataFolder],
    { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, FATHOM_MISSPELT: "1" } },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } };
  send({ id: 1, method: "initialize", params });
  send({ method: "notifications/initialized" });
  send({ id: 2, method: "tools/call", params: { name: "toy_count", arguments: { to: 2 } } });
  child.stdin.write("this is no JSON\n");
  send({ id: 3, method: "tools/list" });
  await expect.poll(() => stdout, { timeout: 30_000 }).toContain('"id":3');
  child.stdin.end();
  const status = await new Promise((resolve) => child.once("close", resolve));
  expect(status).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0" });
  expect(stderr).toContain("FATHOM_MISSPELT is set, and is not a variable of Fathom");
  expect(stderr).toContain("counting (to=2)");
});

test("names every real capability in a way that all clients take, once", () => {
  const names = capabilities.map(({ name }) => name.replaceAll(".", "_"));
  for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  expect(new Set(names).size).toBe(names.length);
});
