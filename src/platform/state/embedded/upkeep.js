// What the background processes of a server do, and a single session has to do for itself: checkpoints, which keep the log short that
// is read again after a kill, and vacuum, which makes room of old rows and brings the statistics of the planner up to date.

const longestLogBytes = 32 * 1024 * 1024;
const logBytes =
  "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::bigint from pg_control_checkpoint()";
/** As autovacuum does: more than 50 rows and a fifth of the table; statistics after a tenth. */
const changedTables = `
  select format('%I.%I', schemaname, relname), n_dead_tup > 50 + 0.2 * n_live_tup
  from pg_stat_user_tables
  where n_dead_tup > 50 + 0.2 * n_live_tup or n_mod_since_analyze > 50 + 0.1 * n_live_tup`;

/**
 * One round of upkeep; each statement waits its turn, so that others come between.
 *
 * @param {(text: string) => Promise<(string | null)[][]>} ask
 */
export async function keepUp(ask) {
  await ask("select pg_stat_force_next_flush()"); // what this session counted itself is not told at once
  for (const [table, isBloated] of await ask(changedTables)) {
    await ask(`${isBloated === "t" ? "vacuum (analyze)" : "analyze"} ${table}`);
  }
  const [[bytes] = ["0"]] = await ask(logBytes);
  if (Number(bytes) > longestLogBytes) await ask("checkpoint");
}
