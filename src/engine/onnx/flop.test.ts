import { expect, test } from "vitest";
import type { Shape } from "../shape.ts";
import { flopRules, type MeasuredOperator } from "./flop.ts";

const cases: [MeasuredOperator, Shape[], Shape, number, { kernel?: number[]; equation?: string }?][] = [
  // Every output is a product over a window of one group's two channels; a batch counts as one sample.
  ["Conv", [["batch", 4, 9], [6, 2, 3], [6]], ["batch", 6, 7], (2 * 2 * 3 + 1) * (6 * 7)],
  // Every input is spread over three places of five channels.
  [
    "ConvTranspose",
    [
      ["batch", 4, 9],
      [4, 5, 3],
    ],
    ["batch", 5, 11],
    2 * (4 * 9) * (5 * 3),
  ],
  ["MaxPool", [["batch", 4, 8]], ["batch", 4, 4], 2 * (4 * 4), { kernel: [2] }],
  ["AveragePool", [["batch", 1, 4, 4]], ["batch", 1, 2, 2], 4 * 4, { kernel: [2, 2] }],
  [
    "Einsum",
    [
      ["batch", 3, 4],
      [4, 5],
    ],
    ["batch", 3, 5],
    2 * 3 * 4 * 5,
    { equation: "bij, jk -> bik" },
  ],
  ["Einsum", [[3, 4]], [4], 3 * 4, { equation: "ij->j" }],
  ["RMSNormalization", [["batch", 8], [8]], ["batch", 8], 4 * 8],
  ["TopK", [["batch", 8], [1]], ["batch", 2], 8],
  [
    "ScatterElements",
    [
      ["batch", 8],
      ["batch", 2],
      ["batch", 2],
    ],
    ["batch", 8],
    2,
  ],
  [
    "GatherElements",
    [
      ["batch", 8],
      ["batch", 2],
    ],
    ["batch", 2],
    0,
  ],
];

test.each(cases)("counts %s of %j", (opType, inputs, output, flop, { kernel = [], equation = "" } = {}) => {
  expect(flopRules[opType]({ inputs, outputs: [output], transposed: false, kernel, equation })).toBe(flop);
});
