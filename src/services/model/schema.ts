/** What goes into and comes out of the capabilities that look at a model as a file. */
import { z } from "zod";
import { PredictInput } from "../forecast/index.ts";

const ModelFields = {
  artifact: z.string().describe("a model by name or path, or any file that ends in .onnx"),
  file: z.string().default("model.onnx").describe("which graph of an artifact"),
};

const { data, symbols, from, to, format } = PredictInput.shape;

const Sizes = z
  .record(z.string(), z.number().int().min(1))
  .default({})
  .describe("sizes of open axes beside the batch, by the names that the file gives them");

export const DescribeInput = z.object({
  ...ModelFields,
  sizes: Sizes,
  svg: z
    .string()
    .regex(/\.svg$/i, "expected a name that ends in .svg")
    .optional()
    .describe("SVG file to draw the graph into"),
});
export type DescribeInput = z.output<typeof DescribeInput>;

const Value = z.object({
  name: z.string(),
  elementType: z.string(),
  shape: z.array(z.union([z.number(), z.string()])).nullable(),
});

export const DescribeOutput = z.object({
  source: z.string().describe("file that was described"),
  kind: z.string().describe("what the model is for, or onnx for a plain file"),
  bytes: z.number().describe("size of the file"),
  digest: z.string().describe("SHA-256 of the artifact's manifest, or of a plain file"),
  opset: z.number().describe("version of ONNX's operator set"),
  irVersion: z.number().describe("version of the ONNX file format"),
  producer: z.string(),
  inputs: z.array(Value),
  outputs: z.array(Value),
  layers: z.array(
    z.object({
      layer: z.string().describe("path in the model"),
      kind: z.string().describe("operators that do the work"),
      outputShape: z.string().nullable().describe("null where it is unknown"),
      parameters: z.number(),
      flop: z.number().nullable().describe("floating-point operations for one sample; null where unknown"),
    }),
  ),
  parameters: z.number().describe("learned numbers in all layers"),
  flop: z.number().describe("floating-point operations for one sample, of the layers where they are known"),
  flopUnknown: z.number().describe("layers whose operations are unknown"),
  svg: z.string().nullable().describe("file with the drawing"),
});
export type DescribeOutput = z.output<typeof DescribeOutput>;

export const QuantizeInput = z.object({
  ...ModelFields,
  out: z
    .string()
    .regex(/\.onnx$/i, "expected a name that ends in .onnx")
    .describe("ONNX file to write"),
  recurrent: z
    .boolean()
    .default(false)
    .describe("quantise LSTMs too, with an operator that only ONNX Runtime has"),
  bits: z
    .union([z.literal(7), z.literal(8)])
    .default(7)
    .describe("bits of a weight; 8 may overflow on older processors"),
  minimumSize: z.number().int().min(1).default(256).describe("weights with fewer numbers stay as they are"),
  data: data
    .optional()
    .describe(
      "prices to measure a forecasting model on, a file or 'simulated'; where it is left out, the simulated market if it was trained there",
    ),
  symbols,
  from,
  to,
  format,
  inputs: z
    .string()
    .optional()
    .describe("safetensors file with one tensor for each input, to measure any other model on"),
  draw: z
    .enum(["normal", "lognormal"])
    .optional()
    .describe(
      "how inputs are drawn where neither is given: lognormal ones are positive, as the prices of a forecast are, and its default",
    ),
  samples: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe("samples to draw, by default 256; or most samples of the data, by default 4096"),
  seed: z.number().int().default(0).describe("seed of what is drawn"),
  sizes: Sizes,
});
export type QuantizeInput = z.output<typeof QuantizeInput>;

export const QuantizeOutput = z.object({
  out: z.string().describe("file that was written"),
  quantized: z.array(z.string()).describe("products and recurrent layers that now run on whole numbers"),
  kept: z.array(z.string()).describe("those that stayed in float, with the reason"),
  data: z.string().describe("what the loss was measured on"),
  samples: z.number(),
  bytes: z.object({ float: z.number(), quantized: z.number() }),
  outputs: z.array(
    z.object({
      name: z.string(),
      rootMeanSquare: z.object({ float: z.number(), quantized: z.number() }),
      maximumDifference: z.number().describe("largest difference of an element"),
      rootMeanSquareDifference: z.number(),
    }),
  ),
  errors: z
    .array(z.object({ horizon: z.number(), float: z.number(), quantized: z.number(), naive: z.number() }))
    .nullable()
    .describe("root mean squared errors of the forecasts, by horizon; null where no prices were measured on"),
});
export type QuantizeOutput = z.output<typeof QuantizeOutput>;
