/** An export of the ledger that was kept elsewhere shows what the chain alone cannot. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Context } from "../src/base/index.ts";
import { type Ledger, openLedger } from "../src/platform/ledger/index.ts";
import { systemClock, systemEntropy } from "../src/platform/local/index.ts";
import { ensureKeyPair } from "../src/platform/signing/index.ts";
import { openState, type State } from "../src/platform/state/index.ts";
import { auditExport, auditVerify } from "../src/services/audit/index.ts";

let folder: string;
let state: State;
let ledger: Ledger;
let out: string;
let context: Context;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fathom-audit-"));
  state = await openState({ folder });
  const key = async () => (await ensureKeyPair(join(folder, "installation.pem"), systemEntropy)).private;
  ledger = openLedger(state, { clock: systemClock, entropy: systemEntropy, actor: "tester", key });
  out = join(folder, "ledger.jsonl");
  context = { platform: async () => ({ audit: ledger }) } as unknown as Context;
  for (const subject of ["a", "b", "c"]) await ledger.append({ action: "test.act", subject, payload: {} });
});
afterEach(async () => {
  await state.close();
  await rm(folder, { recursive: true, force: true });
});

/** What only the owner of the database can do. */
const forge = (statement: string) =>
  state.query(
    `begin; alter table fathom.ledger disable trigger all; ${statement}; alter table fathom.ledger enable trigger all; commit`,
  );
const against = () => auditVerify.run({ against: out }, context);

test("a ledger that went on is told to go on from the export", async () => {
  await auditExport.run({ out }, context);
  expect(await against()).toMatchObject({ entries: 3, kept: 3 });
  await ledger.append({ action: "test.act", subject: "d", payload: {} });
  const result = await against();
  expect(result).toMatchObject({ entries: 4, kept: 3 });
  expect(auditVerify.print?.(result)).toContain("it goes on from the 3 entries of the export");
});

test("an export of an empty ledger is gone on from by any", async () => {
  await forge("truncate fathom.ledger");
  await auditExport.run({ out }, context);
  await ledger.append({ action: "test.act", subject: "a", payload: {} });
  expect(await against()).toMatchObject({ entries: 1, kept: 0 });
});

test("an end that was cut off passes alone, and not against the export", async () => {
  await auditExport.run({ out }, context);
  await forge("delete from fathom.ledger where sequence = 3");
  expect(await auditVerify.run({}, context)).toMatchObject({ entries: 2, kept: null });
  await expect(against()).rejects.toMatchObject({
    code: "LEDGER_BROKEN",
    message:
      "ledger, entry 3: expected the 3 entries of the export, found an end after 2: it was cut off, or this is another ledger",
  });
});

test("a ledger that was written anew passes alone, and not against the export", async () => {
  await auditExport.run({ out }, context);
  await forge("truncate fathom.ledger");
  for (const subject of ["a", "b", "x", "y"])
    await ledger.append({ action: "test.act", subject, payload: {} });
  expect(await auditVerify.run({}, context)).toMatchObject({ entries: 4 });
  await expect(against()).rejects.toMatchObject({ code: "LEDGER_BROKEN", details: { line: 3 } });
});

test("an export that was changed is not compared with anything", async () => {
  await auditExport.run({ out }, context);
  await writeFile(out, (await readFile(out, "utf8")).replace('"subject":"b"', '"subject":"z"'));
  await expect(against()).rejects.toMatchObject({ code: "LEDGER_BROKEN", details: { line: 2 } });
});

test("an export is checked alone or beside the ledger, not both", async () => {
  await expect(auditVerify.run({ file: out, against: out }, context)).rejects.toMatchObject({
    code: "INPUT_INVALID",
  });
});
