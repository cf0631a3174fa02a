/**
 * Brings the tables of a database up to date: forward only, all at once or not at all, by one process at a time. The files are
 * drizzle's (`npx drizzle-kit generate`), and so is the table that remembers them.
 */
import { fileURLToPath } from "node:url";
import { sql } from "drizzle-orm";
import { type MigrationMeta, readMigrationFiles } from "drizzle-orm/migrator";
import type pg from "pg";
import { PlatformError } from "../../base/index.ts";
import type { Database, State } from "./state.ts";

/** Any number will do, if it is the same in every process: whoever holds it migrates, the others wait. */
const migrationLock = 4_682_041_993;

const ownFolder = fileURLToPath(new URL("./migrations", import.meta.url));

interface Applied {
  readonly hash: string;
  readonly made: string | null;
}

/** One statement with `$1` parameters, on a connection or in a transaction. */
type Run = (text: string, values?: readonly unknown[]) => Promise<readonly unknown[]>;

/**
 * @param place what to call the database in a message
 * @throws PlatformError `STATE_NEWER` when a later version of Fathom has been here
 */
export async function migrate(pool: pg.Pool, place: string, migrationsFolder = ownFolder): Promise<void> {
  const known = readMigrationFiles({ migrationsFolder });
  const ask: Run = async (text, values) => (await pool.query(text, values && [...values])).rows;
  if (missingOf(known, await readApplied(ask), place).length === 0) return;
  const client = await pool.connect();
  const run: Run = async (text, values) => (await client.query(text, values && [...values])).rows;
  try {
    await run("begin");
    await run("select pg_advisory_xact_lock($1)", [migrationLock]);
    await prepare(run);
    await apply(run, missingOf(known, await readApplied(run), place));
    await run("commit");
  } catch (error) {
    await run("rollback").catch(() => {}); // the first error says more
    throw error;
  } finally {
    client.release();
  }
}

/**
 * Makes all tables anew, as a backup of some version left them, lets them be filled, and brings them up to date, in one
 * transaction: what was there before is gone when all of it is done, and not touched otherwise.
 *
 * @param options the migrations that the backup had seen
 * @throws PlatformError `STATE_NEWER` when it has seen others than this version knows
 */
export async function rebuild(
  { db, place }: Pick<State, "db" | "place">,
  { migrations, load }: { readonly migrations: readonly string[]; load(database: Database): Promise<void> },
): Promise<void> {
  const known = readMigrationFiles({ migrationsFolder: ownFolder });
  const seen = migrations.map((hash) => ({ hash, made: null }));
  const later = missingOf(known, seen, place);
  await db.transaction(async (transaction) => {
    const run: Run = async (text, values = []) => {
      const parts = text.split(/\$\d+/);
      const statement = sql.join(
        parts.flatMap((part, index) =>
          index === 0 ? [sql.raw(part)] : [sql`${values[index - 1]}`, sql.raw(part)],
        ),
      );
      return (
        ((await transaction.execute(values.length === 0 ? sql.raw(text) : statement)) as { rows?: unknown[] })
          .rows ?? []
      );
    };
    await run("select pg_advisory_xact_lock($1)", [migrationLock]);
    const others = (await run("select nspname as name from pg_namespace where nspname ~ '^fathom_'")) as {
      name: string;
    }[];
    for (const { name } of [{ name: "fathom" }, ...others])
      await run(`drop schema if exists "${name}" cascade`);
    await prepare(run);
    await apply(
      run,
      known.filter((one) => !later.includes(one)),
    );
    await load(transaction);
    await apply(run, later);
  });
}

/**
 * @param migrations hashes of those that made some tables, such as a backup's
 * @param place what to call those tables in a message
 * @throws PlatformError `STATE_NEWER` when there are others than this version knows
 */
export function requireKnown(migrations: readonly string[], place: string): void {
  const known = readMigrationFiles({ migrationsFolder: ownFolder });
  missingOf(
    known,
    migrations.map((hash) => ({ hash, made: null })),
    place,
  );
}

async function prepare(run: Run): Promise<void> {
  await run("create schema if not exists fathom");
  await run(
    "create table if not exists fathom.migrations (id serial primary key, hash text not null, created_at bigint)",
  );
}

async function apply(run: Run, migrations: readonly MigrationMeta[]): Promise<void> {
  for (const { hash, sql: statements, folderMillis } of migrations) {
    for (const statement of statements) await run(statement);
    await run("insert into fathom.migrations (hash, created_at) values ($1, $2)", [hash, folderMillis]);
  }
}

function missingOf(
  known: readonly MigrationMeta[],
  applied: readonly Applied[],
  place: string,
): readonly MigrationMeta[] {
  const hashes = new Set(known.map(({ hash }) => hash));
  const newer = applied.filter(({ hash }) => !hashes.has(hash));
  if (newer.length > 0) throw newerState(place, newer, known.length);
  const done = new Set(applied.map(({ hash }) => hash));
  return known.filter(({ hash }) => !done.has(hash));
}

async function readApplied(run: Run): Promise<Applied[]> {
  const [{ there }] = (await run("select to_regclass('fathom.migrations') is not null as there")) as [
    { there: boolean },
  ];
  if (!there) return [];
  return (await run("select hash, created_at::text as made from fathom.migrations order by id")) as Applied[];
}

function newerState(place: string, newer: readonly Applied[], known: number): PlatformError {
  const times = newer.flatMap(({ made }) =>
    made === null ? [] : [new Date(Number(made)).toISOString().slice(0, 10)],
  );
  return new PlatformError(
    "conflict",
    "STATE_NEWER",
    `${place}: expected a database of this version or an older one, found ${newer.length} changes that this version does not know (${times.length > 0 ? `made ${times.join(", ")}; ` : ""}it knows ${known}); nothing was changed`,
  );
}
