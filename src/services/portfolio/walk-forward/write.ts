import { createHash } from "node:crypto";
import { lstat, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asWriteFailure, makeFolder } from "../../../base/index.ts";
import type { ReportFile } from "./report.ts";

/** Names the files of a report with their SHA-256, so that the next one in the same folder knows which to remove. */
const listName = ".fathom-report.json";

type FileList = Readonly<Record<string, string>>;

/**
 * Writes files into a folder, which is made when it is not there; each is whole or not there at all. What an earlier report wrote there and
 * this one does not is removed, unless it was changed since; other files stay.
 *
 * @returns the paths written
 * @throws PlatformError `DISK_FULL` or `WRITE_FAILED`
 */
export async function writeFolder(folder: string, files: readonly ReportFile[]): Promise<string[]> {
  const list: FileList = Object.fromEntries(files.map(({ name, content }) => [name, digestOf(content)]));
  const paths = files.map(({ name }) => join(folder, name));
  let path = folder;
  try {
    await makeFolder(folder);
    const earlier = await readList(folder);
    path = join(folder, listName);
    // Both reports are listed until this one is there alone, so that an interrupted run leaves nothing that no list names.
    await writeWhole(path, JSON.stringify({ ...earlier, ...list }));
    for (const [i, { content }] of files.entries()) {
      path = paths[i];
      await writeWhole(path, content);
    }
    for (const [name, digest] of Object.entries(earlier)) {
      path = join(folder, name);
      if (list[name] === undefined && (await isUnchanged(path, digest))) await rm(path, { force: true });
    }
    path = join(folder, listName);
    await writeWhole(path, JSON.stringify(list));
  } catch (error) {
    throw asWriteFailure(error, path);
  }
  return paths;
}

async function writeWhole(path: string, content: string): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
  try {
    await writeFile(beside, content, { flush: true });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** The list of an earlier report; empty where there is none that could be ours. It never names a file outside of the folder. */
async function readList(folder: string): Promise<FileList> {
  try {
    const entries = Object.entries(JSON.parse(await readFile(join(folder, listName), "utf8")) as object);
    return Object.fromEntries(entries.filter(([name]) => /^[A-Za-z0-9][\w.-]*$/.test(name)));
  } catch {
    return {};
  }
}

async function isUnchanged(path: string, digest: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() === true && digestOf(await readFile(path)) === digest;
}

const digestOf = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");
