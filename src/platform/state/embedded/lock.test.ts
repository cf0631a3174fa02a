import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { holderOf, takeLock } from "./lock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fathom-lock-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const take = (what = "a test") => takeLock(folder, "database", { what, socket: "nowhere" });
const left = { host: hostname(), what: "a dead one", since: "2026-01-01T00:00:00.000Z", socket: "gone" };
const leave = (generation: number, holder: object) =>
  writeFile(join(folder, `database.lock.${generation}`), JSON.stringify({ ...left, ...holder }));

test("names its holder to the second, and is free again when it was released", async () => {
  const first = await take("fathom serve");
  if (!("lock" in first)) throw new Error("expected the lock");
  expect(await take()).toMatchObject({ heldBy: { what: "fathom serve", pid: process.pid } });
  expect(await holderOf(folder, "database")).toEqual(first.lock.holder);
  await first.lock.release();
  expect(await holderOf(folder, "database")).toBeUndefined();
  expect(await take()).toHaveProperty("lock");
});

test.each([
  ["is gone", { pid: 4_194_305, started: "x" }], // above the largest number that Linux gives
  ["has the number of another one now", { pid: process.pid, started: "another start" }],
])("goes to exactly one of many when its process %s", async (_, holder) => {
  await leave(7, holder);
  const taken = await Promise.all(Array.from({ length: 64 }, () => take()));
  expect(taken.filter((one) => "lock" in one)).toHaveLength(1);
  expect(await readdir(folder)).toEqual(["database.lock.8"]);
});

test("is not taken from another machine that was here a moment ago", async () => {
  await leave(3, { pid: 1, started: null, host: "elsewhere" });
  expect(await take()).toMatchObject({ heldBy: { host: "elsewhere" } });
});
