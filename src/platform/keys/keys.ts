/** API keys on the state. */
import { and, desc, eq, isNull, lt, or } from "drizzle-orm";
import {
  type ApiKey,
  type Clock,
  type Entropy,
  type IssuedKey,
  type KeysPort,
  PlatformError,
} from "../../base/index.ts";
import { apiKeys, type Database, installation, type State } from "../state/index.ts";
import { rowCache } from "./cache.ts";
import { hashOf, newToken, prefixOf, sameHash } from "./token.ts";

export interface KeysOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** How long a row is believed, in milliseconds; 0 asks the database every time. */
  readonly freshMs?: number;
  /** How often the times of last use are written, in milliseconds. */
  readonly lastUseMs?: number;
}

/** The port, and what has to be written before the state is closed. */
export interface Keys extends KeysPort {
  /** Writes the times of last use that are not written yet. */
  flush(): Promise<void>;
}

type Row = typeof apiKeys.$inferSelect;

const cachedRows = 10_000;
/** What is compared when a prefix is unknown, so that the answer takes as long as for a known one. */
const noHash = "0".repeat(64);

export async function openKeys(state: State, options: KeysOptions): Promise<Keys> {
  const { clock, entropy, freshMs = 1_000, lastUseMs = 60_000 } = options;
  const { db } = state;
  const installationKey = await readInstallationKey(db, { clock, entropy });
  const rows = rowCache(async (prefix) => (await byPrefix(db, prefix))[0], {
    clock,
    freshMs,
    limit: cachedRows,
  });
  const used = new Map<string, number>();
  let flushedMs = clock.elapsed();
  let flushing: Promise<void> | undefined;

  const insert = async (
    into: Database,
    fields: Omit<Row, "prefix" | "hash" | "createdAt" | "revokedAt" | "lastUsedAt" | "replacedBy">,
  ): Promise<IssuedKey> => {
    const { prefix, token } = newToken(entropy);
    const hash = hashOf(token, installationKey);
    const createdAt = new Date(clock.now());
    const [row] = await into
      .insert(apiKeys)
      .values({ ...fields, prefix, hash, createdAt })
      .returning();
    return { key: keyOf(row), token };
  };

  /** Only forward: the slower of two servers must not turn a time of last use back. */
  const writeUses = async () => {
    const batch = [...used];
    used.clear();
    for (const [prefix, time] of batch) {
      const at = new Date(time);
      const older = or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, at));
      try {
        await db
          .update(apiKeys)
          .set({ lastUsedAt: at })
          .where(and(eq(apiKeys.prefix, prefix), older));
      } catch (error) {
        for (const [one, when] of batch) if (!used.has(one)) used.set(one, when);
        throw error;
      }
    }
  };
  const flush = async () => {
    await flushing;
    if (used.size > 0) await writeUses();
  };
  const noteUse = (prefix: string) => {
    used.set(prefix, clock.now());
    if (flushing !== undefined || clock.elapsed() - flushedMs < lastUseMs) return;
    flushedMs = clock.elapsed();
    // No request waits for this or fails with it: what could not be written is tried again, and by `flush` at the end.
    flushing = writeUses()
      .catch(() => {})
      .finally(() => {
        flushing = undefined;
      });
  };

  return {
    create: ({ name, actor, scopes, expiresAt, requestsPerSecond, by }) =>
      insert(db, {
        name,
        actor,
        scopes: [...scopes],
        requestsPerSecond,
        expiresAt: dateOf(expiresAt),
        createdBy: by,
      }),

    createFirst: () =>
      db.transaction(async (transaction) => {
        const updatedAt = new Date(clock.now());
        const first = await transaction
          .insert(installation)
          .values({ name: "keys.first", value: true, updatedAt })
          .onConflictDoNothing()
          .returning();
        // Whoever made keys by hand before the first start knows how to come in.
        const [any] = await transaction.select({ prefix: apiKeys.prefix }).from(apiKeys).limit(1);
        if (first.length === 0 || any !== undefined) return undefined;
        return insert(transaction, {
          name: "first administrator",
          actor: "administrator",
          scopes: ["*"],
          requestsPerSecond: null,
          expiresAt: null,
          createdBy: "first start",
        });
      }),

    list: async () =>
      (await db.select().from(apiKeys).orderBy(desc(apiKeys.createdAt), apiKeys.prefix)).map(keyOf),

    get: async (prefix) => keyOf(expectRow(await byPrefix(db, prefix), prefix)),

    rotate: async (prefix, { overlapUntil, expiresAt, by }) => {
      const issued = await db.transaction(async (transaction) => {
        const old = expectRow(
          await transaction.select().from(apiKeys).where(eq(apiKeys.prefix, prefix)).for("update"),
          prefix,
        );
        const now = clock.now();
        if (old.revokedAt !== null || old.replacedBy !== null || (old.expiresAt?.getTime() ?? now + 1) <= now)
          throw new PlatformError("conflict", "KEY_ENDED", endedMessage(old));
        const { name, actor, scopes, requestsPerSecond } = old;
        const fresh = await insert(transaction, {
          name,
          actor,
          scopes,
          requestsPerSecond,
          expiresAt: dateOf(expiresAt),
          createdBy: by,
        });
        const end = Math.min(overlapUntil, old.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY);
        await transaction
          .update(apiKeys)
          .set({ expiresAt: new Date(end), replacedBy: fresh.key.prefix })
          .where(eq(apiKeys.prefix, prefix));
        return fresh;
      });
      rows.forget(prefix);
      return issued;
    },

    revoke: async (prefix) => {
      const before = expectRow(await byPrefix(db, prefix), prefix);
      const [row = before] = await db
        .update(apiKeys)
        .set({ revokedAt: new Date(clock.now()) })
        .where(and(eq(apiKeys.prefix, prefix), isNull(apiKeys.revokedAt)))
        .returning();
      rows.forget(prefix);
      return keyOf(row);
    },

    verify: async (token) => {
      const prefix = prefixOf(token);
      if (prefix === undefined) return { valid: false, reason: "unknown" };
      const row = await rows.get(prefix);
      if (!sameHash(hashOf(token, installationKey), row?.hash ?? noHash) || row === undefined)
        return { valid: false, reason: "unknown" };
      if (row.revokedAt !== null) return { valid: false, reason: "revoked" };
      if (row.expiresAt !== null && row.expiresAt.getTime() <= clock.now())
        return { valid: false, reason: "expired" };
      noteUse(prefix);
      return { valid: true, key: keyOf(row) };
    },

    flush,
  };
}

/** Made when the first process of the installation asks for it, and never changed: every stored hash depends on it. */
async function readInstallationKey(
  db: Database,
  { clock, entropy }: { clock: Clock; entropy: Entropy },
): Promise<Uint8Array> {
  const name = "keys.hashing";
  const value = Buffer.from(entropy.randomBytes(32)).toString("hex");
  await db
    .insert(installation)
    .values({ name, value, updatedAt: new Date(clock.now()) })
    .onConflictDoNothing();
  const [row] = await db.select().from(installation).where(eq(installation.name, name));
  return Buffer.from(String(row.value), "hex");
}

function byPrefix(db: Database, prefix: string): Promise<Row[]> {
  return db.select().from(apiKeys).where(eq(apiKeys.prefix, prefix));
}

function expectRow(rows: readonly Row[], prefix: string): Row {
  const [row] = rows;
  if (row !== undefined) return row;
  const message = `key: expected the prefix of a key, received ${JSON.stringify(prefix)}; fathom keys list shows them`;
  throw new PlatformError("missing", "KEY_UNKNOWN", message, { field: "key" });
}

function endedMessage({ prefix, revokedAt, replacedBy, expiresAt }: Row): string {
  const found =
    revokedAt !== null
      ? "one that was revoked"
      : replacedBy !== null
        ? `one that ${replacedBy} took the place of`
        : `one that expired at ${expiresAt?.toISOString()}`;
  return `key: expected a key that is valid and not yet rotated, received ${prefix}, ${found}`;
}

function keyOf(row: Row): ApiKey {
  const { hash: _, createdAt, expiresAt, revokedAt, lastUsedAt, ...rest } = row;
  return {
    ...rest,
    createdAt: createdAt.getTime(),
    expiresAt: expiresAt?.getTime() ?? null,
    revokedAt: revokedAt?.getTime() ?? null,
    lastUsedAt: lastUsedAt?.getTime() ?? null,
  };
}

function dateOf(time: number | null): Date | null {
  return time === null ? null : new Date(time);
}
