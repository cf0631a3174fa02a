import type { Clock } from "../../base/index.ts";
import type { Span, Tracer } from "./traces.ts";

export interface JobWatch {
  readonly clock: Clock;
  readonly tracer?: Tracer | undefined;
  /** Such as `metrics.job`. */
  readonly onEnd?: (facts: {
    readonly name: string;
    readonly outcome: "done" | "failed" | "cancelled";
    readonly seconds: number;
  }) => void;
}

/**
 * Runs a job under a span, and tells what it took.
 *
 * @param job its capability, and the `traceparent` of whoever asked for it, which the job has to carry from there
 * @param work gets the span, to pass its `traceparent` on; undefined without a tracer
 * @throws whatever `work` throws
 */
export async function watchJob<Result>(
  { clock, tracer, onEnd }: JobWatch,
  job: {
    readonly name: string;
    readonly id: string;
    readonly traceparent?: string | undefined;
    readonly signal?: AbortSignal;
  },
  work: (span: Span | undefined) => Promise<Result>,
): Promise<Result> {
  const started = clock.elapsed();
  const { name, id, traceparent, signal } = job;
  const span = tracer?.start(`job ${name}`, {
    kind: "consumer",
    traceparent,
    attributes: { "fathom.capability": name, "fathom.job.id": id },
  });
  const end = (outcome: "done" | "failed" | "cancelled") => {
    span?.set({ "fathom.job.outcome": outcome });
    span?.end(outcome === "failed" ? name : undefined);
    onEnd?.({ name, outcome, seconds: (clock.elapsed() - started) / 1000 });
  };
  try {
    const result = await work(span);
    end("done");
    return result;
  } catch (error) {
    end(signal?.aborted ? "cancelled" : "failed");
    throw error;
  }
}
