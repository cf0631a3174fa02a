/** Runs ONNX graphs in a worker thread: the thread that traces models and serves requests never blocks. */
import { Worker } from "node:worker_threads";
import { type DataType, formatShape, mismatch, staticSize } from "../shape.ts";
import type { TypedArray } from "../tensor.ts";

/** A tensor with its values. */
export interface TensorValue {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

export interface RuntimeOptions {
  /** Threads of one operator; 2 by default. The results do not depend on it for training graphs of one size. */
  readonly threads?: number;
}

export interface RunOptions<Fetch extends string> {
  /** Values by input name; a text names a slot of the worker. */
  readonly feeds: Readonly<Record<string, TensorValue | string>>;
  /** Outputs that stay in the worker: the slot to keep each in. */
  readonly keep?: Readonly<Record<string, string>>;
  /** Outputs to send back. */
  readonly fetch: readonly Fetch[];
  /** Runs the same feeds several times and reports each duration; for benchmarks. */
  readonly repeat?: number;
}

export interface RunResult<Fetch extends string> {
  readonly outputs: Readonly<Record<Fetch, TensorValue>>;
  /** Duration of each repetition inside the worker. */
  readonly milliseconds: readonly number[];
}

/** A graph that ONNX Runtime has loaded. */
export interface Session {
  run<Fetch extends string>(options: RunOptions<Fetch>): Promise<RunResult<Fetch>>;
  release(): Promise<void>;
}

/** A worker thread with its sessions and slots. */
export interface Runtime {
  load(model: Uint8Array, options?: Readonly<Record<string, unknown>>): Promise<Session>;
  /** A name for a slot that nothing else in this worker uses. */
  slot(name: string): string;
  /** Stores a value in the worker. The value's memory moves there and is empty afterwards, unless `copy` is asked for. */
  put(slot: string, value: TensorValue, options?: { readonly copy?: boolean }): Promise<void>;
  get(slot: string): Promise<TensorValue>;
  drop(...slots: string[]): Promise<void>;
  /** Ends the worker. Whatever is still under way is rejected, and so is everything that is asked afterwards. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** Starts a worker. It ends with `close`, and does not keep the process alive while it is idle. */
export function createRuntime({ threads = 2 }: RuntimeOptions = {}): Runtime {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: { threads } });
  const waiting = new Map<number, Waiting>();
  let next = 0;
  /** Why nothing more can be asked of the worker. */
  let ended: Error | null = null;

  const settle = (id: number): Waiting | undefined => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    return call;
  };
  const end = (reason: Error): void => {
    ended ??= reason;
    for (const call of waiting.values()) call.reject(ended);
    waiting.clear();
  };
  worker.on("message", ({ id, result, error }: { id: number; result: never; error?: string }) => {
    const call = settle(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(`ONNX Runtime: ${error}`));
  });
  worker.on("error", (error) =>
    end(new Error(`ONNX Runtime's worker failed: ${error.message}`, { cause: error })),
  );
  worker.on("exit", (code) => end(new Error(`ONNX Runtime's worker ended with status ${code}`)));
  worker.unref();

  const call = async <Result>(
    action: string,
    args: unknown,
    transfer: ArrayBuffer[] = [],
  ): Promise<Result> => {
    if (ended) throw ended;
    const id = next++;
    return await new Promise<Result>((resolve, reject) => {
      worker.postMessage({ id, action, args }, transfer);
      waiting.set(id, { resolve, reject });
      worker.ref();
    });
  };

  return {
    async load(model, options = {}) {
      const session = next++;
      await call("load", { session, model, options });
      return {
        run: async ({ feeds, keep = {}, fetch, repeat = 1 }) => {
          for (const [name, value] of Object.entries(feeds))
            if (typeof value !== "string") requireWhole(name, value);
          return await call("run", { session, feeds, keep, fetch, repeat });
        },
        release: () => call("release", { session }),
      };
    },
    slot: (name) => `${name}#${next++}`,
    async put(slot, value, { copy = false } = {}) {
      requireWhole(slot, value);
      await call("put", { slot, value }, copy ? [] : [value.data.buffer as ArrayBuffer]);
    },
    get: (slot) => call("get", { slot }),
    drop: (...names) => call("drop", { names }),
    async close() {
      end(new Error("ONNX Runtime's worker was closed"));
      await worker.terminate();
    },
  };
}

/** A value whose memory has moved to a worker is empty, and posting it again would be answered by silence. */
function requireWhole(name: string, { shape, data }: TensorValue): void {
  const size = staticSize(shape);
  if (data.length !== size) {
    throw mismatch(
      `${name}: expected ${size} values for shape ${formatShape(shape)}, received ${data.length}`,
    );
  }
}
