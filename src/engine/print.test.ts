import { expect, test } from "vitest";
import { keyFrom } from "../base/index.ts";
import {
  compileTraining,
  constant,
  gather,
  gradient,
  input,
  Linear,
  Lstm,
  meanSquaredError,
  parametersOf,
  printGraph,
  relu,
  sgd,
  type Tensor,
  traceGraph,
  weightedMean,
} from "./index.ts";

const model = {
  hidden: new Linear(3, 4, keyFrom(1)),
  head: new Linear(4, 1, keyFrom(2)),
  apply(x: Tensor) {
    return this.head.apply(relu(this.hidden.apply(x)));
  },
};
const parameters = parametersOf(model);
const x = input("x", ["batch", 3]);
const weights = input("weights", ["batch"]);
const loss = weightedMean(meanSquaredError(model.apply(x), input("y", ["batch", 1])), weights);

test("prints a dense model", () => {
  expect(printGraph(traceGraph({ y: model.apply(x) }), parameters)).toMatchInlineSnapshot(`
    "graph(x: float32[batch, 3]) {
      %0 = matmul(x, hidden.weight, hidden.bias) {"transposeA":false,"transposeB":true} : float32[batch, 4]
      %1 = relu(%0) : float32[batch, 4]
      %2 = matmul(%1, head.weight, head.bias) {"transposeA":false,"transposeB":true} : float32[batch, 1]
      return y = %2
    }"
  `);
});

test("prints a gradient behind the part of the forward pass that it reads", () => {
  const [dWeight, dBias] = gradient(loss, [model.hidden.weight, model.hidden.bias]);
  expect(printGraph(traceGraph({ dWeight, dBias }), parameters)).toMatchInlineSnapshot(`
    "graph(x: float32[batch, 3], y: float32[batch, 1], weights: float32[batch]) {
      %0 = matmul(x, hidden.weight, hidden.bias) {"transposeA":false,"transposeB":true} : float32[batch, 4]
      %1 = relu(%0) : float32[batch, 4]
      %2 = cast(%1) {"to":"bool"} : bool[batch, 4]
      %3 = cast(%2) {"to":"float32"} : float32[batch, 4]
      %4 = matmul(%1, head.weight, head.bias) {"transposeA":false,"transposeB":true} : float32[batch, 1]
      %5 = sub(%4, y) : float32[batch, 1]
      %6 = sum(weights) {"axes":[0],"keepDims":false} : float32[]
      %7 = div(weights, %6) : float32[batch]
      %8 = reshape(%7) {"shape":["batch",1]} : float32[batch, 1]
      %9 = mul(%8, 2) : float32[batch, 1]
      %10 = mul(%9, %5) : float32[batch, 1]
      %11 = matmul(%10, head.weight) {"transposeA":false,"transposeB":false} : float32[batch, 4]
      %12 = mul(%11, %3) : float32[batch, 4]
      %13 = sum(%12) {"axes":[0],"keepDims":false} : float32[4]
      %14 = matmul(%12, x) {"transposeA":true,"transposeB":false} : float32[4, 3]
      return dWeight = %14, dBias = %13
    }"
  `);
});

test("prints a training step: one vector of parameters in, the next one out", () => {
  const line = new Linear(2, 1, keyFrom(1));
  const { plan } = compileTraining({
    parameters: parametersOf(line),
    data: { x: { dtype: "float32", shape: [100, 2] }, y: { dtype: "float32", shape: [100, 1] } },
    batchSize: 8,
    optimiser: sgd({ momentum: 0.9 }),
    clipNorm: 1,
    loss: ({ data, indices, weights }) =>
      weightedMean(meanSquaredError(line.apply(gather(data.x, indices)), gather(data.y, indices)), weights),
  });
  if (plan.kind !== "loop") throw new Error("expected a loop");
  expect(printGraph(plan.step.graph, parametersOf(line))).toMatchInlineSnapshot(`
    "graph(weights: float32[8], indices: int64[8], data_y: float32[100, 1], parameters: float32[3], data_x: float32[100, 2], memory_velocity: float32[3], setting_rate: float32[]) {
      %0 = sum(weights) {"axes":[0],"keepDims":false} : float32[]
      %1 = div(weights, %0) : float32[8]
      %2 = gather(data_y, indices) {"axis":0} : float32[8, 1]
      %3, %4 = split(parameters) {"axis":0,"sizes":[2,1]} : float32[2], float32[1]
      %5 = reshape(%3) {"shape":[1,2]} : float32[1, 2]
      %6 = gather(data_x, indices) {"axis":0} : float32[8, 2]
      %7 = matmul(%6, %5, %4) {"transposeA":false,"transposeB":true} : float32[8, 1]
      %8 = sub(%7, %2) : float32[8, 1]
      %9 = mul(%8, %8) : float32[8, 1]
      %10 = reshape(%9) {"shape":[8]} : float32[8]
      %11 = mul(%10, %1) : float32[8]
      %12 = sum(%11) {"axes":[0],"keepDims":false} : float32[]
      %13 = reshape(%1) {"shape":[8,1]} : float32[8, 1]
      %14 = mul(%13, 2) : float32[8, 1]
      %15 = mul(%14, %8) : float32[8, 1]
      %16 = sum(%15) {"axes":[0],"keepDims":false} : float32[1]
      %17 = matmul(%15, %6) {"transposeA":true,"transposeB":false} : float32[1, 2]
      %18 = reshape(%17) {"shape":[2]} : float32[2]
      %19 = concat(%18, %16) {"axis":0} : float32[3]
      %20 = mul(%19, %19) : float32[3]
      %21 = sum(%20) {"axes":[0],"keepDims":false} : float32[]
      %22 = sqrt(%21) : float32[]
      %23 = add(%22, 9.999999974752427e-7) : float32[]
      %24 = div(1, %23) : float32[]
      %25 = minimum(%24, 1) : float32[]
      %26 = mul(%19, %25) : float32[3]
      %27 = mul(memory_velocity, 0.8999999761581421) : float32[3]
      %28 = add(%27, %26) : float32[3]
      %29 = mul(%28, setting_rate) : float32[3]
      %30 = sub(parameters, %29) : float32[3]
      return next_parameters = %30, next_memory_velocity = %28, gradient_norm = %22, loss = %12
    }"
  `);
});

test("prints every output of a node, and constants by value or by shape", () => {
  const { last } = new Lstm(1, 2, keyFrom(1)).run(constant([1, 2, 3], [1, 3, 1]));
  expect(printGraph(traceGraph({ last }))).toMatchInlineSnapshot(`
    "graph() {
      %0 = transpose(constant[1, 3, 1]) {"order":[1,0,2]} : float32[3, 1, 1]
      %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11 = lstm(%0, parameter[8, 1], parameter[8, 2], parameter[8], parameter[8]) : float32[3, 1, 2], float32[1, 2], float32[1, 2], float32[3, 1, 4], float32[3, 1, 8], float32[3, 1, 2], float32[3, 1, 2], float32[3, 1, 2], float32[3, 1, 2], float32[3, 1, 2], float32[3, 1, 2]
      return last = %2
    }"
  `);
});
