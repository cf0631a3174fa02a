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
      %6 = mul(%5, %5) : float32[batch, 1]
      %7 = count(%6) {"axes":[1]} : float32[]
      %8 = sum(weights) {"axes":[0],"keepDims":false} : float32[]
      %9 = div(1, %8) : float32[]
      %10 = reshape(%9) {"shape":[1]} : float32[1]
      %11 = broadcastTo(%10) {"shape":["batch"]} : float32[batch]
      %12 = mul(%11, weights) : float32[batch]
      %13 = div(%12, %7) : float32[batch]
      %14 = reshape(%13) {"shape":["batch",1]} : float32[batch, 1]
      %15 = mul(%14, %5) : float32[batch, 1]
      %16 = mul(%14, %5) : float32[batch, 1]
      %17 = add(%16, %15) : float32[batch, 1]
      %18 = matmul(%17, head.weight) {"transposeA":false,"transposeB":false} : float32[batch, 4]
      %19 = mul(%18, %3) : float32[batch, 4]
      %20 = sum(%19) {"axes":[0],"keepDims":false} : float32[4]
      %21 = matmul(%19, x) {"transposeA":true,"transposeB":false} : float32[4, 3]
      return dWeight = %21, dBias = %20
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
      %1 = gather(data_y, indices) {"axis":0} : float32[8, 1]
      %2, %3 = split(parameters) {"axis":0,"sizes":[2,1]} : float32[2], float32[1]
      %4 = reshape(%2) {"shape":[1,2]} : float32[1, 2]
      %5 = gather(data_x, indices) {"axis":0} : float32[8, 2]
      %6 = matmul(%5, %4, %3) {"transposeA":false,"transposeB":true} : float32[8, 1]
      %7 = sub(%6, %1) : float32[8, 1]
      %8 = mul(%7, %7) : float32[8, 1]
      %9 = count(%8) {"axes":[1]} : float32[]
      %10 = sum(%8) {"axes":[1],"keepDims":false} : float32[8]
      %11 = div(%10, %9) : float32[8]
      %12 = mul(%11, weights) : float32[8]
      %13 = sum(%12) {"axes":[0],"keepDims":false} : float32[]
      %14 = div(%13, %0) : float32[]
      %15 = div(1, %0) : float32[]
      %16 = reshape(%15) {"shape":[1]} : float32[1]
      %17 = broadcastTo(%16) {"shape":[8]} : float32[8]
      %18 = mul(%17, weights) : float32[8]
      %19 = div(%18, %9) : float32[8]
      %20 = reshape(%19) {"shape":[8,1]} : float32[8, 1]
      %21 = mul(%20, %7) : float32[8, 1]
      %22 = mul(%20, %7) : float32[8, 1]
      %23 = add(%22, %21) : float32[8, 1]
      %24 = sum(%23) {"axes":[0],"keepDims":false} : float32[1]
      %25 = matmul(%23, %5) {"transposeA":true,"transposeB":false} : float32[1, 2]
      %26 = reshape(%25) {"shape":[2]} : float32[2]
      %27 = concat(%26, %24) {"axis":0} : float32[3]
      %28 = mul(%27, %27) : float32[3]
      %29 = sum(%28) {"axes":[0],"keepDims":false} : float32[]
      %30 = sqrt(%29) : float32[]
      %31 = add(%30, 9.999999974752427e-7) : float32[]
      %32 = div(1, %31) : float32[]
      %33 = minimum(%32, 1) : float32[]
      %34 = mul(%27, %33) : float32[3]
      %35 = mul(memory_velocity, 0.8999999761581421) : float32[3]
      %36 = add(%35, %34) : float32[3]
      %37 = mul(%36, setting_rate) : float32[3]
      %38 = sub(parameters, %37) : float32[3]
      return next_parameters = %38, next_memory_velocity = %36, gradient_norm = %30, loss = %14
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
