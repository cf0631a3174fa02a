/** Training on all samples at once: a graph gives loss and gradient, and L-BFGS decides where to look next. */
import { gradient } from "../gradient.ts";
import { type NamedParameter, traceGraph } from "../graph.ts";
import { indexRanges, requireIndices } from "../index-ranges.ts";
import { type LbfgsOptions, type LbfgsResult, lbfgs } from "../lbfgs.ts";
import { toOnnx, trainingOpset } from "../onnx/model.ts";
import { concat, flatten } from "../operations.ts";
import type { Runtime, TensorValue } from "../runtime/runtime.ts";
import { formatShape, mismatch } from "../shape.ts";
import { input, inputName, type Tensor } from "../tensor.ts";
import { columnOf, graphNames } from "./names.ts";
import { packParameters, viewsOf } from "./packing.ts";

export interface MinimiseOptions extends LbfgsOptions {
  /** All of one element type. float64 goes on to where float32 sees no slope any more. */
  readonly parameters: readonly NamedParameter[];
  /** By column; stays in the worker. */
  readonly data?: Readonly<Record<string, TensorValue>>;
  /** The scalar to make small, over all of the data. */
  readonly loss: (data: Readonly<Record<string, Tensor>>) => Tensor;
  readonly runtime: Runtime;
}

export interface MinimiseResult extends Omit<LbfgsResult, "point" | "gradient"> {
  /** Packed, `[size]`, in float64 whatever the graph computes in. */
  readonly parameters: Float64Array;
  /** Largest part of the gradient. */
  readonly gradientNorm: number;
}

/**
 * Trains a model of few parameters, such as a regression, to the bottom of its loss by L-BFGS on the full batch, from the parameters'
 * present values. They stay as they are; the result holds the new ones.
 *
 * @throws PlatformError `SHAPE_MISMATCH` when the loss is no scalar or the parameters differ in element type,
 *   `INDEX_OUT_OF_RANGE` when the data name a row that a table does not have, `MODEL_OPTION_INVALID`, `TRAINING_DIVERGED` when the loss is not finite at the start
 */
export async function minimise(options: MinimiseOptions): Promise<MinimiseResult> {
  const { parameters, data = {}, runtime } = options;
  const arrays = parameters.map(({ parameter }) => parameter);
  const start = Float64Array.from(packParameters(parameters));
  const [{ dtype }] = arrays;
  if (arrays.some((array) => array.dtype !== dtype))
    throw mismatch("minimise: expected parameters of one element type");
  const columns = Object.entries(data).map(
    ([name, value]) => [name, input(graphNames.data(name), value.shape, value.dtype)] as const,
  );
  const loss = options.loss(Object.fromEntries(columns));
  if (loss.shape.length !== 0)
    throw mismatch(`minimise: expected a scalar loss, received shape ${formatShape(loss.shape)}`);
  const flat = input("parameters", [start.length], dtype);
  const graph = traceGraph(
    { loss, gradient: concat(gradient(loss, arrays).map(flatten)) },
    { replace: viewsOf(flat, arrays) },
  );
  requireIndices(
    "minimise",
    indexRanges(graph),
    Object.fromEntries(Object.entries(data).map(([name, value]) => [graphNames.data(name), value])),
    { nameOf: columnOf },
  );
  const session = await runtime.load(toOnnx(graph, { opset: trainingOpset }));
  const slots = Object.fromEntries(
    graph.inputs
      .map(inputName)
      .filter((name) => name !== "parameters")
      .map((name) => [name, runtime.slot(name)]),
  );
  try {
    for (const [name, value] of Object.entries(data)) {
      const slot = slots[graphNames.data(name)];
      if (slot !== undefined) await runtime.put(slot, value, { copy: true });
    }
    const result = await lbfgs(
      async (point) => {
        const values = dtype === "float64" ? point : Float32Array.from(point);
        const { outputs } = await session.run({
          feeds: { ...slots, parameters: { dtype, shape: [start.length], data: values } },
          fetch: ["loss", "gradient"],
        });
        return {
          value: Number(outputs.loss.data[0]),
          gradient: Float64Array.from(outputs.gradient.data as Float32Array),
        };
      },
      start,
      options,
    );
    const { point, gradient: slope, ...rest } = result;
    return {
      ...rest,
      parameters: point,
      gradientNorm: slope.reduce((most, g) => Math.max(most, Math.abs(g)), 0),
    };
  } finally {
    await session.release();
    await runtime.drop(...Object.values(slots));
  }
}
