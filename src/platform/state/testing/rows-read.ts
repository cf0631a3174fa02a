/** What statements read, as the database itself counts it. */
import type { State } from "../index.ts";

/**
 * How many rows were read from each group of tables while `work` ran, with an index or without.
 *
 * @param groups SQL that names the group of a row of `pg_stat_user_tables`; null leaves the table out
 */
export async function rowsRead(
  state: State,
  groups: string,
  work: () => Promise<unknown>,
): Promise<Record<string, number>> {
  const read = async () => {
    await state.query("select pg_stat_force_next_flush()");
    await state.query("select pg_stat_clear_snapshot()");
    const rows = await state.query<{ name: string; n: string }>(
      `select ${groups} as name, sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as n
       from pg_stat_user_tables where ${groups} is not null group by 1`,
    );
    return Object.fromEntries(rows.map(({ name, n }) => [name, Number(n)]));
  };
  const before = await read();
  await work();
  const after = await read();
  return Object.fromEntries(Object.entries(after).map(([name, n]) => [name, n - (before[name] ?? 0)]));
}
