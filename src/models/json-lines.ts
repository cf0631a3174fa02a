/**
 * Records as lines of JSON in a file that only grows. A process may die while it writes, so the last line counts only when it is whole.
 */
import { appendFile, readFile, truncate } from "node:fs/promises";
import { PlatformError, writeFailure } from "../base/index.ts";

/**
 * The records of a file, after cutting off a last line that was not finished; none when there is no file.
 *
 * @throws PlatformError `ARTIFACT_CORRUPT` naming a line before the last that is not JSON
 */
export async function readJsonLines(path: string): Promise<unknown[]> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return Buffer.alloc(0);
    throw corrupt(path, undefined, error);
  });
  const whole = bytes.lastIndexOf(0x0a) + 1;
  if (whole < bytes.length) await truncate(path, whole).catch((error) => rethrow(path, error));
  const lines = bytes.subarray(0, whole).toString("utf8").split("\n").slice(0, -1);
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as unknown;
    } catch (error) {
      throw corrupt(path, i + 1, error);
    }
  });
}

/** Adds records, and returns when they are on the disk. @throws PlatformError `DISK_FULL` or `WRITE_FAILED` */
export async function appendJsonLines(path: string, records: readonly unknown[]): Promise<void> {
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join("");
  await appendFile(path, text, { flush: true }).catch((error) => rethrow(path, error));
}

function rethrow(path: string, error: unknown): never {
  throw writeFailure(path, error);
}

function corrupt(path: string, line: number | undefined, cause: unknown): PlatformError {
  const where = line === undefined ? path : `${path}, line ${line}`;
  return new PlatformError("conflict", "ARTIFACT_CORRUPT", `${where}: expected a record as JSON`, {
    file: path,
    ...(line === undefined ? {} : { line }),
    cause,
  });
}
