/** What one operation costs when tables hold much of the past: the ledger, the registry, keys, and requests over HTTP. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lazyPlatform } from "../../src/platform/local/index.ts";
import { startPostgres } from "../../test/support/postgres.ts";
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
    const dataFolder = await mkdtemp(join(tmpdir(), "fathom-bench-growth-"));
    try {
      rows.push(...(await measure(database, dataFolder, server && `${server.url}/postgres`, say)));
    } finally {
      await server?.remove();
      await rm(dataFolder, { recursive: true, force: true });
    }
  }
  return rows;
}

async function measure(
  database: GrowthRow["database"],
  dataFolder: string,
  databaseUrl: string | undefined,
  say: (line: string) => void,
): Promise<GrowthRow[]> {
  const config = join(dataFolder, "bench.config.json");
  await writeFile(config, JSON.stringify({ databaseUrl }));
  const platform = lazyPlatform({ dataFolder, databaseUrl });
  const found = new Map<string, Record<number, number>>();
  try {
    const state = await platform.openState();
    const operationsAt = await prepare(await platform.open(), dataFolder);
    for (const [place, size] of sizes.entries()) {
      say(`${database}, ${size} models, versions of one, ledger entries and keys: written`);
      await fill(state, sizes[place - 1] ?? 0, size);
      say(`${database}, ${size}: measured`);
      const served = await startFathom(dataFolder, ["--config", config, "--log-level", "warn"]);
      try {
        for (const operation of [...(await operationsAt(size)), ...requests(served.address, size)]) {
          const times = found.get(operation.name) ?? {};
          found.set(operation.name, { ...times, [size]: await medianOf(operation) });
        }
      } finally {
        await served.stop();
      }
    }
  } finally {
    await platform.close();
  }
  return [...found].map(([operation, milliseconds]) => ({ database, operation, milliseconds }));
}

async function medianOf({ times, run }: Operation): Promise<number> {
  const taken: number[] = [];
  for (let turn = 0; turn < warmUps + times; turn++) {
    const started = performance.now();
    await run(turn);
    if (turn >= warmUps) taken.push(performance.now() - started);
  }
  return median(taken);
}
