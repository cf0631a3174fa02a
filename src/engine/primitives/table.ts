/**
 * The vocabulary of the engine. Everything a model does is made of these primitives, and each has three rules: which types
 * come out (`type-rules.ts`), which ONNX nodes compute it (`onnx-rules.ts`), and how a gradient flows back
 * (`gradient-rules.ts`). Each of the three tables is typed to hold a rule for every name below, so a missing rule does not
 * compile, and like rules stand together where they can be compared line by line.
 */
import type { Emitter } from "../onnx/emitter.ts";
import type { DataType, Shape, TensorType } from "../shape.ts";
import type { Tensor, TypedArray } from "../tensor.ts";
import type { Window } from "./convolution/geometry.ts";

type None = Readonly<Record<never, never>>;

/** Every primitive with the attributes that are fixed when a graph is traced. */
export interface PrimitiveAttributes {
  // leaves
  readonly input: { readonly name: string };
  readonly parameter: None;
  readonly constant: { readonly data: TypedArray };
  // elementwise, two inputs, broadcast as NumPy does
  readonly add: None;
  readonly sub: None;
  readonly mul: None;
  readonly div: None;
  /** Whose gradient it is where both are equal. */
  readonly maximum: None;
  readonly minimum: None;
  readonly less: None;
  readonly equal: None;
  readonly where: None;
  // elementwise, one input
  readonly neg: None;
  readonly abs: None;
  readonly sign: None;
  readonly exp: None;
  readonly log: None;
  readonly sqrt: None;
  readonly tanh: None;
  readonly sigmoid: None;
  readonly relu: None;
  readonly leakyRelu: { readonly slope: number };
  readonly gelu: None;
  readonly erf: None;
  readonly sin: None;
  readonly cos: None;
  readonly cast: { readonly to: DataType };
  // reductions
  readonly sum: { readonly axes: readonly number[]; readonly keepDims: boolean };
  readonly max: { readonly axes: readonly number[]; readonly keepDims: boolean };
  readonly count: { readonly axes: readonly number[] };
  /** Running sum; `reverse` adds from the end. */
  readonly cumulativeSum: { readonly axis: number; readonly reverse: boolean };
  readonly argMax: { readonly axis: number; readonly keepDims: boolean };
  /** The k largest (or smallest) in order, and their positions. */
  readonly topK: { readonly axis: number; readonly k: number; readonly largest: boolean };
  readonly softmax: { readonly axis: number };
  readonly logSoftmax: { readonly axis: number };
  readonly layerNorm: { readonly epsilon: number };
  /**
   * Mean 0 and variance 1 along the last axis; the inverse deviation that it was multiplied by; and the first output again, for readers who
   * promise that the features of the gradient that they send back add up to zero, as behind weights whose rows do.
   */
  readonly standardize: { readonly epsilon: number };
  // movement
  readonly reshape: { readonly shape: Shape };
  readonly transpose: { readonly order: readonly number[] };
  readonly broadcastTo: { readonly shape: Shape };
  readonly slice: { readonly axis: number; readonly start: number; readonly end: number };
  readonly pad: { readonly axis: number; readonly before: number; readonly after: number };
  readonly concat: { readonly axis: number };
  readonly split: { readonly axis: number; readonly sizes: readonly number[] };
  readonly flip: { readonly axis: number };
  /** The first `lengths[i]` steps of sequence i backwards, the rest as it is; time first. */
  readonly reverseSequence: None;
  readonly gather: { readonly axis: number };
  /** One element per position: `y[i, j] = x[i, indices[i, j]]` for the last of two axes. */
  readonly gatherAlong: { readonly axis: number };
  readonly scatterAddAlong: { readonly axis: number; readonly size: number };
  readonly oneHot: { readonly depth: number; readonly dtype: DataType };
  readonly scatterAdd: { readonly rows: number };
  // contraction
  readonly matmul: { readonly transposeA: boolean; readonly transposeB: boolean };
  // convolution and pooling, channels before the spatial axes
  readonly conv: { readonly window: Window; readonly groups: number };
  readonly convInputGradient: {
    readonly window: Window;
    readonly groups: number;
    readonly sizes: readonly number[];
  };
  readonly convWeightGradient: {
    readonly window: Window;
    readonly groups: number;
    readonly kernel: readonly number[];
  };
  readonly maxPool: { readonly kernel: readonly number[]; readonly window: Window };
  readonly maxPoolGradient: None;
  /** The largest of each `size` neighbours along an axis. */
  readonly tileMax: { readonly axis: number; readonly size: number };
  readonly averagePool: { readonly kernel: readonly number[]; readonly window: Window };
  // recurrent: a whole sequence at once
  readonly lstm: None;
  /** `sequence`: gradients arrive at every step, not only at the last. */
  readonly lstmBackward: { readonly sequence: boolean };
  readonly gru: None;
  readonly gruBackward: { readonly sequence: boolean };
  readonly rnn: None;
  readonly rnnBackward: { readonly sequence: boolean };
  // randomness and flow
  readonly randomUniform: { readonly shape: Shape; readonly salt: number };
  readonly stopGradient: None;
  readonly scaleGradient: { readonly factor: number };
}

export type PrimitiveName = keyof PrimitiveAttributes;

/** What a gradient rule sees: the gradient of the loss by each output (null where none arrives), and the node itself. */
export interface GradientArguments<P extends PrimitiveName> {
  /** Gradient by the first output; never null when the node has one output. */
  readonly dy: Tensor;
  readonly dys: readonly (Tensor | null)[];
  readonly inputs: readonly Tensor[];
  /** First output. */
  readonly y: Tensor;
  readonly outputs: readonly Tensor[];
  readonly attributes: PrimitiveAttributes[P];
}

/**
 * Element type and shape of each output.
 *
 * @throws PlatformError `SHAPE_MISMATCH`
 */
export type TypeRule<P extends PrimitiveName> = (
  inputs: readonly Tensor[],
  attributes: PrimitiveAttributes[P],
) => readonly TensorType[];

/**
 * Adds the ONNX nodes that compute the outputs, and returns the outputs' names. A rule may choose a cheaper form when some
 * outputs are read by nothing (`used`), and then names them "".
 */
export type OnnxRule<P extends PrimitiveName> = (
  to: Emitter,
  inputs: readonly string[],
  node: EmittedNode<P>,
) => readonly string[];

/** Gradient by each input, or null where none flows. Made of primitives, so that it can be differentiated again. */
export type GradientRule<P extends PrimitiveName> = (
  args: GradientArguments<P>,
) => readonly (Tensor | null)[];

export interface EmittedNode<P extends PrimitiveName> {
  readonly attributes: PrimitiveAttributes[P];
  readonly inputs: readonly TensorType[];
  readonly outputs: readonly TensorType[];
  readonly used: readonly boolean[];
}

export type TypeRules = { readonly [P in PrimitiveName]: TypeRule<P> };
export type OnnxRules = { readonly [P in PrimitiveName]: OnnxRule<P> };
export type GradientRules = { readonly [P in PrimitiveName]: GradientRule<P> };
