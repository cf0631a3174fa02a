/** Runs ONNX graphs in a worker thread: the thread that traces models and serves requests never blocks. */
import { Worker } from "node:worker_threads";
import { PlatformError, type Provider } from "../../base/index.ts";
import { withNarrowSplits } from "../onnx/narrow-splits.ts";
import { type DataType, formatShape, mismatch, staticSize } from "../shape.ts";
import type { TypedArray } from "../tensor.ts";

/** A tensor with its values. */
export interface TensorValue {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

export interface RuntimeOptions {
  /**
   * Threads to work with; 2 by default. The results of a compiled training do not depend on it, except for a large step in one part
   * (`TrainingSpec.shards`), which differs by rounding; so may everything else that is run.
   */
  readonly threads?: number;
  /** What runs the graphs; the processor by default. Sessions of another one are refused when ONNX Runtime does not have it. */
  readonly provider?: Provider;
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
  /** Its number in the worker. */
  readonly id: number;
  run<Fetch extends string>(options: RunOptions<Fetch>): Promise<RunResult<Fetch>>;
  release(): Promise<void>;
}

/** One worker's part of several training steps; `training/sharded.ts` says what they are. */
export interface ShardRun {
  readonly gradient: Session;
  readonly update: Session;
  /** What each of the two graphs reads. */
  readonly inputs: { readonly gradient: readonly string[]; readonly update: readonly string[] };
  readonly slots: Readonly<Record<string, string>>;
  /** Inputs of `update` whose next value it answers as `next_...`, `parameters` first. */
  readonly carried: readonly string[];
  /** Those that this worker's slots hold whole when the call ends, beside `parameters`. */
  readonly mirrored: readonly string[];
  /** The shards of this worker, the number of all, and the workers that share them. */
  readonly ranks: readonly number[];
  readonly shards: number;
  readonly workers: number;
  /** The blocks of learned values that this worker moves, and the values of a block. */
  readonly blocks: readonly number[];
  readonly block: number;
  /** Samples of a shard, values of all parameters, those that are learned, and steps of this call. */
  readonly rows: number;
  readonly size: number;
  readonly learnedSize: number;
  readonly steps: number;
  /** By name, a value per step. */
  readonly settings: Readonly<Record<string, Float32Array>>;
  readonly seeds: Uint32Array;
  /** `[steps * shards * rows]`. */
  readonly indices: BigInt64Array;
  readonly weights: Float32Array;
  readonly shared: SharedTraining;
}

/** Memory of all workers of a training. */
export interface SharedTraining {
  /** float32 `[shards * size]`: every shard's gradient. */
  readonly gradients: SharedArrayBuffer;
  /** float32 `[shards * 2]`: every shard's loss and weight. */
  readonly totals: SharedArrayBuffer;
  /** float64, for every block the sum of squares of the gradient. */
  readonly squares: SharedArrayBuffer;
  /** float32, whole blocks: what travels from step to step, in the order of `carried`. */
  readonly carried: readonly SharedArrayBuffer[];
  /** float32, whole blocks: what the update reads for each learned value, by its input. */
  readonly perValue: Readonly<Record<string, SharedArrayBuffer>>;
  /** int32: how many have arrived, and whether one failed. */
  readonly meeting: SharedArrayBuffer;
}

export interface ShardRunResult {
  readonly losses: Float32Array;
  readonly gradientNorms: Float32Array;
  readonly milliseconds: number;
}

/** What one kind of operator took in one run of a graph. */
export interface OperatorTime {
  readonly operator: string;
  readonly calls: number;
  readonly microseconds: number;
}

export interface ProfileOptions {
  /** Values by input name; a text names a slot of the worker. */
  readonly feeds: Readonly<Record<string, TensorValue | string>>;
  /** Outputs to compute. */
  readonly fetch: readonly string[];
  /** Runs to observe; the first half of them only warms up. */
  readonly repeat: number;
  readonly threads: number;
}

/**
 * A worker thread with its sessions and slots. Whatever is asked of it after `close`, or of a session or slot that is gone, is rejected
 * with a PlatformError `RUNTIME_CLOSED`.
 */
export interface Runtime {
  readonly threads: number;
  /**
   * Other workers beside this one. They start when they are first asked for, and end with it.
   *
   * @throws PlatformError `RUNTIME_CLOSED` after `close`
   */
  peers(count: number): readonly Runtime[];
  /** @param options threads of one operator; those of the runtime when they are not named */
  load(model: Uint8Array, options?: { readonly threads?: number }): Promise<Session>;
  /** Is rejected with the code `SHARD_LEFT` where another worker's failure ended it. */
  runShards(run: ShardRun): Promise<ShardRunResult>;
  /** Runs a graph under observation; answers each kind of operator in one run, the costliest first. */
  profile(model: Uint8Array, options: ProfileOptions): Promise<readonly OperatorTime[]>;
  /** A name for a slot that nothing else in this worker uses. */
  slot(name: string): string;
  /** Stores a value in the worker. The value's memory moves there and is empty afterwards, unless `copy` is asked for. */
  put(slot: string, value: TensorValue, options?: { readonly copy?: boolean }): Promise<void>;
  get(slot: string): Promise<TensorValue>;
  drop(...slots: string[]): Promise<void>;
  /** Ends the worker. Whatever is still under way is rejected, and so is everything that is asked afterwards. */
  close(): Promise<void>;
}

/** What the worker says of a call. */
interface Answer {
  readonly id: number;
  readonly result: never;
  readonly error?: string;
  /** `RUNTIME_CLOSED` of what is gone, `SHARD_LEFT` of a shard that another one's failure ended. */
  readonly code?: string;
}

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** Starts a worker. It ends with `close`, and does not keep the process alive while it is idle. */
export function createRuntime({ threads = 2, provider = "cpu" }: RuntimeOptions = {}): Runtime {
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const workerData = { threads, provider, stop };
  const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData });
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const waiting = new Map<number, Waiting>();
  const peers: Runtime[] = [];
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
  worker.on("message", ({ id, result, error, code }: Answer) => {
    const call = settle(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(failure(`ONNX Runtime: ${error}`, code));
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
    threads,
    peers: (count) => {
      if (ended) throw ended;
      while (peers.length < count) peers.push(createRuntime({ threads, provider }));
      return peers.slice(0, count);
    },
    runShards: ({ gradient, update, ...run }) =>
      call("runShards", { ...run, gradient: gradient.id, update: update.id }),
    profile: (model, options) => call("profile", { model: suited(model, provider), ...options }),
    async load(model, options = {}) {
      const session = next++;
      await call("load", { session, model: suited(model, provider), ...options }).catch((error: Error) => {
        throw provider === "cpu" ? error : providerUnavailable(provider, error);
      });
      return {
        id: session,
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
      end(closed("ONNX Runtime's worker was closed"));
      // A thread that is ended inside ONNX Runtime takes the whole process with it, so it ends by itself after the call that it is in.
      Atomics.store(stop, 0, 1);
      worker.postMessage({ action: "close" });
      worker.ref();
      await Promise.all([exited, ...peers.map((peer) => peer.close())]);
    },
  };
}

/** A model as a provider can run it. */
function suited(model: Uint8Array, provider: Provider): Uint8Array {
  return provider === "webgpu" ? withNarrowSplits(model) : model;
}

/** A failure in the worker, with the code that it has there. */
function failure(message: string, code: string | undefined): Error {
  if (code === "RUNTIME_CLOSED") return closed(message);
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

/** The caller asks for what it has given up. */
function closed(message: string): PlatformError {
  return new PlatformError("conflict", "RUNTIME_CLOSED", message);
}

function providerUnavailable(provider: Provider, cause: Error): PlatformError {
  const message = `provider ${provider}: expected ONNX Runtime to have it, received: ${cause.message.split("\n")[0]}`;
  return new PlatformError("unavailable", "PROVIDER_UNAVAILABLE", message, { cause });
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
