/** One worker thread with its sessions: calls go in, answers come out, and when it ends everything under way is rejected. */
import { Worker } from "node:worker_threads";
import type { TensorData } from "./datatypes.ts";

/** A batch as the thread runs it. */
export interface BatchRun {
  readonly session: number;
  readonly inputs: readonly {
    readonly name: string;
    /** ONNX Runtime's name of the element type. */
    readonly type: string;
    readonly shape: readonly number[];
    readonly data: TensorData;
  }[];
  readonly outputs: readonly string[];
}

export interface BatchResult {
  /** In the order of `outputs`. */
  readonly values: readonly { readonly shape: readonly number[]; readonly data: TensorData }[];
  /** Inside ONNX Runtime. */
  readonly milliseconds: number;
}

/** The thread ended, whatever it was doing. */
export class ThreadEnded extends Error {}

export interface WorkerThread {
  load(session: number, model: Uint8Array, threads: number): Promise<void>;
  /** Moves the memory of every input to the thread. */
  run(batch: BatchRun): Promise<BatchResult>;
  release(session: number): Promise<void>;
  /** Ends the thread after what it is doing. */
  close(): Promise<void>;
}

/** @param onEnd called once when the thread has ended without being asked to */
export function startWorkerThread(onEnd: (reason: ThreadEnded) => void): WorkerThread {
  const worker = new Worker(new URL("./worker.js", import.meta.url));
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  let next = 0;
  let ended: ThreadEnded | null = null;
  let closing = false;

  const end = (reason: ThreadEnded) => {
    if (ended !== null) return;
    ended = reason;
    for (const call of waiting.values()) call.reject(reason);
    waiting.clear();
    if (!closing) onEnd(reason);
  };
  worker.on("message", ({ id, result, error }: { id: number; result: never; error?: string }) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error));
  });
  worker.on("error", (error) =>
    end(new ThreadEnded(`an inference thread failed: ${error.message}`, { cause: error })),
  );
  worker.on("exit", (code) => end(new ThreadEnded(`an inference thread ended with status ${code}`)));
  worker.unref(); // a server that listens keeps the process alive, not its idle threads

  const call = <Result>(action: string, args: unknown, transfer: ArrayBuffer[] = []): Promise<Result> =>
    new Promise<Result>((resolve, reject) => {
      if (ended !== null) return reject(ended);
      const id = next++;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, action, args }, transfer);
    });

  return {
    load: (session, model, threads) => call("load", { session, model, threads }),
    run: (batch) => call("run", batch, memoryOf(batch)),
    release: (session) => call("release", { session }),
    async close() {
      closing = true;
      worker.ref();
      // It ends by itself: a thread that is ended inside ONNX Runtime takes the whole process with it.
      worker.postMessage({ action: "close" });
      await exited;
    },
  };
}

function memoryOf({ inputs }: BatchRun): ArrayBuffer[] {
  const memory = new Set<ArrayBuffer>();
  for (const { data } of inputs) if (ArrayBuffer.isView(data)) memory.add(data.buffer as ArrayBuffer);
  return [...memory];
}
