import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { localLedger, readLedger } from "./ledger.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fathom-ledger-"));
  file = join(folder, "deep", "ledger.jsonl");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const clock = { now: () => 1709164800000, elapsed: () => 0 };
const entry = (n: number) => ({ action: "forecast.train", subject: `model-${n}`, payload: { n } });

test("records facts in order, each chained to the one before", async () => {
  const ledger = localLedger(file, clock);
  for (let n = 1; n <= 3; n++) await ledger.append(entry(n));
  const records = await readLedger(file);
  expect(records.map(({ sequence, subject }) => [sequence, subject])).toEqual([
    [1, "model-1"],
    [2, "model-2"],
    [3, "model-3"],
  ]);
  expect(records[0]).toMatchObject({ time: "2024-02-29T00:00:00.000Z", previous: "0".repeat(64) });
  expect(records[2].previous).toBe(records[1].hash);
});

test("keeps the chain whole when several writers append at once", async () => {
  const writers = [localLedger(file, clock), localLedger(file, clock)];
  await Promise.all(Array.from({ length: 20 }, (_, n) => writers[n % 2].append(entry(n))));
  expect(await readLedger(file)).toHaveLength(20);
});

test("goes on after a line that is longer than one block", async () => {
  const ledger = localLedger(file, clock);
  await ledger.append({ ...entry(1), payload: { text: "ä".repeat(10_000) } });
  await ledger.append(entry(2));
  expect(await readLedger(file)).toHaveLength(2);
});

test.each([
  ["changed", (lines: string[]) => [lines[0], lines[1].replace("model-2", "model-9"), lines[2]], 2],
  ["removed", (lines: string[]) => [lines[0], lines[2]], 2],
  ["swapped", (lines: string[]) => [lines[1], lines[0], lines[2]], 1],
  ["cut off", (lines: string[]) => [lines[0], lines[1], lines[2].slice(0, 40)], 3],
])("notices a line that was %s", async (_, forge, line) => {
  const ledger = localLedger(file, clock);
  for (let n = 1; n <= 3; n++) await ledger.append(entry(n));
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  await writeFile(file, `${forge(lines).join("\n")}\n`);
  await expect(readLedger(file)).rejects.toMatchObject({ code: "LEDGER_BROKEN", details: { line } });
});

test("appends nothing after half a line", async () => {
  const ledger = localLedger(file, clock);
  await ledger.append(entry(1));
  const text = await readFile(file, "utf8");
  await writeFile(file, text.slice(0, -10));
  await expect(ledger.append(entry(2))).rejects.toMatchObject({ code: "LEDGER_BROKEN" });
  expect(await readFile(file, "utf8")).toBe(text.slice(0, -10));
});

test("has no records before the first", async () => {
  expect(await readLedger(file)).toEqual([]);
});

test("says why it cannot write", async () => {
  await writeFile(join(folder, "deep"), "a file where a folder belongs");
  await expect(localLedger(file, clock).append(entry(1))).rejects.toMatchObject({ code: "WRITE_FAILED" });
});
