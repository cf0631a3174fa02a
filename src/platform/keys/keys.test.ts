import { randomBytes } from "node:crypto";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { apiKeys, openState, type State } from "../state/index.ts";
import { type Home, homes } from "../state/testing/homes.ts";
import { openKeys } from "./index.ts";

const entropy = { randomBytes: (count: number) => randomBytes(count) };
const dayMs = 86_400_000;

describe.each(homes)("on $name", ({ makeHome }) => {
  let home: Home;
  let state: State;
  let now = 0;
  const clock = { now: () => now, elapsed: () => now };
  const open = (options: { freshMs?: number; lastUseMs?: number } = {}) =>
    openKeys(state, { clock, entropy, ...options });
  const request = {
    name: "trading desk",
    actor: "desk-7",
    scopes: ["forecast.*"],
    expiresAt: null,
    requestsPerSecond: null,
    by: "owner",
  };

  beforeAll(async () => {
    home = await makeHome();
    state = await openState(home);
  });
  beforeEach(() => {
    now = Date.UTC(2026, 0, 1);
  });
  afterAll(async () => {
    await state.close();
    await home.remove();
  });

  test("gives one key at the first start, and none ever after", async () => {
    const servers = [await open(), await open(), await open()];
    const first = await Promise.all(servers.map((keys) => keys.createFirst()));
    const issued = first.filter((one) => one !== undefined);
    expect(issued).toHaveLength(1);
    expect(issued[0].key).toMatchObject({ actor: "administrator", scopes: ["*"], expiresAt: null });
    await servers[0].revoke(issued[0].key.prefix);
    expect(await servers[1].createFirst()).toBeUndefined();
  });

  test("lets in who has the token, and stores nothing that lets anybody in", async () => {
    const keys = await open();
    const { key, token } = await keys.create(request);
    expect(await keys.verify(token)).toEqual({ valid: true, key });
    expect(key).toMatchObject({ name: "trading desk", actor: "desk-7", createdBy: "owner", createdAt: now });
    const [row] = await state.db.select().from(apiKeys).where(eq(apiKeys.prefix, key.prefix));
    const secret = token.split("_")[2];
    expect(JSON.stringify(row)).not.toContain(secret.slice(0, 12));
    expect(JSON.stringify(await keys.list())).not.toContain(row.hash);
    const other = (await keys.create(request)).token;
    const mixed = `fathom_${key.prefix}_${other.split("_")[2]}`;
    for (const wrong of ["", "Bearer", token.slice(0, -1), `${token}0`, mixed])
      expect(await keys.verify(wrong)).toEqual({ valid: false, reason: "unknown" });
  });

  test("does not let in the row of another installation", async () => {
    const keys = await open();
    const { key, token } = await keys.create(request);
    const elsewhere = await makeHome();
    const otherState = await openState(elsewhere);
    try {
      const other = await openKeys(otherState, { clock, entropy });
      const [row] = await state.db.select().from(apiKeys).where(eq(apiKeys.prefix, key.prefix));
      await otherState.db.insert(apiKeys).values(row);
      expect(await other.verify(token)).toEqual({ valid: false, reason: "unknown" });
    } finally {
      await otherState.close();
      await elsewhere.remove();
    }
  });

  test("refuses a key from the instant at which it expires", async () => {
    const keys = await open();
    const { token } = await keys.create({ ...request, expiresAt: now + dayMs });
    now += dayMs - 1;
    expect((await keys.verify(token)).valid).toBe(true);
    now += 1;
    expect(await keys.verify(token)).toEqual({ valid: false, reason: "expired" });
  });

  test("refuses a revoked key at once here, and within a second elsewhere", async () => {
    const [here, elsewhere] = [await open(), await open()];
    const { key, token } = await here.create(request);
    for (const keys of [here, elsewhere]) expect((await keys.verify(token)).valid).toBe(true);
    const revoked = await here.revoke(key.prefix);
    expect(revoked.revokedAt).toBe(now);
    expect(await here.verify(token)).toEqual({ valid: false, reason: "revoked" });
    now += 1_000;
    expect(await elsewhere.verify(token)).toEqual({ valid: false, reason: "revoked" });
    expect((await here.revoke(key.prefix)).revokedAt).toBe(revoked.revokedAt); // the first time stays
    await expect(here.revoke("0000000000000000")).rejects.toMatchObject({ code: "KEY_UNKNOWN" });
  });

  test("rotates with an overlap in which both keys are valid", async () => {
    const keys = await open();
    const old = await keys.create({ ...request, requestsPerSecond: 7 });
    const fresh = await keys.rotate(old.key.prefix, {
      overlapUntil: now + dayMs,
      expiresAt: now + 9 * dayMs,
      by: "owner",
    });
    expect(fresh.key).toMatchObject({ name: "trading desk", actor: "desk-7", requestsPerSecond: 7 });
    expect(await keys.get(old.key.prefix)).toMatchObject({
      replacedBy: fresh.key.prefix,
      expiresAt: now + dayMs,
    });
    for (const { token } of [old, fresh]) expect((await keys.verify(token)).valid).toBe(true);
    now += dayMs;
    expect(await keys.verify(old.token)).toEqual({ valid: false, reason: "expired" });
    expect((await keys.verify(fresh.token)).valid).toBe(true);
  });

  test("never lengthens the life of a key by rotating it, and rotates it once", async () => {
    const keys = await open();
    const { key } = await keys.create({ ...request, expiresAt: now + 10 });
    const rotation = { overlapUntil: now + dayMs, expiresAt: null, by: "owner" };
    const both = await Promise.allSettled([
      keys.rotate(key.prefix, rotation),
      keys.rotate(key.prefix, rotation),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect((await keys.get(key.prefix)).expiresAt).toBe(now + 10);
    await expect(keys.rotate(key.prefix, rotation)).rejects.toMatchObject({
      code: "KEY_ENDED",
      message: expect.stringContaining("took the place of"),
    });
    const ended = await keys.create({ ...request, expiresAt: now + 10 });
    now += 10;
    await expect(keys.rotate(ended.key.prefix, rotation)).rejects.toThrow(
      "expired at 2026-01-01T00:00:00.010Z",
    );
  });

  test("writes the time of last use now and then, and at the end", async () => {
    const keys = await open({ lastUseMs: 60_000 });
    const { key, token } = await keys.create(request);
    for (let i = 0; i < 100; i++) await keys.verify(token);
    expect((await keys.get(key.prefix)).lastUsedAt).toBeNull();
    now += 59_999;
    await keys.verify(token);
    await keys.flush();
    expect((await keys.get(key.prefix)).lastUsedAt).toBe(now);
    const slower = await open();
    now -= 30_000; // a server whose clock is behind
    await slower.verify(token);
    await slower.flush();
    expect((await keys.get(key.prefix)).lastUsedAt).toBe(now + 30_000);
  });

  test("writes it without anybody waiting", async () => {
    const keys = await open({ lastUseMs: 60_000 });
    const { key, token } = await keys.create(request);
    now += 60_000;
    await keys.verify(token);
    await expect.poll(async () => (await keys.get(key.prefix)).lastUsedAt).toBe(now);
  });
});
