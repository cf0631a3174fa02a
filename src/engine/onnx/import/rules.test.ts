/** Every rule against ONNX Runtime's own kernel for the operator, on the same inputs. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normal } from "../../../base/index.ts";
import {
  createRuntime,
  evaluate,
  gradient,
  importOnnx,
  importRules,
  input,
  loadOnnx,
  relu,
  sum,
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
  /** Stored arrays by name, of float32 or of whole numbers. */
  readonly stored?: Readonly<
    Record<
      string,
      { readonly shape: readonly number[]; readonly data: ArrayLike<number>; readonly whole?: true }
    >
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
const real1 = (output: string, value: number) =>
  node("Constant", [], [float("value_float", value)], [output]);
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
  unary("Erf"),
  unary("Gelu", { opset: 20 }),
  ...["Sin", "Cos", "Selu", "ReduceL1", "ReduceLogSumExp"].map((one) => unary(one)),
  unary("Mish", { opset: 18 }),
  [
    "Clip whose bounds have changed places",
    { nodes: [real1("low", 0.5), real1("high", -0.5), node("Clip", ["x", "low", "high"])] },
  ],
  [
    "IsNaN",
    {
      nodes: [node("Log", ["x"], [], ["l"]), node("IsNaN", ["l"], [], ["n"]), node("Where", ["n", "x", "l"])],
    },
  ],
  [
    "LayerNormalization over two axes",
    {
      nodes: [node("LayerNormalization", ["x", "g", "b"], [int("axis", -2)])],
      stored: { g: drawn(1, 3, 4), b: drawn(2, 3, 4) },
      shape: [2, 3, 4],
    },
  ],
  [
    "SimplifiedLayerNormalization",
    { nodes: [node("SimplifiedLayerNormalization", ["x", "g"])], stored: { g: drawn(1, 4) } },
  ],
  [
    "RMSNormalization",
    {
      nodes: [node("RMSNormalization", ["x", "g"], [float("epsilon", 1e-3)])],
      stored: { g: drawn(1, 4) },
      opset: 23,
    },
  ],
  [
    "BatchNormalization of rows",
    {
      nodes: [node("BatchNormalization", ["x", "g", "b", "m", "v"])],
      stored: { g: drawn(1, 4), b: drawn(2, 4), m: drawn(3, 4), v: { shape: [4], data: [1, 2, 3, 4] } },
    },
  ],
  [
    "InstanceNormalization",
    {
      nodes: [node("InstanceNormalization", ["x", "g", "b"], [float("epsilon", 1e-3)])],
      stored: { g: drawn(1, 4), b: drawn(2, 4) },
      shape: [2, 4, 3, 2],
    },
  ],
  ...[18, 21].map((opset): [string, Given] => [
    `GroupNormalization in operator set ${opset}`,
    {
      nodes: [node("GroupNormalization", ["x", "g", "b"], [int("num_groups", 2)])],
      stored: { g: drawn(1, opset < 21 ? 2 : 4), b: drawn(2, opset < 21 ? 2 : 4) },
      shape: [2, 4, 5],
      opset,
    },
  ]),
  ...[1, 2].map((p) =>
    unary("LpNormalization", { attributes: [int("p", p), int("axis", 1)], shape: [2, 3, 4] }),
  ),
  ...convolutions(),
  ...pools(),
  ...[[], [int("exclusive", 1)], [int("reverse", 1)], [int("exclusive", 1), int("reverse", 1)]].map(
    (attributes): [string, Given] => [
      `CumSum ${attributes.map(({ name }) => name)}`,
      { nodes: [whole("a", [-1]), node("CumSum", ["x", "a"], attributes)] },
    ],
  ),
  ...[0, 1].map((largest): [string, Given] => [
    largest ? "TopK" : "TopK of the smallest",
    {
      nodes: [
        whole("k", [3]),
        node("TopK", ["x", "k"], [int("axis", 1), int("largest", largest)], ["v", "i"]),
        node("Cast", ["i"], [int("to", 1)], ["f"]),
        node("Concat", ["v", "f"], [int("axis", 1)]),
      ],
      shape: [2, 5],
    },
  ]),
  ...["ArgMax", "ArgMin"].map((opType): [string, Given] => [
    opType,
    {
      nodes: [
        node(opType, ["x"], [int("axis", -1), int("keepdims", opType === "ArgMax" ? 0 : 1)], ["i"]),
        node("Cast", ["i"], [int("to", 1)]),
      ],
      shape: [3, 2, 5],
    },
  ]),
  ...[-1, 1].map((axis): [string, Given] => [
    `OneHot at axis ${axis}`,
    {
      nodes: [
        node("Cast", ["x"], [int("to", 7)], ["i"]),
        node("Constant", [], [int("value_int", 3)], ["depth"]),
        node("OneHot", ["i", "depth", "values"], [int("axis", axis)]),
      ],
      stored: { values: { shape: [2], data: axis === 1 ? [-0.5, 2] : [0, 1] } },
      shape: [4, 5],
    },
  ]),
  [
    "GatherElements",
    {
      nodes: [node("GatherElements", ["x", "i"], [int("axis", 1)])],
      stored: { i: { shape: [2, 3], data: [0, -1, 1, 2, 2, 0], whole: true } },
      shape: [3, 4],
      open: -1,
    },
  ],
  [
    "ScatterElements",
    {
      nodes: [node("ScatterElements", ["x", "i", "u"], [int("axis", 1), text("reduction", "add")])],
      stored: { i: { shape: [2, 3], data: [0, 0, 1, 3, -1, 0], whole: true }, u: drawn(3, 2, 3) },
      open: -1,
    },
  ],
  ...[0, 1].map((time): [string, Given] => [
    `ReverseSequence with time at axis ${time}`,
    {
      nodes: [
        whole("lengths", [1, 3]),
        node("ReverseSequence", ["x", "lengths"], [int("time_axis", time), int("batch_axis", 1 - time)]),
      ],
      shape: time === 0 ? [4, 2, 3] : [2, 4, 3],
      open: -1,
    },
  ]),
  ...["bij,jk->bik", "bij,bkj->bik", "bij, jk", "bij,ij->b"].map((equation): [string, Given] => [
    `Einsum ${equation}`,
    {
      nodes: [node("Einsum", ["x", "w"], [text("equation", equation)])],
      stored: {
        w: equation.includes("bkj")
          ? drawn(1, 2, 5, 4)
          : drawn(1, equation.includes("ij->") ? 3 : 4, equation.includes("ij->") ? 4 : 5),
      },
      shape: [2, 3, 4],
      open: equation.includes("bkj") ? -1 : 0,
    },
  ]),
  unary("Einsum", { attributes: [text("equation", "ijk->ki")], shape: [2, 3, 4] }),
  ...[0, 1].map((upper): [string, Given] => [
    `Trilu ${upper ? "above" : "below"}`,
    {
      nodes: [
        node("Constant", [], [int("value_int", 1)], ["k"]),
        node("Trilu", ["x", "k"], [int("upper", upper)]),
      ],
      shape: [2, 3, 4],
    },
  ]),
  ...(["LSTM", "GRU", "RNN"] as const).flatMap((opType) =>
    (["forward", "reverse", "bidirectional"] as const).flatMap((direction) => [
      recurrent(opType, direction, false),
      recurrent(opType, direction, true),
      recurrent(opType, direction, false, [3, 1, 4]),
      recurrent(opType, direction, true, [2, 4, 1]),
    ]),
  ),
];

/** Convolutions of images and series, with every option by itself and with others. */
function convolutions(): [string, Given][] {
  const of = (
    opType: string,
    title: string,
    shape: number[],
    weight: number[],
    attributes: { name: string }[] = [],
    bias = 0,
  ): [string, Given] => [
    `${opType} ${title}`,
    {
      nodes: [node(opType, bias > 0 ? ["x", "w", "b"] : ["x", "w"], attributes)],
      stored: { w: drawn(1, ...weight), ...(bias > 0 ? { b: drawn(2, bias) } : {}) },
      shape,
    },
  ];
  return [
    of("Conv", "of a series", [2, 3, 7], [4, 3, 3], [], 4),
    of("Conv", "with holes, causal", [2, 3, 9], [4, 3, 3], [ints("dilations", [2]), ints("pads", [4, 0])]),
    of("Conv", "of an image", [2, 3, 6, 5], [4, 3, 3, 2], [ints("pads", [1, 0, 2, 1])], 4),
    of(
      "Conv",
      "in strides",
      [2, 3, 7, 6],
      [4, 3, 3, 3],
      [ints("strides", [2, 3]), ints("pads", [1, 1, 1, 1])],
    ),
    of("Conv", "in groups", [2, 4, 5, 5], [6, 2, 3, 3], [int("group", 2)], 6),
    of("Conv", "by channel", [2, 4, 5], [4, 1, 3], [int("group", 4)]),
    of("Conv", "of a volume", [2, 2, 4, 3, 3], [3, 2, 2, 2, 2]),
    ...["SAME_UPPER", "SAME_LOWER", "VALID"].map((padding) =>
      of(
        "Conv",
        padding,
        [2, 3, 6, 7],
        [4, 3, 3, 2],
        [text("auto_pad", padding), ints("strides", [2, 1])],
        4,
      ),
    ),
    of("ConvTranspose", "of a series", [2, 4, 5], [4, 3, 3], [], 3),
    of(
      "ConvTranspose",
      "in strides",
      [2, 4, 3, 4],
      [4, 3, 3, 2],
      [ints("strides", [2, 3]), ints("pads", [1, 0, 0, 1]), ints("output_padding", [1, 2])],
    ),
    of(
      "ConvTranspose",
      "in groups, with holes",
      [2, 4, 5],
      [4, 2, 3],
      [int("group", 2), ints("dilations", [2])],
      4,
    ),
    of("ConvTranspose", "padded more than its kernel reaches", [2, 3, 9], [3, 2, 2], [ints("pads", [3, 0])]),
  ];
}

function pools(): [string, Given][] {
  const positions: [string, Given] = [
    "MaxPool with the positions of the largest values",
    {
      nodes: [
        node("MaxPool", ["x"], [ints("kernel_shape", [2])], ["v", "i"]),
        node("Cast", ["i"], [int("to", 1)], ["f"]),
        node("Concat", ["v", "f"], [int("axis", 1)]),
      ],
      shape: [2, 3, 7],
    },
  ];
  const of = (
    opType: string,
    title: string,
    shape: number[],
    kernel: number[],
    attributes: object[] = [],
  ): [string, Given] => [
    `${opType}${title}`,
    { nodes: [node(opType, ["x"], [ints("kernel_shape", kernel), ...attributes])], shape },
  ];
  return ["MaxPool", "AveragePool"].flatMap((opType) => [
    of(opType, "", [2, 3, 7], [3]),
    of(opType, " side by side", [2, 3, 6, 4], [2, 2], [ints("strides", [2, 2])]),
    of(opType, " padded", [2, 3, 7, 6], [3, 3], [ints("strides", [2, 1]), ints("pads", [1, 1, 0, 1])]),
    of(opType, " same", [2, 3, 7], [2], [text("auto_pad", "SAME_UPPER")]),
    of(opType, " rounded up without a rest", [2, 3, 6], [2], [ints("strides", [2]), int("ceil_mode", 1)]),
    ...(opType === "MaxPool"
      ? [of(opType, " with holes", [2, 3, 9], [3], [ints("dilations", [2])]), positions]
      : [
          of(
            opType,
            "that counts zeros",
            [2, 3, 7],
            [3],
            [ints("pads", [1, 1]), int("count_include_pad", 1)],
          ),
        ]),
  ]);
}

/**
 * A recurrent operator over x `[time, batch, 3]`, which answers the sequence with the last states below it; with lengths without the
 * cell state.
 */
function recurrent(
  opType: "LSTM" | "GRU" | "RNN",
  direction: string,
  begun: boolean,
  lengths?: readonly number[],
): [string, Given] {
  const [hidden, batch, time] = [2, 3, 4];
  const gates = { LSTM: 4, GRU: 3, RNN: 1 }[opType] * hidden;
  const ways = direction === "bidirectional" ? 2 : 1;
  const states = opType === "LSTM" ? ["h", "c"] : ["h"];
  const made = ["all", ...(lengths ? ["h"] : states).map((state) => `last_${state}`)];
  const rest = begun ? [lengths ? "lengths" : "", ...states] : lengths ? ["lengths"] : [];
  const attributes = [
    int("hidden_size", hidden),
    text("direction", direction),
    ...(opType === "GRU" ? [int("linear_before_reset", 1)] : []),
  ];
  return [
    `${opType} ${direction}${begun ? " from a state" : ""}${lengths ? " over many lengths" : ""}`,
    {
      nodes: [
        ...(lengths
          ? [whole("lengths64", [...lengths]), node("Cast", ["lengths64"], [int("to", 6)], ["lengths"])]
          : []),
        node(opType, ["x", "w", "r", "b", ...rest], attributes, made),
        whole("rows", [-1, hidden]),
        ...made.map((name) => node("Reshape", [name, "rows"], [], [`${name}_rows`])),
        node(
          "Concat",
          made.map((name) => `${name}_rows`),
          [int("axis", 0)],
        ),
      ],
      stored: {
        w: drawn(1, ways, gates, 3),
        r: drawn(2, ways, gates, hidden),
        b: drawn(3, ways, 2 * gates),
        ...(begun ? { h: drawn(4, ways, batch, hidden), c: drawn(5, ways, batch, hidden) } : {}),
      },
      shape: [time, batch, 3],
      open: begun || lengths ? -1 : 1, // stored states and lengths fix the batch
    },
  ];
}

/** The model, made by editing one of ours. */
function modelOf({ nodes, stored = {}, shape = [2, 4], open = 0, opset = 17 }: Given): Uint8Array {
  const model = fromBinary(ModelProtoSchema, toOnnx(traceGraph({ y: relu(input("x", [1])) })));
  model.opsetImport[0].version = BigInt(opset);
  const graph = model.graph!;
  graph.node = nodes.map((one) => create(NodeProtoSchema, one as object));
  graph.initializer = Object.entries(stored).map(([name, { shape: dims, data, whole: isWhole }]) =>
    create(TensorProtoSchema, {
      name,
      dims: dims.map(BigInt),
      ...(isWhole
        ? { dataType: 7, int64Data: Array.from(data, BigInt) }
        : { dataType: 1, floatData: Array.from(data) }),
    }),
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

describe("what cannot be exact is refused by name", () => {
  const image = [2, 3, 7, 6];
  const [, lstm] = recurrent("LSTM", "forward", false, [1, 4, 2]);
  test.each<[string, Given, string]>([
    [
      "the cell state of sequences of many lengths",
      {
        ...lstm,
        nodes: lstm.nodes.map((one) =>
          one.opType === "LSTM"
            ? { ...one, output: ["all", "last_h", "last_c"] }
            : one.opType === "Concat"
              ? { ...one, input: ["last_c"] }
              : one,
        ),
      },
      'Concat "Concat_y": expected inputs that the nodes before it make, received last_c, which none makes here',
    ],
    [
      "windows over the end",
      unary("MaxPool", {
        attributes: [ints("kernel_shape", [2, 2]), ints("strides", [2, 2]), int("ceil_mode", 1)],
        shape: image,
      })[1],
      'MaxPool "MaxPool_y": ceil_mode: expected windows that fill [7, 6], received a rest',
    ],
    [
      "a mean with holes",
      unary("AveragePool", {
        attributes: [ints("kernel_shape", [2]), ints("dilations", [2])],
        shape: [2, 3, 7],
        opset: 19,
      })[1],
      'AveragePool "AveragePool_y": expected a window without holes, received dilations 2',
    ],
    [
      "a size of a transposed convolution",
      {
        nodes: [node("ConvTranspose", ["x", "w"], [ints("output_shape", [9])])],
        stored: { w: drawn(1, 3, 2, 3) },
        shape: [2, 3, 7],
      },
      'ConvTranspose "ConvTranspose_y": expected pads, received the size of the result',
    ],
    [
      "an open size of an image",
      { nodes: [node("Conv", ["x", "w"])], stored: { w: drawn(1, 2, 3, 3) }, shape: [2, 3, 7], open: 2 },
      'Conv "Conv_y": expected fixed sizes behind batch and channels, received [2, 3, batch]',
    ],
    [
      "batch norm in training",
      {
        nodes: [node("BatchNormalization", ["x", "g", "g", "g", "g"], [int("training_mode", 1)])],
        stored: { g: drawn(1, 4) },
      },
      'BatchNormalization "BatchNormalization_y": expected a model in inference',
    ],
    [
      "a scatter that overwrites",
      {
        nodes: [node("ScatterElements", ["x", "i", "x"])],
        stored: { i: { shape: [2, 4], data: [0, 0, 0, 0, 1, 1, 1, 1], whole: true } },
        open: -1,
      },
      'ScatterElements "ScatterElements_y": expected the reduction add, received none',
    ],
    [
      "an ellipsis",
      unary("Einsum", { attributes: [text("equation", "...j->j")] })[1],
      'Einsum "Einsum_y": expected one or two tensors, a letter for each axis and none twice in a tensor, received "...j->j"',
    ],
    [
      "the last of equal values",
      unary("ArgMax", { attributes: [int("select_last_index", 1)] })[1],
      'ArgMax "ArgMax_y": of equal values the first is found, not the last',
    ],
  ])("as for %s", (_, given, message) => {
    expect(() => importOnnx(modelOf(given))).toThrow(message);
  });
});

/** Slopes at both sides of a kink and at the kink itself, as torch 1.13 gives them. */
test.each<[string, object[], number[], number[]]>([
  ["LeakyRelu", [float("alpha", 0.25)], [-1, 0, 1], [0.25, 0.25, 1]],
  ["Elu", [float("alpha", 0.5)], [-1, 0, 1], [0.5 * Math.exp(-1), 0.5, 1]],
  ["HardSigmoid", [float("alpha", 0.25), float("beta", 0.5)], [-2, 0, 2], [0, 0.25, 0]],
  ["HardSwish", [], [-3, 0, 3], [-0.5, 0.5, 1.5]],
  ["Relu", [], [-1, 0, 1], [0, 0, 1]],
  ["Clip", [float("min", -1), float("max", 1)], [-1, 0, 1], [1, 1, 1]],
  ["Clip", [float("min", -1), float("max", 1)], [-2, 0.5, 2], [0, 1, 0]],
])("the slope of %s at its kinks is torch's", async (opType, attributes, at, slopes) => {
  const model = importOnnx(modelOf({ nodes: [node(opType, ["x"], attributes)], shape: [3], opset: 7 }));
  const x = input("x", [3]);
  const [slope] = gradient(sum(model.apply({ x }).y), [x]);
  const values: TensorValue = { dtype: "float32", shape: [3], data: Float32Array.from(at) };
  const [received] = await evaluate([slope], { x: values }, runtime);
  expect([...received.data].map(Number)).toEqual(slopes.map((value) => expect.closeTo(value, 6)));
});

describe("the statistics of batch norm", () => {
  const stored = { g: drawn(1, 4), m: drawn(2, 4), v: { shape: [4], data: [1, 2, 3, 4] } };
  const nodes = [node("BatchNormalization", ["x", "g", "m", "m", "v"])];
  test("are parameters that no gradient moves", () => {
    const { parameters } = importOnnx(modelOf({ nodes, stored }));
    // The array that is shift and mean at once is both: exporters store equal arrays once.
    expect(Object.entries(parameters).map(([name, { role }]) => [name, role])).toEqual([
      ["g", "learned"],
      ["m", "learned"],
      ["m.statistic", "statistic"],
      ["v", "statistic"],
    ]);
  });

  test("are constants where nothing is to be trained", () => {
    expect(importOnnx(modelOf({ nodes, stored }), { trainable: () => false }).parameters).toEqual({});
  });
});
