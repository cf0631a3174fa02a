/**
 * The requests that wait for one model, and which of them run together. It starts nothing itself: the pool asks it for a batch when
 * a thread is free.
 *
 * Waiting is adaptive. While a thread is busy, requests gather by themselves, and the next batch takes all of them. Where nobody came
 * together with the last request there is nobody to wait for, so a lone client is answered at once; only under load does a batch
 * that is not full yet wait for the window.
 */
import { interrupted, PlatformError } from "../../base/index.ts";
import { datatypes, type InferenceTensor, sizeOf, type TensorData } from "./datatypes.ts";
import type { BatchRun } from "./worker-thread.ts";

export interface QueueSettings {
  /** Rows that run together at most; a request of more rows runs alone. */
  readonly maxBatchRows: number;
  /** How long a batch under load waits for more requests; 0 takes what is there. */
  readonly windowMs: number;
  /** Requests that may wait. */
  readonly queueLimit: number;
  /** How long a request may wait and run. */
  readonly timeoutMs: number;
}

export interface QueuedRequest {
  readonly inputs: Readonly<Record<string, InferenceTensor>>;
  /** Names of the outputs to answer with. */
  readonly outputs: readonly string[];
  /** Fires when nobody wants the answer any more. */
  readonly signal?: AbortSignal | undefined;
}

/** What a request took, and with how many others it ran. */
export interface InferenceTiming {
  /** From its arrival to the start of its batch. */
  readonly queueMs: number;
  /** The batch inside ONNX Runtime. */
  readonly computeMs: number;
  readonly batchRows: number;
  readonly batchRequests: number;
}

export interface InferenceAnswer {
  readonly outputs: Readonly<Record<string, InferenceTensor>>;
  readonly timing: InferenceTiming;
}

/** A request between its arrival and its answer. */
export interface Pending extends QueuedRequest {
  readonly rows: number;
  /** Values of all inputs. */
  readonly size: number;
  /** Requests of the same key fit into one batch. */
  readonly key: string;
  readonly arrivedAt: number;
  readonly resolve: (answer: InferenceAnswer) => void;
  readonly reject: (error: unknown) => void;
  /** Whether it has to run by itself, since a batch that it was part of failed. */
  alone: boolean;
  settled: boolean;
}

/** Inputs that are larger than this together gain nothing from one batch, and copying them would hold up other requests. */
const maxBatchValues = 1 << 20;

export interface RequestQueueOptions {
  /** What to call the model in messages. */
  readonly model: string;
  readonly settings: QueueSettings;
  readonly batchable: boolean;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed: () => number;
  readonly onArrival: () => void;
}

export class RequestQueue {
  readonly model: string;
  readonly settings: QueueSettings;
  private readonly elapsed: () => number;
  private readonly onArrival: () => void;
  /** Whether requests of this model may run together. */
  batchable: boolean;
  private waiting: Pending[] = [];
  /** Without an answer yet, waiting or running, in the order of arrival. */
  private readonly live = new Set<Pending>();
  private timer: NodeJS.Timeout | undefined;
  private lastBatchRequests = 1;
  private msPerRequest = 1;
  private drained: (() => void) | undefined;
  private closed = false;

  constructor({ model, settings, batchable, elapsed, onArrival }: RequestQueueOptions) {
    this.model = model;
    this.settings = settings;
    this.batchable = batchable;
    this.elapsed = elapsed;
    this.onArrival = onArrival;
  }

  get depth(): number {
    return this.waiting.length;
  }

  /**
   * @throws PlatformError `SERVER_BUSY` when too many wait, `INFERENCE_TIMEOUT` when the time is over, `INTERRUPTED` when the signal
   * fires; what waits then leaves the queue
   */
  add(request: QueuedRequest): Promise<InferenceAnswer> {
    const { queueLimit } = this.settings;
    if (this.closed) return Promise.reject(closed(this.model));
    if (request.signal?.aborted) return Promise.reject(interrupted(this.model));
    if (this.waiting.length >= queueLimit) {
      const message = `${this.model}: expected room in the queue, received one more request than the ${queueLimit} that may wait`;
      return Promise.reject(new PlatformError("unavailable", "SERVER_BUSY", message));
    }
    return new Promise<InferenceAnswer>((resolve, reject) => {
      const { signal } = request;
      const onAbort = () => this.drop(pending, interrupted(this.model));
      const settle = () => {
        pending.settled = true;
        signal?.removeEventListener("abort", onAbort);
        this.live.delete(pending);
        if (this.live.size === 0) this.drained?.();
      };
      const pending: Pending = {
        ...request,
        ...shapeOf(request),
        arrivedAt: this.elapsed(),
        alone: false,
        settled: false,
        resolve: (answer) => {
          if (pending.settled) return;
          settle();
          resolve(answer);
        },
        reject: (error) => {
          if (pending.settled) return;
          settle();
          reject(error);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.live.add(pending);
      this.waiting.push(pending);
      this.watchTime();
      this.onArrival();
    });
  }

  /** Milliseconds until a batch should start: 0 for now, infinity when nobody waits. */
  dueIn(now: number, running: number): number {
    const [first] = this.waiting;
    if (first === undefined) return Number.POSITIVE_INFINITY;
    const { windowMs, maxBatchRows } = this.settings;
    const quiet = running === 0 && this.lastBatchRequests === 1;
    if (!this.batchable || first.alone || windowMs === 0 || quiet) return 0;
    let rows = 0;
    for (const { rows: more } of this.waiting) {
      rows += more;
      if (rows >= maxBatchRows) return 0;
    }
    return Math.max(0, first.arrivedAt + windowMs - now);
  }

  /** Takes the first request and all that may run with it. */
  take(): Pending[] {
    const [first, ...others] = this.waiting;
    const batch = [first];
    const rest: Pending[] = [];
    let { rows, size } = first;
    const joins = this.batchable && !first.alone;
    for (const one of others) {
      const fits = joins && !one.alone && one.key === first.key;
      if (fits && rows + one.rows <= this.settings.maxBatchRows && size + one.size <= maxBatchValues) {
        batch.push(one);
        rows += one.rows;
        size += one.size;
      } else rest.push(one);
    }
    this.waiting = rest;
    this.lastBatchRequests = batch.length;
    return batch;
  }

  /** Puts the requests of a batch that failed back, each to run by itself: one that is wrong must not fail its neighbours. */
  putBackAlone(batch: readonly Pending[]): void {
    for (const one of batch) one.alone = true;
    this.waiting.unshift(...batch.filter((one) => !one.settled));
  }

  /** Tells the queue what a batch took, for the estimate of when to try again. */
  ran(requests: number, milliseconds: number): void {
    this.msPerRequest += 0.1 * (milliseconds / requests - this.msPerRequest);
  }

  /** Seconds after which a refused caller may try again: the time that the queue takes, one second at least. */
  retryAfterSeconds(): number {
    return Math.min(60, Math.max(1, Math.ceil((this.waiting.length * this.msPerRequest) / 1000)));
  }

  /** Takes no more requests; resolves when the last one has its answer. */
  async drain(): Promise<void> {
    this.closed = true;
    if (this.live.size > 0)
      await new Promise<void>((resolve) => {
        this.drained = resolve;
      });
    clearTimeout(this.timer);
  }

  /** Ends everything that waits or runs. */
  fail(error: unknown): void {
    this.waiting = [];
    for (const one of [...this.live]) one.reject(error);
  }

  private drop(pending: Pending, error: unknown): void {
    this.waiting = this.waiting.filter((one) => one !== pending);
    pending.reject(error);
  }

  /** One timer for all: every request may take as long, so that the first to arrive is the first whose time is over. */
  private watchTime(): void {
    const [first] = this.live;
    if (this.timer !== undefined || first === undefined) return;
    const { timeoutMs } = this.settings;
    const wait = Math.max(1, first.arrivedAt + timeoutMs - this.elapsed());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      const now = this.elapsed();
      for (const one of this.live) {
        if (one.arrivedAt + timeoutMs > now) break;
        const message = `${this.model}: expected an answer within ${timeoutMs} ms, received none`;
        this.drop(one, new PlatformError("unavailable", "INFERENCE_TIMEOUT", message));
      }
      this.watchTime();
    }, wait).unref();
  }
}

/** The rows of a request, and what has to be equal for it to run with another one. */
function shapeOf({ inputs }: QueuedRequest): Pick<Pending, "rows" | "size" | "key"> {
  const values = Object.entries(inputs);
  const rows = values[0]?.[1].shape[0] ?? 1;
  const key = values
    .map(([name, { datatype, shape }]) => `${name}:${datatype}:${shape.slice(1).join("x")}`)
    .sort()
    .join(" ");
  const size = values.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
  return { rows, size, key };
}

/**
 * The inputs of a batch, one after the other along the first axis. A request that runs alone gives its own memory away; of several,
 * copies are joined, so that each can still be repeated alone when the batch fails.
 */
export function joinInputs(batch: readonly Pending[]): BatchRun["inputs"] {
  const [first] = batch;
  const rows = batch.reduce((sum, one) => sum + one.rows, 0);
  return Object.entries(first.inputs).map(([name, { datatype, shape, data }]) => ({
    name,
    type: datatypes[datatype].runtime,
    shape: batch.length === 1 ? shape : [rows, ...shape.slice(1)],
    data: batch.length === 1 ? data : joined(batch.map(({ inputs }) => inputs[name])),
  }));
}

function joined(values: readonly InferenceTensor[]): TensorData {
  const [{ datatype }] = values;
  if (datatype === "BYTES") return values.flatMap(({ data }) => data as readonly string[]);
  const whole = datatypes[datatype].make(
    values.reduce((sum, { data }) => sum + data.length, 0),
  ) as Float32Array;
  let at = 0;
  for (const { data } of values) {
    whole.set(data as Float32Array, at); // of one datatype, whichever it is
    at += data.length;
  }
  return whole;
}

/** Each request's own rows of what a batch answered. @returns undefined when the first axis of an output is not that of the batch */
export function splitOutputs(
  batch: readonly Pending[],
  outputs: Readonly<Record<string, InferenceTensor>>,
): Record<string, InferenceTensor>[] | undefined {
  if (batch.length === 1) return [pick(outputs, batch[0].outputs)];
  const rows = batch.reduce((sum, one) => sum + one.rows, 0);
  const values = Object.values(outputs);
  if (values.some(({ shape }) => shape[0] !== rows)) return undefined;
  let at = 0;
  return batch.map((one) => {
    const from = at;
    at += one.rows;
    const own = Object.entries(pick(outputs, one.outputs)).map(([name, { datatype, shape, data }]) => {
      const size = data.length / rows;
      const part = data.slice(from * size, at * size) as TensorData;
      return [name, { datatype, shape: [one.rows, ...shape.slice(1)], data: part }] as const;
    });
    return Object.fromEntries(own);
  });
}

const pick = (outputs: Readonly<Record<string, InferenceTensor>>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, outputs[name]]));

function closed(model: string): PlatformError {
  return new PlatformError("unavailable", "SERVER_STOPPING", `${model}: the model is being unloaded`);
}
