import { expect, onTestFinished, test } from "vitest";
import type { DriftCheck } from "../../base/index.ts";
import { createMetrics } from "./metrics.ts";

function metrics() {
  const one = createMetrics();
  onTestFinished(() => one.close());
  return one;
}

/** The samples of a metric, as Prometheus would read them. */
async function samples(one: ReturnType<typeof metrics>, name: string): Promise<Record<string, number>> {
  const lines = (await one.text())
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("counts requests by route template and status, and sorts what they took into buckets", async () => {
  const one = metrics();
  for (const seconds of [0.002, 0.03, 0.2])
    one.request({ method: "GET", route: "/a/:b", status: 200, seconds });
  one.request({ method: "GET", route: "/a/:b", status: 404, seconds: 0.001 });
  expect(await samples(one, "http_requests_total")).toEqual({
    'http_requests_total{method="GET",route="/a/:b",status="200"}': 3,
    'http_requests_total{method="GET",route="/a/:b",status="404"}': 1,
  });
  const buckets = await samples(one, "http_request_duration_seconds_bucket");
  const under = (le: string) =>
    buckets[`http_request_duration_seconds_bucket{le="${le}",method="GET",route="/a/:b",status="200"}`];
  expect([under("0.001"), under("0.0025"), under("0.05"), under("+Inf")]).toEqual([0, 1, 2, 3]);
});

test("counts inferences by model and version, with what they waited and the rows of their batch", async () => {
  const one = metrics();
  one.inference({
    model: "m",
    version: "1",
    outcome: "ok",
    timing: { queueMs: 20, computeMs: 4, batchRows: 8 },
  });
  one.inference({ model: "m", version: "1", outcome: "error" });
  expect(await samples(one, "fathom_inference_requests_total")).toEqual({
    'fathom_inference_requests_total{model="m",version="1",outcome="ok"}': 1,
    'fathom_inference_requests_total{model="m",version="1",outcome="error"}': 1,
  });
  expect(await samples(one, "fathom_inference_queue_seconds_sum")).toEqual({
    'fathom_inference_queue_seconds_sum{model="m",version="1"}': 0.02,
  });
  expect(await samples(one, "fathom_inference_batch_rows_sum")).toEqual({
    'fathom_inference_batch_rows_sum{model="m",version="1"}': 8,
  });
});

test("asks for the depth of queues when it is read, and forgets queues that are gone", async () => {
  const one = metrics();
  let depths = [{ name: "m", depth: 3 }];
  one.inferenceDepth(() => depths);
  one.shared(async () => ({ jobs: [{ name: "training", depth: 7 }], workers: [], drift: [] }));
  expect(await samples(one, "fathom_inference_queue_depth")).toEqual({
    'fathom_inference_queue_depth{model="m"}': 3,
  });
  depths = [{ name: "other", depth: 0 }];
  expect(await samples(one, "fathom_inference_queue_depth")).toEqual({
    'fathom_inference_queue_depth{model="other"}': 0,
  });
  expect(await samples(one, "fathom_job_queue_depth")).toEqual({
    'fathom_job_queue_depth{queue="training"}': 7,
  });
});

test("counts the workers that are alive, and the jobs that these take", async () => {
  const one = metrics();
  const told = async () => ({
    ...(await samples(one, "fathom_workers")),
    ...(await samples(one, "fathom_worker_slots")),
  });
  expect(await told()).toEqual({}); // 0 would say that nobody works
  let workers = [
    { alive: true, concurrency: 2 },
    { alive: false, concurrency: 8 },
    { alive: true, concurrency: 1 },
  ];
  one.shared(async () => ({ jobs: [], workers, drift: [] }));
  expect(await told()).toEqual({ fathom_workers: 2, fathom_worker_slots: 3 });
  workers = [];
  expect(await told()).toEqual({ fathom_workers: 0, fathom_worker_slots: 0 });
});

const drifting: DriftCheck = {
  model: "spy",
  version: 3,
  at: 1_767_225_600_000,
  by: "nightly",
  from: "2025-01-01",
  to: "2025-12-31",
  drifted: true,
  features: [
    { name: "close", drifted: true, measures: [{ measure: "psi", value: 0.3 }] },
    { name: "forecast", drifted: false, measures: [{ measure: "psi", value: 0.01 }] },
  ],
};

test("tells the latest drift check of each version in use, and nothing of one that is no longer", async () => {
  const one = metrics();
  let checks: readonly DriftCheck[] = [drifting, { ...drifting, model: "qqq", version: 1, features: [] }];
  one.shared(async () => ({ jobs: [], workers: [], drift: checks }));
  const of = 'model="spy",version="3"';
  expect(await samples(one, "fathom_drift")).toEqual({
    [`fathom_drift{${of},feature="close",measure="psi"}`]: 0.3,
    [`fathom_drift{${of},feature="forecast",measure="psi"}`]: 0.01,
  });
  expect(await samples(one, "fathom_drift_detected")).toEqual({
    [`fathom_drift_detected{${of},feature="close"}`]: 1,
    [`fathom_drift_detected{${of},feature="forecast"}`]: 0,
  });
  expect(await samples(one, "fathom_drift_check_timestamp_seconds")).toEqual({
    [`fathom_drift_check_timestamp_seconds{${of}}`]: 1_767_225_600,
    'fathom_drift_check_timestamp_seconds{model="qqq",version="1"}': 1_767_225_600,
  });
  checks = [];
  for (const name of ["fathom_drift", "fathom_drift_detected", "fathom_drift_check_timestamp_seconds"])
    expect(await samples(one, name)).toEqual({});
});

test("goes on telling everything else while the state cannot be asked, and says that it cannot", async () => {
  const one = metrics();
  let isDown = false;
  one.inferenceThreadLost();
  one.shared(async () => {
    if (isDown) throw new Error("connection refused");
    return {
      jobs: [{ name: "jobs", depth: 2 }],
      workers: [{ alive: true, concurrency: 3 }],
      drift: [drifting],
    };
  });
  expect(await samples(one, "fathom_state_up")).toEqual({ fathom_state_up: 1 });
  isDown = true;
  expect(await samples(one, "fathom_state_up")).toEqual({ fathom_state_up: 0 });
  expect(await samples(one, "fathom_job_queue_depth")).toEqual({});
  expect(await samples(one, "fathom_drift")).toEqual({});
  for (const name of ["fathom_workers", "fathom_worker_slots"]) expect(await samples(one, name)).toEqual({});
  expect(await samples(one, "fathom_inference_threads_lost_total")).toEqual({
    fathom_inference_threads_lost_total: 1,
  });
});

test("takes job durations, shadows and lost threads", async () => {
  const one = metrics();
  one.job({ name: "forecast.train", outcome: "done", seconds: 90 });
  one.shadow({ name: "m", difference: 0.02 });
  one.shadow({ name: "m", difference: null });
  one.inferenceThreadLost();
  expect(await samples(one, "fathom_job_duration_seconds_sum")).toEqual({
    'fathom_job_duration_seconds_sum{name="forecast.train",outcome="done"}': 90,
  });
  expect(await samples(one, "fathom_shadow_difference_count")).toEqual({
    'fathom_shadow_difference_count{model="m"}': 1,
  });
  expect(await samples(one, "fathom_shadow_failures_total")).toEqual({
    'fathom_shadow_failures_total{model="m"}': 1,
  });
  expect(await samples(one, "fathom_inference_threads_lost_total")).toEqual({
    fathom_inference_threads_lost_total: 1,
  });
});

test("tells a bounded number of names apart, however many there are", async () => {
  const one = metrics();
  for (let i = 0; i < 1000; i++) one.inference({ model: `m${i}`, version: "1", outcome: "ok" });
  const counted = await samples(one, "fathom_inference_requests_total");
  expect(Object.keys(counted)).toHaveLength(257);
  expect(counted['fathom_inference_requests_total{model="other",version="1",outcome="ok"}']).toBe(1000 - 256);
});

test("knows the process and how late its event loop was, and has a help text and a type for everything", async () => {
  const text = await metrics().text();
  for (const name of [
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "fathom_event_loop_delay_seconds",
  ])
    expect(text).toMatch(new RegExp(`^# HELP ${name} .+\\n# TYPE ${name} \\w+$`, "m"));
  expect(text).toMatch(/^fathom_event_loop_delay_seconds\{quantile="0.99"\} [\d.e-]+$/m);
});
