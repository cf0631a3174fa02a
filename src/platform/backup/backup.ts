/**
 * A backup: one gzipped tar file with every table as JSON lines, the files of the data folder, and at the end a manifest with the
 * digest of each. It is the same for both kinds of database, so that one can be restored into the other.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { lstat, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { PlatformError, throwIfAborted, writeFailure } from "../../base/index.ts";
import type { Database, State } from "../state/index.ts";
import { quoted, rowsOf, schema, type TableInfo, tablesOf } from "./catalog.ts";
import { format, isBackup, type Manifest } from "./read.ts";
import { end, header, padding } from "./tar.ts";

/** What a data folder holds that is no part of a backup: the database itself, and what a training makes anew. */
const leftOut = new Set(["state", "checkpoints"]);
const rowsAtATime = 500;

export interface BackupOptions {
  readonly dataFolder: string;
  /** The file to write; it has its name when it is whole. */
  readonly out: string;
  /** Whether an older backup of that name may be replaced; anything else never is. */
  readonly replace?: boolean | undefined;
  readonly now: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a backup while others go on working: all tables are read as they were at one moment.
 *
 * @throws PlatformError `BACKUP_REFUSED` where something is there that may not be replaced, `BACKUP_BROKEN`, `DISK_FULL` or `WRITE_FAILED`
 */
export async function backup(state: State, options: BackupOptions): Promise<Manifest> {
  const { out } = options;
  await refuseTaken(options);
  const draft = `${out}.part`;
  try {
    let manifest: Manifest | undefined;
    const source = Readable.from(
      contents(state, options, (made) => {
        manifest = made;
      }),
      { objectMode: false, highWaterMark: 1 << 20 },
    );
    await pipeline(source, createGzip({ level: 1 }), createWriteStream(draft, { mode: 0o600 }));
    const handle = await open(draft, "r");
    await handle.sync().finally(() => handle.close());
    await refuseTaken(options); // what somebody put there meanwhile
    await rename(draft, out);
    return manifest as unknown as Manifest;
  } catch (error) {
    await rm(draft, { force: true });
    const { code, path } = error as NodeJS.ErrnoException;
    throw code !== undefined && path === draft ? writeFailure(out, error) : error;
  }
}

/**
 * Fails at once with what `backup` would fail with where its file may not stand, so that nothing need be opened for it.
 *
 * @throws PlatformError `BACKUP_REFUSED`
 */
export async function refuseTaken({
  out,
  replace = false,
}: Pick<BackupOptions, "out" | "replace">): Promise<void> {
  const found = await lstat(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined; // writing will say what is wrong with the way there
    throw writeFailure(out, error);
  });
  if (found === undefined) return;
  if (!replace) throw taken(out, "one; --replace replaces an older backup");
  if (!found.isFile() || !(await isBackup(out))) throw taken(out, "something that is no backup of ours");
}

function taken(out: string, found: string): PlatformError {
  const message = `${out}: expected no file of that name, found ${found}; nothing was changed`;
  return new PlatformError("conflict", "BACKUP_REFUSED", message, { file: out });
}

async function* contents(
  state: State,
  { dataFolder, out, now, signal }: BackupOptions,
  done: (manifest: Manifest) => void,
): AsyncGenerator<Buffer> {
  const digests: Record<string, string> = {};
  function* entry(name: string, bytes: Buffer) {
    digests[name] = createHash("sha256").update(bytes).digest("hex");
    yield header(name, bytes.length);
    yield bytes;
    yield padding(bytes.length);
  }
  const snapshot = await snapshotOf(state);
  let tables: Manifest["tables"];
  let migrations: string[];
  try {
    const { database } = snapshot;
    migrations = (
      await rowsOf<{ hash: string }>(database, `select hash from ${schema}.migrations order by id`)
    ).map(({ hash }) => hash);
    const counted: (TableInfo & { rows: number })[] = [];
    for (const table of await tablesOf(database)) {
      if (table.name === "migrations") continue;
      let rows = 0;
      for await (const lines of pagesOf(database, table)) {
        throwIfAborted(signal, "backup");
        const part = String(Math.floor(rows / rowsAtATime) + 1).padStart(6, "0");
        yield* entry(`tables/${table.name}/${part}.jsonl`, Buffer.from(`${lines.join("\n")}\n`));
        rows += lines.length;
      }
      counted.push({ ...table, rows });
    }
    tables = counted;
  } finally {
    await snapshot.end();
  }
  for await (const file of filesOf(dataFolder, out)) {
    throwIfAborted(signal, "backup");
    const name = `files/${file}`;
    const path = join(dataFolder, ...file.split("/"));
    const { size, mode } = await stat(path);
    yield header(name, size, mode & 0o777);
    const hash = createHash("sha256");
    let written = 0;
    // A log may grow meanwhile: the backup has what was there when its size was read.
    for await (const piece of size === 0 ? [] : createReadStream(path, { end: size - 1 })) {
      hash.update(piece);
      written += piece.length;
      yield piece;
    }
    if (written !== size) throw changedMeanwhile(path);
    digests[name] = hash.digest("hex");
    yield padding(size);
  }
  const manifest = { format, createdAt: new Date(now).toISOString(), migrations, tables, digests };
  yield* entry("manifest.json", Buffer.from(JSON.stringify(manifest, null, 1)));
  yield end;
  done(manifest);
}

/** A transaction that sees one moment, and stays open while its rows are asked for. */
async function snapshotOf(state: State): Promise<{ database: Database; end(): Promise<void> }> {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let running: Promise<void> = Promise.resolve();
  const database = await new Promise<Database>((opened, failed) => {
    running = state.db.transaction(
      async (transaction) => {
        opened(transaction);
        await ended;
      },
      { isolationLevel: "repeatable read", accessMode: "read only" },
    );
    running.catch(failed);
  });
  return {
    database,
    async end() {
      end();
      await running;
    },
  };
}

async function* pagesOf(database: Database, { name, columns, key }: TableInfo): AsyncGenerator<string[]> {
  const order = key.length === 0 ? "" : `order by ${key.map(quoted).join(", ")}`;
  await rowsOf(
    database,
    `declare backup_rows no scroll cursor for select row_to_json(r)::text as line from (select ${columns.map(quoted).join(", ")} from ${schema}.${quoted(name)} ${order}) r`,
  );
  for (;;) {
    const rows = await rowsOf<{ line: string }>(database, `fetch ${rowsAtATime} from backup_rows`);
    if (rows.length > 0) yield rows.map(({ line }) => line);
    if (rows.length < rowsAtATime) break;
  }
  await rowsOf(database, "close backup_rows");
}

/** The files of the data folder, with `/` between their folders, in order. */
async function* filesOf(dataFolder: string, out: string): AsyncGenerator<string> {
  const own = new Set([out, `${out}.part`]);
  async function* below(folder: string): AsyncGenerator<string> {
    const found = await readdir(join(dataFolder, folder), { withFileTypes: true }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return [];
        throw error;
      },
    );
    for (const entry of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (folder === "" && leftOut.has(entry.name)) continue;
      if (entry.isDirectory()) yield* below(name);
      else if (entry.isFile() && !own.has(join(dataFolder, name))) yield name;
    }
  }
  yield* below("");
}

function changedMeanwhile(path: string): PlatformError {
  const message = `${path}: expected a file that stays as it is during the backup, found it cut; try again`;
  return new PlatformError("conflict", "BACKUP_BROKEN", message, { file: path });
}
