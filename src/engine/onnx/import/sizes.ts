/**
 * Whole numbers that are known while a graph is imported: axes, sizes, positions. Exporters compute shapes with nodes (the shape
 * of a tensor, cut, multiplied, put together again), and a size may be a multiple of the batch, which stays open.
 */
import { coefficient, type Dimension, isStatic, staticSize } from "../../shape.ts";
import { constant, type Node, type Tensor } from "../../tensor.ts";

/** A scalar or vector of known whole numbers. */
export class Sizes {
  readonly shape: readonly number[];
  readonly values: readonly Dimension[];

  constructor(values: readonly Dimension[], shape: readonly number[] = [values.length]) {
    this.shape = shape;
    this.values = values;
  }
}

/** What stands for a value of the ONNX graph. */
export type Value = Tensor | Sizes;

const largest = 4096;

/** The whole numbers behind a value: those that it is made of, or those of a small integer constant; else undefined. */
export function knownSizes(value: Value | undefined): Sizes | undefined {
  if (value === undefined || value instanceof Sizes) return value;
  const whole = value.dtype === "int64" || value.dtype === "int32" || value.dtype === "bool";
  if (value.node.primitive !== "constant" || !whole || !isStatic(value.shape)) return undefined;
  if (value.shape.length > 1 || staticSize(value.shape) > largest) return undefined;
  const { data } = (value.node as Node<"constant">).attributes;
  return new Sizes(Array.from(data as Int32Array, Number), value.shape);
}

/** Known numbers as a tensor; undefined when one of them is a multiple of the batch. */
export function asTensor({ values, shape }: Sizes): Tensor | undefined {
  return isStatic(values) ? constant(values, shape, "int64") : undefined;
}

/** The product of two sizes; undefined where both are open. */
export function times(a: Dimension, b: Dimension): Dimension | undefined {
  if (typeof a === "number" && typeof b === "number") return a * b;
  if (typeof a !== "number" && typeof b !== "number") return undefined;
  return multiple(coefficient(a) * coefficient(b));
}

/** The quotient of two sizes, rounded towards zero as ONNX does; undefined where an open one is not divided evenly. */
export function over(a: Dimension, b: Dimension): Dimension | undefined {
  const [above, below] = [coefficient(a), coefficient(b)];
  if (below === 0) return undefined;
  if (typeof a === "number") return typeof b === "number" ? Math.trunc(a / b) : undefined;
  if (above % below !== 0) return undefined;
  return typeof b === "number" ? multiple(above / below) : above / below;
}

/** The sum of two sizes; undefined where only one of them is open. */
export function plus(a: Dimension, b: Dimension): Dimension | undefined {
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (a === 0) return b;
  if (b === 0) return a;
  return typeof a === "number" || typeof b === "number"
    ? undefined
    : multiple(coefficient(a) + coefficient(b));
}

function multiple(count: number): Dimension {
  if (count === 0) return 0;
  return count === 1 ? "batch" : `${count}*batch`;
}
