/** What a server tells those who run it: a line in the log, a sample in the metrics and a span for every request. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Metrics } from "../../platform/metrics/index.ts";
import type { Span, Tracer } from "../../platform/traces/index.ts";
import { metricsOperation } from "./server-operations.ts";

export interface Watching {
  readonly metrics?: Metrics;
  readonly tracer?: Tracer | undefined;
}

declare module "fastify" {
  interface FastifyRequest {
    /** The span of the request, where traces are on; its `traceparent` goes to whoever works for the request. */
    span: Span | null;
  }
}

/** Asked every few seconds by machines; their lines would hide all others. */
const probes = new Set(["/healthz", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready"]);

export function watchRequests(app: FastifyInstance, { metrics, tracer }: Watching): void {
  app.decorateRequest("span", null);
  if (tracer !== undefined)
    app.addHook("onRequest", async (request) => {
      const { traceparent } = request.headers;
      request.span = tracer.start(`${request.method} ${routeOf(request)}`, {
        kind: "server",
        traceparent: typeof traceparent === "string" ? traceparent : undefined,
        attributes: {
          "http.request.method": request.method,
          "http.route": routeOf(request),
          "fathom.request.id": request.id,
        },
      });
    });
  app.addHook("onResponse", (request, reply, done) => {
    const route = routeOf(request);
    const { method, span } = request;
    const status = reply.statusCode;
    const milliseconds = reply.elapsedTime;
    metrics?.request({ method, route, status, seconds: milliseconds / 1000 });
    if (span !== null) {
      span.set({ "http.response.status_code": status });
      span.end(status >= 500 ? `status ${status}` : undefined);
    }
    const line = { method, route, status, milliseconds, ...(span !== null && { traceId: span.traceId }) };
    if (status >= 500) request.log.warn(line, "answered");
    else if (probes.has(route)) request.log.debug(line, "answered");
    else request.log.info(line, "answered");
    done();
  });
  if (metrics !== undefined)
    app.get(
      "/metrics",
      { config: { operation: metricsOperation } },
      async (_: FastifyRequest, reply: FastifyReply) =>
        reply.type(metrics.contentType).send(await metrics.text()),
    );
}

/** The template of a route, never an address: addresses are without number, and may name somebody. */
function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? "unknown";
}
