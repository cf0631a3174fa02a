/** Convolutions, pools and recurrent operators, with every option by itself and with others. */
import { drawn, type Given, int, ints, node, text, whole } from "./nodes.ts";

/** Convolutions of images and series, with every option by itself and with others. */
export function convolutions(): [string, Given][] {
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

export function pools(): [string, Given][] {
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
export function recurrent(
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
