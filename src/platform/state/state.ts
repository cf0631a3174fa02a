/**
 * Where everything durable lives: PostgreSQL. A server when an address is given, else PGlite (PostgreSQL in WebAssembly)
 * in the data folder, which speaks the same protocol on a socket. Driver, tables, migrations and SQL are the same.
 */
import { resolve } from "node:path";
import type { ExtractTablesWithRelations } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import type pg from "pg";
import { PlatformError } from "../../base/index.ts";
import { placeOf } from "./address.ts";
import { embeddedDatabase } from "./embedded/embedded-database.ts";
import { asOpenFailure } from "./failures.ts";
import { migrate } from "./migrate.ts";
import { embeddedPool, serverPool } from "./pool.ts";
import * as tables from "./tables/index.ts";

type Tables = typeof tables;

/** Typed queries; a transaction is one too. */
export type Database = PgDatabase<PgQueryResultHKT, Tables, ExtractTablesWithRelations<Tables>>;

export interface State {
  readonly kind: "embedded" | "server";
  /** What to call it in a message: the address without its password, or the folder. */
  readonly place: string;
  /**
   * Failures are `DrizzleQueryError`s, whose cause is a PlatformError where the caller can act on it. In an embedded database
   * transactions run one after the other: one that waits for a query outside of itself waits until it is cut.
   */
  readonly db: Database;
  /**
   * Plain SQL with `$1` parameters, for what other libraries bring. Of several statements, the rows of all.
   *
   * @throws PlatformError `STATE_UNAVAILABLE` while the database cannot be reached; the next query tries again
   */
  query<Row>(text: string, parameters?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface StateOptions {
  /** `postgres://user:password@host/database`. */
  readonly url?: string | undefined;
  /** Holds the embedded database when no address is given; created when it is not there. */
  readonly folder: string;
  /** What this process is, for other processes that meet it: `fathom serve`. */
  readonly what?: string | undefined;
  /** Connections at a time. */
  readonly connections?: number;
  readonly connectTimeoutMs?: number;
  /** Of a server; the embedded database cannot interrupt itself. */
  readonly statementTimeoutMs?: number;
  /** A transaction that is open without a statement for longer is rolled back and its connection cut. */
  readonly idleInTransactionMs?: number;
}

const oldestServer = 14;

/**
 * Opens the state and brings its tables up to date.
 *
 * @throws PlatformError `STATE_UNAVAILABLE`, `STATE_ADDRESS_INVALID`, `STATE_TOO_OLD`, `STATE_NEWER`, `WRITE_FAILED`, `DISK_FULL`
 */
export async function openState(options: StateOptions): Promise<State> {
  const { connectTimeoutMs = 10_000, statementTimeoutMs = 60_000, idleInTransactionMs = 30_000 } = options;
  const shared = { connectTimeoutMs, statementTimeoutMs, idleInTransactionMs };
  if (options.url !== undefined) {
    const place = placeOf(options.url);
    const pool = serverPool(options.url, { place, connections: options.connections ?? 10, ...shared });
    return await open({ kind: "server", place, pool, close: () => pool.end() });
  }
  const folder = resolve(options.folder);
  const database = embeddedDatabase({ folder, what: options.what ?? "fathom", idleInTransactionMs });
  const pool = embeddedPool(database, { place: folder, connections: options.connections ?? 8, ...shared });
  return await open({
    kind: "embedded",
    place: folder,
    pool,
    async close() {
      await pool.end();
      await database.close();
    },
  });
}

interface Opening {
  readonly kind: State["kind"];
  readonly place: string;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

async function open({ kind, place, pool, close: end }: Opening): Promise<State> {
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= end();
    return closed;
  };
  try {
    if (kind === "server") await checkVersion(pool, place);
    await migrate(pool, place);
  } catch (error) {
    await close();
    throw kind === "server" ? asOpenFailure(error, place) : error;
  }
  return {
    kind,
    place,
    db: databaseOf(pool),
    async query<Row>(text: string, parameters: readonly unknown[] = []) {
      const answer = (await pool.query(text, [...parameters])) as pg.QueryResult | pg.QueryResult[];
      return (Array.isArray(answer) ? answer.flatMap(({ rows }) => rows) : answer.rows) as Row[];
    },
    close,
  };
}

/**
 * Transactions are begun on connections that are given back whatever happens. Drizzle's own keep one for good when `begin` itself fails,
 * as it does where the database goes away just then: the pool could never be closed, and would be empty after some such failures.
 */
function databaseOf(pool: pg.Pool): Database {
  const database = drizzle(pool, { schema: tables }) as unknown as Database;
  const onClient = new WeakMap<pg.PoolClient, Database>();
  database.transaction = async (work, config) => {
    const client = await pool.connect();
    try {
      const own = onClient.get(client) ?? (drizzle(client, { schema: tables }) as unknown as Database);
      onClient.set(client, own);
      return await own.transaction(work, config);
    } finally {
      client.release();
    }
  };
  return database;
}

async function checkVersion(pool: pg.Pool, place: string): Promise<void> {
  const { rows } = await pool.query("select current_setting('server_version_num')::int as version");
  const major = Math.floor(rows[0].version / 10_000);
  if (major >= oldestServer) return;
  const message = `${place}: expected PostgreSQL ${oldestServer} or newer, found ${major}`;
  throw new PlatformError("unavailable", "STATE_TOO_OLD", message);
}
