import { once } from "node:events";
import { stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { openState, type State } from "../index.ts";
import { embeddedHome, type Home } from "../testing/homes.ts";
import { keepUp } from "./upkeep.js";

let home: Home;
let state: State;
beforeAll(async () => {
  home = await embeddedHome();
  state = await openState({ ...home, what: "a test", idleInTransactionMs: 300 });
  await state.query("create table written (writer text, n int, primary key (writer, n))");
});
beforeEach(() => state.query("truncate written"));
afterAll(async () => {
  await state.close();
  await home.remove();
});

/** A connection as any other process would make it. */
async function connection(): Promise<pg.Client> {
  const client = new pg.Client({ host: home.folder, port: 5432, user: "postgres", database: "postgres" });
  client.on("error", () => {}); // some tests cut it
  await client.connect();
  onTestFinished(() => client.end().catch(() => {}));
  return client;
}

const count = async () => (await state.query<{ n: number }>("select count(*)::int as n from written"))[0].n;

test("serves its folder to its owner alone, under PostgreSQL's own name", async () => {
  expect((await stat(join(home.folder, ".s.PGSQL.5432"))).mode & 0o777).toBe(0o600);
  expect((await stat(home.folder)).mode & 0o777).toBe(0o700);
});

test("keeps transactions of several connections apart", async () => {
  const [first, second] = [await connection(), await connection()];
  const order: string[] = [];
  await first.query("begin");
  await first.query("insert into written values ('first', 1)");
  const others = second.query("insert into written values ('second', 1)").then(() => order.push("second"));
  await sleep(50);
  order.push("first");
  await first.query("rollback");
  await others;
  expect(order).toEqual(["first", "second"]);
  expect(await state.query("select writer from written")).toEqual([{ writer: "second" }]);
});

test("rolls back what a connection leaves open when it dies", async () => {
  const client = await connection();
  await client.query("begin");
  await client.query("insert into written values ('dead', 1)");
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  expect(await count()).toBe(0);
});

test("cuts a transaction that nobody goes on with, and says why", async () => {
  const client = await connection();
  const failed = once(client, "error");
  await client.query("begin");
  await client.query("insert into written values ('idle', 1)");
  expect(await count()).toBe(0);
  expect((await failed)[0]).toMatchObject({ code: "25P03", message: expect.stringContaining("0.3 s") });
});

test("goes on after a statement failed, with or without a transaction", async () => {
  const client = await connection();
  await expect(client.query("select nothing")).rejects.toMatchObject({ code: "42703" });
  await expect(client.query("select $1::int / 0", [1])).rejects.toMatchObject({ code: "22012" });
  await client.query("begin");
  await expect(client.query("select $1::int / 0", [1])).rejects.toMatchObject({ code: "22012" });
  await expect(client.query("select 1")).rejects.toMatchObject({ code: "25P02" });
  await client.query("commit");
  expect((await client.query("select $1::int as n", [7])).rows).toEqual([{ n: 7 }]);
});

test("keeps settings and named statements of several connections apart", async () => {
  const [first, second] = [await connection(), await connection()];
  await first.query("set search_path = pg_catalog");
  await second.query("select set_config('work_mem', '9MB', false)");
  const shown = (client: pg.Client) =>
    client.query("select current_setting('search_path') as path, current_setting('work_mem') as memory");
  expect((await second.query("show search_path")).rows).toEqual([{ search_path: "public" }]);
  expect((await first.query("show search_path")).rows).toEqual([{ search_path: "pg_catalog" }]);
  expect((await shown(second)).rows).toEqual([{ path: "public", memory: "9MB" }]);
  const named = (client: pg.Client, text: string) => client.query({ name: "same", text });
  await named(first, "select 1 as n");
  await named(second, "select 2 as n");
  expect((await named(first, "select 1 as n")).rows).toEqual([{ n: 1 }]);
});

test("carries large texts both ways, and many small ones at once", async () => {
  const client = await connection();
  const text = "ä".repeat(3_000_000);
  expect((await client.query("select $1::text as t", [text])).rows[0].t === text).toBe(true);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) => state.query("select $1::int as n", [n])),
  );
  expect(answers.flat()).toEqual(Array.from({ length: 200 }, (_, n) => ({ n })));
});

test.each([
  ["select pg_advisory_lock(1)", []],
  ["select pg_try_advisory_lock($1)", [1]],
  ["listen something", []],
  ["copy written from stdin", []],
])("refuses what one session cannot do for many: %s", async (text, values) => {
  const client = await connection();
  await expect(client.query(text, values)).rejects.toThrow(/embedded database/);
  expect((await client.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
});

test("does for itself what a server's background processes do", async () => {
  const ask = async (text: string) => {
    const rows = await state.query<Record<string, unknown>>(text);
    const textOf = (value: unknown) => (typeof value === "boolean" ? (value ? "t" : "f") : String(value));
    return rows.map((row) => Object.values(row).map(textOf));
  };
  await ask("create table swelling as select n from generate_series(1, 2000) n");
  await ask("delete from swelling where n > 100");
  const message = "pg_logical_emit_message(false, 'x', repeat('x', 1000000))";
  await ask(`select count(*) from (select ${message} from generate_series(1, 40)) m`); // 40 MB of log
  await keepUp(ask);
  const kept = "select n_dead_tup, last_vacuum is not null as vacuumed, last_analyze is not null as analysed";
  expect(await ask(`${kept} from pg_stat_user_tables where relname = 'swelling'`)).toEqual([["0", "t", "t"]]);
  const log = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) from pg_control_checkpoint()";
  expect(Number((await ask(log))[0][0])).toBeLessThan(1e6);
});

test("survives whatever is written to its socket", async () => {
  const startup = Buffer.from("0000001700030000757365720066617468000000", "hex");
  startup.writeInt32BE(startup.length, 0);
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    // A message with a true type and any length or body.
    fc
      .tuple(
        fc.constantFrom(..."QPBDECSHXdcf"),
        fc.integer({ min: -5, max: 40 }),
        fc.uint8Array({ maxLength: 40 }),
      )
      .map(([type, length, body]) => {
        const head = Buffer.alloc(5);
        head.write(type);
        head.writeInt32BE(length, 1);
        return Buffer.concat([head, body]);
      }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(piece, { minLength: 1, maxLength: 5 }),
      async (starts, pieces) => {
        const socket = connect(join(home.folder, ".s.PGSQL.5432"));
        socket.on("error", () => {});
        socket.resume();
        socket.end(Buffer.concat([...(starts ? [startup] : []), ...pieces]));
        await once(socket, "close");
        expect(await count()).toBe(0);
      },
    ),
    { numRuns: 50 },
  );
});
