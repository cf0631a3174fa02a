import { describe, expect, test } from "vitest";
import { homes } from "../../src/platform/state/testing/homes.ts";
import { startPostgres } from "../support/postgres.ts";
import { jumpClock } from "./clock.ts";
import { fillDisk, stopPostgres } from "./outages.ts";

const refusals = [503, 503, 503, 503, 503];

test("answers 503 while PostgreSQL is stopped, and goes on by itself when it is back", async (context) => {
  const server = await startPostgres();
  if (server === null) return context.skip("npm has no PostgreSQL for this platform");
  try {
    const { refused, isAlive, isSameProcess, acknowledged, after } = await stopPostgres(server);
    expect({ refused, isAlive, isSameProcess, after }).toEqual({
      refused: refusals,
      isAlive: true,
      isSameProcess: true,
      after: "done",
    });
    expect(acknowledged).toEqual(Array(10).fill("done"));
  } finally {
    await server.remove();
  }
});

test("answers 503 while the disk is full, keeps what it acknowledged, and goes on by itself when there is room", async (context) => {
  const result = await fillDisk();
  if (typeof result === "string") {
    process.stderr.write(`${result}\n`);
    return context.skip(result);
  }
  const { acknowledged, ...rest } = result;
  expect(rest).toEqual({ refused: refusals, isAlive: true, isSameProcess: true, after: "done" });
  expect(acknowledged.length).toBeGreaterThanOrEqual(10);
  expect(new Set(acknowledged)).toEqual(new Set(["done"]));
});

describe.each(homes)("on $name", ({ makeHome }) => {
  test("runs every job once, with its times in order, while the wall clock of the machine jumps", async () => {
    const home = await makeHome();
    try {
      expect(await jumpClock(home, 20)).toEqual({ jobs: 20, done: 20, attempts: 20, disordered: 0 });
    } finally {
      await home.remove();
    }
  });
});
