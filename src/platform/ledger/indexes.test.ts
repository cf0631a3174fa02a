/** The statements of the ledger read a few rows, however many entries there are, and whatever the planner believes of them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Entropy } from "../../base/index.ts";
import { openState, type State } from "../state/index.ts";
import { type Home, homes } from "../state/testing/homes.ts";
import { rowsRead } from "../state/testing/rows-read.ts";
import { type Ledger, openLedger } from "./index.ts";

const count = 20_000;
/** What one statement may read: a page, and a few rows more. */
const page = 20;
const most = 3 * page;
let drawn = 0;
const entropy: Entropy = { randomBytes: (bytes) => Buffer.alloc(bytes, ++drawn) };

const cases = homes.flatMap((home) => [
  { ...home, statistics: "of now" as const },
  { ...home, statistics: "of one entry" as const },
]);

describe.each(cases)("with 20,000 entries on $name, statistics $statistics", ({ makeHome, statistics }) => {
  let home: Home;
  let state: State;
  let ledger: Ledger;
  beforeAll(async () => {
    home = await makeHome();
    state = await openState(home);
    const clock = { now: () => Date.UTC(2026, 0, 1), elapsed: () => 0 };
    const key = async () => Promise.reject(new Error("nothing is signed here"));
    ledger = openLedger(state, { clock, entropy, actor: "tester", key });
    const tables = ["ledger", "ledger_sealed", "personal_keys"].map((name) => `fathom.${name}`);
    for (const table of tables) await state.query(`alter table ${table} set (autovacuum_enabled = false)`);
    const personal = { person: "person-0", data: {} };
    await ledger.append({ action: "common.act", subject: "common", payload: {}, personal });
    if (statistics === "of one entry") await state.query("analyze");
    // Half of all entries are of one subject, half of one action; what is rare lies far back.
    await state.query(
      `select max(a.appended) from generate_series(1, ${count}) as i, lateral fathom.append_to_ledger(
         now(), 'tester', case when i < 50 then 'rare.act' when i % 2 = 0 then 'common.act' else 'act-' || i end,
         case when i < 50 then 'rare' when i % 3 = 0 then 'subject-' || i else 'common' end, '{}', null, null) as a`,
    );
    await state.query(
      `insert into fathom.personal_keys (person, key) select 'person-' || i, '\\x00' from generate_series(1, ${count}) as i`,
    );
    await state.query(
      `insert into fathom.ledger_sealed (sequence, key_id, sealed) select i + 1, i, '\\x00' from generate_series(1, ${count}) as i`,
    );
    if (statistics === "of now") await state.query("vacuum analyze");
  });
  afterAll(async () => {
    await state.close();
    await home.remove();
  });

  test.each<[string, () => Promise<unknown>]>([
    ["appends one", () => ledger.append({ action: "new", subject: "new", payload: {} })],
    [
      "appends one with personal data",
      () =>
        ledger.append({ action: "n", subject: "n", payload: {}, personal: { person: "person-0", data: {} } }),
    ],
    ["lists the newest", () => ledger.list({ limit: page })],
    ["lists older ones", () => ledger.list({ before: count / 2, limit: page })],
    ["lists a rare subject", () => ledger.list({ subject: "rare", limit: page })],
    ["lists a common subject", () => ledger.list({ subject: "common", limit: page })],
    ["lists older ones of a subject", () => ledger.list({ subject: "common", before: 9_000, limit: page })],
    ["lists a rare action", () => ledger.list({ action: "rare.act", limit: page })],
    ["lists a common action", () => ledger.list({ action: "common.act", limit: page })],
    [
      "lists a rare action of a subject",
      () => ledger.list({ action: "rare.act", subject: "rare", limit: page }),
    ],
    [
      "lists a rare action of a common subject",
      () => ledger.list({ action: "act-3", subject: "common", limit: page }),
    ],
    ["shows personal data", () => ledger.personal(1)],
    ["erases a person", () => ledger.erase("person-9000")],
  ])("%s by reading a few rows", async (_, work) => {
    const tables = "case when schemaname = 'fathom' and relname ~ '^(ledger|personal)' then relname end";
    const read = await rowsRead(state, tables, work);
    expect(Object.keys(read).sort()).toEqual(["ledger", "ledger_sealed", "personal_keys"]);
    for (const [table, rows] of Object.entries(read)) expect(rows, table).toBeLessThanOrEqual(most);
  });
});
