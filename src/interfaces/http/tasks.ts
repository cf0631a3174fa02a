/**
 * Background tasks of one server: so many run, so many wait, so many that have ended are remembered. Each keeps its latest
 * events, so that a reader who lost the connection goes on where it was.
 */
import { randomUUID } from "node:crypto";
import { type Clock, PlatformError, type Progress, type ProgressPort } from "../../base/index.ts";
import type { Failure } from "../failure.ts";
import { messages } from "./messages.ts";

export type TaskStatus = "queued" | "running" | "done" | "failed" | "cancelled";

export interface TaskEvent {
  /** Counts from 1 within the task. */
  readonly id: number;
  readonly type: "queued" | "started" | "progress" | "done" | "failed";
  readonly data: unknown;
}

export interface Task {
  readonly id: string;
  readonly capability: string;
  status: TaskStatus;
  readonly createdAt: number;
  startedAt?: number;
  endedAt?: number;
  progress?: Progress;
  output?: unknown;
  failure?: Failure;
}

export interface TasksOptions {
  readonly clock: Clock;
  /** How many run at a time. Training uses every core already, so one is the best default. */
  readonly running?: number;
  /** How many wait; one more is refused with `SERVER_BUSY`. */
  readonly waiting?: number;
  /** How many that have ended are remembered. */
  readonly kept?: number;
  /** Turns what a task's work threw into what its owner may know. */
  readonly failureOf: (error: unknown, task: Task, signal: AbortSignal) => Failure;
}

export type TaskWork = (world: { signal: AbortSignal; progress: ProgressPort }) => Promise<unknown>;

interface Entry {
  readonly task: Task;
  readonly work: TaskWork;
  readonly controller: AbortController;
  readonly events: TaskEvent[];
  readonly listeners: Set<() => void>;
  nextEventId: number;
  lastProgressMs: number;
}

const keptEvents = 256;
/** Between two progress events of one stage; the last one of a stage is always sent. */
const progressMs = 100;

export class Tasks {
  readonly #options: Required<TasksOptions>;
  /** In the order of their creation. */
  readonly #entries = new Map<string, Entry>();
  #stopping = false;

  constructor(options: TasksOptions) {
    this.#options = { running: 1, waiting: 16, kept: 100, ...options };
  }

  /** @throws PlatformError `SERVER_BUSY` when the queue is full, `SERVER_STOPPING` after `stop` */
  start(capability: string, work: TaskWork): Task {
    if (this.#stopping) throw new PlatformError("unavailable", "SERVER_STOPPING", messages.stopping);
    const { running, waiting } = this.#options;
    if (this.#with("running").length >= running && this.#with("queued").length >= waiting) {
      throw new PlatformError("unavailable", "SERVER_BUSY", messages.busy(waiting));
    }
    const task: Task = {
      id: randomUUID(),
      capability,
      status: "queued",
      createdAt: this.#options.clock.now(),
    };
    const entry: Entry = {
      task,
      work,
      controller: new AbortController(),
      events: [],
      listeners: new Set(),
      nextEventId: 1,
      lastProgressMs: Number.NEGATIVE_INFINITY,
    };
    this.#entries.set(task.id, entry);
    emit(entry, "queued", {});
    this.#next();
    return task;
  }

  /** @throws PlatformError `TASK_UNKNOWN` */
  get(id: string): Task {
    return this.#entry(id).task;
  }

  /** Newest first. */
  list(): Task[] {
    return [...this.#entries.values()].map(({ task }) => task).reverse();
  }

  /** Asks a task to stop; its status changes when it has. One that has ended stays as it is. */
  cancel(id: string): Task {
    const entry = this.#entry(id);
    entry.controller.abort();
    if (entry.task.status === "queued") {
      this.#fail(entry, entry.controller.signal.reason);
      this.#next();
    }
    return entry.task;
  }

  /** The events of a task after the one with id `after`, until it has ended or `signal` fires. */
  async *events(id: string, after: number, signal: AbortSignal): AsyncGenerator<TaskEvent> {
    const entry = this.#entry(id);
    let last = after;
    while (!signal.aborted) {
      const fresh = entry.events.filter((event) => event.id > last);
      for (const event of fresh) {
        last = event.id;
        yield event;
      }
      if (fresh.length > 0) continue;
      if (entry.task.endedAt !== undefined) return;
      await new Promise<void>((resolve) => {
        const wake = () => {
          entry.listeners.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        entry.listeners.add(wake);
        signal.addEventListener("abort", wake);
      });
    }
  }

  /** Cancels everything, and resolves when all work has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { id } of [...this.#with("queued"), ...this.#with("running")]) this.cancel(id);
    const running = [...this.#entries.values()].filter(({ task }) => task.endedAt === undefined);
    await Promise.all(
      running.map(
        (entry) => new Promise<void>((resolve) => entry.listeners.add(() => entry.task.endedAt && resolve())),
      ),
    );
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw new PlatformError("missing", "TASK_UNKNOWN", messages.unknownTask(id));
    return entry;
  }

  #with(status: TaskStatus): Task[] {
    return [...this.#entries.values()].map(({ task }) => task).filter((task) => task.status === status);
  }

  #next(): void {
    const next = this.#with("queued")[0];
    if (next && this.#with("running").length < this.#options.running) {
      void this.#run(this.#entry(next.id));
    }
    const ended = [...this.#entries.values()].filter(({ task }) => task.endedAt !== undefined);
    for (const { task } of ended.slice(0, Math.max(0, ended.length - this.#options.kept))) {
      this.#entries.delete(task.id);
    }
  }

  async #run(entry: Entry): Promise<void> {
    const { task, controller } = entry;
    const { clock } = this.#options;
    task.status = "running";
    task.startedAt = clock.now();
    emit(entry, "started", {});
    const report = (progress: Progress) => {
      const now = clock.elapsed();
      const ended = progress.total > 0 && progress.done >= progress.total;
      const sameStage = task.progress?.stage === progress.stage;
      task.progress = progress;
      if (sameStage && !ended && now - entry.lastProgressMs < progressMs) return;
      entry.lastProgressMs = now;
      emit(entry, "progress", progress);
    };
    try {
      task.output = await entry.work({ signal: controller.signal, progress: { report } });
      task.status = "done";
      task.endedAt = clock.now();
      emit(entry, "done", { output: task.output });
    } catch (error) {
      this.#fail(entry, error);
    }
    this.#next();
  }

  #fail(entry: Entry, error: unknown): void {
    const { task, controller } = entry;
    task.failure = this.#options.failureOf(error, task, controller.signal);
    task.status = task.failure.kind === "interrupted" ? "cancelled" : "failed";
    task.endedAt = this.#options.clock.now();
    emit(entry, "failed", task.failure);
  }
}

function emit(entry: Entry, type: TaskEvent["type"], data: unknown): void {
  entry.events.push({ id: entry.nextEventId++, type, data });
  if (entry.events.length > keptEvents) entry.events.shift();
  for (const listener of [...entry.listeners]) listener();
}
