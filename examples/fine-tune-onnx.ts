/** A network that torch trained and exported: run as it is, trained further on other data, and exported again. */
import { readFile } from "node:fs/promises";
import { keyFrom, normal } from "fathom/base";
import {
  adam,
  compileTraining,
  createRuntime,
  gather,
  importOnnx,
  input,
  loadOnnx,
  meanSquaredError,
  parametersOf,
  readOnnx,
  startTraining,
  toOnnx,
  traceGraph,
  unpackParameters,
  weightedMean,
} from "fathom/engine";

const file = new URL("../src/engine/onnx/testing/torch-network-17.onnx", import.meta.url);
const theirs = readOnnx(await readFile(file), "network.onnx"); // x [batch, 5, 3] -> y [batch, 2]
const runtime = createRuntime();

// As it is: any ONNX model runs, whatever its operators.
const [samples, batchSize] = [256, 32];
const x = {
  dtype: "float32" as const,
  shape: [samples, 5, 3],
  data: Float32Array.from(normal(keyFrom(1), samples * 15)),
};
const loaded = await loadOnnx(runtime, theirs);
const { y } = await loaded.run({ x });
console.log(`${theirs.producer} answers [${y.shape.join(", ")}]`);

// Further: what it learned becomes parameters under its own names. The new task is the old answer, turned around.
const model = importOnnx(theirs);
const parameters = parametersOf(model.parameters);
const data = { x, y: { ...y, data: Float32Array.from(y.data as Float32Array, (value) => -value) } };
const program = compileTraining({
  parameters,
  data,
  batchSize,
  optimiser: adam(),
  loss: ({ data, indices, weights }) =>
    weightedMean(
      meanSquaredError(model.apply({ x: gather(data.x, indices) }).y, gather(data.y, indices)),
      weights,
    ),
});
const training = await startTraining(runtime, program, { data, seed: 1 });
const steps = 200;
const { losses } = await training.run({
  learningRates: new Float32Array(steps).fill(0.01),
  indices: BigInt64Array.from({ length: steps * batchSize }, (_, i) => BigInt((i * 37) % samples)),
  weights: new Float32Array(steps * batchSize).fill(1),
});
console.log(`loss ${losses[0].toFixed(4)} at first, ${losses[steps - 1].toFixed(4)} after ${steps} steps`);
if (!(losses[steps - 1] < 0.1 * losses[0])) throw new Error("the network did not learn");

// Back to a file, with the names that it came with.
const trained = unpackParameters(parameters, await training.parameters());
const bytes = toOnnx(traceGraph(model.apply({ x: input("x", ["batch", 5, 3]) })), {
  parameterNames: new Map(trained.map(({ parameter, name }) => [parameter, name])),
  parameterValues: new Map(trained.map(({ parameter, values }) => [parameter, values])),
});
console.log(`the new model has ${bytes.length} bytes`);
await runtime.close();
