/** Blobs as files of a folder. A blob is written beside its place, flushed, and renamed. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdtemp, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeFolder, PlatformError, throwIfAborted, writeFailure } from "../../base/index.ts";
import { corruptBlob, missingBlob, storeUnavailable } from "./failures.ts";
import { type Blob, type BlobStore, blobIn, blobPath, type StoreOptions } from "./store.ts";

/** A store in a folder, which may be shared by many processes; it is made when it is first written to. */
export function folderStore(folder: string): BlobStore {
  const placeOf = (sha256: string) => join(folder, blobPath(sha256));
  return {
    place: folder,
    async size(sha256) {
      return stat(placeOf(sha256)).then(
        ({ size }) => size,
        (error: unknown) => {
          if (isAbsent(error)) return undefined;
          throw storeUnavailable(folder, `could not be read: ${reasonOf(error)}`, error);
        },
      );
    },

    async put(file, blob, options) {
      const place = placeOf(blob.sha256);
      if ((await this.size(blob.sha256)) === blob.bytes) return "present";
      try {
        await makeFolder(dirname(place));
        const staging = await mkdtemp(join(folder, "incoming-"));
        try {
          const copy = join(staging, blob.sha256);
          await copyChecked(file, copy, blob, options);
          await rename(copy, place);
          await flushFolder(dirname(place));
        } finally {
          await rm(staging, { recursive: true, force: true });
        }
      } catch (error) {
        throw error instanceof PlatformError ? error : writeFailure(place, error);
      }
      return "stored";
    },

    async *read(sha256, from, { signal } = {}) {
      const stream = createReadStream(placeOf(sha256), { start: from, ...(signal ? { signal } : {}) });
      try {
        yield* stream as AsyncIterable<Uint8Array>;
      } catch (error) {
        throwIfAborted(signal, folder);
        if (isAbsent(error)) throw missingBlob(folder, sha256);
        throw storeUnavailable(folder, `could not be read: ${reasonOf(error)}`, error);
      }
    },

    async *list() {
      const root = join(folder, "sha256");
      for (const group of await namesIn(root)) {
        for (const name of await namesIn(join(root, group))) {
          const sha256 = blobIn(`sha256/${group}/${name}`);
          const found = sha256 && (await stat(placeOf(sha256)).catch(() => undefined)); // removed by another just now
          if (sha256 && found) yield { sha256, bytes: found.size, modifiedAt: found.mtimeMs };
        }
      }
    },

    async remove(sha256) {
      await rm(placeOf(sha256), { force: true }).catch((error: unknown) => {
        throw writeFailure(placeOf(sha256), error);
      });
    },
  };
}

/** Copies a file to the disk, and refuses it when it is not what was announced. */
async function copyChecked(
  from: string,
  to: string,
  blob: Blob,
  { signal }: StoreOptions = {},
): Promise<void> {
  const hash = createHash("sha256");
  const target: FileHandle = await open(to, "wx", 0o644);
  try {
    for await (const chunk of createReadStream(from) as AsyncIterable<Uint8Array>) {
      throwIfAborted(signal, from);
      hash.update(chunk);
      await target.writeFile(chunk);
    }
    const received = hash.digest("hex");
    if (received !== blob.sha256) throw corruptBlob(from, blob.sha256, `${received.slice(0, 12)}...`);
    await target.sync();
  } finally {
    await target.close();
  }
}

async function flushFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return; // folders cannot be opened there
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw storeUnavailable(folder, `could not be read: ${reasonOf(error)}`, error);
  });
}

function isAbsent(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
