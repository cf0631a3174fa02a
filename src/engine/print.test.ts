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
      %7 = equal(%6, 0) : bool[]
      %8 = where(%7, 1, %6) : float32[]
      %9 = div(weights, %8) : float32[batch]
      %10 = reshape(%9) {"shape":["batch",1]} : float32[batch, 1]
      %11 = mul(%10, 2) : float32[batch, 1]
      %12 = mul(%11, %5) : float32[batch, 1]
      %13 = matmul(%12, head.weight) {"transposeA":false,"transposeB":false} : float32[batch, 4]
      %14 = mul(%13, %3) : float32[batch, 4]
      %15 = sum(%14) {"axes":[0],"keepDims":false} : float32[4]
      %16 = matmul(%14, x) {"transposeA":true,"transposeB":false} : float32[4, 3]
      return dWeight = %16, dBias = %15
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
      %1 = equal(%0, 0) : bool[]
      %2 = where(%1, 1, %0) : float32[]
      %3 = div(weights, %2) : float32[8]
      %4 = gather(data_y, indices) {"axis":0} : float32[8, 1]
      %5, %6 = split(parameters) {"axis":0,"sizes":[2,1]} : float32[2], float32[1]
      %7 = reshape(%5) {"shape":[1,2]} : float32[1, 2]
      %8 = gather(data_x, indices) {"axis":0} : float32[8, 2]
      %9 = matmul(%8, %7, %6) {"transposeA":false,"transposeB":true} : float32[8, 1]
      %10 = sub(%9, %4) : float32[8, 1]
      %11 = mul(%10, %10) : float32[8, 1]
      %12 = reshape(%11) {"shape":[8]} : float32[8]
      %13 = mul(%12, %3) : float32[8]
      %14 = sum(%13) {"axes":[0],"keepDims":false} : float32[]
      %15 = reshape(%3) {"shape":[8,1]} : float32[8, 1]
      %16 = mul(%15, 2) : float32[8, 1]
      %17 = mul(%16, %10) : float32[8, 1]
      %18 = sum(%17) {"axes":[0],"keepDims":false} : float32[1]
      %19 = matmul(%17, %8) {"transposeA":true,"transposeB":false} : float32[1, 2]
      %20 = reshape(%19) {"shape":[2]} : float32[2]
      %21 = concat(%20, %18) {"axis":0} : float32[3]
      %22 = mul(%21, %21) : float32[3]
      %23 = sum(%22) {"axes":[0],"keepDims":false} : float32[]
      %24 = sqrt(%23) : float32[]
      %25 = add(%24, 9.999999974752427e-7) : float32[]
      %26 = div(1, %25) : float32[]
      %27 = minimum(%26, 1) : float32[]
      %28 = mul(%21, %27) : float32[3]
      %29 = mul(memory_velocity, 0.8999999761581421) : float32[3]
      %30 = add(%29, %28) : float32[3]
      %31 = mul(%30, setting_rate) : float32[3]
      %32 = sub(parameters, %31) : float32[3]
      return next_parameters = %32, next_memory_velocity = %30, gradient_norm = %24, loss = %14
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
