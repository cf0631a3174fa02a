/** The inside of a process that runs jobs for a worker: messages in, messages out, one job after the other. */
import {
  type Capability,
  type Compute,
  type JobHandle,
  type JobOutcome,
  PlatformError,
} from "../../base/index.ts";
import { type FromProcess, type ToProcess, thinned, watchSupervisor } from "../../platform/jobs/index.ts";
import { lazyPlatform, localContext, systemClock } from "../../platform/local/index.ts";
import { modelSettings } from "../model-settings.ts";
import { inputChecker, performer } from "./perform.ts";

/** What a worker hands to its processes with each job. */
export interface RunnerWorld {
  readonly dataFolder: string;
  readonly databaseUrl: string | undefined;
  readonly compute: Compute;
}

/** Serves the worker that started this process, until it ends. */
export function serveRunner(capabilities: readonly Capability[]): void {
  watchSupervisor(Number(process.argv[2]));
  const tell = (message: FromProcess) => {
    if (process.connected) process.send?.(message);
  };
  let stop = new AbortController();
  let calls = 0;
  const waiting = new Map<number, (answer: Extract<ToProcess, { type: "parts" }>) => void>();
  const runParts: JobHandle["runParts"] = async (requests) => {
    const call = calls++;
    const answer = new Promise<Extract<ToProcess, { type: "parts" }>>((resolve) =>
      waiting.set(call, resolve),
    );
    tell({ type: "parts", call, requests });
    const { outcomes, error } = await answer;
    waiting.delete(call);
    if (outcomes === undefined) throw asError(error);
    return outcomes as JobOutcome[];
  };

  const run = async ({ job, world }: Extract<ToProcess, { type: "run" }>) => {
    stop = new AbortController();
    const { dataFolder, databaseUrl, compute } = world as RunnerWorld;
    const settings = modelSettings(process.env);
    const platform = lazyPlatform({
      dataFolder,
      databaseUrl,
      checkInput: inputChecker(capabilities),
      ...settings,
    });
    const perform = performer({
      capabilities,
      makeContext: (given) =>
        localContext({
          dataFolder,
          compute,
          platform: platform.open,
          unsigned: settings.unsigned,
          ...withFolder(given),
        }),
      onBug: (error, { id, capability }) => {
        const stack = error instanceof Error ? error.stack : String(error);
        process.stderr.write(`${JSON.stringify({ level: 50, job: id, capability, stack })}\n`);
      },
    });
    const outcome = await perform(job, {
      signal: stop.signal,
      report: thinned((progress) => tell({ type: "progress", progress }), systemClock.elapsed),
      log: (level, message, values) => tell({ type: "log", level, message, ...(values && { values }) }),
      runParts: (requests) => runParts(requests),
    });
    await platform.close();
    tell({ type: "ended", outcome });
  };

  process.on("message", (message: ToProcess) => {
    if (message.type === "run") void run(message);
    else if (message.type === "stop") stop.abort();
    else waiting.get(message.call)?.(message);
  });
  // A terminal sends its signals to every process; the worker decides what they mean for its jobs.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
}

/** An absent folder is left out, so that the process's own is used. */
function withFolder<Given extends { readonly workingFolder: string | undefined }>({
  workingFolder,
  ...given
}: Given) {
  return { ...given, ...(workingFolder === undefined ? {} : { workingFolder }) };
}

/** An error that came as a message. */
function asError(plain: unknown): Error {
  const { kind, code, message, details } = plain as PlatformError;
  return kind === undefined ? new Error(message) : new PlatformError(kind as never, code, message, details);
}
