/** Look-ups stay what they are when there is much: every one goes through an index, and reads a few rows of 100,000. */
import { PgDialect } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Database, openState, type State } from "../state/index.ts";
import { type Home, homes } from "../state/testing/homes.ts";
import { driftPage } from "./drift.ts";
import { referencedOf } from "./files.ts";
import { activePlan } from "./plans.ts";
import { openRequests } from "./promote.ts";
import { championPage, chargeAt, historyPage, modelPage, versionPage } from "./registry.ts";
import { aliasesOf, versionByAlias, versionByNumber, versionsByDigest } from "./rows.ts";

const rows = 100_000;

/** The planner may know of the tables what they were when they held one row each. */
const cases = homes.flatMap((home) => [
  { ...home, statistics: "of now" as const },
  { ...home, statistics: "of one row" as const },
]);
const title = "with 100,000 models, versions and history rows on $name, statistics $statistics";

describe.each(cases)(title, ({ makeHome, statistics }) => {
  let home: Home;
  let state: State;
  beforeAll(async () => {
    home = await makeHome();
    state = await openState(home);
    const policy = `'{"secondKey": false, "metric": null}'`;
    const tables = await state.query<{ name: string }>(
      "select relname as name from pg_stat_user_tables where schemaname = 'fathom' and relname like 'registry%'",
    );
    for (const { name } of tables)
      await state.query(`alter table fathom.${name} set (autovacuum_enabled = false)`);
    const first = statistics === "of one row" ? 1 : rows;
    for (const statement of [
      `insert into fathom.registry_models values ('large', ${rows}, ${policy}, now())`,
      `insert into fathom.registry_aliases values ('large', 'champion', 1000)`,
      ...fill(1, first, policy),
      "analyze",
      ...(first < rows ? fill(first + 1, rows, policy) : []),
    ])
      await state.query(statement);
  });
  afterAll(async () => {
    await state.close();
    await home.remove();
  });

  const at = Date.UTC(2026, 0, 1, 12);
  const lookUps: Record<string, (db: Database) => { getSQL(): unknown }> = {
    "a version by number": (db) => versionByNumber(db, "large", 500),
    "a version by alias": (db) => versionByAlias(db, "large", "champion"),
    "a version by digest": (db) => versionsByDigest(db, "m777", "0123abcd"),
    "the aliases of a version": (db) => aliasesOf(db, "large", 1000),
    "the newest versions": (db) => versionPage(db, "large", undefined, 20),
    "older versions": (db) => versionPage(db, "large", 5000, 20),
    "the newest history": (db) => historyPage(db, "large", { limit: 20 }),
    "older history": (db) => historyPage(db, "large", { before: 5000, limit: 20 }),
    "the history of an alias": (db) => historyPage(db, "large", { alias: "challenger", limit: 20 }),
    "who was in charge": (db) => chargeAt(db, "large", "champion", at),
    "a page of models": (db) => modelPage(db, "m5", 20),
    "a page of champions": (db) => championPage(db, "m5", 20),
    "open requests": (db) => openRequests(db, "large"),
    "the plan in force": (db) => activePlan(db, "large"),
    "the newest drift checks": (db) => driftPage(db, 5),
    "who refers to files": (db) => referencedOf(db, ["ab".repeat(32), "cd".repeat(32)]),
  };

  test.each(Object.keys(lookUps))("%s is found through an index, by reading few rows", async (name) => {
    const { sql, params } = new PgDialect().sqlToQuery(lookUps[name](state.db).getSQL() as never);
    const plan = await state.query<{ "QUERY PLAN": PlanRow[] | string }>(
      `explain (analyze, costs, timing off, format json) ${sql}`,
      params,
    );
    const text = plan[0]["QUERY PLAN"];
    const [{ Plan }] = (typeof text === "string" ? JSON.parse(text) : text) as { Plan: PlanRow }[];
    const scans = scansOf(Plan);
    expect(scans.length).toBeGreaterThan(0);
    for (const scan of scans) {
      expect(scan["Node Type"], JSON.stringify(scan)).toMatch(/Index|Bitmap/);
      const read = (scan["Actual Rows"] + (scan["Rows Removed by Filter"] ?? 0)) * scan["Actual Loops"];
      expect(read, JSON.stringify(scan)).toBeLessThanOrEqual(40);
    }
  });
});

/** One model has half of all versions and changes, the others share the rest. */
function fill(first: number, last: number, policy: string): string[] {
  const model = "case when i % 2 = 0 then 'large' else 'm' || i end";
  const series = `generate_series(${first}, ${last}) as i`;
  return [
    `insert into fathom.registry_models select 'm' || i, 1, ${policy}, now() from ${series}`,
    `insert into fathom.registry_versions
       select ${model}, i, encode(sha256(i::text::bytea), 'hex'), 'toy', '{}', null, '{}', 1, null, null, '', now(), 'ann'
       from ${series}`,
    `insert into fathom.registry_files select ${model}, i, 'model.onnx', encode(sha256(i::text::bytea), 'hex'), 1 from ${series}`,
    `insert into fathom.registry_aliases select 'm' || i, 'champion', i from ${series} where i % 2 = 1`,
    `insert into fathom.registry_history (model, alias, version, previous, action, at, actor, reason)
       select ${model}, case when i % 4 = 0 then 'challenger' else 'champion' end, i, null, 'promote',
         '2026-01-01'::timestamptz + i * interval '1 second', 'ann', '' from ${series}`,
    `insert into fathom.registry_requests (model, version, requested_by, requested_at, reason, status)
       select ${model}, i, 'ann', now(), '', case when i > ${rows - 5} then 'open' else 'approved' end from ${series}`,
    `insert into fathom.registry_drift_checks select ${model}, i, '2026-01-01'::timestamptz + i * interval '1 second', 'ann',
       '2025-01-01', '2025-12-31', false, '[]' from ${series}`,
    `insert into fathom.registry_plans (model, champion, candidate, mode, share_percent, rules, status, started_at, started_by)
       select ${model}, 1, 2, 'canary', 5, '{}', 'stopped', now(), 'ann' from ${series}`,
  ];
}

interface PlanRow {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly PlanRow[];
}

/** The nodes that read a table or an index; a scan of a subquery reads what those below it do. */
function scansOf(plan: PlanRow): PlanRow[] {
  const own = /(?<!Subquery )Scan$/.test(plan["Node Type"]) ? [plan] : [];
  return [...own, ...(plan.Plans ?? []).flatMap(scansOf)];
}
