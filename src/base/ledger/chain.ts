/** The rules of the chain, the same for rows of the database and lines of an export. */
import { PlatformError } from "../errors.ts";
import type { AuditHead, AuditRecord } from "../platform/index.ts";
import { canonicalJson, sha256 } from "./canonical.ts";

export const ledgerOrigin: AuditHead = { sequence: 0, hash: "0".repeat(64) };

/** The hash of an entry: its fields as canonical JSON, with the payload as its digest. */
export function hashOf(entry: Omit<AuditRecord, "hash" | "payload">): string {
  const { sequence, time, actor, action, subject, payloadDigest, sealedDigest, previous } = entry;
  const fields = { sequence, time, actor, action, subject, payloadDigest, previous };
  return sha256(canonicalJson(sealedDigest === null ? fields : { ...fields, sealedDigest }));
}

/**
 * The head after one more entry.
 *
 * @param payload the entry's own text of it, when it is at hand
 * @param where what to call the ledger in a message
 * @throws PlatformError `LEDGER_BROKEN`
 */
export function followLedger(
  head: AuditHead,
  entry: AuditRecord,
  { where, payload = canonicalJson(entry.payload) }: { where: string; payload?: string },
): AuditHead {
  const broken = (expected: string, found: string) => brokenLedger(where, head.sequence + 1, expected, found);
  if (entry.sequence !== head.sequence + 1)
    throw broken(`entry ${head.sequence + 1} after ${head.sequence}`, `entry ${entry.sequence}`);
  if (entry.previous !== head.hash) throw broken("the hash of the entry before", "another");
  if (sha256(payload) !== entry.payloadDigest) throw broken("the payload that was recorded", "another");
  if (hashOf(entry) !== entry.hash) throw broken("the fields that were recorded", "others");
  return { sequence: entry.sequence, hash: entry.hash };
}

export function brokenLedger(
  where: string,
  sequence: number,
  expected: string,
  found: string,
): PlatformError {
  const message = `${where}, entry ${sequence}: expected ${expected}, found ${found}`;
  return new PlatformError("conflict", "LEDGER_BROKEN", message, { line: sequence });
}
