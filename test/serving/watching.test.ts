import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { input, mul, toOnnx, traceGraph } from "../../src/engine/index.ts";
import { serveModels } from "../../src/interfaces/cli/serve-models.ts";
import { buildServer } from "../../src/interfaces/http/index.ts";
import { localContext, systemClock } from "../../src/platform/local/index.ts";
import { createLogger } from "../../src/platform/logs/index.ts";
import { createMetrics } from "../../src/platform/metrics/index.ts";
import { createTracer, type Tracer } from "../../src/platform/traces/index.ts";
import { attributesOf, otlpReceiver } from "../../src/platform/traces/testing/otlp-receiver.ts";

const settings = {
  maxBatchRows: 64,
  batchWindowMs: 0,
  inferenceQueue: 1000,
  inferenceTimeoutSeconds: 10,
  loadedModels: 8,
  modelRefreshSeconds: 60,
};

async function watched(tracer?: Tracer) {
  const dataFolder = await mkdtemp(join(tmpdir(), "fathom-watch-"));
  await mkdir(join(dataFolder, "models"));
  await writeFile(
    join(dataFolder, "models", "twice.onnx"),
    toOnnx(traceGraph({ y: mul(input("x", ["batch", 2]), 2) })),
  );
  const context = localContext({ dataFolder });
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const metrics = createMetrics();
  const world = {
    asked: undefined,
    dataFolder,
    artifacts: context.models,
    platform: context.platform,
    clock: systemClock,
    logger: context.logger,
    metrics,
  };
  const models = await serveModels(settings, world);
  const app = buildServer({
    capabilities: [],
    version: "1.2.3",
    dataFolder,
    clock: systemClock,
    jobs: () => Promise.reject(new Error("no jobs here")),
    makeContext: () => context,
    logger: createLogger({ level: "info", destination }),
    models: models.server,
    watching: { metrics, tracer },
    onClose: async () => {
      await models.close();
      metrics.close();
    },
  });
  onTestFinished(async () => {
    await app.close();
    await rm(dataFolder, { recursive: true, force: true });
  });
  const infer = (headers: Record<string, string> = {}) =>
    app.inject({
      method: "POST",
      url: "/v2/models/twice/infer",
      headers: { "content-type": "application/json", ...headers },
      payload: { inputs: [{ name: "x", shape: [1, 2], datatype: "FP32", data: [1, 2] }] },
    });
  return { app, infer, lines };
}

test("counts requests by template, inferences by model, and says how deep its queues are", async () => {
  const { app, infer } = await watched();
  await infer();
  await infer();
  await app.inject("/v2/models/customer-jane-doe");
  await app.inject("/nothing?customer=jane-doe");
  const answer = await app.inject("/metrics");
  expect(answer.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  const counted = answer.body.split("\n").filter((line) => line.startsWith("http_requests_total"));
  expect(counted).toEqual([
    'http_requests_total{method="POST",route="/v2/models/:model/infer",status="200"} 2',
    'http_requests_total{method="GET",route="/v2/models/:model",status="404"} 1',
    'http_requests_total{method="GET",route="unknown",status="404"} 1',
  ]);
  expect(answer.body).toMatch(
    /^fathom_inference_requests_total\{model="twice",version="[0-9a-f]{12}",outcome="ok"\} 2$/m,
  );
  expect(answer.body).toMatch(/^fathom_inference_queue_depth\{model="twice"\} 0$/m);
  expect(answer.body).not.toContain("jane-doe"); // whatever a caller writes into an address is no label
});

test("writes one line for each request, with its id and its route, and none for probes", async () => {
  const { app, infer, lines } = await watched();
  const answer = await infer({ authorization: "Bearer secret" });
  for (const url of ["/healthz", "/readyz", "/metrics", "/v2/health/live"]) await app.inject(url);
  expect(lines).toEqual([
    {
      level: 30,
      time: expect.any(Number),
      reqId: answer.headers["x-request-id"],
      method: "POST",
      route: "/v2/models/:model/infer",
      status: 200,
      milliseconds: expect.any(Number),
      msg: "answered",
    },
  ]);
});

test("traces a request of a caller who is traced: the request, its wait and its run", async () => {
  const { endpoint, spans } = await otlpReceiver();
  const tracer = await createTracer({ endpoint, service: { name: "fathom", version: "1.2.3" } });
  const { infer, lines } = await watched(tracer);
  await infer({ traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" });
  await vi.waitUntil(() => lines.length === 1); // the span ends with the answer's last byte, as the line does
  await tracer.close();
  const [queue, inference, request] = ["queue wait", "inference", "POST /v2/models/:model/infer"].map(
    (name) => spans.find((span) => span.name === name),
  );
  expect(request).toMatchObject({
    traceId: "0af7651916cd43dd8448eb211c80319c",
    parentSpanId: "b7ad6b7169203331",
  });
  expect(request && attributesOf(request)).toMatchObject({
    "http.request.method": "POST",
    "http.route": "/v2/models/:model/infer",
    "http.response.status_code": 200,
  });
  for (const span of [queue, inference]) expect(span?.parentSpanId).toBe(request?.spanId);
  expect(inference && attributesOf(inference)).toMatchObject({
    "fathom.model.name": "twice",
    "fathom.batch.rows": 1,
  });
  expect(queue?.endTimeUnixNano).toBe(inference?.startTimeUnixNano);
  expect(lines[0]).toMatchObject({ traceId: "0af7651916cd43dd8448eb211c80319c" });
});
