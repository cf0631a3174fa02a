import { PlatformError } from "../base/index.ts";

/**
 * One axis of a shape: a whole number, or a whole multiple of the batch size, which stays open until a graph runs:
 * `"batch"`, `"60*batch"`. `"batch+1"` is what an open axis joined with a fixed one leaves, such as a past with one more step; it can
 * be read, multiplied along and summed over, and not be folded into another axis.
 */
export type Dimension = number | "batch" | `${number}*batch` | `batch+${number}`;

/** The sizes of a tensor's axes, outermost first. `[]` is a scalar. */
export type Shape = readonly Dimension[];

/** Element types. Training runs in float32; float64 is for checking gradients; indices are int64. */
export type DataType = "float32" | "float64" | "int64" | "int32" | "uint32" | "bool";

export function isFloat(dtype: DataType): boolean {
  return dtype === "float32" || dtype === "float64";
}

/** What is known of a tensor before anything runs. */
export interface TensorType {
  readonly dtype: DataType;
  readonly shape: Shape;
}

/** A shape as people write it: `[batch, 30, 8]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

export function isStatic(shape: Shape): shape is readonly number[] {
  return shape.every((dimension) => typeof dimension === "number");
}

/** Number of elements: a number, or a multiple of the batch size. At most one axis may be symbolic. */
export function sizeOf(shape: Shape): Dimension {
  return shape.reduce<Dimension>(multiply, 1);
}

/** Number of elements of a shape that has no symbolic axis. */
export function staticSize(shape: Shape): number {
  const size = sizeOf(shape);
  if (typeof size !== "number")
    throw mismatch(`expected a shape without a batch axis, received ${formatShape(shape)}`);
  return size;
}

/** `n` for a whole number and for `n*batch`; 1 for `batch`. */
export function coefficient(dimension: Dimension): number {
  if (typeof dimension === "number") return dimension;
  if (isJoined(dimension)) throw mismatch(`expected a multiple of the batch size, received ${dimension}`);
  return dimension === "batch" ? 1 : Number.parseInt(dimension, 10);
}

/** Whether a fixed part was joined to the open axis. */
export function isJoined(dimension: Dimension): dimension is `batch+${number}` {
  return typeof dimension === "string" && dimension.startsWith("batch+");
}

function multiply(a: Dimension, b: Dimension): Dimension {
  if (a === 1) return b;
  if (b === 1) return a;
  if (typeof a === "number" && typeof b === "number") return a * b;
  if (typeof a !== "number" && typeof b !== "number")
    throw mismatch(`a shape can hold the batch axis once, received ${a} and ${b}`);
  const times = coefficient(a) * coefficient(b);
  return times === 1 ? "batch" : `${times}*batch`;
}

/** NumPy's rule: shapes are aligned at the last axis, and an axis of 1 stretches. */
export function broadcastShapes(a: Shape, b: Shape, where: string): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, position) => {
    const left = a[position - rank + a.length] ?? 1;
    const right = b[position - rank + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw mismatch(
      `${where}: shapes ${formatShape(a)} and ${formatShape(b)} do not fit together at axis ${position}`,
    );
  });
}

/** A negative axis counts from the end. */
export function normalizeAxis(axis: number, rank: number, where: string): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normalized < 0 || normalized >= rank) {
    throw mismatch(`${where}: expected an axis of a tensor with ${rank} axes, received ${axis}`);
  }
  return normalized;
}

/** The error for tensors that do not fit together; the message names the operation and the shapes. */
export function mismatch(message: string): PlatformError {
  return new PlatformError("input", "SHAPE_MISMATCH", message);
}
