/** Any ONNX model for inference: checked, loaded into a worker, and called with named values. */
import { PlatformError } from "../../base/index.ts";
import { requireIndices } from "../index-ranges.ts";
import type { Runtime, TensorValue } from "../runtime/runtime.ts";
import { formatShape } from "../shape.ts";
import { fuseAttention } from "./fuse-attention.ts";
import { lookupsOf } from "./lookups.ts";
import { type OnnxModel, type OnnxValue, readOnnx } from "./read.ts";

/** A model that answers. */
export interface LoadedOnnx {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /**
   * The outputs for these inputs, by name.
   *
   * @throws PlatformError `SHAPE_MISMATCH` naming every input that is missing, unknown, or not of the declared type
   * @throws PlatformError `INDEX_OUT_OF_RANGE` when an input names a row that a table of the file does not have, or a negative one
   */
  run(feeds: Readonly<Record<string, TensorValue>>): Promise<Readonly<Record<string, TensorValue>>>;
  release(): Promise<void>;
}

/** ONNX's names of the element types that can be fed. */
const feedable = {
  float: "float32",
  double: "float64",
  int64: "int64",
  int32: "int32",
  uint32: "uint32",
  bool: "bool",
} as const;

/**
 * Loads an ONNX model, ours or any other's, into a runtime's worker.
 *
 * @param model the bytes of a file, or what `readOnnx` made of them
 * @throws PlatformError `ONNX_INVALID`, `ONNX_UNSUPPORTED`: also when ONNX Runtime knows no kernel for an operator
 * @example
 * const runtime = createRuntime();
 * const model = await loadOnnx(runtime, toOnnx(traceGraph({ y: mul(input("x", ["batch"]), 2) })));
 * const feeds = { x: { dtype: "float32", shape: [2], data: Float32Array.of(1, 3) } };
 * (await model.run(feeds)).y.data; // => [2, 6]
 * await runtime.close();
 */
export async function loadOnnx(runtime: Runtime, model: OnnxModel | Uint8Array): Promise<LoadedOnnx> {
  const { bytes, source, inputs, outputs, graph } = model instanceof Uint8Array ? readOnnx(model) : model;
  const odd = [...inputs, ...outputs].filter(({ elementType }) => !(elementType in feedable));
  if (odd.length > 0) {
    const names = odd.map(({ name, elementType }) => `"${name}" (${elementType})`).join(", ");
    throw new PlatformError(
      "input",
      "ONNX_UNSUPPORTED",
      `${source}: expected inputs and outputs of ${Object.keys(feedable).join(", ")}, received ${names}`,
      { file: source },
    );
  }
  const lookups = lookupsOf(
    graph,
    inputs.map(({ name }) => name),
  );
  const session = await runtime.load(fuseAttention(bytes)).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PlatformError("input", "ONNX_UNSUPPORTED", `${source}: ${reason}`, { file: source, cause });
  });
  return {
    inputs,
    outputs,
    async run(feeds) {
      checkFeeds(inputs, feeds, source);
      requireIndices(source, lookups, feeds);
      return (await session.run({ feeds, fetch: outputs.map(({ name }) => name) })).outputs;
    },
    release: () => session.release(),
  };
}

/** An axis that is named twice has one size. */
function checkFeeds(
  inputs: readonly OnnxValue[],
  feeds: Readonly<Record<string, TensorValue>>,
  source: string,
): void {
  const problems: string[] = [];
  const sizes = new Map<string, number>();
  for (const { name, elementType, shape } of inputs) {
    const declared = `${elementType}${shape ? formatShape(shape as readonly number[]) : ""}`;
    if (!Object.hasOwn(feeds, name)) {
      problems.push(`expected input "${name}" of ${declared}, received none`);
      continue;
    }
    const value = feeds[name];
    const fits = shape?.every((size, axis) => {
      const received = value.shape[axis];
      if (typeof size === "number") return size === received;
      if (!sizes.has(size)) sizes.set(size, received);
      return sizes.get(size) === received;
    });
    const rankFits = shape === null || (shape.length === value.shape.length && fits);
    if (!rankFits || value.dtype !== feedable[elementType as keyof typeof feedable])
      problems.push(
        `expected input "${name}" of ${declared}, received ${value.dtype}${formatShape(value.shape)}`,
      );
  }
  for (const name of Object.keys(feeds))
    if (!inputs.some((input) => input.name === name)) problems.push(`there is no input "${name}"`);
  if (problems.length > 0)
    throw new PlatformError("input", "SHAPE_MISMATCH", `${source}: ${problems.join("; ")}`);
}
