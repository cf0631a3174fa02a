/** Serving under load: alone, beside the peer, beside a training, and for a long time. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { setPriority, tmpdir } from "node:os";
import path from "node:path";
import { median } from "../engine/measure.ts";
import { type Endurance, endure } from "./endurance.ts";
import { fire, type Load } from "./load.ts";
import { requestBody, writeServedModel } from "./model.ts";
import { type PeerServer, type PeerSettings, type Server, startFastApi, startFathom } from "./server.ts";

const connections = 64;
const rounds = 3;
const roundSeconds = 5;
const warmUpSeconds = 3;

export interface ServeComparison {
  readonly inference: Load;
  /** One for each way that such servers are written, at its best number of threads. */
  readonly peers: readonly Peer[] | { readonly absent: string };
  readonly training: {
    readonly inference: Load;
    readonly health: Load;
    /** Of the server's event loop, in milliseconds. */
    readonly eventLoopDelayP99: number;
  };
  readonly coldStartMs: number;
  readonly endurance: Endurance | null;
}

export interface Peer extends Load, PeerSettings {
  readonly versions: string;
  /** Fathom's rate over the peer's. */
  readonly ratio: number;
}

/**
 * @param minutes of mixed load; 0 leaves it out
 * @param say one line of progress
 */
export async function benchServe(minutes: number, say: (line: string) => void): Promise<ServeComparison> {
  const dataFolder = await mkdtemp(path.join(tmpdir(), "fathom-bench-serve-"));
  try {
    await mkdir(path.join(dataFolder, "models"));
    await writeServedModel(path.join(dataFolder, "models", "lstm.onnx"));
    const { inference, peers } = await besidePeers(dataFolder, say);
    say("cold start");
    const coldStartMs = await coldStart(dataFolder);
    say("inference while a training runs");
    const training = await besideTraining(dataFolder);
    if (minutes > 0) say(`mixed load for ${minutes} minutes`);
    const endurance = minutes > 0 ? await endure(dataFolder, minutes * 60) : null;
    return { inference, peers, training, coldStartMs, endurance };
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
}

/** All in turns, so that whatever else the machine does in a minute hits all. Only one of them has load at a time. */
async function besidePeers(
  dataFolder: string,
  say: (line: string) => void,
): Promise<Pick<ServeComparison, "inference" | "peers">> {
  say("the peer's settings");
  const settings = await bestSettings(say);
  const chosen = "absent" in settings ? [] : settings;
  const servers: Server[] = [await startFathom(dataFolder)];
  try {
    const others: PeerServer[] = [];
    for (const one of chosen) {
      const server = await startFastApi(one);
      servers.push(server);
      others.push(server);
    }
    for (const server of servers) await load(server, warmUpSeconds);
    const loads = servers.map((): Load[] => []);
    for (let round = 0; round < rounds; round++) {
      say(`inference, round ${round + 1} of ${rounds}`);
      for (const [place, server] of servers.entries()) loads[place].push(await load(server, roundSeconds));
    }
    const [inference, ...theirs] = loads.map(middle);
    const peers = theirs.map((one, place) => ({
      ...chosen[place],
      ...one,
      versions: others[place].versions,
      ratio: inference.requestsPerSecond / one.requestsPerSecond,
    }));
    return { inference, peers: "absent" in settings ? settings : peers };
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** All that wait together, as takes a queue of one's own, and a request at a time, as such servers usually are. */
const batches = [64, 1];

/** For each size of batches, one thread or two: whatever answers most. */
async function bestSettings(
  say: (line: string) => void,
): Promise<PeerSettings[] | { readonly absent: string }> {
  const chosen: PeerSettings[] = [];
  for (const batch of batches) {
    const rates: number[] = [];
    for (const threads of [1, 2]) {
      let server: Server;
      try {
        server = await startFastApi({ threads, batch });
      } catch (error) {
        return { absent: error instanceof Error ? error.message : String(error) };
      }
      try {
        await load(server, 1);
        const { requestsPerSecond: rate } = await load(server, 2);
        say(`peer with ${threads} threads, batches up to ${batch}: ${rate.toFixed(0)} requests/s`);
        rates.push(rate);
      } finally {
        await server.stop();
      }
    }
    chosen.push({ threads: rates[1] > rates[0] ? 2 : 1, batch });
  }
  return chosen;
}

async function coldStart(dataFolder: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const server = await startFathom(dataFolder, [
      "--artifact",
      path.join(dataFolder, "models", "lstm.onnx"),
    ]);
    times.push(server.readyMs);
    await server.stop();
  }
  return median(times);
}

async function besideTraining(dataFolder: string): Promise<ServeComparison["training"]> {
  const server = await startFathom(dataFolder);
  const words = [
    "bin/fathom.js",
    "forecast",
    "train",
    "--data",
    "simulated",
    "--hidden-size",
    "256",
    "--quiet",
  ];
  const training = spawn(process.execPath, [...words, "--data-folder", dataFolder], { stdio: "ignore" });
  const ended = once(training, "close");
  // As jobs run: behind whoever answers requests.
  setPriority(training.pid as number, 10);
  try {
    await load(server, warmUpSeconds);
    await eventLoopDelayP99(server); // begins anew with each reading
    const [inference, health] = await Promise.all([
      load(server, 2 * roundSeconds),
      fire({ url: `${server.address}/healthz`, connections: 1, seconds: 2 * roundSeconds, rate: 50 }),
    ]);
    if (training.exitCode !== null) throw new Error("the training ended before the measurement did");
    return { inference, health, eventLoopDelayP99: await eventLoopDelayP99(server) };
  } finally {
    training.kill("SIGKILL");
    await ended;
    await server.stop();
  }
}

async function eventLoopDelayP99(server: Server): Promise<number> {
  const metrics = await (await fetch(`${server.address}/metrics`)).text();
  const found = /^fathom_event_loop_delay_seconds\{quantile="0.99"\} (\S+)$/m.exec(metrics);
  if (found === null) throw new Error("the metrics say nothing of the event loop");
  return Number(found[1]) * 1000;
}

const load = (server: Server, seconds: number) =>
  fire({ url: `${server.address}/v2/models/lstm/infer`, connections, seconds, body: requestBody() });

/** The round of the middle rate; errors of all of them. */
function middle(loads: readonly Load[]): Load {
  const sorted = [...loads].sort((a, b) => a.requestsPerSecond - b.requestsPerSecond);
  const errors = loads.reduce((sum, one) => sum + one.errors, 0);
  return { ...sorted[Math.floor(sorted.length / 2)], errors };
}
