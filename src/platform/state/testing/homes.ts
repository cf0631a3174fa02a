/** Both homes of the state, so that a test holds on each: `describe.each(homes)("...", ({ makeHome }) => ...)`. */
import { randomUUID } from "node:crypto";
import { cp, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import { inject } from "vitest";

/** An empty database: what `openState` takes, and how to remove it. */
export interface Home {
  readonly folder: string;
  readonly url: string | undefined;
  remove(): Promise<void>;
}

export const homes = [
  { name: "PGlite", makeHome: embeddedHome, available: true },
  { name: "PostgreSQL", makeHome: serverHome, available: inject("postgres") !== null },
].filter(({ available }) => available);

export async function embeddedHome(): Promise<Home> {
  const { folder, remove } = await emptyFolder();
  await cp(path.join(await template(), "database"), path.join(folder, "database"), { recursive: true });
  return { folder, url: undefined, remove };
}

async function emptyFolder() {
  const folder = await mkdtemp(path.join(os.tmpdir(), "fathom-state-"));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** An empty database, made once for each version: making one takes seconds, and a copy none. */
async function template(): Promise<string> {
  const text = await readFile(new URL("../../../../package.json", import.meta.url), "utf8");
  const version = JSON.parse(text).dependencies["@electric-sql/pglite"];
  const place = path.join(os.tmpdir(), `fathom-template-${os.userInfo().uid}-pglite-${version}`);
  if (await isThere(place)) return place;
  const staging = await mkdtemp(path.join(os.tmpdir(), "fathom-template-"));
  await (await PGlite.create(path.join(staging, "database"))).close();
  await rename(staging, place).catch(async (error: NodeJS.ErrnoException) => {
    await rm(staging, { recursive: true, force: true });
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error; // else another test was first
  });
  return place;
}

const isThere = (file: string) =>
  stat(file).then(
    () => true,
    () => false,
  );

export async function serverHome(): Promise<Home> {
  const server = inject("postgres");
  const { folder, remove } = await emptyFolder();
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await asAdministrator(`${server}/postgres`, `create database ${name}`);
  return {
    folder,
    url: `${server}/${name}`,
    async remove() {
      await asAdministrator(`${server}/postgres`, `drop database ${name} with (force)`);
      await remove();
    },
  };
}

async function asAdministrator(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
