/**
 * The Open Inference Protocol v2 over HTTP, as its REST specification says, so that clients of KServe and Triton work unchanged.
 * Failures are `{"error": "..."}`.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Clock, PlatformError } from "../../../base/index.ts";
import type { InferenceReply, ModelServer, TensorSignature } from "../../../platform/inference/index.ts";
import type { Span } from "../../../platform/traces/index.ts";
import type { Problem } from "../../failure.ts";
import { type RefuseRoute, sendRetryAfter } from "../problems.ts";
import { messages } from "./messages.ts";
import { inferenceOperations, modelOperations } from "./operations.ts";
import { readInferRequest } from "./request.ts";
import { writeInferResponse } from "./response.ts";

export interface InferenceRouteOptions {
  readonly models: ModelServer;
  readonly version: string;
  readonly ready: () => boolean;
  readonly clock: Clock;
  /** Answers in flight, so that a server that stops can wait for them. */
  readonly inFlight: Set<Promise<unknown>>;
  /** The status, code and public words of a failure. */
  readonly describeFailure: (error: unknown, request: FastifyRequest) => Problem;
  readonly refuseRoute: RefuseRoute;
}

interface ModelParams {
  readonly model: string;
  readonly version?: string;
}

export async function inferenceRoutes(app: FastifyInstance, options: InferenceRouteOptions): Promise<void> {
  const { models, inFlight } = options;
  // Clients of the protocol name their bodies in several ways, and the body says itself what it is.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  const answerError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const { status, code, detail } = options.describeFailure(error, request);
    sendRetryAfter(reply, code);
    if (error instanceof PlatformError && error.code === "SERVER_BUSY") {
      const { model, version } = request.params as ModelParams;
      reply.header("retry-after", String(models.retryAfterSeconds(model, version)));
    }
    return reply.code(status).send({ error: detail });
  };
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    answerError(options.refuseRoute(request, reply), request, reply),
  );

  const { server, live, ready: isReady, index } = inferenceOperations;
  app.get("/", { config: { operation: server } }, async () => ({
    name: "fathom",
    version: options.version,
    extensions: ["binary_tensor_data"],
  }));
  app.get("/health/live", { config: { operation: live } }, async () => ({ live: true }));
  app.get("/health/ready", { config: { operation: isReady } }, async (_, reply) => {
    const ready = options.ready();
    return reply.code(ready ? 200 : 400).send({ ready }); // the protocol: a status of 4xx means not ready
  });
  app.post("/repository/index", { config: { operation: index } }, async () =>
    (await models.list()).map(({ name, version, loaded }) => ({
      name,
      version,
      state: loaded ? "READY" : "UNAVAILABLE",
      reason: loaded ? "" : messages.loadedWhenAsked,
    })),
  );

  const describe = async (request: FastifyRequest) => {
    const { model, version } = request.params as ModelParams;
    const { name, version: found, digest, inputs, outputs } = await models.describe(model, version);
    return {
      name,
      versions: [found],
      platform: "onnx_onnxv1",
      inputs: inputs.map(metadata),
      outputs: outputs.map(metadata),
      parameters: { digest },
    };
  };
  const ready = async (request: FastifyRequest) => {
    const { model, version } = request.params as ModelParams;
    const { name } = await models.describe(model, version); // loads it: whoever waits for it wants it
    return { name, ready: true };
  };
  const infer = async (request: FastifyRequest, reply: FastifyReply) => {
    const answer = answerInference(request, reply, options);
    inFlight.add(answer);
    try {
      return await answer;
    } finally {
      inFlight.delete(answer);
    }
  };
  for (const [place, isVersioned] of [
    ["/models/:model", false],
    ["/models/:model/versions/:version", true],
  ] as const) {
    const operations = modelOperations(isVersioned);
    app.get(place, { config: { operation: operations.describe } }, describe);
    app.get(`${place}/ready`, { config: { operation: operations.ready } }, ready);
    app.post(`${place}/infer`, { config: { operation: operations.infer } }, infer);
  }
}

async function answerInference(
  request: FastifyRequest,
  reply: FastifyReply,
  { models, clock }: InferenceRouteOptions,
) {
  const { model, version } = request.params as ModelParams;
  const { headers, body } = request;
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity")
    throw new PlatformError("input", "INPUT_INVALID", messages.contentEncoding(encoding));
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  const asked = readInferRequest(
    bytes,
    headerLengthOf(headers["inference-header-content-length"], bytes.length),
  );
  const leaving = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) leaving.abort();
  });
  const answer = await models.infer({
    name: model,
    version,
    inputs: asked.inputs,
    outputs: asked.outputs?.map(({ name }) => name),
    key: keyOf(asked.parameters["request_key"]) ?? asked.id ?? request.id,
    signal: leaving.signal,
  });
  if (request.span !== null) recordTiming(request.span, answer, clock.now());
  const { body: written, headerLength } = await writeInferResponse(asked, answer);
  reply.header("x-model-version", answer.model.version).header("x-model-digest", answer.model.digest);
  if (headerLength === undefined) return reply.type("application/json").send(written);
  return reply
    .header("inference-header-content-length", String(headerLength))
    .type("application/octet-stream")
    .send(written);
}

/** The wait and the run as spans of their own, behind each other up to now. */
function recordTiming(span: Span, { model, timing }: InferenceReply, now: number): void {
  const { queueMs, computeMs, batchRows, batchRequests } = timing;
  const attributes = { "fathom.model.name": model.name, "fathom.model.version": model.version };
  span.record("queue wait", now - computeMs - queueMs, now - computeMs, attributes);
  const batch = { "fathom.batch.rows": batchRows, "fathom.batch.requests": batchRequests };
  span.record("inference", now - computeMs, now, { ...attributes, ...batch });
}

function headerLengthOf(header: string | string[] | undefined, length: number): number | undefined {
  if (header === undefined) return undefined;
  const value = Number(header);
  if (typeof header === "string" && /^\d+$/.test(header) && value <= length) return value;
  const message = messages.headerLength(length, JSON.stringify(header));
  throw new PlatformError("input", "INPUT_INVALID", message);
}

const keyOf = (value: unknown) => (typeof value === "string" ? value : undefined);

/** An axis that is open is -1. A model that declares no shape takes any. */
const metadata = ({ name, datatype, shape }: TensorSignature) => ({
  name,
  datatype,
  shape: (shape ?? []).map((size) => (typeof size === "number" ? size : -1)),
});
