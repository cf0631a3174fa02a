import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { keyFrom } from "../../base/index.ts";
import {
  add,
  BatchNorm,
  Conv2d,
  describeOnnx,
  gelu,
  input,
  LayerNorm,
  Linear,
  Lstm,
  matmul,
  type OnnxModel,
  parametersOf,
  quantize,
  readOnnx,
  relu,
  type Tensor,
  tanh,
  toOnnx,
  traceGraph,
} from "../../engine/index.ts";
import { layersOf } from "./layers.ts";

function readGraph(model: unknown, outputs: Record<string, Tensor>): OnnxModel {
  const names = new Map(parametersOf(model).map(({ name, parameter }) => [parameter, name]));
  return readOnnx(toOnnx(traceGraph(outputs), { parameterNames: names }));
}
const graphOf = (model: OnnxModel) => layersOf(model, describeOnnx(model));

test("lists a network by its own names, with the numbers that paper and pencil give", () => {
  const model = {
    cell: new Lstm(3, 4, keyFrom(1)),
    norm: new LayerNorm(4),
    head: new Linear(4, 2, keyFrom(2)),
  };
  const y = relu(model.head.apply(model.norm.apply(model.cell.run(input("x", ["batch", 5, 3])).last)));
  const { layers } = graphOf(readGraph(model, { y }));
  expect(layers).toEqual([
    {
      layer: "cell",
      kind: "LSTM",
      outputShape: "[batch, 4]",
      parameters: 4 * 4 * (3 + 4 + 2), // four gates; inputs, states and two biases
      flop: 5 * 2 * (4 * 4 * (3 + 4)), // five steps
      learned: true,
    },
    {
      layer: "norm",
      kind: "LayerNormalization",
      outputShape: "[batch, 4]",
      parameters: 8,
      flop: 28,
      learned: true,
    },
    {
      layer: "head",
      kind: "Gemm",
      outputShape: "[batch, 2]",
      parameters: 4 * 2 + 2,
      flop: 2 * 4 * 2 + 2,
      learned: true,
    },
    { layer: "relu_1", kind: "Relu", outputShape: "[batch, 2]", parameters: 0, flop: 2, learned: false },
  ]);
});

test("joins chains of arithmetic, and draws an arrow for a value that skips layers", () => {
  const model = { a: new Linear(3, 3, keyFrom(1)) };
  const x = input("x", ["batch", 3]);
  const { layers, edges } = graphOf(readGraph(model, { y: tanh(add(relu(model.a.apply(x)), x)) }));
  expect(layers.map(({ layer, kind }) => [layer, kind])).toEqual([
    ["a", "Gemm"],
    ["relu_1", "Relu + Add + Tanh"],
  ]);
  expect(edges.map(({ from, to }) => [from, to])).toEqual([
    ["x", 0],
    [0, 1],
    ["x", 1],
    [1, "y"],
  ]);
});

test("counts a weight once that two layers share", () => {
  const model = { a: new Linear(3, 3, keyFrom(1)) };
  const x = input("x", ["batch", 3]);
  const y = model.a.apply(tanh(model.a.apply(x)));
  const { layers } = graphOf(readGraph(model, { y }));
  expect(layers.map(({ kind, parameters }) => [kind, parameters])).toEqual([
    ["Gemm", 12],
    ["Tanh", 0],
    ["Gemm", 0],
  ]);
});

test("counts the inner axis of a transposed factor", () => {
  const y = matmul(input("a", [7, 2]), input("b", [7, 3]), { transposeA: true });
  const [{ flop }] = graphOf(readGraph({}, { y })).layers;
  expect(flop).toBe(2 * 7 * 2 * 3);
});

test("keeps the layers of a quantised model, with the work of whole numbers", () => {
  const model = { a: new Linear(16, 16, keyFrom(1)), b: new Linear(16, 16, keyFrom(2)) };
  const y = model.b.apply(relu(model.a.apply(input("x", ["batch", 16]))));
  const small = readOnnx(quantize(readGraph(model, { y }).bytes).bytes);
  const { layers } = graphOf(small);
  const work = 2 * 16 * 16 + 3 * 16; // product; joint scales, scaling and bias
  expect(layers.map(({ layer, flop, outputShape }) => [layer, flop, outputShape])).toEqual([
    ["dynamicquantizelinear_1", 2 * 16, "[batch, 16]"],
    ["a", work, "[batch, 16]"],
    ["relu_1", 3 * 16, "[batch, 16]"],
    ["b", work, "[batch, 16]"],
  ]);
});

describe("a file that torch wrote", () => {
  const model = readOnnx(
    readFileSync(new URL("../../engine/onnx/testing/torch-network-17.onnx", import.meta.url)),
  );
  test("has torch's names, and none of the nodes that compute shapes", () => {
    const { layers } = graphOf(model);
    expect(layers.filter(({ learned }) => learned).map(({ layer }) => layer)).toEqual([
      "lstm",
      "norm",
      "up",
      "down",
    ]);
    expect(layers.map(({ kind }) => kind).join()).not.toMatch(/Shape|Constant|Gather/);
    expect(layers.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(2 * 144 + 16 + 54 + 14);
  });

  test("is described as far as it is known when an operator is unknown", () => {
    const { graph } = model;
    const changed = graph.node.map((node) =>
      node.opType === "Tanh" ? { ...node, opType: "Tangens" } : node,
    );
    const nodes = describeOnnx({ ...model, graph: { ...graph, node: changed } });
    const { layers } = layersOf(model, nodes);
    expect(layers.find(({ kind }) => kind.startsWith("Tangens"))).toMatchObject({
      outputShape: null,
      flop: null,
    });
    expect(layers.at(-1)).toMatchObject({ layer: "down", outputShape: "[batch, 2]" }); // the file declares it
  });
});

describe("the work of torch's networks is that of paper and pencil", () => {
  const read = (name: string) =>
    readOnnx(readFileSync(new URL(`../../engine/onnx/testing/torch-${name}.onnx`, import.meta.url)));
  const row = (layer: string, outputShape: string, parameters: number, flop: number) => ({
    layer,
    outputShape,
    parameters,
    flop,
  });
  const rowsOf = (name: string) =>
    graphOf(read(name)).layers.map((one) =>
      row(one.layer, String(one.outputShape), one.parameters, one.flop ?? -1),
    );

  test("for convolutions, batch norm and pools over an image of 8 by 10", () => {
    expect(rowsOf("convolutions")).toEqual([
      row("stem", "[batch, 4, 8, 10]", 4 * 9, 2 * 9 * (4 * 80)),
      row("norm", "[batch, 4, 8, 10]", 4 * 4, 2 * (4 * 80)), // scale and shift, mean and variance
      row("relu_1", "[batch, 4, 4, 5]", 0, 4 * 80 + 4 * (4 * 20)), // windows of 2 by 2
      row("depthwise", "[batch, 4, 4, 5]", 4 * 9 + 4, (2 * 9 + 1) * (4 * 20)),
      row("pointwise", "[batch, 6, 4, 5]", 6 * 4 + 6, (2 * 4 + 1) * (6 * 20)),
      row("norm2", "[batch, 6, 4, 5]", 4 * 6, 2 * (6 * 20)),
      // Leaky ReLU; windows of 3 by 3, two by three of them; their mean
      row("leakyrelu_1", "[batch, 6]", 0, 6 * 20 + 9 * (6 * 6) + 6 * 6),
      row("head", "[batch, 3]", 6 * 3 + 3, (2 * 6 + 1) * 3),
    ]);
  });

  test("for two encoder layers over 6 steps of 8 features with 2 heads", () => {
    const rows = rowsOf("encoder");
    const of = (layer: string) => rows.find((one) => one.layer === layer);
    const dense = (from: number, to: number) => 6 * to * (2 * from + 1);
    const scores = 2 * 6 * 6; // two heads, six steps that look at six
    // Projections; queries scaled; products of heads of 4, softmax, and the mixture of the values
    const attention = dense(8, 24) + 6 * 8 + 2 * 4 * scores + 5 * scores + 2 * 6 * (6 * 8);
    expect(of("embed")).toEqual(row("embed", "[batch, 6, 8]", 32, dense(3, 8)));
    expect(of("second.self_attn")).toMatchObject({ parameters: 3 * 72, flop: attention });
    // The mask is added, and torch multiplies the scores by one before.
    expect(of("first.self_attn")).toMatchObject({ parameters: 3 * 72, flop: attention + 2 * scores });
    expect(of("first.norm1")).toEqual(row("first.norm1", "[batch, 6, 8]", 16, 7 * 6 * 8));
    expect(of("first.linear1")).toEqual(row("first.linear1", "[batch, 6, 16]", 144, dense(8, 16)));
    expect(of("first.div_1")).toEqual(row("first.div_1", "[batch, 6, 16]", 0, 5 * 6 * 16)); // x (1 + erf(x / √2)) / 2
    expect(of("head")).toEqual(row("head", "[batch, 2]", 18, 2 * (2 * 8 + 1)));
  });
});

test("a batch norm of ours is one layer: what it makes of its arrays alone costs nothing per sample", () => {
  const model = { norm: new BatchNorm(4), conv: new Conv2d(4, 2, 3, {}, keyFrom(1)) };
  const y = gelu(model.conv.apply(model.norm.apply(input("x", ["batch", 4, 5, 5]))));
  const { layers } = graphOf(readGraph(model, { y }));
  expect(layers.map(({ layer, kind, parameters, flop }) => [layer, kind, parameters, flop])).toEqual([
    ["norm", "Mul + Add", 4 * 4, 2 * 4 * 25],
    ["conv", "Conv", 2 * 4 * 9 + 2, (2 * 4 * 9 + 1) * (2 * 9)],
    ["div_1", "Div + Erf + Add + Mul", 0, 5 * (2 * 9)], // the exact GELU, whose ways part and join again
  ]);
});
