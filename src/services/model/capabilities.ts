import { capability } from "../../base/index.ts";
import { describe } from "./describe.ts";
import { quantizeModel } from "./quantise.ts";
import { DescribeInput, DescribeOutput, QuantizeInput, QuantizeOutput } from "./schema.ts";
import { layerTable, quantizationTable } from "./tables.ts";

export const modelDescribe = capability({
  name: "model.describe",
  summary: "List the layers of a model with shapes, parameters and work, and draw its graph",
  input: DescribeInput,
  output: DescribeOutput,
  paths: ["svg"],
  artifacts: ["artifact"],
  positional: "artifact",
  print: layerTable,
  run: describe,
});

export const modelQuantize = capability({
  name: "model.quantize",
  summary: "Write a model with weights of 8 bits, and measure what that costs beside the float model",
  input: QuantizeInput,
  output: QuantizeOutput,
  paths: ["out", "data", "inputs"],
  artifacts: ["artifact"],
  positional: "artifact",
  print: quantizationTable,
  run: quantizeModel,
});
