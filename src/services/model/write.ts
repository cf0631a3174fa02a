import { rename, rm, stat, writeFile } from "node:fs/promises";
import { writeFailure } from "../../base/index.ts";

/**
 * Writes a file whole or not at all: beside its place first, then by a rename.
 *
 * @throws PlatformError `DISK_FULL` or `WRITE_FAILED`
 */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
  const there = await stat(path).catch(() => undefined);
  try {
    // A device or a pipe is written to, not replaced.
    if (there && !there.isFile()) return await writeFile(path, content);
    await writeFile(beside, content, { flush: true });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {}); // what counts is why it could not be written
    throw writeFailure(path, error);
  }
}
