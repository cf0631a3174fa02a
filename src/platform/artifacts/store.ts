/**
 * Files addressed by what is in them: the name of a blob is the SHA-256 of its bytes, so that equal files are stored once, a
 * stored file never changes, and whoever reads one can tell whether it is what was stored.
 */
import type { UtcMs } from "../../base/index.ts";

/** A file by its content. */
export interface Blob {
  /** SHA-256, 64 hexadecimal digits. */
  readonly sha256: string;
  readonly bytes: number;
}

export interface StoredBlob extends Blob {
  readonly modifiedAt: UtcMs;
}

export interface StoreOptions {
  readonly signal?: AbortSignal | undefined;
}

/** One kind of place for blobs. All of them pass one contract test. */
export interface BlobStore {
  /** What to call the place in a message. */
  readonly place: string;
  /** @returns the size of a stored blob; undefined when it is not there */
  size(sha256: string, options?: StoreOptions): Promise<number | undefined>;
  /**
   * Stores a file under its digest, whole or not at all; one that is there already is not sent again.
   *
   * @throws PlatformError `ARTIFACT_CORRUPT` when the file is not what its digest says; nothing is stored then
   */
  put(file: string, blob: Blob, options?: StoreOptions): Promise<"stored" | "present">;
  /**
   * The bytes of a blob from an offset on, as they are stored: `download` checks them.
   *
   * @throws PlatformError `ARTIFACT_MISSING`
   */
  read(sha256: string, from: number, options?: StoreOptions): AsyncIterable<Uint8Array>;
  /** Every blob that is stored, in no particular order. */
  list(options?: StoreOptions): AsyncIterable<StoredBlob>;
  /** Removes a blob; one that is not there is no error. */
  remove(sha256: string, options?: StoreOptions): Promise<void>;
}

/** The place of a blob below the root of a store: `sha256/ab/abcd...`, so that no folder holds them all. */
export function blobPath(sha256: string): string {
  return `sha256/${sha256.slice(0, 2)}/${sha256}`;
}

/** The digest in a blob's place; undefined for anything else that lies there. */
export function blobIn(path: string): string | undefined {
  return /(?:^|\/)sha256\/([0-9a-f]{2})\/(\1[0-9a-f]{62})$/.exec(path)?.[2];
}
