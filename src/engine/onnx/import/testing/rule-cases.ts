/** Graphs of every operator that can be imported: what its rule has to compute as ONNX Runtime does. */
import { convolutions, pools, recurrent } from "./network-cases.ts";
import {
  binary,
  compared,
  drawn,
  float,
  type Given,
  int,
  ints,
  node,
  real,
  real1,
  text,
  unary,
  whole,
} from "./nodes.ts";

export const ruleCases: [string, Given][] = [
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
