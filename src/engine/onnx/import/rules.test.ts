/** Every rule against ONNX Runtime's own kernel for the operator, on the same inputs. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normal } from "../../../base/index.ts";
import {
  createRuntime,
  evaluate,
  importOnnx,
  importRules,
  input,
  loadOnnx,
  relu,
  type TensorValue,
  toOnnx,
  traceGraph,
} from "../../index.ts";
import { valueInfo } from "../emitter.ts";
import {
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProtoSchema,
} from "../generated/onnx_pb.js";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

interface Given {
  readonly nodes: readonly Partial<NodeProto>[];
  /** Stored float arrays by name. */
  readonly stored?: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>
  >;
  /** Shape of x, of which the first axis stays open unless `open` names another. */
  readonly shape?: readonly number[];
  readonly open?: number;
  readonly positive?: boolean;
  readonly opset?: number;
}

// ONNX numbers the kinds of attributes.
const float = (name: string, f: number) => ({ name, type: 1, f });
const int = (name: string, i: number) => ({ name, type: 2, i: BigInt(i) });
const text = (name: string, s: string) => ({ name, type: 3, s: new TextEncoder().encode(s) });
const floats = (name: string, list: number[]) => ({ name, type: 6, floats: list });
const ints = (name: string, list: number[]) => ({ name, type: 7, ints: list.map(BigInt) });
const node = (opType: string, inputs: string[], attribute: object[] = [], output = ["y"]) =>
  ({
    opType,
    name: `${opType}_${output[0]}`,
    input: inputs,
    output,
    attribute,
  }) as unknown as Partial<NodeProto>;
const whole = (output: string, list: number[]) => node("Constant", [], [ints("value_ints", list)], [output]);
const real = (output: string, list: number[]) =>
  node("Constant", [], [floats("value_floats", list)], [output]);
const drawn = (seed: number, ...shape: number[]) => ({
  shape,
  data: normal(
    keyFrom(seed),
    shape.reduce((a, b) => a * b, 1),
  ),
});

const unary = (opType: string, more: Partial<Given> & { attributes?: object[] } = {}): [string, Given] => [
  opType,
  { nodes: [node(opType, ["x"], more.attributes)], ...more },
];
const binary = (opType: string): [string, Given] => [
  opType,
  { nodes: [node(opType, ["x", "b"])], stored: { b: { shape: [4], data: [1, -2, 0.5, 3] } } },
];
const compared = (opType: string): [string, Given] => [
  opType,
  {
    nodes: [node(opType, ["x", "b"], [], ["c"]), node("Where", ["c", "x", "b"])],
    stored: { b: { shape: [1], data: [0.25] } },
  },
];

const cases: [string, Given][] = [
  ...[
    "Neg",
    "Abs",
    "Sign",
    "Exp",
    "Reciprocal",
    "Tanh",
    "Sigmoid",
    "Relu",
    "Softplus",
    "Identity",
    "Dropout",
  ].map((one) => unary(one)),
  ...["Log", "Sqrt"].map((one) => unary(one, { positive: true })),
  unary("LeakyRelu", { attributes: [float("alpha", 0.3)] }),
  unary("Elu", { attributes: [float("alpha", 0.7)] }),
  unary("HardSigmoid"),
  ...["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean"].map(binary),
  ...["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"].map(compared),
  [
    "Not",
    {
      nodes: [
        real("z", [0]),
        node("Less", ["x", "z"], [], ["c"]),
        node("Not", ["c"], [], ["n"]),
        node("Where", ["n", "x", "z"]),
      ],
    },
  ],
  ...["And", "Or"].map((opType): [string, Given] => [
    opType,
    {
      nodes: [
        real("zero", [0]),
        real("half", [0.5]),
        node("Less", ["x", "zero"], [], ["a"]),
        node("Less", ["x", "half"], [], ["b"]),
        node(opType, ["a", "b"], [], ["c"]),
        node("Where", ["c", "x", "half"]),
      ],
    },
  ]),
  unary("HardSwish"),
  unary("Gelu", { attributes: [text("approximate", "tanh")], opset: 20 }),
  unary("GlobalAveragePool", { shape: [2, 3, 4, 2] }),
  unary("GlobalMaxPool", { shape: [2, 3, 4] }),
  ["Tile", { nodes: [whole("t", [1, 3]), node("Tile", ["x", "t"])] }],
  [
    "PRelu",
    { nodes: [node("PRelu", ["x", "slope"])], stored: { slope: { shape: [4], data: [0.1, 0.2, 0.3, 0.4] } } },
  ],
  ["Pow", { nodes: [real("p", [-0.5]), node("Pow", ["x", "p"])], positive: true }],
  [
    "Clip",
    { nodes: [node("Constant", [], [float("value_float", -0.5)], ["low"]), node("Clip", ["x", "low"])] },
  ],
  ["Cast", { nodes: [node("Cast", ["x"], [int("to", 7)], ["i"]), node("Cast", ["i"], [int("to", 1)])] }],
  ["MatMul", { nodes: [node("MatMul", ["x", "w"])], stored: { w: drawn(1, 4, 2) }, shape: [3, 2, 4] }],
  ["MatMul of a vector", { nodes: [node("MatMul", ["x", "w"])], stored: { w: drawn(1, 4) } }],
  [
    "Gemm",
    {
      nodes: [node("Gemm", ["x", "w", "c"], [int("transB", 1), float("alpha", 0.5), float("beta", 2)])],
      stored: { w: drawn(1, 2, 4), c: drawn(2, 1, 2) },
    },
  ],
  ...["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceSumSquare", "ReduceL2"].map(
    (opType): [string, Given] =>
      opType === "ReduceSum"
        ? [opType, { nodes: [whole("a", [-1]), node(opType, ["x", "a"], [int("keepdims", 0)])] }]
        : [opType, { nodes: [node(opType, ["x"], [ints("axes", [-1])])] }],
  ),
  ["ReduceMean in operator set 18", { nodes: [whole("a", [1]), node("ReduceMean", ["x", "a"])], opset: 18 }],
  unary("Softmax", { attributes: [int("axis", 1)], shape: [2, 3, 4] }),
  unary("LogSoftmax", { opset: 11 }),
  [
    "LayerNormalization",
    { nodes: [node("LayerNormalization", ["x", "g"], [float("epsilon", 1e-3)])], stored: { g: drawn(1, 4) } },
  ],
  [
    "BatchNormalization",
    {
      nodes: [node("BatchNormalization", ["x", "g", "b", "m", "v"])],
      stored: { g: drawn(1, 3), b: drawn(2, 3), m: drawn(3, 3), v: { shape: [3], data: [1, 2, 3] } },
      shape: [2, 3, 5],
    },
  ],
  ["Reshape", { nodes: [whole("s", [0, -1]), node("Reshape", ["x", "s"])], shape: [2, 3, 4] }],
  unary("Flatten", { attributes: [int("axis", 2)], shape: [2, 3, 4] }),
  unary("Transpose", { shape: [2, 3, 4] }),
  [
    "Unsqueeze, Squeeze",
    {
      nodes: [
        whole("a", [0, -1]),
        node("Unsqueeze", ["x", "a"], [], ["u"]),
        whole("b", [0]),
        node("Squeeze", ["u", "b"]),
      ],
    },
  ],
  [
    "Squeeze by attribute",
    { nodes: [node("Squeeze", ["x"], [ints("axes", [1])])], shape: [3, 1, 4], opset: 11 },
  ],
  ["Expand", { nodes: [whole("s", [2, 1, 1]), node("Expand", ["x", "s"])] }],
  [
    "Split in operator set 18",
    {
      nodes: [
        node("Split", ["x"], [int("axis", 1), int("num_outputs", 2)], ["p", "q"]),
        node("Concat", ["q", "p", "q"], [int("axis", -1)]),
      ],
      shape: [2, 5],
      opset: 18,
    },
  ],
  [
    "Slice backwards",
    {
      nodes: [
        whole("s", [-1]),
        whole("e", [-1000]),
        whole("a", [1]),
        whole("d", [-1]),
        node("Slice", ["x", "s", "e", "a", "d"]),
      ],
    },
  ],
  [
    "Gather",
    {
      nodes: [
        node("Constant", [], [int("value_int", -2)], ["i"]),
        node("Gather", ["x", "i"], [int("axis", 1)]),
      ],
    },
  ],
  ["Pad", { nodes: [whole("p", [0, 2, 0, 1]), node("Pad", ["x", "p"])] }],
  [
    "ConstantOfShape",
    {
      nodes: [
        node("Shape", ["x"], [], ["s"]),
        node("ConstantOfShape", ["s"], [], ["z"]),
        node("Add", ["x", "z"]),
      ],
    },
  ],
  [
    "Size, Range, ReduceProd",
    {
      nodes: [
        node("Shape", ["x"], [int("start", 1)], ["s"]),
        node("ReduceProd", ["s"], [int("keepdims", 0)], ["n"]),
        node("Constant", [], [int("value_int", 0)], ["from"]),
        node("Constant", [], [int("value_int", 1)], ["by"]),
        node("Range", ["from", "n", "by"], [], ["r"]),
        node("Cast", ["r"], [int("to", 1)], ["f"]),
        node("Add", ["x", "f"], [], ["z"]),
        node("Size", ["f"], [], ["k"]),
        node("Cast", ["k"], [int("to", 1)], ["m"]),
        node("Div", ["z", "m"]),
      ],
    },
  ],
  ...(["LSTM", "GRU", "RNN"] as const).flatMap((opType) =>
    (["forward", "reverse", "bidirectional"] as const).flatMap((direction) =>
      [false, true].map((begun): [string, Given] => recurrent(opType, direction, begun)),
    ),
  ),
];

/** A recurrent operator over x `[time, batch, 3]`, which answers the sequence with the last states below it. */
function recurrent(opType: "LSTM" | "GRU" | "RNN", direction: string, begun: boolean): [string, Given] {
  const [hidden, batch, time] = [2, 3, 4];
  const gates = { LSTM: 4, GRU: 3, RNN: 1 }[opType] * hidden;
  const ways = direction === "bidirectional" ? 2 : 1;
  const states = opType === "LSTM" ? ["h", "c"] : ["h"];
  const attributes = [
    int("hidden_size", hidden),
    text("direction", direction),
    ...(opType === "GRU" ? [int("linear_before_reset", 1)] : []),
  ];
  return [
    `${opType} ${direction}${begun ? " from a state" : ""}`,
    {
      nodes: [
        node(opType, ["x", "w", "r", "b", ...(begun ? ["", ...states] : [])], attributes, [
          "all",
          ...states.map((state) => `last_${state}`),
        ]),
        whole("rows", [-1, hidden]),
        ...["all", ...states.map((state) => `last_${state}`)].map((name) =>
          node("Reshape", [name, "rows"], [], [`${name}_rows`]),
        ),
        node("Concat", ["all_rows", ...states.map((state) => `last_${state}_rows`)], [int("axis", 0)]),
      ],
      stored: {
        w: drawn(1, ways, gates, 3),
        r: drawn(2, ways, gates, hidden),
        b: drawn(3, ways, 2 * gates),
        ...(begun ? { h: drawn(4, ways, batch, hidden), c: drawn(5, ways, batch, hidden) } : {}),
      },
      shape: [time, batch, 3],
      open: begun ? -1 : 1, // stored states fix the batch
    },
  ];
}

/** The model, made by editing one of ours. */
function modelOf({ nodes, stored = {}, shape = [2, 4], open = 0, opset = 17 }: Given): Uint8Array {
  const model = fromBinary(ModelProtoSchema, toOnnx(traceGraph({ y: relu(input("x", [1])) })));
  model.opsetImport[0].version = BigInt(opset);
  const graph = model.graph!;
  graph.node = nodes.map((one) => create(NodeProtoSchema, one as object));
  graph.initializer = Object.entries(stored).map(([name, { shape: dims, data }]) =>
    create(TensorProtoSchema, { name, dims: dims.map(BigInt), dataType: 1, floatData: Array.from(data) }),
  );
  const axes = shape.map((size, axis) => (axis === open ? "batch" : size));
  graph.input = [valueInfo("x", { dtype: "float32", shape: axes })];
  graph.output = [valueInfo("y", { dtype: "float32", shape: [] })];
  // The shape of y is what the test is about: it is left open.
  const declared = graph.output[0].type!.value;
  if (declared.case === "tensorType") delete declared.value.shape;
  return toBinary(ModelProtoSchema, model);
}

describe("a rule computes what ONNX Runtime does", () => {
  test.each(cases)("for %s", async (_, given) => {
    const { shape = [2, 4], positive = false } = given;
    const values = Float32Array.from(drawn(9, ...shape).data, (value) =>
      positive ? Math.exp(value) : value,
    );
    const feed = (): TensorValue => ({ dtype: "float32", shape, data: values.slice() });
    const bytes = modelOf(given);
    const theirs = await loadOnnx(runtime, bytes);
    const { y: expected } = await theirs.run({ x: feed() });
    await theirs.release();
    const model = importOnnx(bytes);
    const [{ name, shape: axes, dtype }] = model.inputs;
    const [received] = await evaluate(
      [model.apply({ x: input(name, axes, dtype) }).y],
      { x: feed() },
      runtime,
    );
    expect(received.shape).toEqual(expected.shape);
    received.data.forEach((value, i) => {
      expect(Number(value)).toBeCloseTo(Number(expected.data[i]), 5);
    });
  });

  test("for every operator that there is a rule for", () => {
    const met = new Set(cases.flatMap(([, { nodes }]) => nodes.map(({ opType }) => opType)));
    expect(Object.keys(importRules).filter((opType) => !met.has(opType))).toEqual([]);
  });
});
