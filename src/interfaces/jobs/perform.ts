/** A job as a call of its capability: the same steps as behind every other interface. */
import {
  type Capability,
  type Context,
  type Job,
  type JobHandle,
  type Logger,
  PlatformError,
  type ProgressPort,
} from "../../base/index.ts";
import type { CheckInput, Outcome, Supervision } from "../../platform/jobs/index.ts";
import { call, parseInput } from "../call.ts";
import { failureOf } from "../failure.ts";
import { didYouMean } from "../issues.ts";
import { startPathsIn } from "../path-fields.ts";
import { messages } from "./messages.ts";

export interface PerformOptions {
  readonly capabilities: readonly Capability[];
  readonly makeContext: (world: {
    readonly workingFolder: string | undefined;
    readonly signal: AbortSignal;
    readonly progress: ProgressPort;
    readonly logger: Logger;
    readonly job: JobHandle;
    readonly actor: string | undefined;
  }) => Context;
  /** Hears of mistakes of ours, which are told to nobody else. */
  readonly onBug: (error: unknown, job: Job) => void;
}

const nameField = (path: readonly PropertyKey[]) => path.map(String).join(".");

/** Holds the input of a job to the schema of its capability. Capabilities about jobs are none that run as one. */
export function inputChecker(capabilities: readonly Capability[]): CheckInput {
  return (name, input) => parseInput(capabilityOf(capabilities, name), input, nameField);
}

export function performer({
  capabilities,
  makeContext,
  onBug,
}: PerformOptions): (job: Job, supervision: Supervision) => Promise<Outcome> {
  return async (job, { signal, report, log, runParts }) => {
    try {
      const capability = capabilityOf(capabilities, job.capability);
      const context = makeContext({
        workingFolder: job.workingFolder ?? undefined,
        signal,
        progress: { report },
        logger: {
          info: (message, values) => log("info", message, values),
          warn: (message, values) => log("warn", message, values),
        },
        job: { id: job.id, runParts },
        actor: job.actor ?? undefined,
      });
      const asked = parseInput(capability, job.input, nameField);
      const input =
        job.workingFolder === null ? asked : await startPathsIn(capability, asked, job.workingFolder);
      const output = await call(capability, input, context);
      return { kind: "done", output: JSON.stringify(output ?? null) };
    } catch (error) {
      const failure = failureOf(error, job.capability, signal);
      if (failure.kind !== "bug") return { kind: "failed", failure };
      onBug(error, job);
      return { kind: "failed", failure: { ...failure, message: messages.internal(job.id) } };
    }
  };
}

function capabilityOf(capabilities: readonly Capability[], name: string): Capability {
  // A secret would be kept with the job, and a job that makes jobs would escape the rights of who asked for it.
  const able = capabilities.filter((one) => !one.name.startsWith("jobs.") && one.secretOutput !== true);
  const capability = able.find((one) => one.name === name);
  if (capability) return capability;
  const names = able.map((one) => one.name);
  const message = messages.unknownCapability(name, didYouMean(name, names));
  throw new PlatformError("input", "JOB_CAPABILITY_UNKNOWN", message, { field: "capability" });
}
