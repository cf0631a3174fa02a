/** The network that is served: an LSTM over 60 steps of 16 features with 128 units, and one number out, as plain ONNX. */
import { writeFile } from "node:fs/promises";
import { keyFrom, normal } from "../../src/base/index.ts";
import { input, toOnnx, traceGraph } from "../../src/engine/index.ts";
import { benchModels, networkOf } from "../../src/services/bench/index.ts";

export const shape = [60, 16] as const;

/** Writes the model as `path`. Its input is called "x", its output "y". */
export async function writeServedModel(path: string): Promise<void> {
  const { inputs, apply } = networkOf(benchModels.lstmLarge);
  const [name] = Object.keys(inputs);
  const x = input(name, ["batch", ...inputs[name].shape]);
  await writeFile(path, toOnnx(traceGraph({ y: apply({ [name]: x }) })));
}

/** One sample, as it comes out of a normalised table: six significant digits. */
export function sample(seed = 1): number[] {
  return Array.from(normal(keyFrom(seed), shape[0] * shape[1]), (value) => Number(value.toPrecision(6)));
}
