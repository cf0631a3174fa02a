/**
 * Where everything durable lives: PostgreSQL. A server when an address is given, else PGlite (PostgreSQL in WebAssembly)
 * in the data folder. The tables, the migrations and the SQL are the same.
 */
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import type { ExtractTablesWithRelations } from "drizzle-orm";
import { drizzle as drizzleServer } from "drizzle-orm/node-postgres";
import { migrate as migrateServer } from "drizzle-orm/node-postgres/migrator";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import { drizzle as drizzleEmbedded } from "drizzle-orm/pglite";
import { migrate as migrateEmbedded } from "drizzle-orm/pglite/migrator";
import pg from "pg";
import * as tables from "./tables/index.ts";

type Tables = typeof tables;

/** Typed queries; a transaction is one too. */
export type Database = PgDatabase<PgQueryResultHKT, Tables, ExtractTablesWithRelations<Tables>>;

export interface State {
  readonly kind: "embedded" | "server";
  readonly db: Database;
  /** Plain SQL with `$1` parameters, for what other libraries bring. */
  query<Row>(text: string, parameters?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface StateOptions {
  /** `postgres://user:password@host/database`. */
  readonly url?: string | undefined;
  /** Holds the embedded database when no address is given; created when it is not there. */
  readonly folder: string;
  /** Connections to a server at a time. */
  readonly connections?: number;
}

const migrationsFolder = fileURLToPath(new URL("./migrations", import.meta.url));
const migrations = { migrationsFolder, migrationsSchema: "fathom", migrationsTable: "migrations" };
/** Any number will do, if it is the same in every process: whoever holds it migrates, the others wait. */
const migrationLock = 4_682_041_993;

/** Opens the state and brings its tables up to date. */
export async function openState(options: StateOptions): Promise<State> {
  return options.url === undefined ? openEmbedded(options.folder) : openServer(options.url, options);
}

async function openEmbedded(folder: string): Promise<State> {
  await mkdir(folder, { recursive: true });
  const client = await PGlite.create(folder);
  const db = drizzleEmbedded(client, { schema: tables });
  await migrateEmbedded(db, migrations);
  return {
    kind: "embedded",
    db: db as unknown as Database,
    query: async <Row>(text: string, parameters: readonly unknown[] = []) =>
      (await client.query<Row>(text, [...parameters])).rows,
    close: () => client.close(),
  };
}

async function openServer(url: string, { connections = 10 }: StateOptions): Promise<State> {
  const pool = new pg.Pool({ connectionString: url, max: connections, connectionTimeoutMillis: 10_000 });
  // A server that goes away fails the queries that need it, and nothing else: an error that nobody listens to ends a process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const db = drizzleServer(pool, { schema: tables });
  const lock = await pool.connect();
  try {
    await lock.query("select pg_advisory_lock($1)", [migrationLock]);
    await migrateServer(db, migrations);
  } finally {
    await lock.query("select pg_advisory_unlock($1)", [migrationLock]);
    lock.release();
  }
  return {
    kind: "server",
    db: db as unknown as Database,
    query: async <Row>(text: string, parameters: readonly unknown[] = []) =>
      (await pool.query(text, [...parameters])).rows as Row[],
    close: () => pool.end(),
  };
}
