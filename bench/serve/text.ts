/** What serving took, as tables for people. */
import { table } from "../table.ts";
import type { Endurance } from "./endurance.ts";
import type { Peer, ServeComparison } from "./rows.ts";

const peerName = ({ batch }: Peer) =>
  `FastAPI + PyTorch, ${batch === 1 ? "a request at a time" : "hand-written batches"}`;

export function serveText(comparison: ServeComparison): string {
  const { inference, peers, training, coldStartMs, endurance } = comparison;
  const row = (name: string, one: ServeComparison["inference"]) => [
    name,
    one.requestsPerSecond.toFixed(0),
    one.p50.toFixed(0),
    one.p99.toFixed(0),
    String(one.errors),
  ];
  const rows = [
    row("inference, 64 connections", inference),
    ...("absent" in peers ? [] : peers.map((peer) => row(peerName(peer), peer))),
    row("inference while a training runs", training.inference),
    row("/healthz meanwhile, 50 requests/s", training.health),
  ];
  return [
    "LSTM of 60 steps, 16 features, 128 units; one sample of 960 numbers as JSON; client on the same cores",
    "",
    table(["what", "requests/s", "p50 ms", "p99 ms", "errors"], rows),
    "",
    "absent" in peers ? `FastAPI: absent: ${peers.absent}` : ratioText(peers),
    `Event-loop delay while a training runs, p99: ${training.eventLoopDelayP99.toFixed(1)} ms`,
    `Cold start to ready with a model, median of 3: ${coldStartMs.toFixed(0)} ms`,
    ...(endurance === null ? [] : [enduranceText(endurance)]),
  ].join("\n");
}

export function enduranceText(endurance: Endurance): string {
  const { seconds, requests, jobs, unexpected, residentMiB, descriptors, threads } = endurance;
  const change = ([before, after]: readonly [number, number], digits = 0) =>
    `${before.toFixed(digits)} -> ${after.toFixed(digits)}`;
  return [
    `Mixed load, ${seconds} s: ${requests} requests, ${jobs} jobs one after the other, ${unexpected} with an unexpected answer`,
    `  resident MiB ${change(residentMiB, 1)}, descriptors ${change(descriptors)}, threads ${change(threads)}`,
  ].join("\n");
}

function ratioText(peers: readonly Peer[]): string {
  const ratios = peers.map(
    (peer) =>
      `${peer.ratio.toFixed(1)} x ${peerName(peer)} (${peer.threads} thread${peer.threads > 1 ? "s" : ""})`,
  );
  return `Fathom: ${ratios.join(", ")}; each at its better number of threads; ${peers[0].versions}`;
}
