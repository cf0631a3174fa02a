import { expect, test } from "vitest";
import { rowCache } from "./cache.ts";

function fixture(limit = 3) {
  let now = 0;
  const asked: string[] = [];
  const cache = rowCache(
    async (prefix) => {
      asked.push(prefix);
      if (prefix === "down") throw new Error("no database");
      return prefix === "absent" ? undefined : { prefix, version: asked.length };
    },
    { clock: { now: () => now, elapsed: () => now }, freshMs: 1_000, limit },
  );
  return { cache, asked, wait: (ms: number) => (now += ms) };
}

test("asks the database once a second, for what is there and for what is not", async () => {
  const { cache, asked, wait } = fixture();
  for (const prefix of ["a", "a", "absent", "absent"]) await cache.get(prefix);
  expect(asked).toEqual(["a", "absent"]);
  wait(999);
  await cache.get("a");
  expect(asked).toHaveLength(2);
  wait(1);
  await cache.get("a");
  expect(asked).toHaveLength(3);
});

test("asks once for many who ask at the same time", async () => {
  const { cache, asked } = fixture();
  await Promise.all(Array.from({ length: 50 }, () => cache.get("a")));
  expect(asked).toEqual(["a"]);
});

test("asks anew for what was changed here, and after a failure", async () => {
  const { cache, asked } = fixture();
  await cache.get("a");
  cache.forget("a");
  await cache.get("a");
  expect(asked).toEqual(["a", "a"]);
  await expect(cache.get("down")).rejects.toThrow("no database");
  await expect(cache.get("down")).rejects.toThrow("no database");
  expect(asked).toEqual(["a", "a", "down", "down"]);
});

test("holds so many rows, and lets go of the one asked for longest ago", async () => {
  const { cache, asked } = fixture(2);
  for (const prefix of ["a", "b", "a", "c", "a"]) await cache.get(prefix);
  expect(cache.size).toBe(2);
  expect(asked).toEqual(["a", "b", "c"]);
});
