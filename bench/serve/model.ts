/** The network that is served: an LSTM over 60 steps of 16 features with 128 units, and one number out, as plain ONNX. */
import { writeFile } from "node:fs/promises";
import { keyFrom, normal } from "../../src/base/index.ts";
import { input, toOnnx, traceGraph } from "../../src/engine/index.ts";
import { benchModels, networkOf } from "../../src/services/bench/index.ts";

const shape = [60, 16] as const;

/** Writes the model as `path`. Its input is called "x", its output "y". */
export async function writeServedModel(path: string): Promise<void> {
  const { inputs, apply } = networkOf(benchModels.lstmLarge);
  const [name] = Object.keys(inputs);
  const x = input(name, ["batch", ...inputs[name].shape]);
  await writeFile(path, toOnnx(traceGraph({ y: apply({ [name]: x }) })));
}

/** A request for one sample, with numbers as they come out of a normalised table: six significant digits. */
export function requestBody(): string {
  const values = normal(keyFrom(1), shape[0] * shape[1]);
  const data = Array.from(values, (value) => Number(value.toPrecision(6)));
  return JSON.stringify({ inputs: [{ name: "x", shape: [1, ...shape], datatype: "FP32", data }] });
}
