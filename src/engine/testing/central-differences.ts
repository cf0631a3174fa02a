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
}

/**
 * Compares the traced gradient of `Σ weight · of(inputs)` by every input with central differences, all in float64. The
 * weights are random, so that every element of the output counts with a number of its own.
 */
export async function checkGradient(
  runtime: Runtime,
  { shapes, of, range = [-1, 1] }: GradientCase,
  seed = 1,
): Promise<void> {
  const inputs = shapes.map((shape, i) => input(`x${i}`, shape, "float64"));
  const values = shapes.map((shape, i) => uniform(keyFrom(seed * 100 + i), staticSize(shape), ...range));
  const result = of(...inputs);
  const weights = uniform(keyFrom(seed * 100 + 99), staticSize(result.shape), 0.5, 1.5);
  const loss = sum(mul(result, constant(weights, result.shape as number[], "float64")));
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
        used.has(inputs[i])
          ? [[`x${i}`, { dtype: "float64" as const, shape: shapes[i], data: data.slice() }]]
          : [],
      ),
    );
  const { outputs } = await both.run({ feeds: feed(values), fetch: names });
  const lossAt = async (at: readonly Float64Array[]) => {
    const ran = await only.run({ feeds: feed(at), fetch: ["loss"] });
    return (ran.outputs.loss.data as Float64Array)[0];
  };

  for (const [i, value] of values.entries()) {
    const analytic = outputs[names[i]].data as Float64Array;
    for (let k = 0; k < value.length; k++) {
      const step = 1e-5;
      const moved = (by: number) =>
        values.map((other, j) => (j === i ? other.map((v, at) => (at === k ? v + by : v)) : other));
      const numeric = ((await lossAt(moved(step))) - (await lossAt(moved(-step)))) / (2 * step);
      expect(
        Math.abs(analytic[k] - numeric),
        `input ${i}, element ${k}: ${analytic[k]} against ${numeric}`,
      ).toBeLessThan(1e-6 * Math.max(1, Math.abs(numeric)));
    }
  }
  await both.release();
  await only.release();
}
