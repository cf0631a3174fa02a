import { traceGraph } from "./graph.ts";
import { indexRanges, requireIndices } from "./index-ranges.ts";
import { toOnnx, trainingOpset } from "./onnx/model.ts";
import { createRuntime, type Runtime, type TensorValue } from "./runtime/runtime.ts";
import { formatShape, mismatch, type Shape } from "./shape.ts";
import { inputName, type Tensor } from "./tensor.ts";

/**
 * Computes tensors now: traces, emits, loads and runs once. For tests and exploration; a model that is used often is loaded
 * once with `createRuntime`.
 *
 * @param feeds values by input name
 * @returns one value per tensor, in order
 * @throws PlatformError `SHAPE_MISMATCH` when an input that is read has no value, or one of another type
 * @throws PlatformError `INDEX_OUT_OF_RANGE` when a whole number names a row that a table does not have
 */
export async function evaluate(
  tensors: readonly Tensor[],
  feeds: Readonly<Record<string, TensorValue>> = {},
  runtime?: Runtime,
): Promise<TensorValue[]> {
  const names = tensors.map((_, i) => `result_${i}`);
  const graph = traceGraph(Object.fromEntries(tensors.map((tensor, i) => [names[i], tensor])));
  for (const tensor of graph.inputs) requireFeed(tensor, feeds[inputName(tensor)]);
  requireIndices("evaluate", indexRanges(graph), feeds);
  const own = runtime ?? createRuntime();
  try {
    const session = await own.load(toOnnx(graph, { opset: trainingOpset }));
    try {
      const { outputs } = await session.run({ feeds, fetch: names });
      return names.map((name) => outputs[name]);
    } finally {
      await session.release();
    }
  } finally {
    if (!runtime) await own.close();
  }
}

function requireFeed(tensor: Tensor, feed: TensorValue | undefined): void {
  if (feed && feed.dtype === tensor.dtype && fits(feed.shape, tensor.shape)) return;
  const received = feed ? `${feed.dtype}${formatShape(feed.shape)}` : "none";
  throw mismatch(
    `evaluate: ${inputName(tensor)}: expected ${tensor.dtype}${formatShape(tensor.shape)}, received ${received}`,
  );
}

/** An open axis has any size. */
function fits(shape: readonly number[], declared: Shape): boolean {
  return (
    shape.length === declared.length &&
    declared.every((size, axis) => typeof size === "string" || size === shape[axis])
  );
}
