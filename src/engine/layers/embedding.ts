import type { Key } from "../../base/index.ts";
import { normalArray } from "../initialisers.ts";
import { gather } from "../operations.ts";
import { formatShape, mismatch } from "../shape.ts";
import { type Parameter, parameter, type Tensor } from "../tensor.ts";
import type { Layer } from "./layer.ts";

/**
 * A vector for each of `count` things: row `i` of a table, learned.
 *
 * Shapes: x `[...]` of int64 in [0, count), weight `[count, features]`, y `[..., features]`.
 * Initial values are standard normal, PyTorch's default.
 */
export class Embedding implements Layer {
  readonly weight: Parameter;

  constructor(count: number, features: number, key: Key) {
    this.weight = parameter(normalArray(key, [count, features], 1));
  }

  apply(x: Tensor): Tensor {
    if (x.dtype !== "int64")
      throw mismatch(`embedding: expected x of int64, received ${x.dtype} ${formatShape(x.shape)}`);
    return gather(this.weight, x, 0);
  }
}
