import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import type { ApiKey, Platform } from "../../base/index.ts";
import { systemClock } from "../../platform/local/index.ts";
import { openState } from "../../platform/state/index.ts";
import { serverHome } from "../../platform/state/testing/homes.ts";
import { resolveConfiguration } from "../configuration/index.ts";
import { reportText } from "./command.ts";
import { checks, examine, type Patient, sizeText } from "./index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fathom-doctor-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const noKeys = { state: "embedded", keys: { list: async () => [] } } as unknown as Platform;
function patient(environment: Record<string, string> = {}, overrides: Partial<Patient> = {}): Patient {
  return {
    configuration: resolveConfiguration({
      environment: { FATHOM_DATA_FOLDER: folder, PORT: "0", ...environment },
    }),
    compute: { provider: "cpu", threads: 2 },
    clock: systemClock,
    nodeVersion: "v20.19.0",
    wantedNode: ">=20.19",
    openPlatform: async () => noKeys,
    ...overrides,
  };
}

test("finds a healthy installation healthy, whatever the size of this machine", async () => {
  const findings = await examine(patient());
  expect(findings.map(({ check }) => check)).toEqual(Object.keys(checks));
  for (const { check, status } of findings)
    if (!["memory", "threads", "disk"].includes(check)) expect([check, status]).toEqual([check, "ok"]);
  const text = reportText(findings);
  expect(text).toContain("ok    engine         ONNX Runtime multiplies right on cpu");
  expect(text).not.toContain("fail");
});

test.each([
  ["v18.20.0", "fail"],
  ["v20.18.9", "fail"],
  ["v20.19.0", "ok"],
  ["v22.1.0", "ok"],
])("says of Node %s: %s", async (nodeVersion, status) => {
  expect((await checks.node(patient({}, { nodeVersion }))).status).toBe(status);
});

test("finds a card that is not there", async () => {
  const [, , engine] = await examine(patient({}, { compute: { provider: "cuda", threads: 2 } }));
  expect(engine).toMatchObject({
    check: "engine",
    status: "fail",
    advice: expect.stringContaining("docs/install.md"),
  });
});

test.skipIf(process.platform !== "linux")("finds a folder that cannot be written", async () => {
  const [finding] = (await examine(patient({ FATHOM_DATA_FOLDER: "/proc/nothing" }))).filter(
    ({ check }) => check === "disk",
  );
  expect(finding).toMatchObject({ status: "fail", advice: expect.stringContaining("--data-folder") });
});

test("finds a clock that is before the software, and one apart from the disk's", async () => {
  const at = (now: number) => checks.clock(patient({}, { clock: { now: () => now, elapsed: () => 0 } }));
  expect(await at(0)).toMatchObject({ status: "fail", message: expect.stringContaining("1970-01-01") });
  expect(await at(Date.now() + 60_000)).toMatchObject({
    status: "warn",
    message: expect.stringMatching(/^60 s apart/),
  });
});

test("tells a variable that is none of ours", async () => {
  expect(await checks.configuration(patient({ FATHOM_PROT: "1" }))).toMatchObject({
    status: "warn",
    message: expect.stringContaining("did you mean FATHOM_PORT"),
  });
});

async function listening(answer: string): Promise<{ server: Server; port: string }> {
  const server = createServer((_, response) => response.end(answer)).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((ready) => server.once("listening", ready));
  return { server, port: String((server.address() as AddressInfo).port) };
}

test("tells a port that Fathom has from one that another program has", async () => {
  const ours = await listening('{"info":{"title":"Fathom"}}');
  expect(await checks.port(patient({ PORT: ours.port }))).toMatchObject({ status: "ok" });
  const other = await listening("hello");
  expect(await checks.port(patient({ PORT: other.port }))).toMatchObject({
    status: "warn",
    advice: expect.any(String),
  });
});

test("names keys that are about to expire and have no successor", async () => {
  const now = systemClock.now();
  const key = (fields: Partial<ApiKey>) => ({
    name: "k",
    prefix: "p",
    revokedAt: null,
    expiresAt: null,
    replacedBy: null,
    ...fields,
  });
  const withKeys = (...keys: object[]) =>
    patient({}, { openPlatform: async () => ({ keys: { list: async () => keys } }) as unknown as Platform });
  expect((await checks.keys(withKeys(key({})))).message).toBe("1 API key is valid");
  const soon = key({ name: "desk", expiresAt: now + 86_400_000 });
  expect(await checks.keys(withKeys(soon, key({})))).toMatchObject({
    status: "warn",
    message: "expire within 14 days: desk (p)",
  });
  for (const fine of [
    { ...soon, replacedBy: "q" },
    { ...soon, revokedAt: now },
    { ...soon, expiresAt: now - 1 },
  ])
    expect((await checks.keys(withKeys(fine))).status).toBe("ok");
});

test("finds a database server that does not answer, without its password", async () => {
  const finding = (await examine(patient({ DATABASE_URL: "postgres://u:hunter2@127.0.0.1:1/d" }))).find(
    ({ check }) => check === "database",
  );
  expect(finding).toMatchObject({ status: "fail", advice: expect.stringContaining("DATABASE_URL") });
  expect(JSON.stringify(finding)).not.toContain("hunter2");
});

test.skipIf(inject("postgres") === null)(
  "reads version and migrations of a server, and changes nothing",
  async () => {
    const home = await serverHome();
    onTestFinished(home.remove);
    const url = String(home.url);
    const look = () => checks.database(patient({ DATABASE_URL: url }));
    // There is nothing to take a backup of, and nothing to look into.
    expect(await look()).toEqual({
      status: "ok",
      message: expect.stringMatching(
        /PostgreSQL \d+\S*, without tables of Fathom; the first start .* makes them$/,
      ),
    });
    expect(await checks.keys(patient({ DATABASE_URL: url }))).toMatchObject({
      message: expect.stringMatching(/^no API key yet/),
    });
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      expect((await client.query("select to_regnamespace('fathom') as there")).rows).toEqual([
        { there: null },
      ]);
      await (await openState(home)).close();
      expect(await look()).toMatchObject({ status: "ok" });
      await client.query("delete from fathom.migrations where id = (select max(id) from fathom.migrations)");
      expect(await look()).toMatchObject({
        status: "warn",
        message: expect.stringMatching(/1 change of the tables still to be applied$/),
        advice: expect.stringContaining("take a backup before"),
      });
      await client.query("insert into fathom.migrations (hash, created_at) values ('from the future', 1)");
      expect(await look()).toMatchObject({ status: "fail", advice: "run that later version here too" });
    } finally {
      await client.end();
    }
  },
);

test("writes sizes as people do", () => {
  expect(sizeText(1610612736)).toBe("1.5 GiB");
  expect(sizeText(200 * 2 ** 20)).toBe("200 MiB");
});
