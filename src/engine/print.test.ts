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
      %7 = maximum(%6, 9.999999960041972e-13) : float32[]
      %8 = div(weights, %7) : float32[batch]
      %9 = reshape(%8) {"shape":["batch",1]} : float32[batch, 1]
      %10 = mul(%9, 2) : float32[batch, 1]
      %11 = mul(%10, %5) : float32[batch, 1]
      %12 = matmul(%11, head.weight) {"transposeA":false,"transposeB":false} : float32[batch, 4]
      %13 = mul(%12, %3) : float32[batch, 4]
      %14 = sum(%13) {"axes":[0],"keepDims":false} : float32[4]
      %15 = matmul(%13, x) {"transposeA":true,"transposeB":false} : float32[4, 3]
      return dWeight = %15, dBias = %14
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
      %1 = maximum(%0, 9.999999960041972e-13) : float32[]
      %2 = div(weights, %1) : float32[8]
      %3 = gather(data_y, indices) {"axis":0} : float32[8, 1]
      %4, %5 = split(parameters) {"axis":0,"sizes":[2,1]} : float32[2], float32[1]
      %6 = reshape(%4) {"shape":[1,2]} : float32[1, 2]
      %7 = gather(data_x, indices) {"axis":0} : float32[8, 2]
      %8 = matmul(%7, %6, %5) {"transposeA":false,"transposeB":true} : float32[8, 1]
      %9 = sub(%8, %3) : float32[8, 1]
      %10 = mul(%9, %9) : float32[8, 1]
      %11 = reshape(%10) {"shape":[8]} : float32[8]
      %12 = mul(%11, %2) : float32[8]
      %13 = sum(%12) {"axes":[0],"keepDims":false} : float32[]
      %14 = reshape(%2) {"shape":[8,1]} : float32[8, 1]
      %15 = mul(%14, 2) : float32[8, 1]
      %16 = mul(%15, %9) : float32[8, 1]
      %17 = sum(%16) {"axes":[0],"keepDims":false} : float32[1]
      %18 = matmul(%16, %7) {"transposeA":true,"transposeB":false} : float32[1, 2]
      %19 = reshape(%18) {"shape":[2]} : float32[2]
      %20 = concat(%19, %17) {"axis":0} : float32[3]
      %21 = mul(%20, %20) : float32[3]
      %22 = sum(%21) {"axes":[0],"keepDims":false} : float32[]
      %23 = sqrt(%22) : float32[]
      %24 = add(%23, 9.999999974752427e-7) : float32[]
      %25 = div(1, %24) : float32[]
      %26 = minimum(%25, 1) : float32[]
      %27 = mul(%20, %26) : float32[3]
      %28 = mul(memory_velocity, 0.8999999761581421) : float32[3]
      %29 = add(%28, %27) : float32[3]
      %30 = mul(%29, setting_rate) : float32[3]
      %31 = sub(parameters, %30) : float32[3]
      return next_parameters = %31, next_memory_velocity = %29, gradient_norm = %23, loss = %13
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
