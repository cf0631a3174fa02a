import fc from "fast-check";
import { expect, test } from "vitest";
import { attributesOf, otlpReceiver } from "./testing/otlp-receiver.ts";
import { createTracer, parseTraceparent } from "./traces.ts";
import { watchJob } from "./watch-job.ts";

const service = { name: "fathom", version: "1.2.3" };
const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test("sends spans with their parents, their times and what was said of them", async () => {
  const { endpoint, spans, services } = await otlpReceiver();
  const tracer = await createTracer({ endpoint: `${endpoint}/`, service });
  const request = tracer.start("GET /a", {
    traceparent: caller,
    kind: "server",
    attributes: { "http.route": "/a" },
  });
  request.record("queue wait", 1_000, 1_250, { rows: 3 });
  const child = request.child("work");
  child.end("it broke");
  request.end();
  await tracer.close();
  expect(services).toContain("fathom");
  const [queue, work, whole] = ["queue wait", "work", "GET /a"].map((name) =>
    spans.find((span) => span.name === name),
  );
  expect(whole).toMatchObject({
    traceId: "0af7651916cd43dd8448eb211c80319c",
    parentSpanId: "b7ad6b7169203331",
    kind: 2, // server
  });
  expect(queue).toMatchObject({
    parentSpanId: whole?.spanId,
    startTimeUnixNano: "1000000000",
    endTimeUnixNano: "1250000000",
  });
  expect(queue && attributesOf(queue)).toEqual({ rows: 3 });
  expect(work).toMatchObject({ parentSpanId: whole?.spanId, status: { code: 2, message: "it broke" } });
  expect(request.traceparent).toBe(`00-${whole?.traceId}-${whole?.spanId}-01`);
});

test("keeps nothing of a trace that its caller does not keep, but passes it on", async () => {
  const { endpoint, spans } = await otlpReceiver();
  const tracer = await createTracer({ endpoint, service });
  const span = tracer.start("GET /a", { traceparent: caller.replace(/01$/, "00") });
  span.end();
  await tracer.close();
  expect(spans).toEqual([]);
  expect(span.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
});

test("keeps none of the traces that begin here when told so", async () => {
  const { endpoint, spans } = await otlpReceiver();
  const tracer = await createTracer({ endpoint, service, sampleRatio: 0 });
  tracer.start("GET /a").end();
  await tracer.close();
  expect(spans).toEqual([]);
});

test("runs a job under a span of whoever asked for it, and tells what it took", async () => {
  const { endpoint, spans } = await otlpReceiver();
  const tracer = await createTracer({ endpoint, service });
  let now = 0;
  const facts: unknown[] = [];
  const watch = {
    clock: { now: () => now, elapsed: () => now },
    tracer,
    onEnd: (fact: unknown) => void facts.push(fact),
  };
  const job = { name: "forecast.train", id: "7", traceparent: caller };
  const result = await watchJob(watch, job, async (span) => {
    now += 90_000;
    return span?.traceparent;
  });
  await expect(
    watchJob(watch, job, async () => {
      throw new Error("no data");
    }),
  ).rejects.toThrow("no data");
  const stopped = AbortSignal.abort();
  await expect(
    watchJob(watch, { ...job, signal: stopped }, async () => stopped.throwIfAborted()),
  ).rejects.toThrow();
  expect(facts).toEqual([
    { name: "forecast.train", outcome: "done", seconds: 90 },
    { name: "forecast.train", outcome: "failed", seconds: 0 },
    { name: "forecast.train", outcome: "cancelled", seconds: 0 },
  ]);
  await tracer.close();
  expect(spans.map((span) => attributesOf(span)["fathom.job.outcome"])).toEqual([
    "done",
    "failed",
    "cancelled",
  ]);
  expect(spans[0]).toMatchObject({ name: "job forecast.train", parentSpanId: "b7ad6b7169203331" });
  expect(result).toContain(spans[0].spanId);
  expect(await watchJob({ clock: watch.clock }, job, async (span) => span)).toBeUndefined();
});

test.each([
  undefined,
  "",
  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
  "00-00000000000000000000000000000000-b7ad6b7169203331-01",
  "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
  "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
  "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
])("takes a traceparent that is none as absent: %s", (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});

test("reads every traceparent that is one, of later versions too", () => {
  const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length - 1}}[1-9a-f]$`));
  fc.assert(
    fc.property(hex(32), hex(16), fc.constantFrom("00", "01", "03", "fe"), (traceId, spanId, flags) => {
      const expected = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 };
      expect(parseTraceparent(`00-${traceId}-${spanId}-${flags}`)).toEqual(expected);
      expect(parseTraceparent(`cc-${traceId}-${spanId}-${flags}-later`)).toEqual(expected);
    }),
  );
});
