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
      %0 = matmul(x, hidden.weight) {"transposeA":false,"transposeB":true} : float32[batch, 4]
      %1 = add(%0, hidden.bias) : float32[batch, 4]
      %2 = relu(%1) : float32[batch, 4]
      %3 = matmul(%2, head.weight) {"transposeA":false,"transposeB":true} : float32[batch, 1]
      %4 = add(%3, head.bias) : float32[batch, 1]
      return y = %4
    }"
  `);
});

test("prints a gradient behind the part of the forward pass that it reads", () => {
  const [dWeight, dBias] = gradient(loss, [model.hidden.weight, model.hidden.bias]);
  expect(printGraph(traceGraph({ dWeight, dBias }), parameters)).toMatchInlineSnapshot(`
    "graph(x: float32[batch, 3], y: float32[batch, 1], weights: float32[batch]) {
      %0 = matmul(x, hidden.weight) {"transposeA":false,"transposeB":true} : float32[batch, 4]
      %1 = add(%0, hidden.bias) : float32[batch, 4]
      %2 = relu(%1) : float32[batch, 4]
      %3 = sign(%2) : float32[batch, 4]
      %4 = matmul(%2, head.weight) {"transposeA":false,"transposeB":true} : float32[batch, 1]
      %5 = add(%4, head.bias) : float32[batch, 1]
      %6 = sub(%5, y) : float32[batch, 1]
      %7 = mul(%6, %6) : float32[batch, 1]
      %8 = count(%7) {"axes":[1]} : float32[]
      %9 = sum(weights) {"axes":[0],"keepDims":false} : float32[]
      %10 = div(1, %9) : float32[]
      %11 = reshape(%10) {"shape":[1]} : float32[1]
      %12 = broadcastTo(%11) {"shape":["batch"]} : float32[batch]
      %13 = mul(%12, weights) : float32[batch]
      %14 = div(%13, %8) : float32[batch]
      %15 = reshape(%14) {"shape":["batch",1]} : float32[batch, 1]
      %16 = mul(%15, %6) : float32[batch, 1]
      %17 = mul(%15, %6) : float32[batch, 1]
      %18 = add(%17, %16) : float32[batch, 1]
      %19 = matmul(%18, head.weight) {"transposeA":false,"transposeB":false} : float32[batch, 4]
      %20 = mul(%19, %3) : float32[batch, 4]
      %21 = sum(%20) {"axes":[0],"keepDims":false} : float32[4]
      %22 = matmul(%20, x) {"transposeA":true,"transposeB":false} : float32[4, 3]
      return dWeight = %22, dBias = %21
    }"
  `);
});

test("prints a training step: one vector of parameters in, the next one out", () => {
  const line = new Linear(2, 1, keyFrom(1));
  const { body } = compileTraining({
    parameters: parametersOf(line),
    data: { x: { dtype: "float32", shape: [100, 2] }, y: { dtype: "float32", shape: [100, 1] } },
    batchSize: 8,
    optimiser: sgd({ momentum: 0.9 }),
    clipNorm: 1,
    loss: ({ data, indices, weights }) =>
      weightedMean(meanSquaredError(line.apply(gather(data.x, indices)), gather(data.y, indices)), weights),
  });
  expect(printGraph(body, parametersOf(line))).toMatchInlineSnapshot(`
    "graph(indices: int64[8], data_y: float32[100, 1], parameters: float32[3], data_x: float32[100, 2], weights: float32[8], memory_velocity: float32[3], step: float32[], learning_rate: float32[]) {
      %0 = gather(data_y, indices) {"axis":0} : float32[8, 1]
      %1, %2 = split(parameters) {"axis":0,"sizes":[2,1]} : float32[2], float32[1]
      %3 = reshape(%1) {"shape":[1,2]} : float32[1, 2]
      %4 = gather(data_x, indices) {"axis":0} : float32[8, 2]
      %5 = matmul(%4, %3) {"transposeA":false,"transposeB":true} : float32[8, 1]
      %6 = add(%5, %2) : float32[8, 1]
      %7 = sub(%6, %0) : float32[8, 1]
      %8 = mul(%7, %7) : float32[8, 1]
      %9 = count(%8) {"axes":[1]} : float32[]
      %10 = sum(weights) {"axes":[0],"keepDims":false} : float32[]
      %11 = div(1, %10) : float32[]
      %12 = reshape(%11) {"shape":[1]} : float32[1]
      %13 = broadcastTo(%12) {"shape":[8]} : float32[8]
      %14 = mul(%13, weights) : float32[8]
      %15 = div(%14, %9) : float32[8]
      %16 = reshape(%15) {"shape":[8,1]} : float32[8, 1]
      %17 = mul(%16, %7) : float32[8, 1]
      %18 = mul(%16, %7) : float32[8, 1]
      %19 = add(%18, %17) : float32[8, 1]
      %20 = sum(%19) {"axes":[0],"keepDims":false} : float32[1]
      %21 = matmul(%19, %4) {"transposeA":true,"transposeB":false} : float32[1, 2]
      %22 = reshape(%21) {"shape":[2]} : float32[2]
      %23 = concat(%22, %20) {"axis":0} : float32[3]
      %24 = mul(%23, %23) : float32[3]
      %25 = sum(%24) {"axes":[0],"keepDims":false} : float32[]
      %26 = sqrt(%25) : float32[]
      %27 = add(%26, 9.999999974752427e-7) : float32[]
      %28 = div(1, %27) : float32[]
      %29 = minimum(%28, 1) : float32[]
      %30 = mul(%23, %29) : float32[3]
      %31 = mul(memory_velocity, 0.8999999761581421) : float32[3]
      %32 = add(%31, %30) : float32[3]
      %33 = sum(%8) {"axes":[1],"keepDims":false} : float32[8]
      %34 = div(%33, %9) : float32[8]
      %35 = mul(%34, weights) : float32[8]
      %36 = sum(%35) {"axes":[0],"keepDims":false} : float32[]
      %37 = div(%36, %10) : float32[]
      %38 = add(step, 1) : float32[]
      %39 = mul(%32, learning_rate) : float32[3]
      %40 = sub(parameters, %39) : float32[3]
      return next_parameters = %40, next_step = %38, loss = %37, gradient_norm = %26, next_memory_velocity = %32
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
