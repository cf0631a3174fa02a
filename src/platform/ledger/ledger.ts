/** The ledger in the state. The database itself gives each entry its place in the chain (`fathom.append_to_ledger`). */
import { createHmac, type KeyObject } from "node:crypto";
import { sql } from "drizzle-orm";
import {
  type AuditHead,
  type AuditPort,
  type AuditQuery,
  type AuditRecord,
  brokenLedger,
  type Clock,
  canonicalJson,
  type Entropy,
  followLedger,
  type LedgerEntry,
  ledgerOrigin,
  sha256,
  signHead,
  throwIfAborted,
} from "../../base/index.ts";
import type { Database, State } from "../state/index.ts";
import { type LedgerRow, recordOf } from "./rows.ts";
import { keyBytes, seal, unseal } from "./sealing.ts";

export interface LedgerOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Who did what names no actor. */
  readonly actor: string;
  /** The private key of the installation, asked for when something is signed. */
  readonly key: () => Promise<KeyObject>;
}

export interface Ledger extends AuditPort {
  /** Appends as part of a transaction: the entry is there exactly when the rest of it is. */
  appendIn(database: Database, entry: LedgerEntry, time?: number): Promise<AuditHead>;
}

/** Rows that are in memory at a time. */
const pageRows = 1000;

export function openLedger(state: State, { clock, entropy, actor, key }: LedgerOptions): Ledger {
  const where = "ledger";

  async function appendIn(database: Database, entry: LedgerEntry, time = clock.now()): Promise<AuditHead> {
    const { personal } = entry;
    const sealed = personal === undefined ? null : await sealIn(database, personal, entropy);
    const fields = [entry.actor ?? actor, entry.action, entry.subject].map(plainText);
    const rows = await execute<{ appended: string; head: string }>(
      database,
      sql`select appended, head from fathom.append_to_ledger(${new Date(time).toISOString()}, ${fields[0]}, ${fields[1]}, ${fields[2]}, ${canonicalJson(entry.payload)}, ${sealed?.keyId ?? null}, ${sealed?.bytes ?? null})`,
    );
    return { sequence: Number(rows[0].appended), hash: rows[0].head };
  }

  async function* pages(signal: AbortSignal | undefined): AsyncGenerator<readonly LedgerRow[]> {
    for (let after = 0; ; ) {
      throwIfAborted(signal, where);
      const rows = await state.query<LedgerRow>(
        "select * from fathom.ledger where sequence > $1 order by sequence limit $2",
        [after, pageRows],
      );
      if (rows.length === 0) return;
      yield rows;
      after = Number(rows[rows.length - 1].sequence);
    }
  }

  /** Every entry, each after it was found to be what was recorded. */
  async function* verified(signal: AbortSignal | undefined): AsyncGenerator<AuditRecord> {
    let head = ledgerOrigin;
    for await (const rows of pages(signal)) {
      await checkSealed(state, rows, where);
      for (const row of rows) {
        const record = recordOf(row);
        head = followLedger(head, record, { where, payload: row.payload });
        yield record;
      }
    }
  }

  return {
    appendIn,
    append: (entry) =>
      entry.personal === undefined
        ? appendIn(state.db, entry)
        : state.db.transaction((transaction) => appendIn(transaction, entry)),
    list: (query) => list(state, query),

    async verify({ signal } = {}) {
      let head = ledgerOrigin;
      for await (const { sequence, hash } of verified(signal)) head = { sequence, hash };
      return head;
    },

    async export(write, { signal } = {}) {
      let head = ledgerOrigin;
      for await (const record of verified(signal)) {
        await write(JSON.stringify(record));
        head = record;
      }
      const signed = signHead(head, new Date(clock.now()).toISOString(), await key());
      await write(JSON.stringify({ head: signed }));
      return signed;
    },

    async personal(sequence) {
      const [row] = await state.query<{ sealed: Buffer; key: Buffer; person: string }>(
        "select s.sealed, k.key, k.person from fathom.ledger_sealed s join fathom.personal_keys k on k.id = s.key_id where s.sequence = $1",
        [sequence],
      );
      return row === undefined ? null : JSON.parse(unseal(row.sealed, row.key, row.person));
    },

    erase: (person, by) =>
      state.db.transaction(async (transaction) => {
        const keys = await execute<{ id: string; key: Buffer }>(
          transaction,
          sql`delete from fathom.personal_keys where person = ${plainText(person)} returning id, key`,
        );
        if (keys.length === 0) return { entries: 0 };
        const ids = keys.map(({ id }) => Number(id));
        const [{ entries }] = await execute<{ entries: number }>(
          transaction,
          sql`select count(*)::int as entries from fathom.ledger_sealed where key_id in ${ids}`,
        );
        // The name itself is personal: with the key that is gone, nobody can try names until one fits.
        const subject = createHmac("sha256", keys[0].key).update(person).digest("hex");
        await appendIn(transaction, {
          action: "audit.erase",
          actor: by,
          subject,
          payload: { keys: ids, entries },
        });
        return { entries };
      }),
  };
}

async function list(state: State, { action, subject, before, limit }: AuditQuery): Promise<AuditRecord[]> {
  const conditions = [
    ["action =", action],
    ["subject =", subject],
    ["sequence <", before],
  ].filter(([, value]) => value !== undefined);
  const where = conditions.map(([condition], index) => `${condition} $${index + 2}`).join(" and ");
  const rows = await state.query<LedgerRow>(
    `select * from fathom.ledger ${where === "" ? "" : `where ${where}`} order by sequence desc limit $1`,
    [limit, ...conditions.map(([, value]) => value)],
  );
  return rows.map(recordOf);
}

/** The sealed data of some entries is what was recorded, whether it can still be read or not. */
async function checkSealed(state: State, rows: readonly LedgerRow[], where: string): Promise<void> {
  const expected = rows.filter((row) => row.sealed_digest !== null);
  if (expected.length === 0) return;
  const found = await state.query<{ sequence: string; sealed: Buffer }>(
    "select sequence, sealed from fathom.ledger_sealed where sequence between $1 and $2",
    [rows[0].sequence, rows[rows.length - 1].sequence],
  );
  const digests = new Map(found.map(({ sequence, sealed }) => [sequence, sha256(sealed)]));
  for (const { sequence, sealed_digest } of expected) {
    if (digests.get(sequence) !== sealed_digest)
      throw brokenLedger(where, Number(sequence), "the sealed data that was recorded", "other or none");
  }
}

async function sealIn(
  database: Database,
  { person, data }: NonNullable<LedgerEntry["personal"]>,
  entropy: Entropy,
): Promise<{ keyId: number; bytes: Buffer }> {
  const name = plainText(person);
  const known = () =>
    execute<{ id: string; key: Buffer }>(
      database,
      sql`select id, key from fathom.personal_keys where person = ${name} order by id limit 1`,
    );
  let [row] = await known();
  if (row === undefined) {
    const key = Buffer.from(entropy.randomBytes(keyBytes));
    [row] = await execute(
      database,
      sql`insert into fathom.personal_keys (person, key) values (${name}, ${key}) returning id, key`,
    );
  }
  return { keyId: Number(row.id), bytes: seal(canonicalJson(data), row.key, name, entropy) };
}

/** Text that PostgreSQL can hold and UTF-8 can say, so that the database hashes what we do. */
function plainText(text: string): string {
  return Buffer.from(text).toString().replaceAll("\0", "\uFFFD");
}

async function execute<Row>(database: Database, query: ReturnType<typeof sql>): Promise<Row[]> {
  const answer = (await database.execute(query)) as unknown as { rows: Row[] };
  return answer.rows;
}
