import { type Key, splitKey } from "../../base/index.ts";
import { uniformArray } from "../initialisers.ts";
import { matmul } from "../operations.ts";
import { type Parameter, parameter, type Tensor } from "../tensor.ts";
import { type Layer, requireFeatures } from "./layer.ts";

/**
 * Affine map over the last axis (a dense layer): `y = x Wᵀ + b`.
 *
 * Shapes: x `[..., in]`, W `[out, in]`, b `[out]`, y `[..., out]`.
 * Initial values are uniform in ±1/√in, PyTorch's default, so that runs compare one to one.
 */
export class Linear implements Layer {
  readonly weight: Parameter;
  readonly bias: Parameter;

  constructor(inFeatures: number, outFeatures: number, key: Key) {
    const [weightKey, biasKey] = splitKey(key);
    const bound = 1 / Math.sqrt(inFeatures);
    this.weight = parameter(uniformArray(weightKey, [outFeatures, inFeatures], -bound, bound));
    this.bias = parameter(uniformArray(biasKey, [outFeatures], -bound, bound));
  }

  apply(x: Tensor): Tensor {
    requireFeatures("linear", x, this.weight);
    return matmul(x, this.weight, { transposeB: true, bias: this.bias });
  }
}
