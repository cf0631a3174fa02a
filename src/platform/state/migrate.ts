/**
 * Brings the tables of a database up to date: forward only, all at once or not at all, by one process at a time. The files are
 * drizzle's (`npx drizzle-kit generate`), and so is the table that remembers them.
 */
import { fileURLToPath } from "node:url";
import { readMigrationFiles } from "drizzle-orm/migrator";
import type pg from "pg";
import { PlatformError } from "../../base/index.ts";

/** Any number will do, if it is the same in every process: whoever holds it migrates, the others wait. */
const migrationLock = 4_682_041_993;

const ownFolder = fileURLToPath(new URL("./migrations", import.meta.url));

interface Applied {
  readonly hash: string;
  readonly made: string;
}

/**
 * @param place what to call the database in a message
 * @throws PlatformError `STATE_NEWER` when a later version of Fathom has been here
 */
export async function migrate(pool: pg.Pool, place: string, migrationsFolder = ownFolder): Promise<void> {
  const known = readMigrationFiles({ migrationsFolder });
  const missing = (applied: readonly Applied[]) => {
    const hashes = new Set(known.map(({ hash }) => hash));
    const newer = applied.filter(({ hash }) => !hashes.has(hash));
    if (newer.length > 0) throw newerState(place, newer, known.length);
    const done = new Set(applied.map(({ hash }) => hash));
    return known.filter(({ hash }) => !done.has(hash));
  };
  if (missing(await readApplied(pool)).length === 0) return;
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("select pg_advisory_xact_lock($1)", [migrationLock]);
    await client.query("create schema if not exists fathom");
    await client.query(
      "create table if not exists fathom.migrations (id serial primary key, hash text not null, created_at bigint)",
    );
    for (const { hash, sql, folderMillis } of missing(await readApplied(client))) {
      for (const statement of sql) await client.query(statement);
      await client.query("insert into fathom.migrations (hash, created_at) values ($1, $2)", [
        hash,
        folderMillis,
      ]);
    }
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => {}); // the first error says more
    throw error;
  } finally {
    client.release();
  }
}

async function readApplied(database: pg.Pool | pg.PoolClient): Promise<Applied[]> {
  const found = await database.query("select to_regclass('fathom.migrations') is not null as there");
  if (!found.rows[0].there) return [];
  return (await database.query("select hash, created_at::text as made from fathom.migrations order by id"))
    .rows;
}

function newerState(place: string, newer: readonly Applied[], known: number): PlatformError {
  const times = newer.map(({ made }) => new Date(Number(made)).toISOString().slice(0, 10));
  return new PlatformError(
    "conflict",
    "STATE_NEWER",
    `${place}: expected a database of this version or an older one, found ${newer.length} changes that this version does not know (made ${times.join(", ")}; it knows ${known}); nothing was changed`,
  );
}
