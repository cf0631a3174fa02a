import { expect, test } from "vitest";
import { workerTable } from "./tables.ts";

const worker = {
  id: "0b0f7f0a-7f0c-4f0e-8f5e-2a1c3d4e5f60",
  host: "blue",
  pid: 12,
  what: "fathom worker",
  version: "0.1.0",
  concurrency: 2,
  running: 1,
  startedAt: "2026-03-02T08:00:00.000Z",
  seenAt: "2026-03-02T09:00:01.000Z",
  alive: true,
};

test("shows who works, and marks those that are dead", () => {
  const dead = { ...worker, host: "red", pid: 7, what: "fathom serve", running: 0, alive: false };
  expect(workerTable([worker, dead])).toBe(
    [
      "worker   what           slots  running  since                     seen",
      "blue/12  fathom worker  2      1        2026-03-02T08:00:00.000Z  2026-03-02T09:00:01.000Z",
      "red/7    fathom serve   2      0        2026-03-02T08:00:00.000Z  2026-03-02T09:00:01.000Z (dead)",
    ].join("\n"),
  );
});

test("says how to start one where there is none", () => {
  expect(workerTable([])).toBe("no worker is running; fathom worker or fathom serve starts one");
});
