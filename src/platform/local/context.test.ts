import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { localContext } from "./context.ts";

async function folderWithPrices(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "fathom-context-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "acme.csv"), "date,close\n2024-01-02,10\n2024-01-03,11\n");
  return folder;
}

test("reads prices from a path below the working folder", async () => {
  const folder = await folderWithPrices();
  const { market } = localContext({ dataFolder: folder, workingFolder: folder });
  expect([...(await market.read({ path: "acme.csv" })).close]).toEqual([10, 11]);
});

test("has the simulated market, the same for the same seed", async () => {
  const { market } = localContext({ dataFolder: "unused" });
  const [first, again, other] = await Promise.all(
    [7, 7, 8].map((seed) => market.read({ path: "simulated", seed })),
  );
  expect(again.fingerprint).toBe(first.fingerprint);
  expect(other.fingerprint).not.toBe(first.fingerprint);
});

test("repeats itself unless a key is given, and writes nothing until asked to", async () => {
  const folder = await folderWithPrices();
  const context = localContext({ dataFolder: join(folder, "new") });
  expect(context.key).toEqual(localContext({ dataFolder: folder }).key);
  await expect(context.models.locate("m")).rejects.toMatchObject({ code: "ARTIFACT_MISSING" });
  expect(context.signal.aborted).toBe(false);
});
