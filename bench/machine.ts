import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** Every side may use all of the machine. */
export const machineThreads = os.availableParallelism();

/** Thread counts to try a peer at: 1, 2, 4 and so on, up to all. */
export const threadCounts = [
  ...Array.from({ length: 16 }, (_, i) => 2 ** i).filter((count) => count < machineThreads),
  machineThreads,
];

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly onnxruntime: string;
}

export function machine(): Machine {
  const manifest = path.join(import.meta.dirname, "../node_modules/onnxruntime-node/package.json");
  return {
    processor: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: machineThreads,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    onnxruntime: JSON.parse(readFileSync(manifest, "utf8")).version,
  };
}

export function machineText({ processor, cores, memoryGiB, system, node, onnxruntime }: Machine): string {
  return `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, ONNX Runtime ${onnxruntime}`;
}
