import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { embeddedDatabase } from "./embedded/embedded-database.ts";
import { openState } from "./index.ts";
import { migrate } from "./migrate.ts";
import { embeddedPool } from "./pool.ts";
import { type Home, homes } from "./testing/homes.ts";

const migrations = fileURLToPath(new URL("./migrations", import.meta.url));

/** The migrations up to and with the first `count`. */
async function firstMigrations(count: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "fathom-migrations-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(migrations, folder, { recursive: true });
  const journal = join(folder, "meta", "_journal.json");
  const content = JSON.parse(await readFile(journal, "utf8"));
  await writeFile(journal, JSON.stringify({ ...content, entries: content.entries.slice(0, count) }));
  return folder;
}

describe.each(homes)("on $name", ({ makeHome }) => {
  let home: Home;
  beforeEach(async () => {
    home = await makeHome();
  });
  afterEach(() => home.remove());

  /** As `openState` connects, without the tables. */
  function connect(): { pool: pg.Pool; close: () => Promise<void> } {
    if (home.url !== undefined) {
      const pool = new pg.Pool({ connectionString: home.url });
      return { pool, close: () => pool.end() };
    }
    const database = embeddedDatabase({ folder: home.folder, what: "a test", idleInTransactionMs: 5_000 });
    const pool = embeddedPool(database, {
      place: home.folder,
      connections: 2,
      connectTimeoutMs: 0,
      statementTimeoutMs: 0,
      idleInTransactionMs: 0,
    });
    const close = async () => {
      await pool.end();
      await database.close();
    };
    return { pool, close };
  }

  test("goes from the first version to the last with its data in place", async () => {
    const { pool, close } = connect();
    await migrate(pool, "test", await firstMigrations(1));
    await pool.query("insert into fathom.installation values ('identity', '{\"id\":7}', now())");
    await close();
    const state = await openState(home);
    onTestFinished(() => state.close());
    expect(await state.query("select value from fathom.installation")).toEqual([{ value: { id: 7 } }]);
    const journal = JSON.parse(await readFile(join(migrations, "meta", "_journal.json"), "utf8"));
    expect(await state.query("select hash from fathom.migrations")).toHaveLength(journal.entries.length);
    expect(journal.entries.length).toBeGreaterThan(1);
    expect(await state.query("select * from fathom.ledger")).toEqual([]);
  });

  test("is done once when several open an empty database at the same time", async () => {
    const states = await Promise.all([openState(home), openState(home), openState(home)]);
    for (const state of states) onTestFinished(() => state.close());
    const rows = await states[0].query(
      "select count(*) = count(distinct hash) as once from fathom.migrations",
    );
    expect(rows).toEqual([{ once: true }]);
  });

  test("leaves alone what a later version has made", async () => {
    const first = await openState(home);
    await first.query(
      "insert into fathom.migrations (hash, created_at) values ('of the future', extract(epoch from timestamptz '2030-01-02') * 1000)",
    );
    await first.close();
    await expect(openState(home)).rejects.toMatchObject({
      code: "STATE_NEWER",
      message: expect.stringContaining("2030-01-02"),
    });
  });
});

describe.runIf(homes.some(({ name }) => name === "PostgreSQL"))("an address", () => {
  const server = homes.find(({ name }) => name === "PostgreSQL");
  let home: Home;
  beforeEach(async () => {
    home = await (server as (typeof homes)[number]).makeHome();
  });
  afterEach(() => home.remove());
  const change = (part: "password" | "pathname" | "port", value: string) =>
    Object.assign(new URL(home.url as string), { [part]: value }).href;

  test.each([
    ["of something else", () => "mysql://user:hidden@host/db", "STATE_ADDRESS_INVALID"],
    ["that is none", () => "hidden", "STATE_ADDRESS_INVALID"],
    ["with another database", () => change("pathname", "/absent"), "STATE_ADDRESS_INVALID"],
    ["where nobody listens", () => change("port", "1"), "STATE_UNAVAILABLE"],
    ["of no host", () => "postgres://user:hidden@host.invalid/db", "STATE_UNAVAILABLE"],
  ])("%s is one clear line without its password", async (_, url, code) => {
    const error = await openState({ ...home, url: url() }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code });
    expect(error.message).not.toMatch(/hidden|\n/);
  });

  test("of a server that never answers fails in time", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    onTestFinished(() => void silent.close());
    await new Promise((listening) => silent.once("listening", listening));
    const { port } = silent.address() as { port: number };
    await expect(
      openState({ ...home, url: change("port", String(port)), connectTimeoutMs: 100 }),
    ).rejects.toMatchObject({ code: "STATE_UNAVAILABLE" });
  });

  test("whose connections were cut is reached again by the next query", async () => {
    const state = await openState(home);
    onTestFinished(() => state.close());
    const cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()";
    await expect(state.query(cut)).rejects.toMatchObject({ kind: "unavailable", code: "STATE_UNAVAILABLE" });
    expect(await state.query("select 1 as n")).toEqual([{ n: 1 }]);
  });

  test("interrupts a statement that takes too long", async () => {
    const state = await openState({ ...home, statementTimeoutMs: 2_000 });
    onTestFinished(() => state.close());
    await expect(state.query("select pg_sleep(10)")).rejects.toMatchObject({ code: "STATE_UNAVAILABLE" });
  });
});
