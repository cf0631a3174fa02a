/** Which operator sets a graph may be written in, and which operators came late. */
import { PlatformError } from "../../base/index.ts";

/** Training graphs use operator set 20 (bitwise operators, GELU); inference graphs need only 17, which older runtimes read too. */
export const trainingOpset = 20;
export const inferenceOpset = 17;

/** Operator sets that `toOnnx` writes: the rules use forms that came with 13. */
export const writableOpsets = { from: 13, to: 21 } as const;

/**
 * Every operator that the rules write, with the oldest operator set that has the form in which they write it. An operator that is
 * missing here cannot be written: the emitter does not compile.
 *
 * @see https://github.com/onnx/onnx/blob/main/docs/Changelog.md
 */
const firstOpset = {
  Abs: 6,
  Add: 7,
  ArgMax: 1,
  AveragePool: 7,
  BitShift: 11,
  BitwiseXor: 18,
  Cast: 9,
  Concat: 4,
  Conv: 1,
  ConvTranspose: 1,
  Cos: 7,
  CumSum: 11,
  Div: 7,
  Equal: 7,
  Erf: 9,
  Exp: 6,
  Expand: 8,
  Gather: 1,
  GatherElements: 11,
  Gelu: 20,
  Gemm: 11,
  GRU: 7,
  Identity: 1,
  LayerNormalization: 17,
  LeakyRelu: 6,
  Less: 9,
  Log: 6,
  LogSoftmax: 13,
  LSTM: 7,
  MatMul: 9,
  Max: 8,
  MaxPool: 10,
  Min: 8,
  Mul: 7,
  Neg: 6,
  OneHot: 11,
  Pad: 11,
  Range: 11,
  Reciprocal: 6,
  ReduceMax: 1,
  ReduceMean: 1,
  ReduceProd: 1,
  ReduceSum: 13,
  Relu: 6,
  Reshape: 5,
  ReverseSequence: 10,
  RNN: 7,
  Scan: 11,
  ScatterElements: 11,
  ScatterND: 11,
  Shape: 1,
  Sigmoid: 6,
  Sign: 9,
  Sin: 7,
  Slice: 10,
  Softmax: 13,
  Split: 13,
  Sqrt: 6,
  Squeeze: 13,
  Sub: 7,
  Tanh: 6,
  TopK: 11,
  Transpose: 1,
  Unsqueeze: 13,
  Where: 9,
} as const;

/** An operator that the rules may write. */
export type EmittedOperator = keyof typeof firstOpset;

/** Forms that came later than their operator, by the attribute that asks for them. */
const firstOpsetOfForm: Readonly<Record<string, number>> = {
  "ScatterElements+reduction": 16,
  "ScatterND+reduction": 16,
};

/**
 * Refuses a node that its operator set does not have.
 *
 * @throws PlatformError `ONNX_OPSET` naming the operator and the set that it needs
 */
export function requireOperator(opType: EmittedOperator, attributes: readonly string[], opset: number): void {
  const needs: [string, number | undefined][] = [
    [opType, firstOpset[opType]],
    ...attributes.map((name): [string, number | undefined] => [
      `${opType} with ${name}`,
      firstOpsetOfForm[`${opType}+${name}`],
    ]),
  ];
  for (const [form, first] of needs) {
    if (first === undefined || opset >= first) continue;
    throw new PlatformError(
      "input",
      "ONNX_OPSET",
      `toOnnx: ${form} needs operator set ${first}, received ${opset}`,
      {
        field: "opset",
      },
    );
  }
}

/** @throws PlatformError `ONNX_OPSET` when no rule was written for an operator set */
export function requireWritable(opset: number): void {
  const { from, to } = writableOpsets;
  if (Number.isInteger(opset) && opset >= from && opset <= to) return;
  throw new PlatformError(
    "input",
    "ONNX_OPSET",
    `toOnnx: expected an operator set from ${from} to ${to}, received ${opset}`,
    {
      field: "opset",
    },
  );
}

/** The file version that came with an operator set; an older one would promise to readers what they cannot read. */
export function irVersionOf(opset: number): bigint {
  if (opset <= 18) return 8n;
  return opset <= 20 ? 9n : 10n;
}
