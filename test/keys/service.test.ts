import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Capability, type Context, capability } from "../../src/base/index.ts";
import { type LazyPlatform, lazyPlatform, localContext } from "../../src/platform/local/index.ts";
import { keysCapabilitiesOf } from "../../src/services/keys/index.ts";

const forecasts = ["forecast.predict", "forecast.train"].map((name) =>
  capability({ name, summary: "", input: z.object({}), output: z.object({}), run: async () => ({}) }),
) as unknown as readonly Capability[];
const all: readonly Capability[] = [...forecasts, ...keysCapabilitiesOf(() => all)];

let folder: string;
let platform: LazyPlatform;
let context: Context;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fathom-keys-"));
  platform = lazyPlatform({ dataFolder: folder });
  context = localContext({ dataFolder: folder, platform: platform.open });
});
afterAll(async () => {
  await platform.close();
  await rm(folder, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: as loosely typed as a request
async function run(name: string, input: object, as: Partial<Context> = {}): Promise<any> {
  const found = all.find((one) => one.name === name);
  if (!found) throw new Error(name);
  const output = await found.run(found.input.parse(input), { ...context, ...as });
  found.output.parse(output);
  return output;
}
const printed = (name: string, output: object) => all.find((one) => one.name === name)?.print?.(output) ?? "";

test("makes a key, shows its token once, and records who made it without the token", async () => {
  const made = await run("keys.create", { name: "desk", scopes: ["forecast.predict", "forecast.predict"] });
  expect(made.key).toMatchObject({
    actor: "desk",
    scopes: ["forecast.predict"],
    state: "valid",
    createdBy: "owner",
  });
  const days = (Date.parse(made.key.expiresAt) - Date.parse(made.key.createdAt)) / 86_400_000;
  expect(days).toBeCloseTo(365, 5);
  expect(printed("keys.create", made).split("\n")[0]).toBe(made.token);
  const { keys } = await run("keys.list", {});
  expect(keys.map(({ prefix }: { prefix: string }) => prefix)).toEqual([made.key.prefix]);
  expect(printed("keys.list", { keys })).toContain(`${made.key.prefix}  desk`);
  const { audit } = await platform.open();
  const entries = (await audit.list({ limit: 100 })).filter(({ action }) => action === "keys.create");
  expect(entries).toMatchObject([{ actor: "owner", subject: made.key.prefix, payload: { name: "desk" } }]);
  expect(JSON.stringify([entries, keys])).not.toContain(made.token.split("_")[2]);
});

test("rotates for as long as the old key was given, and revokes", async () => {
  const old = await run("keys.create", {
    name: "robot",
    scopes: ["forecast.*"],
    expiresInDays: 30,
    actor: "robot-1",
  });
  const fresh = await run("keys.rotate", { key: old.token, overlapHours: 2 });
  expect(fresh.old).toMatchObject({ prefix: old.key.prefix, state: "rotated", replacedBy: fresh.key.prefix });
  expect(fresh.key).toMatchObject({ name: "robot", actor: "robot-1", scopes: ["forecast.*"] });
  const overlap = Date.parse(fresh.old.expiresAt) - Date.parse(fresh.key.createdAt);
  expect(Math.round(overlap / 60_000)).toBe(120);
  expect(Math.round((Date.parse(fresh.key.expiresAt) - Date.parse(fresh.key.createdAt)) / 86_400_000)).toBe(
    30,
  );
  const gone = await run("keys.revoke", { key: fresh.key.prefix });
  expect(gone.key.state).toBe("revoked");
  const listed = await run("keys.list", { all: true });
  expect(listed.keys).toContainEqual(gone.key);
  expect((await run("keys.list", {})).keys).not.toContainEqual(gone.key);
});

describe("refuses", () => {
  test.each([
    [
      "forcast.*",
      'expected *, read, or one of forecast.*, keys.*, server.*, inference.*, received "forcast.*"; did you mean "forecast.*"? (docs/operations.md#keys lists all)',
    ],
    [
      "forecast.trian",
      'expected *, read, or one of forecast.predict, forecast.train, received "forecast.trian"; did you mean "forecast.train"? (docs/operations.md#keys lists all)',
    ],
    ["forecast", 'received "forecast"'],
    ["**", 'received "**"'],
  ])("the scope %s, which nothing would be allowed by", async (scope, message) => {
    await expect(run("keys.create", { name: "x", scopes: ["read", scope] })).rejects.toMatchObject({
      code: "INPUT_INVALID",
      message: expect.stringContaining(message),
      details: { field: "scopes.1" },
    });
  });

  test("a second name to somebody who has one", async () => {
    const limited = { actor: "helper", scopes: ["keys.*", "forecast.*"] };
    const other = await run("keys.create", { name: "other", scopes: ["forecast.train"] });
    for (const [name, input] of [
      ["keys.create", { name: "x", scopes: ["forecast.train"], actor: "other" }],
      ["keys.rotate", { key: other.key.prefix }],
    ] as const)
      await expect(run(name, input, limited)).rejects.toMatchObject({
        code: "SCOPE_MISSING",
        message: expect.stringMatching(/^actor: expected helper, .* received "other"/),
      });
    const strong = { actor: "administrator", scopes: ["*"] };
    const made = await run("keys.create", { name: "x", scopes: ["forecast.train"], actor: "other" }, strong);
    expect(made.key.actor).toBe("other");
  });

  test("to hand out more than the one who asks has", async () => {
    const limited = { actor: "helper", scopes: ["keys.*", "forecast:read"] };
    for (const scope of ["*", "read", "forecast.train", "forecast.*"])
      await expect(run("keys.create", { name: "x", scopes: [scope] }, limited)).rejects.toMatchObject({
        code: "SCOPE_MISSING",
      });
    const { key } = await run("keys.create", { name: "x", scopes: ["forecast:read", "keys.list"] }, limited);
    expect([key.createdBy, key.actor]).toEqual(["helper", "helper"]);
    const strong = await run("keys.create", { name: "x", scopes: ["*"] });
    await expect(run("keys.rotate", { key: strong.key.prefix }, limited)).rejects.toMatchObject({
      code: "SCOPE_MISSING",
    });
  });

  test.each([
    [{ name: "a\nb" }],
    [{ name: "" }],
    [{ scopes: [] }],
    [{ expiresInDays: 0 }],
    [{ requestsPerSecond: -1 }],
  ])("%j", async (fields) => {
    await expect(run("keys.create", { name: "x", scopes: ["read"], ...fields })).rejects.toThrow();
  });
});
