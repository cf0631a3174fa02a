/** What is in the database, asked of its own catalogue, so that a new table is in the next backup without a word about it here. */
import { sql } from "drizzle-orm";
import type { Database } from "../state/index.ts";

/** Only this schema is backed up; whatever lies in another can be made anew from it. */
export const schema = "fathom";

export interface TableInfo {
  readonly name: string;
  /** Columns that take values, in order. */
  readonly columns: readonly string[];
  readonly key: readonly string[];
}

export async function rowsOf<Row>(database: Database, text: string): Promise<Row[]> {
  return ((await database.execute(sql.raw(text))) as unknown as { rows: Row[] }).rows;
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export function tablesOf(database: Database): Promise<TableInfo[]> {
  return rowsOf<TableInfo>(
    database,
    `select c.relname as name,
      (select json_agg(a.attname order by a.attnum) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
      coalesce((select json_agg(a.attname order by a.attnum) from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
        where i.indrelid = c.oid and i.indisprimary), '[]') as key
    from pg_class c where c.relnamespace = to_regnamespace('${schema}') and c.relkind in ('r', 'p') and not c.relispartition
    order by c.relname`,
  );
}
