/** `npm run bench -- engine|data|jobs|serve`: a table for people, or with `--json` one document on standard output. */
import { benchData } from "./data/rows.ts";
import { compareEngine, type EngineComparison } from "./engine/compare.ts";
import { benchJobs } from "./jobs/rows.ts";
import { type Machine, machine } from "./machine.ts";
import { benchServe, type ServeComparison } from "./serve/rows.ts";
import { table } from "./table.ts";

interface Options {
  readonly json: boolean;
  /** Part of the name of the rows to run; empty for all. */
  readonly only: string;
  /** Of mixed load, for `serve`. */
  readonly minutes: number;
}

export async function main(
  name: "engine" | "data" | "jobs" | "serve",
  { json, only, minutes }: Options,
): Promise<void> {
  const facts = machine();
  const say = (line: string) => process.stderr.write(`bench: ${line}\n`);
  if (name === "engine") {
    const comparison = await compareEngine(only, say);
    print(json, { machine: facts, ...comparison }, () => engineText(facts, comparison));
  } else if (name === "jobs") {
    const rows = await benchJobs(say);
    print(json, { machine: facts, rows }, () =>
      [
        machineText(facts),
        table(
          ["database", "workers", "jobs in the past", "jobs", "accepted/s", "done/s"],
          rows.map((row) => [
            row.database,
            String(row.workers),
            row.past.toLocaleString("en"),
            row.jobs.toLocaleString("en"),
            row.acceptedPerSecond.toFixed(0),
            row.donePerSecond.toFixed(0),
          ]),
        ),
      ].join("\n\n"),
    );
  } else if (name === "serve") {
    const comparison = await benchServe(minutes, say);
    print(json, { machine: facts, ...comparison }, () => serveText(facts, comparison));
  } else {
    say("0.25, 1 and 4 million OHLCV rows from CSV: read, clean, window");
    const rows = await benchData();
    print(json, { machine: facts, rows }, () =>
      [
        machineText(facts),
        table(
          ["rows", "seconds", "microseconds per row", "peak MiB"],
          rows.map(({ rows: count, seconds, peakMiB }) => [
            count.toLocaleString("en"),
            seconds.toFixed(2),
            ((seconds / count) * 1e6).toFixed(2),
            peakMiB.toFixed(0),
          ]),
        ),
      ].join("\n\n"),
    );
  }
}

function print(json: boolean, document: unknown, text: () => string): void {
  process.stdout.write(`${json ? JSON.stringify(document, null, 2) : text()}\n`);
}

function engineText(facts: Machine, { product, peers, rows }: EngineComparison): string {
  const peerLines = peers.map(({ name, version, blas, matmulGflops, warning }) => {
    const rate = matmulGflops === null ? "" : `, its own product ${matmulGflops.toFixed(0)} GFLOP/s`;
    const known = version === null ? "" : ` ${version} (${blas}${rate})`;
    return `${name}${known}${warning === null ? "" : `\n  WARNING ${warning}`}`;
  });
  const head = [
    "work",
    "Fathom ms",
    "GFLOP/s",
    "of product",
    "peer",
    "peer ms",
    "threads",
    "ratio",
    "peer / Fathom",
  ];
  const dash = (value: number | null, digits: number) => (value === null ? "-" : value.toFixed(digits));
  const body = rows.map((row) => [
    row.name,
    row.milliseconds.toFixed(2),
    row.gflops.toFixed(1),
    `${(100 * row.shareOfProductRate).toFixed(0)} %`,
    `${row.peer}${row.note === null ? "" : " *"}`,
    dash(row.peerMilliseconds, 2),
    dash(row.peerThreads, 0),
    dash(row.ratio, 3),
    row.ratio === null ? "-" : `${(1 / row.ratio).toFixed(1)} x`,
  ]);
  const built = rows
    .filter(({ peer }) => peer === "pytorch")
    .map((row) => [
      row.name,
      row.buildMilliseconds.toFixed(0),
      dash(row.peakMiB, 0),
      dash(row.peerPeakMiB, 0),
      row.peakMiB === null || row.peerPeakMiB === null ? "-" : (row.peakMiB / row.peerPeakMiB).toFixed(2),
    ]);
  const notes = new Set(rows.flatMap(({ peer, note }) => (note === null ? [] : [`* ${peer}: ${note}`])));
  return [
    machineText(facts),
    `float32 matrix product, n = ${product.n}, ${product.threads} threads: ${product.gflops.toFixed(0)} GFLOP/s`,
    ...peerLines,
    "",
    table(head, body),
    "",
    "Medians of interleaved runs; ratio is Fathom / peer, below 1 when Fathom is faster.",
    ...summary(rows),
    ...notes,
    "",
    table(["work", "build ms", "peak MiB", "PyTorch MiB", "ratio"], built),
    "",
    "Build: tracing, compiling and loading the graph, once. Peak: a training process of its own, Node.js or Python included.",
  ].join("\n");
}

function serveText(facts: Machine, comparison: ServeComparison): string {
  const { inference, peer, ratio, training, coldStartMs, endurance } = comparison;
  const row = (name: string, one: ServeComparison["inference"]) => [
    name,
    one.requestsPerSecond.toFixed(0),
    one.p50.toFixed(0),
    one.p99.toFixed(0),
    String(one.errors),
  ];
  const rows = [
    row("inference, 64 connections", inference),
    ...("absent" in peer ? [] : [row("FastAPI + PyTorch, the same", peer)]),
    row("inference while a training runs", training.inference),
    row("/healthz meanwhile, 50 requests/s", training.health),
  ];
  const change = ([before, after]: readonly [number, number], digits = 0) =>
    `${before.toFixed(digits)} -> ${after.toFixed(digits)}`;
  return [
    machineText(facts),
    "LSTM of 60 steps, 16 features, 128 units; one sample of 960 numbers as JSON; client on the same cores",
    "",
    table(["what", "requests/s", "p50 ms", "p99 ms", "errors"], rows),
    "",
    "absent" in peer
      ? `FastAPI: absent: ${peer.absent}`
      : `Fathom / FastAPI: ${ratio?.toFixed(1)} x (${peer.versions}; ${peer.threads} threads, batches up to ${peer.batch}, the best of its settings)`,
    `Event-loop delay while a training runs, p99: ${training.eventLoopDelayP99.toFixed(1)} ms`,
    `Cold start to ready with a model, median of 3: ${coldStartMs.toFixed(0)} ms`,
    ...(endurance === null
      ? []
      : [
          `Mixed load, ${endurance.seconds} s, ${endurance.requests} requests, ${endurance.unexpected} with an unexpected status:`,
          `  resident MiB ${change(endurance.residentMiB, 1)}, descriptors ${change(endurance.descriptors)}, threads ${change(endurance.threads)}`,
        ]),
  ].join("\n");
}

/** Training against PyTorch in one number, and the smallest lead over tfjs. */
function summary(rows: EngineComparison["rows"]): string[] {
  const ratios = (task: string, name: string) =>
    rows.flatMap(({ name: work, peer, ratio }) =>
      work.includes(task) && peer === name && ratio !== null ? [ratio] : [],
    );
  const line = (what: string, values: readonly number[]) => {
    if (values.length === 0) return [];
    const mean = Math.exp(values.reduce((total, ratio) => total + Math.log(ratio), 0) / values.length);
    return [
      `${what}: geometric mean of ${values.length} ratios ${mean.toFixed(2)}, largest ${Math.max(...values).toFixed(2)}`,
    ];
  };
  return [
    ...line("Training against pytorch", ratios("training", "pytorch")),
    ...line("One sample against pytorch", ratios("forward", "pytorch")),
    ...line("Training against tfjs-wasm", ratios("training", "tfjs-wasm")),
  ];
}

function machineText({ processor, cores, memoryGiB, system, node, onnxruntime }: Machine): string {
  return `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, ONNX Runtime ${onnxruntime}`;
}
