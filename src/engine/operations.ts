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
/** x above 0, `slope` times x below (Maas et al. 2013). */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => apply("leakyRelu", [x], { slope });
/** `x Φ(x)` with the normal distribution function (Hendrycks and Gimpel 2016). */
export const gelu = (x: Tensor): Tensor => apply("gelu", [x], none);
/** `x σ(x)`, also called swish (Elfwing et al. 2018). */
export const silu = (x: Tensor): Tensor => mul(x, sigmoid(x));
/** x above 0, `alpha (eˣ - 1)` below (Clevert et al. 2016). */
export function elu(x: Tensor, alpha = 1): Tensor {
  const above = less(0, x);
  return where(above, x, mul(sub(exp(where(above, 0, x)), 1), alpha));
}
export const erf = (x: Tensor): Tensor => apply("erf", [x], none);
export const sin = (x: Tensor): Tensor => apply("sin", [x], none);
export const cos = (x: Tensor): Tensor => apply("cos", [x], none);
export const square = (x: Tensor): Tensor => mul(x, x);
/** The nearest value in `[low, high]`; no gradient flows beyond the bounds. */
export const clip = (x: Tensor, low: Operand, high: Operand): Tensor =>
  where(less(x, low), low, where(less(high, x), high, x));
/**
 * `log(1 + eˣ)`, without overflow. Its slope at 0 is ½, which `maximum` gives (a tie is shared) and `relu` would not.
 */
export const softplus = (x: Tensor): Tensor => add(maximum(x, 0), log(add(exp(neg(abs(x))), 1)));
export const cast = (x: Tensor, to: DataType): Tensor => (x.dtype === to ? x : apply("cast", [x], { to }));
/** The same value, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => apply("stopGradient", [x], none);
/**
 * The same value, whose gradient is multiplied by `factor` on its way back. A negative factor makes what lies before work against
 * what lies behind: domain-adversarial training (Ganin et al. 2016).
 */
export const scaleGradient = (x: Tensor, factor: number): Tensor => apply("scaleGradient", [x], { factor });

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
  if (list.every((axis) => x.shape[axis] === 1)) {
    const kept = x.shape.filter((_, axis) => options.keepDims || !list.includes(axis));
    return reshape(x, kept); // nothing to add up
  }
  return div(sum(x, list, options), apply("count", [x], { axes: list }));
}

/** Smallest value over some axes, all when none are named. */
export const min = (x: Tensor, axes?: readonly number[] | number, options: ReductionOptions = {}): Tensor =>
  neg(max(neg(x), axes, options));

/** Mean squared distance from the mean over some axes (divided by n), all when none are named. */
export function variance(
  x: Tensor,
  axes?: readonly number[] | number,
  options: ReductionOptions = {},
): Tensor {
  return mean(square(sub(x, mean(x, axes, { keepDims: true }))), axes, options);
}

/** `log Σ eˣ` over one axis, without overflow. */
export function logSumExp(x: Tensor, axis = -1, { keepDims = false }: ReductionOptions = {}): Tensor {
  const largest = stopGradient(max(x, axis, { keepDims: true }));
  const total = add(log(sum(exp(sub(x, largest)), axis, { keepDims: true })), largest);
  const place = normalizeAxis(axis, x.shape.length, "logSumExp");
  return keepDims
    ? total
    : reshape(
        total,
        x.shape.filter((_, other) => other !== place),
      );
}

/** Running sum along an axis; `reverse` adds from the end. */
export const cumulativeSum = (
  x: Tensor,
  axis: number,
  { reverse = false }: { readonly reverse?: boolean } = {},
): Tensor =>
  apply("cumulativeSum", [x], { axis: normalizeAxis(axis, x.shape.length, "cumulativeSum"), reverse });

/** Position of the largest value along an axis, the first where several are equal; int64. */
export const argMax = (x: Tensor, axis = -1, { keepDims = false }: ReductionOptions = {}): Tensor =>
  apply("argMax", [x], { axis: normalizeAxis(axis, x.shape.length, "argMax"), keepDims });

/** The k largest values along an axis, largest first, and their positions (int64). */
export function topK(
  x: Tensor,
  k: number,
  axis = -1,
  { largest = true }: { readonly largest?: boolean } = {},
): { readonly values: Tensor; readonly indices: Tensor } {
  const [values, indices] = applyAll("topK", [x], {
    axis: normalizeAxis(axis, x.shape.length, "topK"),
    k,
    largest,
  });
  return { values, indices };
}

/** All values along an axis in ascending order, and their positions (int64). */
export const sort = (x: Tensor, axis = -1): { readonly values: Tensor; readonly indices: Tensor } =>
  topK(x, Number(x.shape[normalizeAxis(axis, x.shape.length, "sort")]), axis, { largest: false });

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

/** One axis backwards. */
export const flip = (x: Tensor, axis: number): Tensor =>
  apply("flip", [x], { axis: normalizeAxis(axis, x.shape.length, "flip") });

/** The first `lengths[i]` steps of sequence i backwards and the rest as it is: x `[time, batch, ...]`, lengths int64 `[batch]`. */
export const reverseSequence = (x: Tensor, lengths: Tensor): Tensor =>
  apply("reverseSequence", [x, lengths], none);

/** One element per position along an axis: `y[i, j] = x[i, indices[i, j]]` for the last of two axes. */
export const gatherAlong = (x: Tensor, indices: Tensor, axis = -1): Tensor =>
  apply("gatherAlong", [x, indices], { axis: normalizeAxis(axis, x.shape.length, "gatherAlong") });

/** Whole numbers as rows with a single 1: `[...]` to `[..., depth]`. */
export const oneHot = (indices: Tensor, depth: number, dtype: DataType = "float32"): Tensor =>
  apply("oneHot", [indices], { depth, dtype });

/**
 * Slices of `updates` added up where their index says: row `indices[i]` of the result, which has `rows` rows, is the sum of all
 * `updates[i]` that name it.
 */
export const scatterAdd = (updates: Tensor, indices: Tensor, rows: number): Tensor =>
  apply("scatterAdd", [updates, indices], { rows });

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

/** Normal numbers with mean 0 and deviation 1, made of two uniform ones each (Box and Muller 1958): one of `salt`, one of `salt + 2³⁰`. */
export function randomNormal(seed: Tensor, shape: Shape, salt: number): Tensor {
  const [distance, angle] = [salt, salt + 2 ** 30].map((part) => randomUniform(seed, shape, part));
  // 1 - u lies in (0, 1], so that its logarithm is finite.
  return mul(sqrt(mul(log(sub(1, distance)), -2)), cos(mul(angle, 2 * Math.PI)));
}
