import { readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normal, splitKey } from "../../../base/index.ts";
import {
  adam,
  compileTraining,
  concat,
  constant,
  createRuntime,
  evaluate,
  Gru,
  gather,
  importOnnx,
  input,
  type Layer,
  LayerNorm,
  Linear,
  Lstm,
  layerNormalize,
  loadOnnx,
  meanSquaredError,
  mul,
  parametersOf,
  Rnn,
  relu,
  reshape,
  softmax,
  startTraining,
  type Tensor,
  type TensorValue,
  tanh,
  toOnnx,
  traceGraph,
  weightedMean,
} from "../../index.ts";
import { valueInfo } from "../emitter.ts";
import { ModelProtoSchema, type NodeProto, NodeProtoSchema } from "../generated/onnx_pb.js";

const runtime = createRuntime();
afterAll(() => runtime.close());

const values = (seed: number, shape: readonly number[]): TensorValue => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(
    normal(
      keyFrom(seed),
      shape.reduce((a, b) => a * b, 1),
    ),
  ),
});
const exported = (model: unknown, graph: Record<string, Tensor>) =>
  toOnnx(traceGraph(graph), {
    parameterNames: new Map(parametersOf(model).map(({ name, parameter }) => [parameter, name])),
  });
const x = input("x", ["batch", 5, 3]);

const families: Record<string, { model: object; y: Tensor }> = {};
function family(name: string, make: (keys: ReturnType<typeof splitKey>) => Record<string, Layer>): void {
  const layers = make(splitKey(keyFrom(1), 4));
  families[name] = { model: layers, y: Object.values(layers).reduce((h, layer) => layer.apply(h), x) };
}
family("dense", ([a, b]) => ({ first: new Linear(3, 4, a), second: new Linear(4, 2, b) }));
family("lstm", ([a, b]) => ({ cell: new Lstm(3, 4, a), head: new Linear(4, 2, b) }));
family("gru", ([a, b]) => ({ cell: new Gru(3, 4, a), head: new Linear(4, 2, b) }));
family("rnn", ([a, b]) => ({ cell: new Rnn(3, 4, a), head: new Linear(4, 2, b) }));
family("layer norm", ([a, b]) => ({
  up: new Linear(3, 4, a),
  norm: new LayerNorm(4),
  down: new Linear(4, 2, b),
}));

describe("a file that Fathom wrote", () => {
  test.each(Object.entries(families))("gives equal numbers after import: %s", async (_, { model, y }) => {
    const imported = importOnnx(exported(model, { y }));
    const feeds = { x: values(2, [7, 5, 3]) };
    const [before] = await evaluate([y], feeds, runtime);
    const [after] = await evaluate([imported.apply({ x }).y], feeds, runtime);
    expect(after.shape).toEqual([7, 5, 2]);
    after.data.forEach((value, i) => {
      expect(Number(value)).toBeCloseTo(Number(before.data[i]), 5);
    });
  });

  test("keeps the names of what it learned, and no constant of ours among them", () => {
    const { model, y } = families["layer norm"];
    const { parameters } = importOnnx(exported(model, { y: mul(y, constant([2, 3])) }));
    expect(Object.keys(parameters).sort()).toEqual(
      parametersOf(model)
        .map(({ name }) => name)
        .sort(),
    );
  });

  test.each(Object.entries(families))("learns on after import: %s", async (_, { model, y }) => {
    const imported = importOnnx(exported(model, { y }));
    const data = { x: values(3, [8, 5, 3]), target: values(4, [8, 5, 2]) };
    const program = compileTraining({
      parameters: parametersOf(imported.parameters),
      data,
      batchSize: 8,
      optimiser: adam(),
      loss: ({ data: given, indices, weights }) => {
        const prediction = imported.apply({ x: gather(given.x, indices) }).y;
        const wanted = reshape(gather(given.target, indices), [8, 10]);
        return weightedMean(meanSquaredError(reshape(prediction, [8, 10]), wanted), weights);
      },
    });
    const training = await startTraining(runtime, program, { data, seed: 0 });
    const steps = 60;
    const { losses } = await training.run({
      learningRates: new Float32Array(steps).fill(0.02),
      indices: BigInt64Array.from({ length: steps * 8 }, (_, i) => BigInt(i % 8)),
      weights: new Float32Array(steps * 8).fill(1),
    });
    await training.release();
    expect(losses[steps - 1]).toBeLessThan(0.8 * losses[0]);
  });

  test("is a part that other layers are joined to", async () => {
    const { model, y } = families["dense"];
    const body = importOnnx(exported(model, { y }));
    const whole = softmax(tanh(body.apply({ x: relu(x) }).y));
    const [{ data }] = await evaluate([whole], { x: values(1, [1, 5, 3]) }, runtime);
    expect(Number(data[0]) + Number(data[1])).toBeCloseTo(1, 6);
  });
});

describe("a file that torch wrote", () => {
  const folder = new URL("../testing/", import.meta.url);
  const { cases } = JSON.parse(readFileSync(new URL("torch-network.json", folder), "utf8")) as {
    cases: { shape: number[]; x: number[]; y: number[] }[];
  };
  test.each([13, 17])("gives torch's numbers for any batch, in operator set %d", async (opset) => {
    const bytes = readFileSync(new URL(`torch-network-${opset}.onnx`, folder));
    const { y } = importOnnx(bytes).apply({ x });
    const model = await loadOnnx(runtime, toOnnx(traceGraph({ y })));
    expect(model.outputs).toEqual([{ name: "y", elementType: "float", shape: ["batch", 2] }]);
    for (const one of cases) {
      const answer = await model.run({
        x: { dtype: "float32", shape: one.shape, data: Float32Array.from(one.x) },
      });
      expect(answer.y.shape).toEqual([one.shape[0], 2]);
      one.y.forEach((value, i) => {
        expect(Number(answer.y.data[i])).toBeCloseTo(value, 5);
      });
    }
    await model.release();
  });

  test("lists its weights under torch's names", () => {
    const { parameters } = importOnnx(readFileSync(new URL("torch-network-17.onnx", folder)));
    expect(Object.keys(parameters)).toEqual(
      expect.arrayContaining(["norm.weight", "norm.bias", "up.bias", "down.weight", "down.bias"]),
    );
    expect(parameters["down.weight"].shape).toEqual([2, 6]);
    const total = Object.values(parameters).reduce((sum, { value }) => sum + value.length, 0);
    // LSTM 2 directions of 4·4·(3 + 4 + 2), norm 8 + 8, up 8·6 + 6, down 6·2 + 2
    expect(total).toBe(2 * 144 + 16 + 54 + 14);
  });
});

/** A model of the given nodes over x `[batch, 4]`, made by editing one of ours. */
function modelOf(nodes: readonly Partial<NodeProto>[], opset = 17): Uint8Array {
  const model = fromBinary(ModelProtoSchema, toOnnx(traceGraph({ y: relu(input("x", ["batch", 4])) })));
  model.opsetImport[0].version = BigInt(opset);
  const graph = model.graph!;
  graph.node = nodes.map((node) => create(NodeProtoSchema, node as object));
  graph.output = [valueInfo("y", { dtype: "float32", shape: ["batch", "n"] })];
  return toBinary(ModelProtoSchema, model);
}
/** Attributes and nodes of a hand-made graph; ONNX numbers the kinds of attributes. */
const float = (name: string, f: number) => ({ name, type: 1, f });
const int = (name: string, i: number) => ({ name, type: 2, i: BigInt(i) });
const ints = (name: string, list: number[]) => ({ name, type: 7, ints: list.map(BigInt) });
const node = (opType: string, inputs: string[], attribute: object[] = [], output = ["y"]) =>
  ({ opType, name: `the_${opType}`, input: inputs, output, attribute }) as unknown as Partial<NodeProto>;
const numbers = (output: string, list: number[], name: "value_ints" | "value_floats" = "value_ints") =>
  node(
    "Constant",
    [],
    [name === "value_ints" ? ints(name, list) : { name, type: 6, floats: list }],
    [output],
  );

describe("an operator", () => {
  const cases: [string, Partial<NodeProto>[], number[], number?][] = [
    [
      "Slice with a step",
      [
        numbers("s", [3]),
        numbers("e", [-5]),
        numbers("a", [1]),
        numbers("d", [-2]),
        node("Slice", ["x", "s", "e", "a", "d"]),
      ],
      [4, -2],
    ],
    [
      "Slice by attributes",
      [node("Slice", ["x"], [ints("starts", [1]), ints("ends", [3]), ints("axes", [1])])],
      [-2, 3],
      9,
    ],
    [
      "Split and Concat",
      [node("Split", ["x"], [int("axis", 1)], ["p", "q"]), node("Concat", ["q", "p"], [int("axis", 1)])],
      [3, 4, 1, -2],
    ],
    [
      "Gather of several positions",
      [numbers("i", [-1, 0]), node("Gather", ["x", "i"], [int("axis", 1)])],
      [4, 1],
    ],
    ["Clip by attributes", [node("Clip", ["x"], [float("min", 0), float("max", 2)])], [1, 0, 2, 2], 7],
    ["Pow of 2", [numbers("p", [2], "value_floats"), node("Pow", ["x", "p"])], [1, 4, 9, 16]],
    ["Max of three", [numbers("m", [2], "value_floats"), node("Max", ["x", "m", "x"])], [2, 2, 3, 4]],
    ["LeakyRelu", [node("LeakyRelu", ["x"], [float("alpha", 0.5)])], [1, -1, 3, 4]],
    ["ReduceMean by attributes", [node("ReduceMean", ["x"], [ints("axes", [1])])], [1.5]],
    ["ReduceMin", [node("ReduceMin", ["x"], [ints("axes", [1])])], [-2]],
    [
      "Pad with a value",
      [numbers("p", [0, 1, 0, 0]), numbers("v", [9], "value_floats"), node("Pad", ["x", "p", "v"])],
      [9, 1, -2, 3, 4],
    ],
    [
      "Greater and Where",
      [
        numbers("z", [2], "value_floats"),
        node("Greater", ["x", "z"], [], ["c"]),
        node("Where", ["c", "x", "z"]),
      ],
      [2, 2, 3, 4],
    ],
    [
      "Not of LessOrEqual",
      [
        numbers("z", [3], "value_floats"),
        node("LessOrEqual", ["x", "z"], [], ["c"]),
        node("Not", ["c"], [], ["n"]),
        node("Where", ["n", "x", "z"]),
      ],
      [3, 3, 3, 4],
    ],
    [
      "Expand by a computed shape",
      [
        node("Shape", ["x"], [], ["s"]),
        numbers("one", [1]),
        node("ReduceSum", ["x", "one"], [], ["t"]),
        node("Expand", ["t", "s"]),
      ],
      [6, 6, 6, 6],
    ],
    [
      "Reshape by a computed size",
      [
        node("Shape", ["x"], [], ["s"]),
        numbers("at", [0]),
        node("Gather", ["s", "at"], [], ["b"]),
        numbers("two", [2]),
        node("Mul", ["b", "two"], [], ["d"]),
        numbers("rest", [-1]),
        node("Concat", ["d", "rest"], [int("axis", 0)], ["t"]),
        node("Reshape", ["x", "t"]),
      ],
      [1, -2, 3, 4],
    ],
    [
      "Unsqueeze, Flatten",
      [numbers("a", [-1]), node("Unsqueeze", ["x", "a"], [], ["u"]), node("Flatten", ["u"])],
      [1, -2, 3, 4],
    ],
    ["Dropout", [node("Dropout", ["x"])], [1, -2, 3, 4]],
  ];
  test.each(cases)("means what ONNX Runtime computes: %s", async (_, nodes, expected, opset) => {
    const bytes = modelOf(nodes, opset);
    const feeds = { x: { dtype: "float32" as const, shape: [1, 4], data: Float32Array.of(1, -2, 3, 4) } };
    const theirs = await loadOnnx(runtime, bytes);
    const { y } = await theirs.run({ x: { ...feeds.x, data: feeds.x.data.slice() } });
    const [ours] = await evaluate(
      [importOnnx(bytes).apply({ x: input("x", ["batch", 4]) }).y],
      feeds,
      runtime,
    );
    expect([...ours.data]).toEqual(expected);
    expect([...y.data]).toEqual(expected);
    expect(ours.shape).toEqual(y.shape);
    await theirs.release();
  });

  test("that is unknown is listed with its nodes, together with all others", () => {
    const bytes = modelOf([
      node("Tan", ["x"], [], ["a"]),
      { ...node("Tan", ["a"], [], ["b"]), name: "again" },
      { ...node("Attention", ["b"], [], ["y"]), domain: "com.microsoft" },
    ]);
    expect(() => importOnnx(bytes)).toThrow(
      "model.onnx: expected operators that the engine can import, received Tan (the_Tan, again); com.microsoft.Attention (the_Attention)",
    );
  });

  test.each<[string, Partial<NodeProto>[], string]>([
    [
      "an exponent of 2.5",
      [numbers("p", [2.5], "value_floats"), node("Pow", ["x", "p"])],
      'Pow "the_Pow": expected an exponent of 1 to 8, 0.5, -0.5 or -1, received 2.5',
    ],
    [
      "a cut of the batch",
      [numbers("s", [1]), numbers("e", [2]), node("Slice", ["x", "s", "e"])],
      'Slice "the_Slice": cannot cut the batch axis of [batch, 4]',
    ],
    [
      "a shape that does not fit",
      [numbers("s", [3, 2]), node("Reshape", ["x", "s"])],
      'Reshape "the_Reshape": reshape: [batch, 4] and [3, 2] do not hold the same number of elements',
    ],
    ["a cast to float16", [node("Cast", ["x"], [int("to", 10)])], 'Cast "the_Cast": cannot cast to float16'],
  ])("that is covered in part names the node: %s", (_, nodes, message) => {
    expect(() => importOnnx(modelOf(nodes))).toThrow(message);
  });
});

describe("open axes", () => {
  const time = input("x", ["batch", 6, 2]);
  const bytes = () => {
    const model = fromBinary(ModelProtoSchema, toOnnx(traceGraph({ y: relu(time) })));
    model.graph!.input = [valueInfo("x", { dtype: "float32", shape: ["N", "T", 2] })];
    return toBinary(ModelProtoSchema, model);
  };

  test("beside the batch need a size", () => {
    expect(() => importOnnx(bytes())).toThrow("expected at most one open axis, the batch, received N, T");
    expect(importOnnx(bytes(), { sizes: { T: 6 } }).inputs[0].shape).toEqual(["batch", 6, 2]);
  });

  test("may have any name", () => {
    const [{ name, shape }] = importOnnx(bytes(), { sizes: { N: 3, T: 6 } }).inputs;
    expect([name, shape]).toEqual(["x", [3, 6, 2]]);
  });
});

test("leaves arrays as they are that the caller does not want to learn", () => {
  const { model, y } = families["dense"];
  const { parameters } = importOnnx(exported(model, { y }), {
    trainable: (name) => name.startsWith("second"),
  });
  expect(Object.keys(parameters).sort()).toEqual(["second.bias", "second.weight"]);
});

test("imports a graph of several inputs and outputs by their names", async () => {
  const [a, b] = [input("a", ["batch", 2]), input("b", ["batch", 2])];
  const scale = constant([1, 1]);
  const joined = concat([a, b], 1);
  const model = importOnnx(
    toOnnx(traceGraph({ joined, normal: layerNormalize(a, scale, constant([0, 0]), 1e-5) })),
  );
  expect(model.outputs).toEqual(["joined", "normal"]);
  const results = model.apply({ a: constant([1, 3], [1, 2]), b: constant([5, 6], [1, 2]) });
  const [first, second] = await evaluate([results.joined, results.normal], {}, runtime);
  expect([...first.data]).toEqual([1, 3, 5, 6]);
  expect(Number(second.data[1])).toBeCloseTo(1, 4);
  expect(() => model.apply({ a })).toThrow('expected inputs "b" (float32[batch, 2])');
});
