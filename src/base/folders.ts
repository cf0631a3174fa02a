/** Folders made and judged step by step, so that every refusal of the system comes back as one. */
import { mkdir, mkdtemp, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PlatformError } from "./errors.ts";
import { asWriteFailure, systemCode } from "./system-errors.ts";

/**
 * Makes a folder and those above it that are missing. Not `mkdir` with `recursive`, which never ends where the system
 * denies that a folder is there which it just named, as below `/proc`.
 *
 * @param options `mode` of the folders that are made, such as `0o700`
 * @throws PlatformError `DISK_FULL` or `WRITE_FAILED`
 */
export async function makeFolder(path: string, { mode }: { readonly mode?: number } = {}): Promise<void> {
  const { missing } = await nearestFolder(path);
  for (const folder of missing) {
    await mkdir(folder, { mode }).catch((error: unknown) => {
      if (systemCode(error) !== "EEXIST") throw asWriteFailure(error, path); // else another process was first
    });
  }
}

/**
 * Finds out whether something can be written into a folder, or into the one above it that is there already, and leaves
 * nothing behind. Permissions alone do not tell: a disk may be read-only, and an administrator may write everywhere else.
 *
 * @throws PlatformError `DISK_FULL` or `WRITE_FAILED`
 */
export async function checkWritable(path: string): Promise<void> {
  const { present } = await nearestFolder(path);
  try {
    await rmdir(await mkdtemp(join(present, ".fathom-try-")));
  } catch (error) {
    throw asWriteFailure(error, path);
  }
}

/** The nearest folder at or above a path that is there, and the missing ones below it, from the top. */
async function nearestFolder(path: string): Promise<{ present: string; missing: string[] }> {
  const missing: string[] = [];
  for (let place = path; ; place = dirname(place)) {
    const found = await stat(place).catch((error: unknown) => {
      const absent = ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "");
      if (!absent || dirname(place) === place) throw asWriteFailure(error, path);
      return undefined;
    });
    if (found?.isDirectory()) return { present: place, missing };
    if (found !== undefined) {
      throw new PlatformError("unavailable", "WRITE_FAILED", `${place}: expected a folder, found a file`, {
        file: place,
      });
    }
    missing.unshift(place);
  }
}
