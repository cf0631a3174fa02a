/** Small models with answers that can be worked out by hand, and a source that a test can change. */
import { createHash } from "node:crypto";
import { onTestFinished } from "vitest";
import { constant, div, gather, input, mul, sum, toOnnx, traceGraph } from "../../../engine/index.ts";
import type { InferenceTensor } from "../datatypes.ts";
import { ModelServer, type ModelServerOptions } from "../model-server.ts";
import type { ModelSource, ServableModel, ServingPlan } from "../source.ts";

/** `y = factor x`, `x` of `[batch, 2]`. */
export const timesModel = (factor: number) =>
  toOnnx(traceGraph({ y: mul(input("x", ["batch", 2]), factor) }));

/** Rows that depend on each other: each is divided by the sum over all of them. */
export const coupledModel = () => {
  const x = input("x", ["batch", 2]);
  return toOnnx(traceGraph({ y: div(x, sum(x, [0], { keepDims: true })) }));
};

/** Looks numbers up: place 0 is 10, 1 is 20, 2 is 30. ONNX Runtime refuses every other place. */
export const tableModel = () =>
  toOnnx(traceGraph({ y: gather(constant([10, 20, 30], [3]), input("place", ["batch"], "int64")) }));

export function servable(name: string, version: string, bytes: Uint8Array): ServableModel {
  const digest = createHash("sha256").update(bytes).digest("hex");
  return { name, version, digest, read: async () => bytes };
}

/** Answers with what its plans hold, by name. */
export function planSource(plans: Record<string, ServingPlan>): ModelSource {
  return {
    async find(name, version) {
      const plan = plans[name];
      return plan === undefined || (version ?? plan.primary.version) !== plan.primary.version
        ? undefined
        : plan;
    },
    list: async () => Object.values(plans).map(({ primary }) => primary),
  };
}

export function serverOf(
  plans: Record<string, ServingPlan>,
  overrides: Partial<ModelServerOptions> = {},
): ModelServer {
  const server = new ModelServer({
    sources: [planSource(plans)],
    workers: 1,
    threadsPerBatch: 1,
    maxBatchRows: 64,
    windowMs: 0,
    queueLimit: 1000,
    timeoutMs: 30_000,
    maxLoaded: 8,
    refreshMs: 60_000,
    elapsed: () => performance.now(),
    logger: { info() {}, warn() {} },
    ...overrides,
  });
  onTestFinished(() => server.close());
  return server;
}

export const rows = (...values: readonly (readonly number[])[]): InferenceTensor => ({
  datatype: "FP32",
  shape: [values.length, values[0].length],
  data: Float32Array.from(values.flat()),
});
