import { expect } from "vitest";
import { keyFrom, uniform } from "../../base/index.ts";
import {
  gradient,
  input,
  mul,
  type Runtime,
  sum,
  type Tensor,
  toOnnx,
  traceGraph,
  trainingOpset,
} from "../index.ts";
import { staticSize } from "../shape.ts";
import { constant } from "../tensor.ts";

export interface GradientCase {
  readonly shapes: readonly (readonly number[])[];
  readonly of: (...inputs: Tensor[]) => Tensor;
  /** Range of the random inputs; stay away from kinks and poles. */
  readonly range?: readonly [number, number];
  /**
   * Linear in each input (at least as far as a step goes), so that float32 and a large step are exact but for rounding: for
   * primitives that ONNX Runtime has in float32 only.
   */
  readonly linear?: boolean;
}

/**
 * Compares the traced gradient of `Σ weight · of(inputs)` by every input with central differences, all in float64
 * unless the case is linear. The weights are random, so that every element of the output counts with a number of its own.
 */
export async function checkGradient(
  runtime: Runtime,
  { shapes, of, range = [-1, 1], linear = false }: GradientCase,
  seed = 1,
): Promise<void> {
  const [dtype, array] = linear ? (["float32", Float32Array] as const) : (["float64", Float64Array] as const);
  const [step, tolerance] = linear ? [0.125, 1e-4] : [1e-5, 1e-6];
  const inputs = shapes.map((shape, i) => input(`x${i}`, shape, dtype));
  const values = shapes.map((shape, i) => uniform(keyFrom(seed * 100 + i), staticSize(shape), ...range));
  const result = of(...inputs);
  const weights = uniform(keyFrom(seed * 100 + 99), staticSize(result.shape), 0.5, 1.5);
  const loss = sum(mul(result, constant(weights, result.shape as number[], dtype)));
  const gradients = gradient(loss, inputs);

  const names = gradients.map((_, i) => `d${i}`);
  const both = await runtime.load(
    toOnnx(traceGraph({ loss, ...Object.fromEntries(gradients.map((dx, i) => [names[i], dx])) }), {
      opset: trainingOpset,
    }),
  );
  const only = await runtime.load(toOnnx(traceGraph({ loss }), { opset: trainingOpset }));
  const used = new Set(traceGraph({ loss }).inputs.map((tensor) => tensor));
  const feed = (at: readonly Float64Array[]) =>
    Object.fromEntries(
      at.flatMap((data, i) =>
        used.has(inputs[i]) ? [[`x${i}`, { dtype, shape: shapes[i], data: array.from(data) }]] : [],
      ),
    );
  const { outputs } = await both.run({ feeds: feed(values), fetch: names });
  const lossAt = async (at: readonly Float64Array[]) => {
    const ran = await only.run({ feeds: feed(at), fetch: ["loss"] });
    return ran.outputs.loss.data[0] as number;
  };

  for (const [i, value] of values.entries()) {
    const analytic = outputs[names[i]].data as Float64Array | Float32Array;
    for (let k = 0; k < value.length; k++) {
      const moved = (by: number) =>
        values.map((other, j) => (j === i ? other.map((v, at) => (at === k ? v + by : v)) : other));
      const numeric = ((await lossAt(moved(step))) - (await lossAt(moved(-step)))) / (2 * step);
      expect(
        Math.abs(analytic[k] - numeric),
        `input ${i}, element ${k}: ${analytic[k]} against ${numeric}`,
      ).toBeLessThan(tolerance * Math.max(1, Math.abs(numeric)));
    }
  }
  await both.release();
  await only.release();
}
