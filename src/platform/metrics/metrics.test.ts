import { expect, onTestFinished, test } from "vitest";
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
  one.jobDepth(async () => [{ name: "training", depth: 7 }]);
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

test("takes job durations, drift, shadows and lost threads", async () => {
  const one = metrics();
  one.job({ name: "forecast.train", outcome: "done", seconds: 90 });
  one.drift({ model: "m", version: "1", feature: "close", measure: "psi", value: 0.3 });
  one.shadow({ name: "m", difference: 0.02 });
  one.shadow({ name: "m", difference: null });
  one.inferenceThreadLost();
  expect(await samples(one, "fathom_job_duration_seconds_sum")).toEqual({
    'fathom_job_duration_seconds_sum{name="forecast.train",outcome="done"}': 90,
  });
  expect(await samples(one, "fathom_drift")).toEqual({
    'fathom_drift{model="m",version="1",feature="close",measure="psi"}': 0.3,
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
