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
  LeakyRelu: perOutput(1),
  Elu: perOutput(1),
  PRelu: perOutput(1),
  HardSigmoid: perOutput(1),
  HardSwish: perOutput(1),
  Gelu: perOutput(1),
  Clip: perOutput(1),
  Cast: free,
  Identity: free,
  Dropout: free,

  MatMul: product,
  Gemm: (shapes) => product(shapes) + (shapes.inputs[2] ? sizeOf(shapes.outputs[0]) : 0),

  ReduceSum: perInput(1),
  ReduceMean: perInput(1),
  ReduceMax: perInput(1),
  ReduceMin: perInput(1),
  ReduceSumSquare: perInput(2),
  ReduceL2: perInput(2),
  ReduceProd: perInput(1),
  GlobalAveragePool: perInput(1),
  GlobalMaxPool: perInput(1),
  // The largest value, the difference, the exponential, the sum, the quotient.
  Softmax: perOutput(5),
  LogSoftmax: perOutput(5),
  // Mean; difference, square and sum for the variance; quotient, scale and shift.
  LayerNormalization: perOutput(7),
  BatchNormalization: perOutput(2),

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
