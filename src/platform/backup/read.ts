/** What is in the file of a backup, entry by entry. */
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { PlatformError } from "../../base/index.ts";
import type { TableInfo } from "./catalog.ts";
import { entries, type TarEntry } from "./tar.ts";

export const format = "fathom-backup-1";

export interface Manifest {
  readonly format: string;
  readonly createdAt: string;
  /** Hashes of the migrations that made the tables. */
  readonly migrations: readonly string[];
  readonly tables: readonly (TableInfo & { readonly rows: number })[];
  /** SHA-256 of each entry of the file. */
  readonly digests: Readonly<Record<string, string>>;
}

/** @throws PlatformError `BACKUP_BROKEN`, `DATA_FILE_MISSING` */
export const read = (file: string): AsyncGenerator<TarEntry> => entries(unpacked(file), file);

async function* unpacked(file: string): AsyncGenerator<Buffer> {
  const source = createReadStream(file);
  const chunks = createGunzip();
  source.on("error", (error) => chunks.destroy(error));
  source.pipe(chunks);
  try {
    yield* chunks;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      const message = `${file}: expected a backup, found no file`;
      throw new PlatformError("missing", "DATA_FILE_MISSING", message, { file });
    }
    if (code.startsWith("Z_")) throw broken(file, `damaged bytes (${code})`);
    throw error;
  } finally {
    source.destroy();
    chunks.destroy();
  }
}

/** Whether a file is a backup with its manifest, of whatever content: one that was cut is none. */
export async function isBackup(file: string): Promise<boolean> {
  try {
    for await (const entry of read(file))
      if (entry.name === manifestName) return parseManifest(await textOf(entry))?.format === format;
    return false;
  } catch {
    return false; // no file, no archive, or none that can be read
  }
}

export const manifestName = "manifest.json";

export function parseManifest(text: string): Manifest | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller says what was expected
  }
}

export async function textOf({ content }: TarEntry): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces).toString("utf8");
}

export function broken(file: string, found: string): PlatformError {
  const message = `${file}: expected a whole backup, found ${found}; nothing was changed`;
  return new PlatformError("conflict", "BACKUP_BROKEN", message, { file });
}
