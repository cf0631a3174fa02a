/**
 * What a model is written with: one function per primitive, and the few compositions that every network needs. A number
 * stands for a scalar constant of the other operand's element type.
 */
import { apply, applyAll } from "./apply.ts";
import {
  type DataType,
  formatShape,
  mismatch,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
} from "./shape.ts";
import { constant, Tensor } from "./tensor.ts";

export type Operand = Tensor | number;

const none = {};

function pair(a: Operand, b: Operand): [Tensor, Tensor] {
  const dtype = a instanceof Tensor ? a.dtype : b instanceof Tensor ? b.dtype : "float32";
  return [lift(a, dtype), lift(b, dtype)];
}

function lift(value: Operand, dtype: DataType): Tensor {
  return value instanceof Tensor ? value : constant(value, [], dtype);
}

export const add = (a: Operand, b: Operand): Tensor => apply("add", pair(a, b), none);
export const sub = (a: Operand, b: Operand): Tensor => apply("sub", pair(a, b), none);
export const mul = (a: Operand, b: Operand): Tensor => apply("mul", pair(a, b), none);
export const div = (a: Operand, b: Operand): Tensor => apply("div", pair(a, b), none);
export const maximum = (a: Operand, b: Operand): Tensor => apply("maximum", pair(a, b), none);
export const minimum = (a: Operand, b: Operand): Tensor => apply("minimum", pair(a, b), none);
/** 1 (true) where `a < b`. */
export const less = (a: Operand, b: Operand): Tensor => apply("less", pair(a, b), none);
export const equal = (a: Operand, b: Operand): Tensor => apply("equal", pair(a, b), none);
/** `a` where the condition holds, else `b`. */
export const where = (condition: Tensor, a: Operand, b: Operand): Tensor =>
  apply("where", [condition, ...pair(a, b)], none);

export const neg = (x: Tensor): Tensor => apply("neg", [x], none);
export const abs = (x: Tensor): Tensor => apply("abs", [x], none);
export const sign = (x: Tensor): Tensor => apply("sign", [x], none);
export const exp = (x: Tensor): Tensor => apply("exp", [x], none);
export const log = (x: Tensor): Tensor => apply("log", [x], none);
export const sqrt = (x: Tensor): Tensor => apply("sqrt", [x], none);
export const tanh = (x: Tensor): Tensor => apply("tanh", [x], none);
export const sigmoid = (x: Tensor): Tensor => apply("sigmoid", [x], none);
export const relu = (x: Tensor): Tensor => apply("relu", [x], none);
export const square = (x: Tensor): Tensor => mul(x, x);
/**
 * `log(1 + eˣ)`, without overflow. Its slope at 0 is ½, which `maximum` gives (a tie is shared) and `relu` would not.
 */
export const softplus = (x: Tensor): Tensor => add(maximum(x, 0), log(add(exp(neg(abs(x))), 1)));
export const cast = (x: Tensor, to: DataType): Tensor => (x.dtype === to ? x : apply("cast", [x], { to }));
/** The same value, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => apply("stopGradient", [x], none);

export interface ReductionOptions {
  readonly keepDims?: boolean;
}

function reduction(x: Tensor, axes: readonly number[] | number | undefined, where: string): number[] {
  const list = axes === undefined ? x.shape.map((_, axis) => axis) : typeof axes === "number" ? [axes] : axes;
  const sorted = list.map((axis) => normalizeAxis(axis, x.shape.length, where)).sort((a, b) => a - b);
  if (new Set(sorted).size < sorted.length)
    throw mismatch(`${where}: expected each axis once, received ${sorted.join(", ")}`);
  return sorted;
}

/** Sum over some axes, all when none are named. */
export function sum(
  x: Tensor,
  axes?: readonly number[] | number,
  { keepDims = false }: ReductionOptions = {},
): Tensor {
  const list = reduction(x, axes, "sum");
  return list.length === 0 ? x : apply("sum", [x], { axes: list, keepDims });
}

/** Largest value over some axes, all when none are named. */
export function max(
  x: Tensor,
  axes?: readonly number[] | number,
  { keepDims = false }: ReductionOptions = {},
): Tensor {
  const list = reduction(x, axes, "max");
  return list.length === 0 ? x : apply("max", [x], { axes: list, keepDims });
}

/** Mean over some axes, all when none are named. */
export function mean(x: Tensor, axes?: readonly number[] | number, options: ReductionOptions = {}): Tensor {
  const list = reduction(x, axes, "mean");
  return list.length === 0 ? x : div(sum(x, list, options), apply("count", [x], { axes: list }));
}

export const softmax = (x: Tensor, axis = -1): Tensor =>
  apply("softmax", [x], { axis: normalizeAxis(axis, x.shape.length, "softmax") });
export const logSoftmax = (x: Tensor, axis = -1): Tensor =>
  apply("logSoftmax", [x], { axis: normalizeAxis(axis, x.shape.length, "logSoftmax") });

/** `(x - mean) / sqrt(variance + epsilon)` over the last axis, then scaled and shifted. */
export const layerNormalize = (x: Tensor, scale: Tensor, shift: Tensor, epsilon: number): Tensor =>
  apply("layerNorm", [x, scale, shift], { epsilon });

export function reshape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply("reshape", [x], { shape });
}

/** All elements in one axis. */
export const flatten = (x: Tensor): Tensor => reshape(x, [sizeOf(x.shape)]);

/** Axes in another order; the last two are exchanged when no order is named. */
export function transpose(x: Tensor, order?: readonly number[]): Tensor {
  const rank = x.shape.length;
  const swapped = Array.from({ length: rank }, (_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
  return apply("transpose", [x], { order: order ?? swapped });
}

export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : apply("broadcastTo", [x], { shape });
}

/** Elements `start` (inclusive) to `end` (exclusive) of one axis; negative positions count from the end. */
export function slice(x: Tensor, axis: number, start: number, end?: number): Tensor {
  const at = normalizeAxis(axis, x.shape.length, "slice");
  const size = x.shape[at];
  if (typeof size !== "number")
    throw mismatch(`slice: axis ${at} of ${formatShape(x.shape)} has no fixed size`);
  const from = start < 0 ? start + size : start;
  const to = end === undefined ? size : end < 0 ? end + size : end;
  return from === 0 && to === size ? x : apply("slice", [x], { axis: at, start: from, end: to });
}

/** One position of an axis, which disappears. */
export function at(x: Tensor, axis: number, position: number): Tensor {
  const place = normalizeAxis(axis, x.shape.length, "at");
  const part = position === -1 ? slice(x, place, -1) : slice(x, place, position, position + 1);
  return reshape(
    part,
    x.shape.filter((_, other) => other !== place),
  );
}

/** Tensors behind each other along one axis. */
export function concat(parts: readonly Tensor[], axis = 0): Tensor {
  if (parts.length === 0) throw mismatch("concat: expected at least one tensor, received none");
  return parts.length === 1
    ? parts[0]
    : apply("concat", parts, { axis: normalizeAxis(axis, parts[0].shape.length, "concat") });
}

/** Cuts one axis into parts of the given sizes, which fill it. */
export function split(x: Tensor, axis: number, sizes: readonly number[]): readonly Tensor[] {
  const place = normalizeAxis(axis, x.shape.length, "split");
  return sizes.length === 1 && sizes[0] === x.shape[place]
    ? [x]
    : applyAll("split", [x], { axis: place, sizes });
}

/** `x[..., indices, ...]`: slices of one axis, chosen by whole numbers. */
export const gather = (x: Tensor, indices: Tensor, axis = 0): Tensor =>
  apply("gather", [x, indices], { axis: normalizeAxis(axis, x.shape.length, "gather") });

export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** `[m]`, added to every row of the result. */
  readonly bias?: Tensor;
}

/**
 * Matrix product over the last two axes, the others broadcast.
 *
 * Shapes: a `[..., n, k]`, b `[..., k, m]`, result `[..., n, m]`. With a two-axis `b`, the leading axes of `a` become rows of
 * one product, which is the fastest form there is.
 */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false, bias }: MatmulOptions = {},
): Tensor {
  const added = bias ? [bias] : [];
  if (b.shape.length === 2 && a.shape.length > 2 && !transposeA) {
    const rows = sizeOf(a.shape.slice(0, -1));
    const features = a.shape[a.shape.length - 1];
    if (features !== b.shape[transposeB ? 1 : 0]) {
      throw mismatch(
        `matmul: expected equal inner sizes, received ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
      );
    }
    const product = apply("matmul", [reshape(a, [rows, features]), b, ...added], { transposeA, transposeB });
    return reshape(product, [...a.shape.slice(0, -1), product.shape[1]]);
  }
  return apply("matmul", [a, b, ...added], { transposeA, transposeB });
}

/**
 * Numbers uniform in [0, 1) that depend only on `seed`, `salt` and their position, so that a run that resumes at the same
 * step draws the same numbers.
 *
 * @param seed uint32 scalar: which draw this is, such as the training step
 * @param salt which use of randomness this is, such as the number of the dropout layer
 */
export const randomUniform = (seed: Tensor, shape: Shape, salt: number): Tensor =>
  apply("randomUniform", [seed], { shape, salt });
