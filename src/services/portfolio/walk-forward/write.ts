import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asWriteFailure, makeFolder } from "../../../base/index.ts";
import type { ReportFile } from "./report.ts";

/**
 * Writes files into a folder, which is made when it is not there; each is whole or not there at all. Other files stay.
 *
 * @returns the paths written
 * @throws PlatformError `DISK_FULL` or `WRITE_FAILED`
 */
export async function writeFolder(folder: string, files: readonly ReportFile[]): Promise<string[]> {
  const written: string[] = [];
  let path = folder;
  try {
    await makeFolder(folder);
    for (const { name, content } of files) {
      path = join(folder, name);
      const beside = `${path}.${process.pid}.new`;
      try {
        await writeFile(beside, content, { flush: true });
        await rename(beside, path);
      } catch (error) {
        await rm(beside, { force: true });
        throw error;
      }
      written.push(path);
    }
  } catch (error) {
    throw asWriteFailure(error, path);
  }
  return written;
}
