/** A look at a database server that changes nothing on it. */
import { fileURLToPath } from "node:url";
import { readMigrationFiles } from "drizzle-orm/migrator";
import pg from "pg";
import { placeOf } from "./address.ts";
import { asOpenFailure } from "./failures.ts";

export interface ServerInspection {
  /** The address without its password. */
  readonly place: string;
  /** Such as `16.3`. */
  readonly version: string;
  /** Changes of the tables that were applied there, and those of them that this version does not know. */
  readonly applied: number;
  readonly unknown: number;
  /** UTC milliseconds of the server's clock, and how long the question took. */
  readonly time: number;
}

const migrationsFolder = fileURLToPath(new URL("./migrations", import.meta.url));

/** How many changes of the tables this version knows, and when the newest was made: no clock can be right that is before. */
export function knownMigrations(): { readonly count: number; readonly newest: number } {
  const files = readMigrationFiles({ migrationsFolder });
  return { count: files.length, newest: Math.max(...files.map(({ folderMillis }) => folderMillis)) };
}

/** @throws PlatformError `STATE_UNAVAILABLE` or `STATE_ADDRESS_INVALID` */
export async function inspectServer(url: string): Promise<ServerInspection> {
  const place = placeOf(url);
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {}); // a connection that breaks fails the query that waits for it
  try {
    await client.connect();
    const { rows } = await client.query(
      "select current_setting('server_version') as version, extract(epoch from clock_timestamp()) * 1000 as time, to_regclass('fathom.migrations') is not null as there",
    );
    const [{ version, time, there }] = rows;
    const applied = there ? (await client.query("select hash from fathom.migrations")).rows : [];
    const known = new Set(readMigrationFiles({ migrationsFolder }).map(({ hash }) => hash));
    const unknown = applied.filter(({ hash }) => !known.has(hash)).length;
    return {
      place,
      version: String(version).split(" ")[0],
      time: Number(time),
      applied: applied.length,
      unknown,
    };
  } catch (error) {
    throw asOpenFailure(error, place);
  } finally {
    await client.end().catch(() => {}); // a connection that never was
  }
}
