/** API keys: who may ask a server for what. Their secrets are shown once and never stored. */
import type { UtcMs } from "../time.ts";

/** Who acts where nobody came with a key: whoever can read and write the data folder. */
export const ownerActor = "owner";

/** What is known of a key; nothing in it lets anybody in. */
export interface ApiKey {
  /** The public part, by which a key is named and found: 16 hexadecimal digits. */
  readonly prefix: string;
  /** What people call it. */
  readonly name: string;
  /** Who acts when this key is used: written into the ledger. */
  readonly actor: string;
  /** What it may do; `scopes.ts` has the grammar. */
  readonly scopes: readonly string[];
  /** A limit of its own; the server's limit for keys when null. */
  readonly requestsPerSecond: number | null;
  readonly createdAt: UtcMs;
  readonly createdBy: string;
  /** From this instant on it is refused; never when null. */
  readonly expiresAt: UtcMs | null;
  readonly revokedAt: UtcMs | null;
  /** Written now and then, not with every request; null when it was never used. */
  readonly lastUsedAt: UtcMs | null;
  /** The prefix of the key that took its place. */
  readonly replacedBy: string | null;
}

/** A key and, this one time, the text that lets its holder in: `fathom_<prefix>_<secret>`. */
export interface IssuedKey {
  readonly key: ApiKey;
  readonly token: string;
}

export interface KeyRequest {
  readonly name: string;
  readonly actor: string;
  readonly scopes: readonly string[];
  readonly expiresAt: UtcMs | null;
  readonly requestsPerSecond: number | null;
  /** The actor who asks for it. */
  readonly by: string;
}

export interface RotateRequest {
  /** Until then both keys are valid. */
  readonly overlapUntil: UtcMs;
  readonly expiresAt: UtcMs | null;
  readonly by: string;
}

/** Why a token lets nobody in. Only the holder of the secret learns that a key expired or was revoked. */
export type KeyRefusal = "unknown" | "expired" | "revoked";

export type KeyVerdict =
  | { readonly valid: true; readonly key: ApiKey }
  | { readonly valid: false; readonly reason: KeyRefusal };

export interface KeysPort {
  create(request: KeyRequest): Promise<IssuedKey>;
  /**
   * The key with every scope that a server prints when it starts for the first time; undefined ever after, also when all
   * keys were revoked, and on every other server of the same database.
   */
  createFirst(): Promise<IssuedKey | undefined>;
  /** Newest first. */
  list(): Promise<readonly ApiKey[]>;
  /** @throws PlatformError `KEY_UNKNOWN` */
  get(prefix: string): Promise<ApiKey>;
  /** A new key with the same name, actor, scopes and limit. @throws PlatformError `KEY_UNKNOWN`, `KEY_ENDED` */
  rotate(prefix: string, request: RotateRequest): Promise<IssuedKey>;
  /** Refused from now on in this process, and within a second in all others. @throws PlatformError `KEY_UNKNOWN` */
  revoke(prefix: string): Promise<ApiKey>;
  verify(token: string): Promise<KeyVerdict>;
}
