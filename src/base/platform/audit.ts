import type { LedgerEntry } from "../ports.ts";

/** An entry of the ledger as it was recorded. */
export interface AuditRecord {
  /** 1 for the first, and one more for each that follows. */
  readonly sequence: number;
  /** ISO 8601 in UTC. */
  readonly time: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** SHA-256 of the payload as canonical JSON, hexadecimal, as all digests here. */
  readonly payloadDigest: string;
  /** Of the sealed personal data, where there is some. */
  readonly sealedDigest: string | null;
  /** Hash of the entry before; 64 zeros for the first. */
  readonly previous: string;
  /** SHA-256 of the fields above, without the payload, as canonical JSON. */
  readonly hash: string;
}

export interface AuditQuery {
  readonly action?: string | undefined;
  readonly subject?: string | undefined;
  /** The newest entries before this sequence. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** The last entry that a check has reached. */
export interface AuditHead {
  /** How many entries there are; 0 for an empty ledger. */
  readonly sequence: number;
  readonly hash: string;
}

/** A signed head: whoever keeps one can tell later whether anything up to it was changed. */
export interface SignedHead extends AuditHead {
  readonly signedAt: string;
  /** Ed25519, SPKI in DER, base64. */
  readonly publicKey: string;
  /** Over the canonical JSON of `{hash, sequence, signedAt}`, base64. */
  readonly signature: string;
}

/** The ledger: what was done, by whom, in an order that nobody can rewrite unnoticed. */
export interface AuditPort {
  append(entry: LedgerEntry): Promise<AuditHead>;
  /** The newest first. */
  list(query: AuditQuery): Promise<readonly AuditRecord[]>;
  /** Checks every entry in order. @throws PlatformError `LEDGER_BROKEN` naming the first that is not what was recorded */
  verify(options?: { readonly signal?: AbortSignal | undefined }): Promise<AuditHead>;
  /** Writes every entry as a line of JSON, and a signed head at the end. */
  export(
    write: (line: string) => Promise<void> | void,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<SignedHead>;
  /** The personal data of an entry; null when there is none, or when its key was erased. */
  personal(sequence: number): Promise<Readonly<Record<string, unknown>> | null>;
  /** Erases the keys of a person, and with them all personal data. The entries stay; the erasure is one itself. */
  erase(person: string, actor?: string): Promise<{ readonly entries: number }>;
}
