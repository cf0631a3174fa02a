/** A network, its loss and its training, with the engine alone: an LSTM learns the next value of a noisy sine. */
import { keyFrom, normal, splitKey } from "fathom/base";
import {
  adam,
  compileTraining,
  createRuntime,
  gather,
  input,
  Linear,
  Lstm,
  meanSquaredError,
  parametersOf,
  startTraining,
  type Tensor,
  toOnnx,
  traceGraph,
  unpackParameters,
  weightedMean,
} from "fathom/engine";

const [samples, steps, batchSize] = [512, 24, 64];
const [cellKey, headKey] = splitKey(keyFrom(1));
const model = { cell: new Lstm(1, 16, cellKey), head: new Linear(16, 1, headKey) };
const apply = (x: Tensor) => model.head.apply(model.cell.run(x).last); // [batch, steps, 1] -> [batch, 1]

const noise = normal(keyFrom(2), samples + steps + 1, 0, 0.05);
const series = Float32Array.from(noise, (e, t) => Math.sin(t / 4) + e);
const windows = Float32Array.from(
  { length: samples * steps },
  (_, i) => series[Math.floor(i / steps) + (i % steps)],
);
const data = {
  x: { dtype: "float32" as const, shape: [samples, steps, 1], data: windows },
  y: { dtype: "float32" as const, shape: [samples, 1], data: series.slice(steps, steps + samples) },
};

// Forward pass, gradients and Adam become one ONNX graph, which ONNX Runtime runs in a worker thread.
const program = compileTraining({
  parameters: parametersOf(model),
  data,
  batchSize,
  optimiser: adam(),
  loss: ({ data, indices, weights }) =>
    weightedMean(meanSquaredError(apply(gather(data.x, indices)), gather(data.y, indices)), weights),
});
const runtime = createRuntime();
const training = await startTraining(runtime, program, { data, seed: 1 });
const count = 400;
const { losses } = await training.run({
  learningRates: new Float32Array(count).fill(0.01),
  indices: BigInt64Array.from({ length: count * batchSize }, (_, i) => BigInt((i * 37) % samples)),
  weights: new Float32Array(count * batchSize).fill(1),
});
console.log(`loss ${losses[0].toFixed(4)} at first, ${losses[count - 1].toFixed(4)} after ${count} steps`);
if (!(losses[count - 1] < 0.02)) throw new Error("the network did not learn the sine");

// What was trained is an ONNX file that any runtime runs.
const trained = unpackParameters(parametersOf(model), await training.parameters());
const bytes = toOnnx(traceGraph({ next: apply(input("window", ["batch", steps, 1])) }), {
  parameterNames: new Map(trained.map(({ parameter, name }) => [parameter, name])),
  parameterValues: new Map(trained.map(({ parameter, values }) => [parameter, values])),
});
console.log(`model.onnx has ${bytes.length} bytes`);
await runtime.close();
