/** Every change of a model: one at a time, with its entry in the history and, by way of the outbox, in the ledger. */
import { and, asc, eq, isNull, lt, or, sql } from "drizzle-orm";
import type { Clock, HistoryEntry, LedgerEntry, LedgerPort } from "../../base/index.ts";
import {
  type Database,
  registryAliases,
  registryHistory,
  registryModels,
  registryOutbox,
} from "../state/index.ts";
import { historyOf, type ModelRow, modelRow } from "./rows.ts";

export interface Changing {
  readonly db: Database;
  readonly model: ModelRow;
  /** The time of the change: never before that of the change before, whatever the clock says. */
  readonly at: Date;
}

export interface Changes {
  /**
   * Runs work in a transaction that holds the model's row, then brings what it put into the outbox to the ledger.
   *
   * @throws PlatformError `MODEL_UNKNOWN`
   */
  change<Result>(model: string, work: (changing: Changing) => Promise<Result>): Promise<Result>;
  /** Brings to the ledger what a process that died left in the outbox. */
  flush(): Promise<void>;
}

/** After so long an entry is taken again: whoever claimed it has died. */
const claimMs = 60_000;

export function changes(db: Database, ledger: LedgerPort, clock: Clock): Changes {
  const flush = async () => {
    for (;;) {
      const now = new Date(clock.now());
      const free = or(
        isNull(registryOutbox.claimedAt),
        lt(registryOutbox.claimedAt, new Date(clock.now() - claimMs)),
      );
      const oldest = db
        .select({ id: registryOutbox.id })
        .from(registryOutbox)
        .where(free)
        .orderBy(asc(registryOutbox.id))
        .limit(1);
      const [claimed] = await db
        .update(registryOutbox)
        .set({ claimedAt: now })
        .where(and(eq(registryOutbox.id, sql`(${oldest})`), free))
        .returning();
      if (claimed === undefined) return;
      try {
        await ledger.append(claimed.entry);
      } catch (error) {
        await db.update(registryOutbox).set({ claimedAt: null }).where(eq(registryOutbox.id, claimed.id));
        throw error;
      }
      await db.delete(registryOutbox).where(eq(registryOutbox.id, claimed.id));
    }
  };
  return {
    flush,
    async change(model, work) {
      const result = await db.transaction(async (transaction) => {
        const held = transaction as unknown as Database;
        await held.select().from(registryModels).where(eq(registryModels.name, model)).for("update");
        const row = await modelRow(held, model);
        const at = new Date(Math.max(clock.now(), row.changedAt.getTime()));
        await held.update(registryModels).set({ changedAt: at }).where(eq(registryModels.name, model));
        return work({ db: held, model: row, at });
      });
      await flush();
      return result;
    },
  };
}

/** Puts an entry for the ledger beside the change that it tells of. */
export async function tell(db: Database, entry: LedgerEntry & { readonly actor: string }): Promise<void> {
  await db.insert(registryOutbox).values({ entry });
}

/** The version that an alias points to. */
export async function pointedTo(db: Database, model: string, alias: string): Promise<number | null> {
  const [row] = await db
    .select({ version: registryAliases.version })
    .from(registryAliases)
    .where(and(eq(registryAliases.model, model), eq(registryAliases.alias, alias)));
  return row?.version ?? null;
}

/** Points an alias to a version, or to none, and writes it down. */
export async function moveAlias(
  changing: Changing,
  entry: Omit<HistoryEntry, "sequence" | "model" | "at" | "previous">,
): Promise<HistoryEntry> {
  const { db, model } = changing;
  const { alias, version } = entry;
  const previous = await pointedTo(db, model.name, alias);
  const isIt = and(eq(registryAliases.model, model.name), eq(registryAliases.alias, alias));
  if (version === null) await db.delete(registryAliases).where(isIt);
  else
    await db
      .insert(registryAliases)
      .values({ model: model.name, alias, version })
      .onConflictDoUpdate({ target: [registryAliases.model, registryAliases.alias], set: { version } });
  return writeHistory(changing, { ...entry, previous });
}

/** One row of the history, and its entry for the ledger. */
export async function writeHistory(
  { db, model, at }: Changing,
  entry: Omit<HistoryEntry, "sequence" | "model" | "at">,
): Promise<HistoryEntry> {
  const [row] = await db
    .insert(registryHistory)
    .values({ ...entry, model: model.name, at })
    .returning();
  const { alias, version, previous, actor, approvedBy, reason } = entry;
  await tell(db, {
    action: `registry.${entry.action}`,
    subject: `${model.name}@${alias}`,
    actor,
    payload: { change: row.sequence, version, previous, actor, approvedBy, reason },
  });
  return historyOf(row);
}
