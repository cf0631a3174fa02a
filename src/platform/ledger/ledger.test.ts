import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type Entropy, type LedgerEntry, sha256, verifyExport } from "../../base/index.ts";
import { ensureKeyPair } from "../signing/index.ts";
import { openState, type State } from "../state/index.ts";
import { type Home, homes } from "../state/testing/homes.ts";
import { importLines, type Ledger, openLedger } from "./index.ts";

const now = Date.parse("2026-03-04T05:06:07.089Z");
const clock = { now: () => now, elapsed: () => 0 };
let drawn = 0;
const entropy: Entropy = { randomBytes: (count) => Buffer.alloc(count, ++drawn) };
const entry = (n: number): LedgerEntry => ({ action: "test.act", subject: `subject-${n}`, payload: { n } });

describe.each(homes)("on $name", ({ makeHome }) => {
  let home: Home;
  let state: State;
  let ledger: Ledger;
  const ledgerOf = (of: State) =>
    openLedger(of, {
      clock,
      entropy,
      actor: "tester",
      key: async () => (await ensureKeyPair(join(home.folder, "keys", "installation.pem"), entropy)).private,
    });
  beforeAll(async () => {
    home = await makeHome();
    state = await openState(home);
    ledger = ledgerOf(state);
  });
  afterAll(async () => {
    await state.close();
    await home.remove();
  });
  /** What only the owner of the database can do, and the chain shows. */
  const forge = (statement: string) =>
    state.query(
      `begin; alter table fathom.ledger disable trigger all; alter table fathom.ledger_sealed disable trigger all; ${statement}; alter table fathom.ledger enable trigger all; alter table fathom.ledger_sealed enable trigger all; commit`,
    );
  beforeEach(() => forge("truncate fathom.ledger, fathom.ledger_sealed, fathom.personal_keys"));

  const exported = async () => {
    const lines: string[] = [];
    await ledger.export((line) => void lines.push(line));
    return lines;
  };
  async function* each(lines: readonly string[]) {
    yield* lines;
  }

  test("records facts in order, each chained to the one before", async () => {
    for (let n = 1; n <= 3; n++) await ledger.append(entry(n));
    const [third, second, first] = await ledger.list({ limit: 10 });
    expect(first).toMatchObject({
      sequence: 1,
      time: "2026-03-04T05:06:07.089Z",
      actor: "tester",
      payload: { n: 1 },
      payloadDigest: sha256('{"n":1}'),
      previous: "0".repeat(64),
    });
    expect([second.previous, third.previous]).toEqual([first.hash, second.hash]);
    expect(await ledger.verify()).toEqual({ sequence: 3, hash: third.hash });
    expect(await ledger.list({ limit: 10, subject: "subject-2" })).toEqual([second]);
    expect(await ledger.list({ limit: 1, before: 3, action: "test.act" })).toEqual([second]);
  });

  test("has an empty chain before the first", async () => {
    expect(await ledger.verify()).toEqual({ sequence: 0, hash: "0".repeat(64) });
  });

  test("hashes any text as the database does", async () => {
    const text = fc.string({ unit: "binary", maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(text, text, text, fc.jsonValue(), async (actor, action, subject, value) => {
        await ledger.append({ actor, action, subject, payload: { value } });
      }),
      { numRuns: 60 },
    );
    await ledger.append({
      actor: "\ud800 \0 \u2028 \x7f \\",
      action: "'",
      subject: '"',
      payload: { "\0": "\udfff" },
    });
    expect((await ledger.verify()).sequence).toBe(61);
  });

  test("keeps the chain whole when several connections and processes append at once", async () => {
    const other = await openState(home);
    onTestFinished(() => other.close());
    const writers = [ledger, ledgerOf(other)];
    await Promise.all(Array.from({ length: 60 }, (_, n) => writers[n % 2].append(entry(n))));
    expect((await ledger.verify()).sequence).toBe(60);
  });

  test("leaves no gap for a transaction that was rolled back", async () => {
    await ledger.append(entry(1));
    const undone = state.db.transaction(async (transaction) => {
      await ledger.appendIn(transaction, entry(2));
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    await ledger.append(entry(3));
    expect((await ledger.list({ limit: 9 })).map(({ subject }) => subject)).toEqual([
      "subject-3",
      "subject-1",
    ]);
    expect((await ledger.verify()).sequence).toBe(2);
  });

  test.each(["update fathom.ledger set actor = 'x'", "delete from fathom.ledger", "truncate fathom.ledger"])(
    "refuses in the database itself: %s",
    async (statement) => {
      await ledger.append(entry(1));
      await expect(state.query(statement)).rejects.toThrow(/append-only/);
      expect((await ledger.verify()).sequence).toBe(1);
    },
  );

  test.each([
    ["a changed field", "update fathom.ledger set actor = 'x' where sequence = 2", 2],
    ["a changed payload", `update fathom.ledger set payload = '{"n":9}' where sequence = 3`, 3],
    ["a removed entry", "delete from fathom.ledger where sequence = 2", 2],
    ["a removed beginning", "delete from fathom.ledger where sequence = 1", 1],
    [
      "changed sealed data",
      "update fathom.ledger_sealed set sealed = sealed || '\\x00' where sequence = 4",
      4,
    ],
    ["removed sealed data", "delete from fathom.ledger_sealed", 4],
  ])("finds the first broken link: %s", async (_, statement, line) => {
    for (let n = 1; n <= 3; n++) await ledger.append(entry(n));
    await ledger.append({ ...entry(4), personal: { person: "ada", data: { name: "Ada" } } });
    await forge(statement);
    await expect(ledger.verify()).rejects.toMatchObject({ code: "LEDGER_BROKEN", details: { line } });
  });

  test("exports what can be checked without it, signed by the installation's key", async () => {
    for (let n = 1; n <= 3; n++) await ledger.append(entry(n));
    const lines = await exported();
    const { head } = JSON.parse(lines[3]);
    expect(await verifyExport(each(lines), { where: "file", publicKey: head.publicKey })).toEqual(head);
    expect((await stat(join(home.folder, "keys", "installation.pem"))).mode & 0o777).toBe(0o600);
    expect(JSON.parse((await exported())[3]).head.publicKey).toBe(head.publicKey);
  });

  test.each([
    ["a changed line", (lines: string[]) => lines.with(1, lines[1].replace("subject-2", "subject-9")), 2],
    ["a line that is gone", (lines: string[]) => lines.toSpliced(1, 1), 2],
    ["a chain that was cut", (lines: string[]) => lines.toSpliced(2, 1), 2],
    ["no head", (lines: string[]) => lines.slice(0, 3), 4],
    ["half a line", (lines: string[]) => lines.with(0, lines[0].slice(0, 30)), 1],
    ["a forged head", (lines: string[]) => lines.with(3, lines[3].replace("05:06:07", "05:06:08")), 3],
  ])("notices in an export %s", async (_, change, line) => {
    for (let n = 1; n <= 3; n++) await ledger.append(entry(n));
    const lines = change(await exported());
    await expect(verifyExport(each(lines), { where: "file" })).rejects.toMatchObject({
      code: "LEDGER_BROKEN",
      details: { line },
    });
  });

  test("does not take another's signature for its own", async () => {
    const lines = await exported();
    await expect(verifyExport(each(lines), { where: "file", publicKey: "another" })).rejects.toMatchObject({
      code: "LEDGER_BROKEN",
    });
  });

  test("erases the data of one person, keeps the chain, and says so in it", async () => {
    const about = (person: string) => ({ ...entry(1), personal: { person, data: { name: person } } });
    for (const person of ["ada", "ada", "grace"]) await ledger.append(about(person));
    expect(await ledger.personal(1)).toEqual({ name: "ada" });
    expect(await ledger.erase("ada")).toEqual({ entries: 2 });
    expect([await ledger.personal(1), await ledger.personal(2)]).toEqual([null, null]);
    expect(await ledger.personal(3)).toEqual({ name: "grace" });
    expect(await ledger.verify()).toMatchObject({ sequence: 4 });
    const [erasure] = await ledger.list({ limit: 1 });
    expect(erasure).toMatchObject({ action: "audit.erase", payload: { entries: 2 } });
    expect(JSON.stringify(await exported())).not.toContain("ada");
    expect(await ledger.erase("ada")).toEqual({ entries: 0 });
    await ledger.append(about("ada")); // who comes again has a new key
    expect(await ledger.personal(5)).toEqual({ name: "ada" });
  });

  test("takes over the file of an earlier version once, and keeps it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fathom-ledger-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "ledger.jsonl");
    let previous = "0".repeat(64);
    const lines = [1, 2].map((sequence) => {
      const time = `2025-01-0${sequence}T00:00:00.000Z`;
      const fields = { sequence, time, ...entry(sequence), previous };
      previous = sha256(JSON.stringify(fields));
      return JSON.stringify({ ...fields, hash: previous });
    });
    await state.query("delete from fathom.installation");
    await writeFile(file, lines.join("\n").replace("subject-2", "subject-9"));
    await expect(importLines(state, ledger, file)).rejects.toMatchObject({
      code: "LEDGER_BROKEN",
      details: { line: 2 },
    });
    await writeFile(file, `${lines.join("\n")}\n`);
    await Promise.all([importLines(state, ledger, file), importLines(state, ledger, file)]);
    await importLines(state, ledger, file);
    const entries = await ledger.list({ limit: 9 });
    expect(entries.map(({ action, time }) => [action, time.slice(0, 10)])).toEqual([
      ["test.act", "2025-01-02"],
      ["test.act", "2025-01-01"],
      ["audit.import", "2026-03-04"],
    ]);
    expect(entries[2].payload).toMatchObject({ lines: 2, head: previous });
    expect(await readFile(file, "utf8")).toBe(`${lines.join("\n")}\n`);
    expect((await ledger.verify()).sequence).toBe(3);
  });

  test("costs the same at 100,000 entries as at the first: every question has its index", async () => {
    await forge(
      "insert into fathom.ledger select n, now(), 'a', 'act-' || n % 50, 's-' || n % 1000, '{}', '', null, '', '' from generate_series(1, 100000) n",
    );
    await state.query("analyze fathom.ledger");
    const plan = async (statement: string) => {
      const rows = await state.query<{ "QUERY PLAN": string }>(`explain ${statement}`);
      return rows.map((row) => row["QUERY PLAN"]).join("\n");
    };
    for (const statement of [
      "select * from fathom.ledger order by sequence desc limit 1",
      "select * from fathom.ledger where sequence > 500 order by sequence limit 1000",
      "select * from fathom.ledger where action = 'act-1' and sequence < 900 order by sequence desc limit 9",
      "select * from fathom.ledger where subject = 's-1' order by sequence desc limit 9",
    ]) {
      expect(await plan(statement)).toMatch(/Index Scan/);
      expect(await plan(statement)).not.toMatch(/Seq Scan|Sort/);
    }
    expect((await ledger.append(entry(1))).sequence).toBe(100_001);
  });
});
