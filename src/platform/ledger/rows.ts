import type { AuditRecord } from "../../base/index.ts";

/** A row of the ledger as the driver reads it: whole numbers of 64 bits arrive as text. */
export interface LedgerRow {
  readonly sequence: string;
  readonly time: Date;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly payload: string;
  readonly payload_digest: string;
  readonly sealed_digest: string | null;
  readonly previous: string;
  readonly hash: string;
}

export function recordOf(row: LedgerRow): AuditRecord {
  return {
    sequence: Number(row.sequence),
    time: row.time.toISOString(),
    actor: row.actor,
    action: row.action,
    subject: row.subject,
    payload: JSON.parse(row.payload),
    payloadDigest: row.payload_digest,
    sealedDigest: row.sealed_digest,
    previous: row.previous,
    hash: row.hash,
  };
}
