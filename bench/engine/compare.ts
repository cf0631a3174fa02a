/** Runs the work list against the peers that this machine has. */
import { machineThreads } from "../machine.ts";
import { prepare } from "./fathom.ts";
import { measure, type Side, type Timing } from "./measure.ts";
import { peakMemory } from "./memory.ts";
import { type PeerOrAbsence, startPytorch, startTfjs } from "./peers/peer.ts";
import { productRate, productSize } from "./product-rate.ts";
import { type PeerName, type Work, workList } from "./work.ts";

export interface EngineRow {
  readonly name: string;
  readonly milliseconds: number;
  /** Tracing, compiling and loading the graph, once. */
  readonly buildMilliseconds: number;
  /** Of the work's matrix products, over its whole time. */
  readonly gflops: number;
  /** `gflops` as a fraction of the machine's own rate at one large product. */
  readonly shareOfProductRate: number;
  readonly peer: PeerName;
  /** Null when the peer is absent or cannot do this work; `note` says why. */
  readonly peerMilliseconds: number | null;
  readonly peerThreads: number | null;
  /** `milliseconds / peerMilliseconds`: below 1, Fathom is faster. */
  readonly ratio: number | null;
  readonly note: string | null;
  /** The most memory of a training process of its own, and of PyTorch's; null where it was not measured. */
  readonly peakMiB: number | null;
  readonly peerPeakMiB: number | null;
}

export interface PeerFacts {
  readonly name: PeerName;
  readonly version: string | null;
  readonly blas: string | null;
  readonly matmulGflops: number | null;
  /** Why the peer is not there, or why its times would flatter us. */
  readonly warning: string | null;
}

export interface EngineComparison {
  readonly product: { readonly n: number; readonly threads: number; readonly gflops: number };
  readonly peers: readonly PeerFacts[];
  readonly rows: readonly EngineRow[];
}

/** @param say one line of progress */
export async function compareEngine(only: string, say: (line: string) => void): Promise<EngineComparison> {
  say(`matrix product, n = ${productSize}`);
  const product = { n: productSize, threads: machineThreads, gflops: await productRate() };
  // One after the other: PyTorch measures its own product rate as it starts.
  const peers = [await startPytorch(), await startTfjs()];
  const facts = peers.map((peer) => factsOf(peer, product.gflops));
  for (const { name, warning } of facts) if (warning !== null) say(`warning: ${name}: ${warning}`);
  const rows: EngineRow[] = [];
  try {
    for (const work of workList.filter(({ name }) => name.toLowerCase().includes(only.toLowerCase()))) {
      say(work.name);
      const compared = await compareWork(work, peers, facts, product.gflops);
      const memory = work.task === "train" ? await peakMemory(work) : null;
      rows.push(...compared.map((row) => ({ ...row, ...(row.peer === "pytorch" ? memory : null) })));
    }
  } finally {
    for (const peer of peers) if (!("absent" in peer)) await peer.close();
  }
  return { product, peers: facts, rows };
}

async function compareWork(
  work: Work,
  peers: readonly PeerOrAbsence[],
  facts: readonly PeerFacts[],
  productGflops: number,
): Promise<EngineRow[]> {
  const ours = await prepare(work);
  try {
    const present = peers.filter((peer) => work.peers.includes(peer.name));
    const tried = await Promise.all(present.map((peer) => sidesOf(peer, work)));
    const timings = await measure([
      { label: "fathom", step: ours.step },
      ...tried.flatMap(({ sides }) => sides),
    ]);
    const { median: milliseconds } = timings[0];
    const gflops = ours.flop / (milliseconds * 1e6);
    return present.map((peer, i) => {
      const best = fastest(timings.filter(({ label }) => label.startsWith(`${peer.name} `)));
      return {
        name: work.name,
        milliseconds,
        buildMilliseconds: ours.buildMilliseconds,
        gflops,
        shareOfProductRate: gflops / productGflops,
        peer: peer.name,
        peerMilliseconds: best?.median ?? null,
        peerThreads: best ? Number(best.label.split(" ")[1]) : null,
        ratio: best ? milliseconds / best.median : null,
        peakMiB: null,
        peerPeakMiB: null,
        note: tried[i].failure ?? facts.find(({ name }) => name === peer.name)?.warning ?? null,
      };
    });
  } finally {
    await ours.close();
  }
}

/** One side for each thread count that the peer can do this work with. */
async function sidesOf(peer: PeerOrAbsence, work: Work): Promise<{ sides: Side[]; failure: string | null }> {
  if ("absent" in peer) return { sides: [], failure: null };
  try {
    await peer.step(work, peer.threadCounts[0], 1);
  } catch (error) {
    return { sides: [], failure: `absent: ${error instanceof Error ? error.message : error}` };
  }
  const sides = peer.threadCounts.map((threads) => ({
    label: `${peer.name} ${threads}`,
    step: (repetitions: number) => peer.step(work, threads, repetitions),
  }));
  return { sides, failure: null };
}

const fastest = (timings: readonly Timing[]) =>
  timings.reduce<Timing | null>(
    (best, timing) => (best && best.median <= timing.median ? best : timing),
    null,
  );

/**
 * The facts of a peer. A PyTorch without a fast BLAS is caught by its rate at one large product: Debian's reference BLAS
 * reaches about a hundredth of the machine, any optimised one well over a third.
 */
export function factsOf(peer: PeerOrAbsence, productGflops: number): PeerFacts {
  if ("absent" in peer)
    return {
      name: peer.name,
      version: null,
      blas: null,
      matmulGflops: null,
      warning: `absent: ${peer.absent}`,
    };
  const { name, version, blas, matmulGflops } = peer;
  const slow = matmulGflops !== null && matmulGflops < 0.2 * productGflops;
  const warning = slow
    ? `its matrix product reaches only ${matmulGflops.toFixed(1)} of ${productGflops.toFixed(0)} GFLOP/s (${blas}), so these ratios flatter Fathom; apt-get install libopenblas0-pthread`
    : null;
  return { name, version, blas, matmulGflops, warning };
}
