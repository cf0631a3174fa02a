import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { keyFrom } from "../../base/index.ts";
import {
  add,
  describeOnnx,
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
