import { bigint, bigserial, customType, index, text, timestamp } from "drizzle-orm/pg-core";
import { fathom } from "./fathom.ts";

const bytes = customType<{ data: Buffer }>({ dataType: () => "bytea" });

/**
 * The ledger: one row for each fact, chained by hashes. Rows come in through `fathom.append_to_ledger` alone, which gives them
 * their sequence; a trigger refuses every change and removal.
 */
export const ledger = fathom.table(
  "ledger",
  {
    sequence: bigint("sequence", { mode: "number" }).primaryKey(),
    time: timestamp("time", { withTimezone: true, precision: 3 }).notNull(),
    actor: text("actor").notNull(),
    action: text("action").notNull(),
    subject: text("subject").notNull(),
    /** Canonical JSON (RFC 8785); as text, so that its digest stays what it was. */
    payload: text("payload").notNull(),
    payloadDigest: text("payload_digest").notNull(),
    /** Digest of the sealed personal data, when there is some. */
    sealedDigest: text("sealed_digest"),
    previous: text("previous").notNull(),
    hash: text("hash").notNull(),
  },
  (table) => [
    index("ledger_action").on(table.action, table.sequence),
    index("ledger_subject").on(table.subject, table.sequence),
    index("ledger_subject_action").on(table.subject, table.action, table.sequence),
  ],
);

/** Personal data of entries: nonce, tag and cipher text of AES-256-GCM. Unreadable once its key is gone. */
export const ledgerSealed = fathom.table(
  "ledger_sealed",
  {
    sequence: bigint("sequence", { mode: "number" }).primaryKey(),
    keyId: bigint("key_id", { mode: "number" }).notNull(),
    sealed: bytes("sealed").notNull(),
  },
  (table) => [index("ledger_sealed_key").on(table.keyId)],
);

/** Keys of persons; the only rows of the ledger that can be removed. */
export const personalKeys = fathom.table(
  "personal_keys",
  {
    id: bigserial("id", { mode: "number" }).primaryKey(),
    person: text("person").notNull(),
    key: bytes("key").notNull(),
  },
  (table) => [index("personal_keys_person").on(table.person)],
);
