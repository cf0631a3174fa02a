/**
 * Runs each attempt in a process of its own, so that neither heavy computation nor a crash of it touches the supervisor. A
 * process serves one attempt after the other. It ends itself when its supervisor is gone or its lease was not renewed, however
 * busy it is (`watchdog.js`).
 */
import { type ChildProcess, fork } from "node:child_process";
import type { Writable } from "node:stream";
import type { Job, JobOutcome, JobRequest, Progress } from "../../base/index.ts";
import type { Executor, Outcome, Supervision } from "./worker.ts";

/** What the supervisor tells the process. */
export type ToProcess =
  | { readonly type: "run"; readonly job: Job; readonly world: unknown }
  | { readonly type: "stop" }
  | {
      readonly type: "parts";
      readonly call: number;
      readonly outcomes?: readonly JobOutcome[];
      readonly error?: unknown;
    };

/** What the process tells its supervisor. */
export type FromProcess =
  | { readonly type: "progress"; readonly progress: Progress }
  | {
      readonly type: "log";
      readonly level: "info" | "warn";
      readonly message: string;
      readonly values?: Readonly<Record<string, unknown>>;
    }
  | { readonly type: "parts"; readonly call: number; readonly requests: readonly JobRequest[] }
  | { readonly type: "ended"; readonly outcome: Outcome };

export interface ProcessesOptions {
  /** The module that a process runs. */
  readonly module: URL;
  readonly nodeFlags?: readonly string[];
  /** Handed to the process with each job: where its data lies and so on. */
  readonly world: unknown;
  /** After so long without a renewal a process ends itself. */
  readonly leaseMs: number;
}

/** Of the watchdog's pipe in the process; the numbers below are taken by the standard streams and the messages. */
export const watchdogDescriptor = 4;
const idleMs = 30_000;

interface Runner {
  readonly process: ChildProcess;
  /** One byte for each renewal: 1 while a lease is held, 0 when there is none. */
  readonly pulse: Writable;
  idle?: NodeJS.Timeout;
}

export function runInProcesses({ module, nodeFlags = [], world, leaseMs }: ProcessesOptions): Executor {
  const idle = new Set<Runner>();
  const busy = new Map<string, Runner>();
  const all = new Set<Runner>();

  const start = (): Runner => {
    const child = fork(module, [String(leaseMs)], {
      execArgv: [...nodeFlags],
      stdio: ["ignore", 2, 2, "ipc", "pipe"], // what a job prints must not mix with a result on standard output
    });
    const pulse = child.stdio[watchdogDescriptor] as Writable;
    const runner: Runner = { process: child, pulse };
    pulse.on("error", () => {}); // a process that is gone is heard of by its exit
    child.on("error", () => {});
    all.add(runner);
    child.once("exit", () => {
      all.delete(runner);
      idle.delete(runner);
    });
    return runner;
  };
  const rest = (runner: Runner) => {
    runner.pulse.write(Uint8Array.of(0));
    idle.add(runner);
    runner.idle = setTimeout(() => runner.process.kill("SIGKILL"), idleMs).unref();
  };
  const wake = (): Runner => {
    for (const runner of idle) {
      idle.delete(runner);
      clearTimeout(runner.idle);
      if (runner.process.connected) return runner;
    }
    return start();
  };

  return {
    async run(job, supervision) {
      const runner = wake();
      busy.set(job.id, runner);
      runner.pulse.write(Uint8Array.of(1));
      try {
        const outcome = await attend(runner, job, world, supervision);
        if (outcome.kind !== "crashed") rest(runner);
        return outcome;
      } finally {
        if (busy.get(job.id) === runner) busy.delete(job.id);
      }
    },
    renewed(id) {
      busy.get(id)?.pulse.write(Uint8Array.of(1));
    },
    kill(id) {
      busy.get(id)?.process.kill("SIGKILL");
    },
    async close() {
      await Promise.all(
        [...all].map(
          ({ process: child }) =>
            new Promise<void>((resolve) => {
              if (child.exitCode !== null || child.signalCode !== null) return resolve();
              child.once("exit", () => resolve());
              child.kill("SIGKILL"); // it has nothing left to save; an orderly exit could wait for ONNX Runtime
            }),
        ),
      );
    },
  };
}

/** Talks with a process until its attempt has ended. */
function attend(
  { process: child }: Runner,
  job: Job,
  world: unknown,
  { signal, report, log, runParts }: Supervision,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const tell = (message: ToProcess) => {
      if (child.connected) child.send(message, () => {}); // a process that is gone is heard of by its exit
    };
    const stop = () => tell({ type: "stop" });
    const hear = (message: FromProcess) => {
      if (message.type === "progress") report(message.progress);
      else if (message.type === "log") log(message.level, message.message, message.values);
      else if (message.type === "ended") end(message.outcome);
      else {
        const { call } = message;
        runParts(message.requests).then(
          (outcomes) => tell({ type: "parts", call, outcomes }),
          (error: unknown) => tell({ type: "parts", call, error: plainError(error) }),
        );
      }
    };
    const crash = (code: number | null, name: NodeJS.Signals | null) =>
      end({ kind: "crashed", how: name === null ? `with status ${code}` : `by ${name}` });
    const fail = (error: Error) => end({ kind: "crashed", how: `before it began: ${error.message}` });
    const end = (outcome: Outcome) => {
      signal.removeEventListener("abort", stop);
      child.off("message", hear).off("exit", crash).off("error", fail);
      resolve(outcome);
    };
    child.on("message", hear).once("exit", crash).once("error", fail);
    signal.addEventListener("abort", stop, { once: true });
    tell({ type: "run", job, world });
    if (signal.aborted) stop();
  });
}

/** Errors lose their class on the way. */
function plainError(error: unknown): unknown {
  const { kind, code, message, details } = error as Record<string, unknown>;
  return { kind, code, message: String(message), details };
}
