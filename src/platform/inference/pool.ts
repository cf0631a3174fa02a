/**
 * Threads that run models. Whenever one is free it takes the next batch, from the models in turn, so that a busy model does not
 * starve another. A thread that dies is replaced, and its requests are answered with an error.
 */
import { PlatformError } from "../../base/index.ts";
import type { Datatype } from "./datatypes.ts";
import { joinInputs, type QueueSettings, RequestQueue, splitOutputs } from "./request-queue.ts";
import { startWorkerThread, ThreadEnded, type WorkerThread } from "./worker-thread.ts";

export interface PoolOptions {
  /** Threads that run batches. */
  readonly workers: number;
  /** Threads that one batch may use. */
  readonly threadsPerBatch: number;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed: () => number;
  readonly onThreadLost?: (reason: Error) => void;
  readonly onBatch?: (batch: BatchFacts) => void;
}

/** A batch that has run. */
export interface BatchFacts {
  readonly model: string;
  readonly requests: number;
  readonly rows: number;
  readonly computeMs: number;
}

export interface PooledModel {
  /** What to call it in messages. */
  readonly label: string;
  readonly bytes: Uint8Array;
  readonly outputs: readonly { readonly name: string; readonly datatype: Datatype }[];
  readonly batchable: boolean;
}

export interface PoolSettings extends QueueSettings {
  /** Batches of the model that may run at a time; every one costs the memory of a copy. All threads when absent. */
  readonly concurrency?: number | undefined;
}

/** A model in the pool. */
export interface OpenedModel {
  readonly queue: RequestQueue;
  /** Answers what is under way, then gives the memory back. */
  close(): Promise<void>;
}

interface Slot {
  thread: WorkerThread;
  busy: boolean;
  readonly sessions: Set<Entry>;
  /** Ends in a row without a batch in between. */
  failures: number;
}

interface Entry {
  readonly id: number;
  readonly model: PooledModel;
  readonly queue: RequestQueue;
  /** Where it is loaded now. */
  readonly slots: Set<Slot>;
  running: number;
}

export class InferencePool {
  private readonly options: PoolOptions;
  private readonly slots: Slot[] = [];
  private readonly entries: Entry[] = [];
  private nextSession = 0;
  private turn = 0;
  private pumping = false;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(options: PoolOptions) {
    this.options = options;
    for (let i = 0; i < options.workers; i++) {
      const slot: Slot = { busy: false, sessions: new Set(), failures: 0, thread: undefined as never };
      slot.thread = this.startThread(slot);
      this.slots.push(slot);
    }
  }

  /** Loads a model into its threads. @throws PlatformError `ONNX_UNSUPPORTED` with ONNX Runtime's reason */
  async open(model: PooledModel, settings: PoolSettings): Promise<OpenedModel> {
    const concurrency = Math.min(settings.concurrency ?? this.slots.length, this.slots.length);
    const leastLoaded = [...this.slots].sort((a, b) => a.sessions.size - b.sessions.size);
    const queue = new RequestQueue({
      model: model.label,
      settings,
      batchable: model.batchable,
      elapsed: this.options.elapsed,
      onArrival: () => this.pumpSoon(),
    });
    const entry: Entry = { id: this.nextSession++, model, queue, slots: new Set(), running: 0 };
    const chosen = leastLoaded.slice(0, concurrency);
    for (const slot of chosen) slot.sessions.add(entry);
    const loads = await Promise.allSettled(chosen.map((slot) => this.load(slot, entry)));
    const failed = loads.find((one) => one.status === "rejected");
    if (failed !== undefined) {
      await this.release(entry);
      const cause: unknown = failed.reason;
      if (cause instanceof ThreadEnded) throw threadLost(model.label, cause);
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new PlatformError("input", "ONNX_UNSUPPORTED", `${model.label}: ${reason}`, { cause });
    }
    this.entries.push(entry);
    return {
      queue,
      close: async () => {
        await queue.drain();
        await this.release(entry);
      },
    };
  }

  /** Ends all threads; what still waits is answered with an error. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    const stopping = new PlatformError(
      "unavailable",
      "SERVER_STOPPING",
      "inference: the server is being stopped",
    );
    for (const { queue } of this.entries) queue.fail(stopping);
    await Promise.all(this.slots.map((slot) => slot.thread.close()));
  }

  private async load(slot: Slot, entry: Entry): Promise<void> {
    await slot.thread.load(entry.id, entry.model.bytes, this.options.threadsPerBatch);
    entry.slots.add(slot);
  }

  private async release(entry: Entry): Promise<void> {
    const at = this.entries.indexOf(entry);
    if (at >= 0) this.entries.splice(at, 1);
    for (const slot of this.slots) slot.sessions.delete(entry);
    const held = [...entry.slots];
    entry.slots.clear();
    // A thread that ended has nothing to give back.
    await Promise.all(held.map((slot) => slot.thread.release(entry.id).catch(ignoreEnded)));
  }

  /** After this turn of the event loop, so that requests that arrived together run together. */
  private pumpSoon(): void {
    if (this.pumping) return;
    this.pumping = true;
    setImmediate(() => {
      this.pumping = false;
      this.pump();
    });
  }

  private pump(): void {
    clearTimeout(this.timer);
    let soonest = Number.POSITIVE_INFINITY;
    for (const slot of this.slots) {
      if (slot.busy) continue;
      const { entry, dueIn } = this.nextFor(slot);
      if (entry !== undefined) void this.run(slot, entry);
      else soonest = Math.min(soonest, dueIn);
    }
    if (Number.isFinite(soonest) && !this.closed)
      this.timer = setTimeout(() => this.pump(), Math.max(1, Math.ceil(soonest)));
  }

  /** The next model in turn that has a batch for this thread; else how long until there is one. */
  private nextFor(slot: Slot): { entry?: Entry; dueIn: number } {
    const now = this.options.elapsed();
    let dueIn = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.entries.length; i++) {
      const at = (this.turn + i) % this.entries.length;
      const entry = this.entries[at];
      if (!entry.slots.has(slot)) continue;
      const due = entry.queue.dueIn(now, entry.running);
      if (due === 0) {
        this.turn = at + 1;
        return { entry, dueIn: 0 };
      }
      dueIn = Math.min(dueIn, due);
    }
    return { dueIn };
  }

  private async run(slot: Slot, entry: Entry): Promise<void> {
    const { queue, model } = entry;
    const batch = queue.take();
    const startedAt = this.options.elapsed();
    slot.busy = true;
    entry.running++;
    try {
      const { values, milliseconds } = await slot.thread.run({
        session: entry.id,
        inputs: joinInputs(batch),
        outputs: model.outputs.map(({ name }) => name),
      });
      slot.failures = 0;
      const rows = batch.reduce((sum, one) => sum + one.rows, 0);
      const outputs = Object.fromEntries(
        model.outputs.map(({ name, datatype }, i) => [name, { datatype, ...values[i] }]),
      );
      const answers = splitOutputs(batch, outputs);
      if (answers === undefined) {
        // Its outputs do not follow the batch after all: whoever wants to know asks alone from now on.
        queue.batchable = false;
        queue.putBackAlone(batch);
        return;
      }
      const timing = { computeMs: milliseconds, batchRows: rows, batchRequests: batch.length };
      for (const [i, one] of batch.entries())
        one.resolve({ outputs: answers[i], timing: { ...timing, queueMs: startedAt - one.arrivedAt } });
      queue.ran(batch.length, milliseconds);
      this.options.onBatch?.({ model: model.label, requests: batch.length, rows, computeMs: milliseconds });
    } catch (error) {
      if (error instanceof ThreadEnded) for (const one of batch) one.reject(threadLost(model.label, error));
      else if (batch.length > 1) queue.putBackAlone(batch);
      else batch[0].reject(refused(model.label, error));
    } finally {
      slot.busy = false;
      entry.running--;
      this.pump();
    }
  }

  private startThread(slot: Slot): WorkerThread {
    return startWorkerThread((reason) => {
      this.options.onThreadLost?.(reason);
      for (const { slots } of slot.sessions) slots.delete(slot);
      slot.failures++;
      // The first replacement starts at once; one that dies again and again does not take the machine with it.
      const pause = slot.failures === 1 ? 0 : Math.min(30_000, 100 * 2 ** slot.failures);
      setTimeout(() => void this.replace(slot), pause).unref();
    });
  }

  private async replace(slot: Slot): Promise<void> {
    if (this.closed) return;
    slot.thread = this.startThread(slot);
    for (const entry of [...slot.sessions]) {
      await this.load(slot, entry).catch((error: unknown) => {
        if (error instanceof ThreadEnded) return; // it is replaced in its turn
        this.options.onThreadLost?.(error as Error);
      });
    }
    this.pump();
  }
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof ThreadEnded)) throw error;
}

function threadLost(model: string, cause: ThreadEnded): PlatformError {
  const message = `${model}: expected an answer, but ${cause.message}; another one takes its place`;
  return new PlatformError("unavailable", "INFERENCE_THREAD_LOST", message, { cause });
}

/** What ONNX Runtime says of values that a graph cannot take, such as an index outside of a table. */
function refused(model: string, cause: unknown): PlatformError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PlatformError("input", "INFERENCE_FAILED", `${model}: ONNX Runtime: ${reason}`, { cause });
}
