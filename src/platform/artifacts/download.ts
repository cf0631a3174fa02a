/** From a store to a file: streamed, taken up where it broke off, checked, and named only when it is whole. */
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { PlatformError, throwIfAborted, writeFailure } from "../../base/index.ts";
import { corruptBlob } from "./failures.ts";
import type { Blob, BlobStore, StoreOptions } from "./store.ts";

/** How often a broken download is taken up again before it is given up; what came is kept for the next call. */
const attempts = 4;

/**
 * Writes a blob to a file. Bytes that an earlier call left in `<file>.part` are not fetched again.
 *
 * @throws PlatformError `ARTIFACT_MISSING`, `ARTIFACT_CORRUPT` when the bytes are not those of the digest (nothing is left
 *   then), `STORE_UNAVAILABLE`, `STORE_REFUSED`, `DISK_FULL` or `WRITE_FAILED`
 */
export async function download(
  store: BlobStore,
  blob: Blob,
  file: string,
  options: StoreOptions = {},
): Promise<void> {
  const part = `${file}.part`;
  for (let attempt = 1; ; attempt++) {
    try {
      await appendRest(store, blob, part, options);
      break;
    } catch (error) {
      const mayPass = error instanceof PlatformError && error.code === "STORE_UNAVAILABLE";
      if (!mayPass || attempt === attempts) throw error;
    }
  }
  try {
    await rename(part, file);
  } catch (error) {
    throw writeFailure(file, error);
  }
}

async function appendRest(
  store: BlobStore,
  blob: Blob,
  part: string,
  { signal }: StoreOptions,
): Promise<void> {
  const hash = createHash("sha256");
  const from = await hashPresent(part, blob, hash);
  let total = from;
  try {
    const handle = await open(part, "a", 0o644);
    try {
      if (from < blob.bytes) {
        for await (const chunk of store.read(blob.sha256, from, { signal })) {
          throwIfAborted(signal, store.place);
          hash.update(chunk);
          total += chunk.byteLength;
          await handle.appendFile(chunk);
          if (total > blob.bytes) break; // already wrong: nobody needs the rest
        }
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw error instanceof PlatformError ? error : writeFailure(part, error);
  }
  const received = hash.digest("hex");
  if (received === blob.sha256) return;
  await rm(part, { force: true });
  const what = total === blob.bytes ? `${received.slice(0, 12)}...` : `${total} of ${blob.bytes} bytes`;
  throw corruptBlob(`${store.place}/${blob.sha256}`, blob.sha256, what);
}

/** Feeds the hash with what is there already. @returns how many bytes that is */
async function hashPresent(part: string, blob: Blob, hash: Hash): Promise<number> {
  const bytes = await stat(part).then(
    ({ size }) => size,
    () => 0,
  );
  if (bytes > blob.bytes) {
    await rm(part, { force: true });
    return 0;
  }
  if (bytes > 0) for await (const chunk of createReadStream(part)) hash.update(chunk as Uint8Array);
  return bytes;
}
