/**
 * Floating-point operations of each ONNX operator: a multiply and an add count as two, any other function of an element as
 * one, moving values as none. An open batch axis counts as one sample.
 */
import { coefficient, type Shape } from "../shape.ts";
import type { ImportedOperator } from "./import/rules.ts";
import type { StandInOperator } from "./import/stand-ins.ts";

/** Shapes of a node's inputs and outputs; null for an input that is left out. */
export interface NodeShapes {
  readonly inputs: readonly (Shape | null)[];
  readonly outputs: readonly (Shape | null)[];
  /** Whether the first input of a product stands transposed. */
  readonly transposed: boolean;
  /** Size of a pool's window; empty for other operators. */
  readonly kernel: readonly number[];
  /** The text of an Einstein sum; "" for other operators. */
  readonly equation: string;
}

type FlopRule = (shapes: NodeShapes) => number;

const free: FlopRule = () => 0;
const perOutput =
  (count: number): FlopRule =>
  ({ outputs }) =>
    count * sizeOf(outputs[0]);
const perInput =
  (count: number): FlopRule =>
  ({ inputs }) =>
    count * sizeOf(inputs[0]);
const product: FlopRule = ({ inputs: [a], outputs, transposed }) =>
  2 * sizeOf(outputs[0]) * (a ? coefficient(a[a.length - (transposed ? 2 : 1)] ?? 1) : 0);
/** Every value of the result is a product over a window of one group's channels. */
const convolution: FlopRule = ({ inputs: [, weight, bias], outputs: [y] }) =>
  2 * sizeOf(y) * sizeOf(weight?.slice(1)) + (bias ? sizeOf(y) : 0);
/** Every value of the input is spread over a window of one group's channels. */
const spreading: FlopRule = ({ inputs: [x, weight, bias], outputs: [y] }) =>
  2 * sizeOf(x) * sizeOf(weight?.slice(1)) + (bias ? sizeOf(y) : 0);
const pool: FlopRule = ({ outputs: [y], kernel }) => sizeOf(y) * sizeOf(kernel);
/** Every combination of all letters is one product, and a sum when some letter is summed over. */
const einstein: FlopRule = ({ inputs, equation }) => {
  const terms = equation.replaceAll(" ", "").split("->")[0].split(",");
  const sizes = new Map(
    terms.flatMap((term, i) => [...term].map((letter, axis) => [letter, inputs[i]?.[axis] ?? 1] as const)),
  );
  return inputs.length * sizeOf([...sizes.values()]);
};
/** Every step multiplies the row `[x, h]` by all gates, in each direction. */
const recurrent: FlopRule = ({ inputs: [x, weightInput, weightHidden] }) => {
  const [time = 0, batch = 0] = x ?? [];
  return 2 * coefficient(time) * coefficient(batch) * (sizeOf(weightInput) + sizeOf(weightHidden));
};

/** Operators whose work is known. */
export type MeasuredOperator = ImportedOperator | StandInOperator;

export function isMeasured(opType: string): opType is MeasuredOperator {
  return Object.hasOwn(flopRules, opType);
}

/** One rule per operator whose shapes are known; leaving one out is a type error. Whole numbers count as floating-point ones. */
export const flopRules: { readonly [O in MeasuredOperator]: FlopRule } = {
  Add: perOutput(1),
  Sub: perOutput(1),
  Mul: perOutput(1),
  Div: perOutput(1),
  Max: perOutput(1),
  Min: perOutput(1),
  Sum: ({ inputs, outputs }) => (inputs.length - 1) * sizeOf(outputs[0]),
  Mean: ({ inputs, outputs }) => inputs.length * sizeOf(outputs[0]),
  Pow: perOutput(1),
  Equal: perOutput(1),
  Less: perOutput(1),
  Greater: perOutput(1),
  LessOrEqual: perOutput(1),
  GreaterOrEqual: perOutput(1),
  And: perOutput(1),
  Or: perOutput(1),
  Not: free,
  Where: free,
  Neg: perOutput(1),
  Abs: perOutput(1),
  Sign: perOutput(1),
  Exp: perOutput(1),
  Log: perOutput(1),
  Sqrt: perOutput(1),
  Reciprocal: perOutput(1),
  Tanh: perOutput(1),
  Sigmoid: perOutput(1),
  Relu: perOutput(1),
  Softplus: perOutput(1),
  Erf: perOutput(1),
  Sin: perOutput(1),
  Cos: perOutput(1),
  LeakyRelu: perOutput(1),
  Elu: perOutput(1),
  Selu: perOutput(1),
  Mish: perOutput(1),
  PRelu: perOutput(1),
  HardSigmoid: perOutput(1),
  HardSwish: perOutput(1),
  Gelu: perOutput(1),
  Clip: perOutput(1),
  IsNaN: perOutput(1),
  Cast: free,
  Identity: free,
  Dropout: free,

  Einsum: einstein,
  MatMul: product,
  Gemm: (shapes) => product(shapes) + (shapes.inputs[2] ? sizeOf(shapes.outputs[0]) : 0),

  ReduceSum: perInput(1),
  ReduceMean: perInput(1),
  ReduceMax: perInput(1),
  ReduceMin: perInput(1),
  ReduceSumSquare: perInput(2),
  ReduceL2: perInput(2),
  ReduceL1: perInput(2),
  // The largest value, the difference, the exponential, the sum.
  ReduceLogSumExp: perInput(4),
  ReduceProd: perInput(1),
  CumSum: perOutput(1),
  // Comparisons: at least one for each value.
  TopK: perInput(1),
  ArgMax: perInput(1),
  ArgMin: perInput(1),
  GlobalAveragePool: perInput(1),
  GlobalMaxPool: perInput(1),
  // The largest value, the difference, the exponential, the sum, the quotient.
  Softmax: perOutput(5),
  LogSoftmax: perOutput(5),
  // Mean; difference, square and sum for the variance; quotient, scale and shift.
  LayerNormalization: perOutput(7),
  InstanceNormalization: perOutput(7),
  GroupNormalization: perOutput(7),
  // Square and sum; quotient and scale.
  RMSNormalization: perOutput(4),
  SimplifiedLayerNormalization: perOutput(4),
  LpNormalization: perOutput(3),
  BatchNormalization: perOutput(2),

  Conv: convolution,
  ConvTranspose: spreading,
  MaxPool: pool,
  AveragePool: pool,

  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,

  // The quotient by the scale, and the rounding.
  DynamicQuantizeLinear: perOutput(2),
  MatMulInteger: product,
  DynamicQuantizeLSTM: recurrent,

  Reshape: free,
  Flatten: free,
  Transpose: free,
  Unsqueeze: free,
  Squeeze: free,
  Expand: free,
  Tile: free,
  Concat: free,
  Split: free,
  Slice: free,
  Gather: free,
  GatherElements: free,
  ScatterElements: ({ inputs: [, , updates] }) => sizeOf(updates),
  ReverseSequence: free,
  OneHot: free,
  Trilu: free,
  Pad: free,
  Constant: free,
  ConstantOfShape: free,
  Shape: free,
  Size: free,
  Range: free,
};

function sizeOf(shape: Shape | null | undefined): number {
  return shape ? shape.reduce<number>((total, size) => total * coefficient(size), 1) : 0;
}
