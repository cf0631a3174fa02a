/** Every rule against ONNX Runtime's own kernel for the operator, on the same inputs. */
import { afterAll, describe, expect, test } from "vitest";
import {
  createRuntime,
  evaluate,
  gradient,
  importOnnx,
  importRules,
  input,
  loadOnnx,
  sum,
  type TensorValue,
} from "../../index.ts";
import { recurrent } from "./testing/network-cases.ts";
import { drawn, float, type Given, int, ints, modelOf, node, text, unary } from "./testing/nodes.ts";
import { ruleCases } from "./testing/rule-cases.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

describe("a rule computes what ONNX Runtime does", () => {
  test.each(ruleCases)("for %s", async (_, given) => {
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
    const met = new Set(ruleCases.flatMap(([, { nodes }]) => nodes.map(({ opType }) => opType)));
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
