/** A peer runs in a process of its own and speaks JSON lines: a greeting, then one answer for each request. */
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { threadCounts } from "../../machine.ts";
import type { PeerName, Work } from "../work.ts";

export interface Peer {
  readonly name: PeerName;
  readonly version: string;
  /** What does its matrix products. */
  readonly blas: string;
  /** Its own rate for a float32 product of n = 1024 on all threads, where it measures it. */
  readonly matmulGflops: number | null;
  /** Thread counts worth trying; the best one counts. */
  readonly threadCounts: readonly number[];
  /** Milliseconds of each repetition. @throws Error with the peer's own words, such as those on a missing kernel */
  step(work: Work, threads: number, repetitions: number): Promise<number[]>;
  /** The most memory that its process has had; null before the first step, and for a peer that does not say. */
  peakMiB(): number | null;
  close(): Promise<void>;
}

/** A peer, or why there is none. */
export type PeerOrAbsence = Peer | { readonly name: PeerName; readonly absent: string };

const here = import.meta.dirname;

/** PyTorch through the system's Python, as installed by `apt-get install python3-torch libopenblas0-pthread`. */
export async function startPytorch(): Promise<PeerOrAbsence> {
  const reasons: string[] = [];
  for (const python of ["/usr/bin/python3", "python3"]) {
    try {
      return await start("pytorch", python, path.join(here, "pytorch.py"), threadCounts);
    } catch (error) {
      reasons.push(`${python}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return { name: "pytorch", absent: reasons.join("; ") };
}

/** TensorFlow.js on its WebAssembly backend, from bench/node_modules. */
export async function startTfjs(): Promise<PeerOrAbsence> {
  try {
    return await start("tfjs-wasm", process.execPath, path.join(here, "tfjs.js"), [1]);
  } catch (error) {
    return { name: "tfjs-wasm", absent: error instanceof Error ? error.message : String(error) };
  }
}

async function start(
  name: PeerName,
  program: string,
  script: string,
  counts: readonly number[],
): Promise<Peer> {
  const child = spawn(program, [script, String(counts.at(-1))], { stdio: ["pipe", "pipe", "pipe"] });
  const reader = new Answers(child);
  const { version, blas, matmulGflops } = (await reader.next()) as {
    version: string;
    blas: string;
    matmulGflops?: number;
  };
  let peakMiB: number | null = null;
  return {
    name,
    version,
    blas,
    matmulGflops: matmulGflops ?? null,
    threadCounts: counts,
    async step(work, threads, repetitions) {
      child.stdin.write(`${JSON.stringify({ work, threads, repetitions })}\n`);
      const answer = (await reader.next()) as
        | { milliseconds: number[]; peakMiB?: number }
        | { error: string };
      if ("error" in answer) throw new Error(answer.error);
      peakMiB = answer.peakMiB ?? null;
      return answer.milliseconds;
    },
    peakMiB: () => peakMiB,
    async close() {
      child.stdin.end();
      await reader.ended;
    },
  };
}

/** The lines of a child's standard output, in order; its last words on standard error explain why they end. */
class Answers {
  readonly ended: Promise<void>;
  private readonly lines: AsyncIterator<string>;
  private lastWords = "";
  private failure: Error | null = null;

  constructor(child: ChildProcess) {
    this.lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    child.stderr!.on("data", (part) => {
      this.lastWords = (this.lastWords + part).slice(-2000);
    });
    child.stdin!.on("error", () => {}); // a peer that died says why through its last words
    this.ended = new Promise((resolve) => {
      child.on("error", (error) => {
        this.failure = error;
        resolve();
      });
      child.on("close", () => resolve());
    });
  }

  async next(): Promise<unknown> {
    const { value, done } = await this.lines.next();
    if (!done) return JSON.parse(value);
    await this.ended;
    if (this.failure) throw this.failure;
    throw new Error(this.lastWords.trim().split("\n").at(-1) || "ended without an answer");
  }
}
