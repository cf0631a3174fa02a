import { traceGraph } from "./graph.ts";
import { toOnnx, trainingOpset } from "./onnx/model.ts";
import { createRuntime, type Runtime, type TensorValue } from "./runtime/runtime.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Computes tensors now: traces, emits, loads and runs once. For tests and exploration; a model that is used often is loaded
 * once with `createRuntime`.
 *
 * @param feeds values by input name
 * @returns one value per tensor, in order
 */
export async function evaluate(
  tensors: readonly Tensor[],
  feeds: Readonly<Record<string, TensorValue>> = {},
  runtime?: Runtime,
): Promise<TensorValue[]> {
  const names = tensors.map((_, i) => `result_${i}`);
  const graph = traceGraph(Object.fromEntries(tensors.map((tensor, i) => [names[i], tensor])));
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
