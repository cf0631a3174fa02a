/**
 * What the routes of the Open Inference Protocol say of themselves. Queries may hold anything: clients of the protocol let their users
 * add fields, which gateways on the way read.
 */
import { datatypeNames } from "../../../platform/inference/index.ts";
import { messages as shared } from "../messages.ts";
import { type Json, json, media, type Operation, object, ref, text } from "../openapi/index.ts";
import { messages } from "./messages.ts";

const { routes: words } = messages;
const list = (items: Json): Json => ({ type: "array", items });
const shape = (description: string) => ({ ...list({ type: "integer" }), description });
const parameters = (properties: Json = {}): Json => ({ type: "object", properties });
const datatype = { $ref: "#/components/schemas/Datatype" };
const size = { type: "integer", minimum: 0, description: words.binarySize };

const tensor = {
  name: text,
  shape: { ...list({ type: "integer", minimum: 0 }), description: words.shape },
  datatype,
  parameters: parameters({ binary_data_size: size }),
  data: { type: "array", description: words.data },
};
const required = ["name", "shape", "datatype"];
const signature = object({ name: text, datatype, shape: shape(words.openShape) });
const digest = { ...text, description: words.digest };

const schemas: Json = {
  Datatype: { enum: datatypeNames },
  ServerMetadata: object({ name: text, version: text, extensions: list(text) }),
  ModelMetadata: object({
    name: text,
    versions: list(text),
    platform: text,
    inputs: list(signature),
    outputs: list(signature),
    parameters: object({ digest }),
  }),
  ModelIndex: list(
    object({ name: text, version: text, state: { enum: ["READY", "UNAVAILABLE"] }, reason: text }),
  ),
  InferRequest: {
    type: "object",
    required: ["inputs"],
    examples: [{ inputs: [{ name: "x", shape: [1, 3], datatype: "FP32", data: [1, 2, 3] }] }],
    properties: {
      id: { ...text, description: words.id },
      parameters: parameters({
        binary_data_output: { type: "boolean", description: words.binaryOutput },
        request_key: { ...text, description: words.requestKey },
      }),
      inputs: list({ type: "object", required, properties: tensor }),
      outputs: {
        ...list({
          type: "object",
          required: ["name"],
          properties: { name: text, parameters: parameters({ binary_data: { type: "boolean" } }) },
        }),
        description: words.outputs,
      },
    },
  },
  InferResponse: {
    type: "object",
    required: ["model_name", "model_version", "parameters", "outputs"],
    properties: {
      model_name: text,
      model_version: text,
      id: text,
      parameters: object({ digest }),
      outputs: list({ type: "object", required, properties: tensor }),
    },
  },
};

const common = {
  tag: "inference",
  query: "any",
  refusedAs: "error",
  schemas,
} as const;
const answer = (name: string) => ({ 200: json(shared.answer, ref(name)) });
const flag = (name: string) => object({ [name]: { type: "boolean" } });
const jsonLength = { description: words.headerLength, schema: { type: "integer", minimum: 0 } };
const both = (name: string): Json => ({
  ...media("application/json", ref(name)),
  ...media("application/octet-stream", { ...text, format: "binary", description: words.binary }),
});
const header = (description: string) => ({ description, schema: text });

export const inferenceOperations = {
  server: { ...common, id: "v2-server", summary: words.server, answers: answer("ServerMetadata") },
  live: {
    ...common,
    id: "v2-live",
    summary: words.live,
    answers: { 200: json(shared.answer, flag("live")) },
  },
  ready: {
    ...common,
    id: "v2-ready",
    summary: words.ready,
    answers: { 200: json(shared.answer, flag("ready")), 400: json(shared.notReady, flag("ready")) },
  },
  index: { ...common, id: "v2-index", summary: words.index, answers: answer("ModelIndex") },
} as const satisfies Record<string, Operation>;

/** @param isVersioned whether the address names a version */
export function modelOperations(isVersioned: boolean) {
  const of = isVersioned ? "version" : "model";
  const model = {
    ...common,
    path: {
      model: { ...text, description: words.model },
      ...(isVersioned && { version: { ...text, description: words.version } }),
    },
    refusals: [404],
  } as const;
  return {
    describe: { ...model, id: `v2-${of}`, summary: words.describe, answers: answer("ModelMetadata") },
    ready: {
      ...model,
      id: `v2-${of}-ready`,
      summary: words.modelReady,
      answers: {
        200: json(shared.answer, object({ name: text, ready: { type: "boolean" } })),
      },
    },
    infer: {
      ...model,
      id: `v2-${of}-infer`,
      summary: words.infer,
      headers: [{ name: "Inference-Header-Content-Length", in: "header", ...jsonLength }],
      body: { required: true, content: both("InferRequest") },
      answers: {
        200: {
          description: shared.answer,
          content: both("InferResponse"),
          headers: {
            "Inference-Header-Content-Length": jsonLength,
            "X-Model-Version": header(words.modelVersion),
            "X-Model-Digest": header(words.digest),
          },
        },
      },
      refusals: [400, 404, 413],
    },
  } as const satisfies Record<string, Operation>;
}
