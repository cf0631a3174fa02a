/** Peak memory of a training process, for Fathom and for PyTorch: a process of its own for each row. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { machineThreads } from "../machine.ts";
import { startPytorch } from "./peers/peer.ts";
import type { Work } from "./work.ts";

export interface PeakMemory {
  readonly peakMiB: number;
  /** Null when PyTorch is absent or cannot do this work. */
  readonly peerPeakMiB: number | null;
}

export async function peakMemory(work: Work): Promise<PeakMemory> {
  const child = path.join(import.meta.dirname, "memory-child.js");
  const { model, batch } = work;
  const asked = JSON.stringify({ model, batch, threads: machineThreads });
  const { stdout } = await promisify(execFile)(process.execPath, [child, asked]);
  return { peakMiB: Number(stdout), peerPeakMiB: await peerPeak(work) };
}

async function peerPeak(work: Work): Promise<number | null> {
  const peer = await startPytorch();
  if ("absent" in peer) return null;
  try {
    await peer.step(work, machineThreads, 5);
    return peer.peakMiB();
  } catch {
    return null; // the table's other row says what PyTorch answered
  } finally {
    await peer.close();
  }
}
