/** The comparison of the engine as tables for people. */
import { table } from "../table.ts";
import type { EngineComparison } from "./compare.ts";

export function engineText({ product, peers, rows }: EngineComparison): string {
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
