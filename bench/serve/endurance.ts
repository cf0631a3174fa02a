/** A server under everything that clients do, for a long time: it must not grow. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { calendarDate, dayMs } from "../../src/base/index.ts";
import { median } from "../engine/measure.ts";
import { requestBody, writeServedModel } from "./model.ts";
import { processFacts, startFathom } from "./server.ts";

export interface Endurance {
  readonly seconds: number;
  readonly requests: number;
  /** Asked for one after the other and followed to their end. */
  readonly jobs: number;
  readonly unexpected: number;
  /** Medians of the first and the last sixth after the warm-up. */
  readonly residentMiB: readonly [number, number];
  readonly descriptors: readonly [number, number];
  readonly threads: readonly [number, number];
}

/** The same on a data folder of its own. */
export async function benchEndurance(minutes: number): Promise<Endurance> {
  const dataFolder = await mkdtemp(path.join(tmpdir(), "fathom-bench-endurance-"));
  try {
    await mkdir(path.join(dataFolder, "models"));
    await writeServedModel(path.join(dataFolder, "models", "lstm.onnx"));
    return await endure(dataFolder, minutes * 60);
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
}

/** Everything that clients do, right and wrong, for a long time; the server must not grow. */
export async function endure(dataFolder: string, seconds: number): Promise<Endurance> {
  const server = await startFathom(dataFolder, ["--log-level", "warn"]);
  const body = requestBody();
  const post = (input: unknown): RequestInit => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(input),
  });
  await writeFile(path.join(dataFolder, "prices.csv"), pricesOfThree());
  const optimize = post({ prices: "prices.csv" });
  const kinds: readonly (readonly [string, RequestInit, number])[] = [
    ["/v2/models/lstm/infer", { method: "POST", body }, 200],
    ["/v2/models/lstm/infer", { method: "POST", body: body.slice(0, 500) }, 400],
    ["/v2/models/nothing/infer", { method: "POST", body }, 404],
    ["/v2/models/lstm", {}, 200],
    ["/healthz", {}, 200],
    ["/metrics", {}, 200],
    ["/nowhere", {}, 404],
    ["/v1/portfolio/optimize", optimize, 200],
    ["/v1/portfolio/optimize", post({ prices: 7 }), 400],
    ["/v1/jobs/list", post({ limit: 10 }), 200],
    ["/v1/registry/list", post({}), 200],
  ];
  let requests = 0;
  let unexpected = 0;
  let going = true;
  const clients = Array.from({ length: 16 }, async (_, client) => {
    for (let turn = client; going; turn++) {
      // Three of four requests are inferences.
      const [url, options, status] = kinds[turn % 4 === 0 ? Math.floor(turn / 4) % kinds.length : 0];
      const answer = await fetch(server.address + url, options);
      await answer.arrayBuffer();
      requests++;
      if (answer.status !== status) unexpected++;
    }
  });
  let jobs = 0;
  const asker = (async () => {
    for (; going; await sleep(1000)) {
      const accepted = await fetch(`${server.address}/v1/portfolio/optimize?mode=job`, optimize);
      const { task } = (await accepted.json()) as { task: { href: string } };
      let status = "queued";
      while (going && (status === "queued" || status === "running")) {
        await sleep(100);
        const answer = await fetch(server.address + task.href);
        status = ((await answer.json()) as { task: { status: string } }).task.status;
      }
      if (accepted.status !== 202 || (going && status !== "done")) unexpected++;
      jobs++;
    }
  })();
  const facts = [];
  for (let second = 0; second < seconds; second++) {
    await sleep(1000);
    facts.push(processFacts(server.pid));
  }
  going = false;
  await Promise.all([...clients, asker]);
  await server.stop();
  const warm = facts.slice(Math.floor(seconds / 3));
  const part = Math.max(1, Math.floor(warm.length / 6));
  const ends = (name: "residentMiB" | "descriptors" | "threads") =>
    [warm.slice(0, part), warm.slice(-part)].map((some) => median(some.map((one) => one[name]))) as [
      number,
      number,
    ];
  return {
    seconds,
    requests,
    jobs,
    unexpected,
    residentMiB: ends("residentMiB"),
    descriptors: ends("descriptors"),
    threads: ends("threads"),
  };
}

/** A year of closes of three assets, as a CSV file. */
function pricesOfThree(): string {
  const rows = Array.from({ length: 252 }, (_, day) => {
    const closes = [0, 1, 2].map(
      (asset) => 100 * Math.exp(0.0004 * day + 0.05 * Math.sin(day * (0.1 + 0.07 * asset))),
    );
    return [calendarDate(Date.UTC(2024, 0, 1) + day * dayMs), ...closes].join(",");
  });
  return ["date,A,B,C", ...rows].join("\n");
}
