/** What one operation costs when tables hold much of the past: the ledger, the registry, keys, and requests over HTTP. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { lazyPlatform } from "../../src/platform/local/index.ts";
import { type PostgresServer, startPostgres } from "../../test/support/postgres.ts";
import { median } from "../engine/measure.ts";
import { startFathom } from "../serve/server.ts";
import { fill } from "./fill.ts";
import { type Operation, prepare, requests, warmUps } from "./operations.ts";

export const sizes = [1_000, 10_000, 100_000] as const;

export interface GrowthRow {
  readonly database: "embedded" | "PostgreSQL";
  readonly operation: string;
  /** Medians in milliseconds, by how many models, versions, ledger entries and keys there are. */
  readonly milliseconds: Readonly<Record<number, number>>;
}

export async function benchGrowth(say: (line: string) => void): Promise<GrowthRow[]> {
  const rows: GrowthRow[] = [];
  for (const database of ["embedded", "PostgreSQL"] as const) {
    const server = database === "embedded" ? undefined : await startPostgres([]);
    if (server === null) {
      say("PostgreSQL is left out: npm has none for this platform");
      continue;
    }
    const worlds: World[] = [];
    try {
      for (const size of sizes) {
        say(`${database}: writing ${size} models, versions of one, ledger entries and keys`);
        worlds.push(await openWorld(size, server));
      }
      say(`${database}: measuring`);
      rows.push(...(await measure(database, worlds)));
    } finally {
      for (const world of worlds) await world.close();
      await server?.remove();
    }
  }
  return rows;
}

/** A database of one size with a server on it. */
interface World {
  readonly size: number;
  readonly operations: readonly Operation[];
  close(): Promise<void>;
}

async function openWorld(size: number, server: PostgresServer | undefined): Promise<World> {
  const dataFolder = await mkdtemp(join(tmpdir(), "fathom-bench-growth-"));
  const databaseUrl = server && (await createDatabase(server, `size_${size}`));
  const platform = lazyPlatform({ dataFolder, databaseUrl });
  const closing = [() => rm(dataFolder, { recursive: true, force: true }), platform.close];
  const close = async () => {
    for (const step of closing.reverse()) await step();
  };
  try {
    const operations = await prepare(await platform.open(), dataFolder);
    const state = await platform.openState();
    await fill(state, size);
    const config = join(dataFolder, "bench.config.json");
    await writeFile(config, JSON.stringify({ databaseUrl }));
    const served = await startFathom(dataFolder, ["--config", config, "--log-level", "warn"]);
    closing.push(served.stop);
    return { size, operations: [...(await operations(size)), ...requests(served.address, size)], close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function createDatabase({ url }: PostgresServer, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: `${url}/postgres` });
  await client.connect();
  try {
    await client.query(`create database ${name}`);
  } finally {
    await client.end();
  }
  return `${url}/${name}`;
}

/** All sizes in turns, so that whatever else the machine and its disk do hits every one. */
async function measure(database: GrowthRow["database"], worlds: readonly World[]): Promise<GrowthRow[]> {
  const rows: GrowthRow[] = [];
  for (const [place, { name, times }] of worlds[0].operations.entries()) {
    const taken = worlds.map((): number[] => []);
    for (let turn = 0; turn < warmUps + times; turn++) {
      for (const [at, { operations }] of worlds.entries()) {
        const started = performance.now();
        await operations[place].run(turn);
        if (turn >= warmUps) taken[at].push(performance.now() - started);
      }
    }
    const medians = worlds.map(({ size }, at) => [size, median(taken[at])]);
    rows.push({ database, operation: name, milliseconds: Object.fromEntries(medians) });
  }
  return rows;
}
