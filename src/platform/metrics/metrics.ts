/**
 * What a server counts, for Prometheus to read. Names follow its conventions (base units, `_total`, `_seconds`). Labels come from
 * short lists only: a route is its template and never an address, and what a user can name, such as a model, is counted up to a limit
 * and as "other" behind it. Nothing here knows a caller.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { DriftCheck, WorkerInfo } from "../../base/index.ts";

export interface RequestFacts {
  readonly method: string;
  /** The template, such as `/v2/models/:model/infer`. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

export interface InferenceCount {
  readonly model: string;
  readonly version: string;
  readonly outcome: "ok" | "error";
  readonly timing?: { readonly queueMs: number; readonly computeMs: number; readonly batchRows: number };
}

export interface JobFacts {
  /** The capability that ran. */
  readonly name: string;
  readonly outcome: "done" | "failed" | "cancelled";
  readonly seconds: number;
}

/** How many wait, by name of the queue. */
export type Depths = readonly { readonly name: string; readonly depth: number }[];

/** What all processes share, as the state has it. */
export interface SharedFacts {
  /** Jobs that wait. */
  readonly jobs: Depths;
  /** All that are known, those that are dead too. */
  readonly workers: readonly Pick<WorkerInfo, "alive" | "concurrency">[];
  /** The latest check of each version in use. */
  readonly drift: readonly DriftCheck[];
}

export interface Metrics {
  request(facts: RequestFacts): void;
  inference(facts: InferenceCount): void;
  /** Largest relative difference between what a shadow and the model in charge answered; null where it gave no answer. */
  shadow(facts: { readonly name: string; readonly difference: number | null }): void;
  inferenceThreadLost(): void;
  job(facts: JobFacts): void;
  /** Requests that wait for a model; asked for whenever somebody reads the metrics. */
  inferenceDepth(source: () => Depths): void;
  /** Asked for likewise. While it fails, everything else is told, and `fathom_state_up` is 0. */
  shared(source: () => Promise<SharedFacts>): void;
  /** Media type of `text`. */
  readonly contentType: string;
  /** Everything, in Prometheus's text format. */
  text(): Promise<string>;
  close(): void;
}

/** Values of one label, or one combination of labels, that are told apart. */
const labelLimit = 256;
/** From a millisecond to ten seconds, each about twice the one before. */
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const jobSeconds = [0.1, 1, 10, 60, 300, 1800, 7200, 28_800];
const eventLoopResolutionMs = 5;

/** A registry of its own for each server, so that two in one process do not add up. */
export function createMetrics(): Metrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register });
  const requests = new Counter({
    name: "http_requests_total",
    help: "Requests that were answered",
    labelNames: ["method", "route", "status"] as const,
    registers,
  });
  const durations = new Histogram({
    name: "http_request_duration_seconds",
    help: "From the first byte of a request to the last one of its answer",
    labelNames: ["method", "route", "status"] as const,
    buckets: seconds,
    registers,
  });
  const ofModel = ["model", "version"] as const;
  const inferences = new Counter({
    name: "fathom_inference_requests_total",
    help: "Inference requests by model and version",
    labelNames: ["model", "version", "outcome"] as const,
    registers,
  });
  const queueTime = new Histogram({
    name: "fathom_inference_queue_seconds",
    help: "What a request waited for its batch to start",
    labelNames: ofModel,
    buckets: seconds,
    registers,
  });
  const computeTime = new Histogram({
    name: "fathom_inference_compute_seconds",
    help: "What the batch of a request took inside ONNX Runtime",
    labelNames: ofModel,
    buckets: seconds,
    registers,
  });
  const batchRows = new Histogram({
    name: "fathom_inference_batch_rows",
    help: "Rows of the batch that a request ran in",
    labelNames: ofModel,
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers,
  });
  const shadows = new Histogram({
    name: "fathom_shadow_difference",
    help: "Largest relative difference between the answers of a shadow and of the model in charge",
    labelNames: ["model"] as const,
    buckets: [1e-6, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.25, 0.5, 1],
    registers,
  });
  const shadowFailures = new Counter({
    name: "fathom_shadow_failures_total",
    help: "Requests that a shadow could not answer",
    labelNames: ["model"] as const,
    registers,
  });
  const threadsLost = new Counter({
    name: "fathom_inference_threads_lost_total",
    help: "Inference threads that ended unasked and were replaced",
    registers,
  });
  const jobs = new Histogram({
    name: "fathom_job_duration_seconds",
    help: "What jobs took, by capability and outcome",
    labelNames: ["name", "outcome"] as const,
    buckets: jobSeconds,
    registers,
  });
  const depths = <Label extends string>(name: string, help: string, label: Label) => {
    const known = bounded();
    const gauge = new Gauge({ name, help, labelNames: [label] as const, registers });
    return (all: Depths) => {
      gauge.reset();
      const labels = (one: string) => ({ [label]: known(one) }) as Record<Label, string>;
      for (const one of all) gauge.inc(labels(one.name), one.depth);
    };
  };
  const setInferenceDepths = depths(
    "fathom_inference_queue_depth",
    "Requests that wait for a model",
    "model",
  );
  const setJobDepths = depths("fathom_job_queue_depth", "Jobs that wait, by queue", "queue");
  const workers = new Gauge({ name: "fathom_workers", help: "Workers that are alive", registers });
  const workerSlots = new Gauge({
    name: "fathom_worker_slots",
    help: "Jobs that these take at a time, together",
    registers,
  });
  const drift = new Gauge({
    name: "fathom_drift",
    help: "How far inputs or scores are from those of the training, by the latest check of a version in use",
    labelNames: ["model", "version", "feature", "measure"] as const,
    registers,
  });
  const drifted = new Gauge({
    name: "fathom_drift_detected",
    help: "1 where that is further than chance explains",
    labelNames: ["model", "version", "feature"] as const,
    registers,
  });
  const driftCheckedAt = new Gauge({
    name: "fathom_drift_check_timestamp_seconds",
    help: "When a version in use was checked last",
    labelNames: ofModel,
    registers,
  });
  const stateUp = new Gauge({
    name: "fathom_state_up",
    help: "1 when the database answered for this reading",
    registers,
  });
  const delay = monitorEventLoopDelay({ resolution: eventLoopResolutionMs });
  delay.enable();
  new Gauge({
    name: "fathom_event_loop_delay_seconds",
    help: "How late the event loop was since the last reading",
    labelNames: ["quantile"],
    registers,
    collect() {
      // The histogram holds the whole interval between two looks, of which the planned part is no delay.
      for (const quantile of [0.5, 0.99, 1])
        this.set(
          { quantile: String(quantile) },
          Math.max(0, delay.percentile(Math.max(1e-3, quantile * 100)) / 1e9 - eventLoopResolutionMs / 1e3),
        );
      delay.reset();
    },
  });

  const model = bounded();
  const version = bounded();
  const route = bounded();
  const job = bounded();
  const feature = bounded();
  const setDrift = (checks: readonly DriftCheck[]) => {
    for (const gauge of [drift, drifted, driftCheckedAt]) gauge.reset();
    for (const check of checks) {
      const labels = { model: model(check.model), version: version(String(check.version)) };
      if (labels.model === other || labels.version === other) continue; // one gauge cannot hold several values
      driftCheckedAt.set(labels, check.at / 1000);
      for (const one of check.features) {
        const name = feature(one.name);
        if (name === other) continue;
        drifted.set({ ...labels, feature: name }, one.drifted ? 1 : 0);
        for (const { measure, value } of one.measures)
          drift.set({ ...labels, feature: name, measure }, value);
      }
    }
  };
  /** Where nobody knows, nothing is told: 0 would say that nobody works. */
  const setWorkers = (all: SharedFacts["workers"] | undefined) => {
    if (all === undefined) {
      for (const gauge of [workers, workerSlots]) gauge.remove();
      return;
    }
    const alive = all.filter((one) => one.alive);
    workers.set(alive.length);
    workerSlots.set(alive.reduce((slots, { concurrency }) => slots + concurrency, 0));
  };
  let inferenceDepths: () => Depths = () => [];
  let askShared: (() => Promise<SharedFacts>) | undefined;
  return {
    request({ method, route: template, status, seconds: took }) {
      const labels = { method, route: route(template), status: String(status) };
      requests.inc(labels);
      durations.observe(labels, took);
    },
    inference({ model: name, version: number, outcome, timing }) {
      const labels = { model: model(name), version: version(number) };
      inferences.inc({ ...labels, outcome });
      if (timing === undefined) return;
      queueTime.observe(labels, timing.queueMs / 1e3);
      computeTime.observe(labels, timing.computeMs / 1e3);
      batchRows.observe(labels, timing.batchRows);
    },
    shadow({ name, difference }) {
      if (difference === null) shadowFailures.inc({ model: model(name) });
      else shadows.observe({ model: model(name) }, difference);
    },
    inferenceThreadLost: () => threadsLost.inc(),
    job: ({ name, outcome, seconds: took }) => jobs.observe({ name: job(name), outcome }, took),
    inferenceDepth(source) {
      inferenceDepths = source;
    },
    shared(source) {
      askShared = source;
    },
    contentType: register.contentType,
    async text() {
      setInferenceDepths(inferenceDepths());
      const facts = await askShared?.().catch(() => undefined);
      stateUp.set(facts === undefined ? 0 : 1);
      setJobDepths(facts?.jobs ?? []);
      setWorkers(facts?.workers);
      setDrift(facts?.drift ?? []);
      return register.metrics();
    },
    close() {
      delay.disable();
      register.clear();
    },
  };
}

const other = "other";

/** Tells the first values apart and calls all others "other", so that nobody can fill the memory with names. */
function bounded(): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= labelLimit) return other;
    known.add(value);
    return value;
  };
}
