/** Reads a backup twice: once to check every byte and the chain of the ledger, then to put it in place. */
import { createHash } from "node:crypto";
import { chmod, mkdtemp, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import {
  type AuditHead,
  followLedger,
  ledgerOrigin,
  makeFolder,
  PlatformError,
  throwIfAborted,
  writeFailure,
} from "../../base/index.ts";
import { type LedgerRow, recordOf } from "../ledger/index.ts";
import { type Database, rebuild, requireKnown, type State } from "../state/index.ts";
import { literal, quoted, rowsOf, schema, tablesOf } from "./catalog.ts";
import { broken, format, type Manifest, manifestName, parseManifest, read, textOf } from "./read.ts";
import type { TarEntry } from "./tar.ts";

export interface RestoreOptions {
  readonly dataFolder: string;
  /** The backup. */
  readonly from: string;
  /** Whether what is there may be replaced. */
  readonly replace: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts a backup in the place of what is there: the tables in one transaction, then each file whole.
 *
 * @param open the state to restore into. It is asked for, and made where it is not there, when nothing but its own rows can be in the
 *   way any more, so that a backup that is refused leaves not even an empty folder
 * @throws PlatformError `BACKUP_BROKEN`, `LEDGER_BROKEN`, `RESTORE_REFUSED`, `STATE_NEWER`; nothing was changed then
 */
export async function restore(open: () => Promise<State>, options: RestoreOptions): Promise<Manifest> {
  const { from, dataFolder, replace, signal } = options;
  const manifest = await check(from, signal);
  requireKnown(manifest.migrations, from);
  if (!replace) await refuseModels(dataFolder);
  const state = await open();
  if (!replace) await refuseRows(state);
  await rebuild(state, {
    migrations: manifest.migrations,
    load: async (database) => {
      const constraints = await dropReferences(database);
      for await (const entry of read(from)) {
        const table = /^tables\/([^/]+)\//.exec(entry.name)?.[1];
        if (table !== undefined) await load(database, manifest, table, await textOf(entry));
      }
      for (const restoreConstraint of constraints) await rowsOf(database, restoreConstraint);
      await setSequences(database);
    },
  });
  for await (const entry of read(from)) {
    throwIfAborted(signal, "restore");
    if (entry.name.startsWith("files/")) await place(entry, dataFolder);
  }
  return manifest;
}

/** Every entry has the digest that the manifest names, none is missing, and the ledger is whole. */
async function check(file: string, signal: AbortSignal | undefined): Promise<Manifest> {
  const digests = new Map<string, string>();
  let manifest: Manifest | undefined;
  let head: AuditHead = ledgerOrigin;
  for await (const entry of read(file)) {
    throwIfAborted(signal, "restore");
    if (manifest !== undefined) throw broken(file, "an entry after the manifest");
    if (entry.name === manifestName) {
      manifest = parseManifest(await textOf(entry));
      continue;
    }
    if (
      !/^(files|tables)\/./.test(entry.name) ||
      /(^|[\\/])\.\.([\\/]|$)|^files[\\/]+[\\/]|:/.test(entry.name)
    )
      throw broken(file, `the entry ${JSON.stringify(entry.name)}`);
    const hash = createHash("sha256");
    if (entry.name.startsWith("tables/ledger/")) {
      const text = await textOf(entry);
      hash.update(text);
      for (const line of linesOf(text)) {
        const row = JSON.parse(line) as Omit<LedgerRow, "time"> & { time: string };
        const record = recordOf({ ...row, time: new Date(row.time) });
        head = followLedger(head, record, { where: file, payload: row.payload });
      }
    } else for await (const piece of entry.content) hash.update(piece);
    digests.set(entry.name, hash.digest("hex"));
  }
  if (manifest?.format !== format) throw broken(file, `the format ${JSON.stringify(manifest?.format)}`);
  for (const [name, digest] of Object.entries(manifest.digests)) {
    if (!digests.has(name)) throw broken(file, `${name} missing`);
    if (digests.get(name) !== digest) throw broken(file, `${name} with other bytes`);
    digests.delete(name);
  }
  const [surplus] = digests.keys();
  if (surplus !== undefined) throw broken(file, `${surplus}, which its manifest does not name`);
  return manifest;
}

async function refuseModels(dataFolder: string): Promise<void> {
  const models = await readdir(join(dataFolder, "models")).catch(() => []);
  if (models.length > 0) throw occupied(dataFolder, "models");
}

async function refuseRows(state: State): Promise<void> {
  for (const { name } of await tablesOf(state.db)) {
    // A database that was only just made has its migrations, and what opening it wrote down of the installation.
    if (name === "migrations" || name === "installation") continue;
    const [found] = await state.query(`select 1 from ${schema}.${quoted(name)} limit 1`);
    if (found !== undefined) throw occupied(state.place, `rows in ${name}`);
  }
}

async function load(database: Database, manifest: Manifest, name: string, text: string): Promise<void> {
  const table = manifest.tables.find((one) => one.name === name);
  if (table === undefined) throw new Error(`the manifest does not name the table ${name}`);
  const columns = table.columns.map(quoted).join(", ");
  const target = `${schema}.${quoted(name)}`;
  const rows = literal(`[${linesOf(text).join(",")}]`);
  await rowsOf(
    database,
    `insert into ${target} (${columns}) overriding system value select ${columns} from json_populate_recordset(null::${target}, ${rows})`,
  );
}

/** References between tables hold again when everything is there. @returns the statements that bring them back */
async function dropReferences(database: Database): Promise<string[]> {
  const found = await rowsOf<{ name: string; relation: string; definition: string }>(
    database,
    `select conname as name, conrelid::regclass::text as relation, pg_get_constraintdef(oid) as definition
     from pg_constraint where contype = 'f' and connamespace = to_regnamespace('${schema}') and conparentid = 0`,
  );
  for (const { name, relation } of found)
    await rowsOf(database, `alter table ${relation} drop constraint ${quoted(name)}`);
  return found.map(
    ({ name, relation, definition }) =>
      `alter table ${relation} add constraint ${quoted(name)} ${definition}`,
  );
}

/** What numbers its rows itself goes on after the highest number. */
async function setSequences(database: Database): Promise<void> {
  for (const { name, columns } of await tablesOf(database)) {
    if (name === "migrations") continue;
    const target = `${schema}.${quoted(name)}`;
    for (const column of columns) {
      await rowsOf(
        database,
        `select setval(s, m) from (select pg_get_serial_sequence(${literal(target)}, ${literal(column)}) as s) one
         cross join lateral (select max(${quoted(column)}::text::numeric)::bigint as m from ${target} where s is not null) two where s is not null and m is not null`,
      );
    }
  }
}

async function place(entry: TarEntry, dataFolder: string): Promise<void> {
  const name = normalize(entry.name.slice("files/".length));
  const path = join(dataFolder, name);
  try {
    await makeFolder(dirname(path));
    const staging = await mkdtemp(join(dirname(path), ".restore-"));
    try {
      const handle = await open(join(staging, "file"), "w", 0o600);
      try {
        for await (const piece of entry.content) await handle.writeFile(piece);
        await handle.sync();
      } finally {
        await handle.close();
      }
      if (!name.startsWith("keys")) await chmod(join(staging, "file"), 0o644);
      await rename(join(staging, "file"), path);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  } catch (error) {
    throw error instanceof PlatformError ? error : writeFailure(path, error);
  }
}

const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");

function occupied(place: string, found: string): PlatformError {
  const message = `${place}: expected an empty place to restore into, found ${found}; --replace removes what is there`;
  return new PlatformError("conflict", "RESTORE_REFUSED", message);
}
