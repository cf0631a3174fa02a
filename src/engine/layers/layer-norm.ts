import { filled } from "../initialisers.ts";
import { layerNormalize } from "../operations.ts";
import { type Parameter, parameter, type Tensor } from "../tensor.ts";
import { type Layer, requireFeatures } from "./layer.ts";

/**
 * Normalises the last axis to mean 0 and variance 1, then scales and shifts it (Ba, Kiros and Hinton 2016).
 *
 * Shapes: x and y `[..., features]`, scale and shift `[features]`.
 */
export class LayerNorm implements Layer {
  readonly scale: Parameter;
  readonly shift: Parameter;
  readonly epsilon: number;

  constructor(features: number, { epsilon = 1e-5 }: { readonly epsilon?: number } = {}) {
    this.scale = parameter(filled([features], 1));
    this.shift = parameter(filled([features], 0));
    this.epsilon = epsilon;
  }

  apply(x: Tensor): Tensor {
    requireFeatures("layer norm", x, this.scale);
    return layerNormalize(x, this.scale, this.shift, this.epsilon);
  }
}
