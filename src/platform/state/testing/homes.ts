/** Both homes of the state, so that a test holds on each: `describe.each(homes)("...", ({ makeHome }) => ...)`. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
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
  const folder = await mkdtemp(path.join(os.tmpdir(), "fathom-state-"));
  return { folder, url: undefined, remove: () => rm(folder, { recursive: true, force: true }) };
}

export async function serverHome(): Promise<Home> {
  const server = inject("postgres");
  const { folder, remove } = await embeddedHome();
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
