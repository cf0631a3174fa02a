/** `npm run test:faults`: every fault at full length, and the table that docs/reliability.md shows. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { forecastCapabilities } from "../../src/services/forecast/index.ts";
import { jobsCapabilities } from "../../src/services/jobs/index.ts";
import { modelCapabilities } from "../../src/services/model/index.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { jumpClock } from "./clock.ts";
import { type KillsResult, killAtRandom } from "./kills.ts";
import { sendMalformed } from "./malformed.ts";
import { fillDisk, type OutageResult, stopPostgres } from "./outages.ts";
import { serveHere } from "./served.ts";
import { crawl } from "./slow-clients.ts";
import { toys } from "./toys.ts";

interface Row {
  readonly fault: string;
  readonly observed: string;
  /** Undefined when the fault could not be made here. */
  readonly held: boolean | undefined;
}

export interface FaultOptions {
  readonly kills: number;
  readonly requests: number;
  readonly seed: number;
  /** Part of the name of the faults to make; empty for all. */
  readonly only: string;
}

/** @returns whether everything held */
export async function main({ kills, requests, seed, only }: FaultOptions): Promise<boolean> {
  const server = await startPostgres();
  const rows: Row[] = [];
  const run = async (fault: string, work: () => Promise<Omit<Row, "fault">>) => {
    if (!fault.includes(only)) return;
    process.stderr.write(`faults: ${fault}\n`);
    const row = { fault, ...(await work()) };
    process.stderr.write(`faults: ${row.observed}\n`); // a long run may be cut short
    rows.push(row);
  };
  const onServer = async <Result>(work: (url: string) => Promise<Result>): Promise<Result> => {
    if (server === null) throw new Error("npm has no PostgreSQL for this platform");
    const name = `faults_${rows.length}`;
    await administer(server, `create database ${name}`);
    try {
      return await work(`${server.url}/${name}`);
    } finally {
      await administer(server, `drop database ${name} with (force)`);
    }
  };
  try {
    if (server !== null)
      await run(`kill -9 of server and workers, ${kills} times, PostgreSQL`, () =>
        onServer(async (databaseUrl) => killsRow(await killAtRandom({ kills, databaseUrl, seed }))),
      );
    await run(`kill -9 of server and workers, ${kills} times, embedded database`, async () =>
      killsRow(await killAtRandom({ kills, seed })),
    );
    if (server !== null)
      await run("PostgreSQL stopped and started", async () => outageRow(await stopPostgres(server)));
    await run("disk full under the embedded database", async () => outageRow(await fillDisk()));
    await run("wall clock jumps by days, embedded database", async () => {
      const folder = await mkdtemp(join(tmpdir(), "fathom-clock-"));
      try {
        const { jobs, done, attempts, disordered } = await jumpClock({ folder, url: undefined }, 100);
        return {
          observed: `${done} of ${jobs} jobs done in ${attempts} attempts, ${disordered} with times out of order`,
          held: done === jobs && attempts === jobs && disordered === 0,
        };
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
    if (server !== null) {
      await run("200 slow clients", () =>
        onServer(async (databaseUrl) => {
          const served = await serveHere(toys, { databaseUrl });
          try {
            const { answered, asked, job, left } = await crawl(served, 200);
            return {
              observed: `${answered} of ${asked} other requests answered, job ${job}, ${left} connections left`,
              held: answered === asked && job === "done" && left <= 2,
            };
          } finally {
            await served.close();
          }
        }),
      );
      await run(`${requests.toLocaleString("en")} malformed requests`, () =>
        onServer(async (databaseUrl) => {
          const capabilities = [...toys, ...jobsCapabilities, ...modelCapabilities, ...forecastCapabilities];
          const served = await serveHere(capabilities, { databaseUrl, running: 0 });
          try {
            const result = await sendMalformed(served.app, served.address, { capabilities, requests, seed });
            for (const wrong of result.wrong.slice(0, 10)) process.stderr.write(`${wrong}\n`);
            const statuses = Object.entries(result.statuses).map(([status, count]) => `${count} x ${status}`);
            return {
              observed: `${statuses.join(", ")}; ${result.answered} of ${result.connections} raw connections answered, ${result.wrong.length} wrong answers`,
              held: result.wrong.length === 0 && result.isAlive,
            };
          } finally {
            await served.close();
          }
        }),
      );
    }
  } finally {
    await server?.remove();
  }
  process.stdout.write(`held     fault, and what was observed\n\n${rows.map(lines).join("\n")}\n`);
  return rows.every(({ held }) => held !== false);
}

const words = { true: "yes", false: "NO", undefined: "skipped" } as const;

/** A row as lines that fit a page. */
function lines({ fault, observed, held }: Row): string {
  const indent = " ".repeat(9);
  const broken = observed.replace(/(.{1,110})(?: |$)/g, `${indent}$1\n`).trimEnd();
  return `${words[`${held}`].padEnd(indent.length)}${fault}\n${broken}`;
}

function killsRow(result: KillsResult): Omit<Row, "fault"> {
  const { acknowledged, resent, lost, unfinished, doneTwice, duplicated, unrecorded, repeatedWork, seconds } =
    result;
  return {
    observed: `${acknowledged} jobs acknowledged (${resent} requests sent again): ${lost} lost, ${unfinished} not done, ${doneTwice} done twice, ${duplicated} duplicated, ${unrecorded} not in the ledger, which verifies; work repeated ${repeatedWork} times; ${seconds.toFixed(0)} s`,
    held: lost + unfinished + doneTwice + duplicated + unrecorded === 0,
  };
}

function outageRow(result: OutageResult | string): Omit<Row, "fault"> {
  if (typeof result === "string") return { observed: result, held: undefined };
  const { refused, isAlive, isSameProcess, acknowledged, after } = result;
  const done = acknowledged.filter((status) => status === "done").length;
  return {
    observed: `${refused.length} requests refused with ${[...new Set(refused)].join(", ")}; ${done} of ${acknowledged.length} acknowledged jobs done, next job ${after}; ${isSameProcess ? "same processes" : "a process ended"}`,
    held:
      refused.every((status) => status === 503) &&
      isAlive &&
      isSameProcess &&
      done === acknowledged.length &&
      after === "done",
  };
}

async function administer(server: PostgresServer, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${server.url}/postgres` });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
