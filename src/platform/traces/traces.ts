/**
 * Traces for OpenTelemetry (OTLP over HTTP). The libraries are loaded when traces are asked for and not before; where they are not, there
 * is no tracer, and whoever would use one asks `tracer?.` and pays nothing.
 *
 * @see https://www.w3.org/TR/trace-context/ for `traceparent`, which is read from a caller and given to whoever works for it
 */
import type { Attributes, Span as OtelSpan, Context as TraceContext } from "@opentelemetry/api";

export interface TracerOptions {
  /** Where OTLP is received, such as `http://127.0.0.1:4318`; traces go to `/v1/traces` below it. */
  readonly endpoint: string;
  readonly service: { readonly name: string; readonly version: string };
  /** The share of traces that begin here and are kept; a caller's own decision is honoured. 1 when absent. */
  readonly sampleRatio?: number;
  /** How long finished spans are gathered before they are sent. */
  readonly batchMs?: number;
}

/** A piece of work with a beginning and an end. */
export interface Span {
  readonly traceId: string;
  /** What to give to others who work for it. */
  readonly traceparent: string;
  /** A piece that is over already. Times are milliseconds since 1970. */
  record(name: string, from: number, to: number, attributes?: Attributes): void;
  child(name: string, attributes?: Attributes): Span;
  set(attributes: Attributes): void;
  end(failure?: string): void;
}

export interface Tracer {
  /** @param traceparent the caller's, where there is one; what is none counts as absent */
  start(
    name: string,
    options?: {
      readonly traceparent?: string | undefined;
      readonly kind?: SpanKindName;
      readonly attributes?: Attributes;
    },
  ): Span;
  /** Sends what has not been sent yet. */
  close(): Promise<void>;
}

/** `server` answers somebody; `consumer` takes work from a queue. */
export type SpanKindName = "internal" | "server" | "consumer";

export async function createTracer({
  endpoint,
  service,
  sampleRatio = 1,
  batchMs = 1000,
}: TracerOptions): Promise<Tracer> {
  const [api, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-trace-base"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/resources"),
  ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, "")}/v1/traces` });
  const provider = new sdk.BasicTracerProvider({
    resource: resourceFromAttributes({ "service.name": service.name, "service.version": service.version }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [new sdk.BatchSpanProcessor(exporter, { scheduledDelayMillis: batchMs })],
  });
  const tracer = provider.getTracer(service.name, service.version);
  const kinds = {
    internal: api.SpanKind.INTERNAL,
    server: api.SpanKind.SERVER,
    consumer: api.SpanKind.CONSUMER,
  } as const;

  const wrap = (span: OtelSpan): Span => {
    const context = api.trace.setSpan(api.ROOT_CONTEXT, span);
    const { traceId, spanId, traceFlags } = span.spanContext();
    return {
      traceId,
      traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`,
      record: (name, from, to, attributes = {}) =>
        tracer.startSpan(name, { startTime: instant(from), attributes }, context).end(instant(to)),
      child: (name, attributes = {}) => wrap(tracer.startSpan(name, { attributes }, context)),
      set: (attributes) => void span.setAttributes(attributes),
      end(failure) {
        if (failure !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR, message: failure });
        span.end();
      },
    };
  };
  const parentOf = (traceparent: string | undefined): TraceContext => {
    const parent = parseTraceparent(traceparent);
    return parent === undefined
      ? api.ROOT_CONTEXT
      : api.trace.setSpanContext(api.ROOT_CONTEXT, { ...parent, isRemote: true });
  };
  return {
    start: (name, { traceparent, kind = "internal", attributes = {} } = {}) =>
      wrap(tracer.startSpan(name, { kind: kinds[kind], attributes }, parentOf(traceparent))),
    close: () => provider.shutdown(),
  };
}

/** Seconds and nanoseconds: of a plain number the library guesses which clock it is of. */
function instant(milliseconds: number): [number, number] {
  const seconds = Math.floor(milliseconds / 1000);
  return [seconds, Math.round((milliseconds - seconds * 1000) * 1e6)];
}

/**
 * The trace that a caller is part of.
 *
 * @returns undefined for what is no `traceparent` of version 00, or of a later one that begins as it does
 * @example
 * parseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?.spanId; // => "b7ad6b7169203331"
 */
export function parseTraceparent(
  header: string | undefined,
): { readonly traceId: string; readonly spanId: string; readonly traceFlags: number } | undefined {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header ?? "");
  if (match === null) return undefined;
  const [, version, traceId, spanId, flags, rest] = match;
  const zero = /^0+$/;
  if (version === "ff" || zero.test(traceId) || zero.test(spanId)) return undefined;
  if (version === "00" && rest !== undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 };
}
