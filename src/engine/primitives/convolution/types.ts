/**
 * Convolution over any number of spatial axes, channels before them, as PyTorch has it (a cross-correlation: the kernel is not turned).
 *
 * x `[batch, in, ...spatial]`, weight `[out, in / groups, ...kernel]`, bias `[out]`; the result is `[batch, out, ...]`.
 *
 * Its two gradients are primitives as well, and the three are closed: the gradient of each is made of the other two.
 */
import { formatShape, mismatch, type Shape, sameShape, type TensorType } from "../../shape.ts";
import type { Tensor } from "../../tensor.ts";
import type { TypeRules } from "../table.ts";
import { slidSizes } from "./geometry.ts";

type Names =
  | "conv"
  | "convInputGradient"
  | "convWeightGradient"
  | "maxPool"
  | "maxPoolGradient"
  | "tileMax"
  | "averagePool";

export const convolutionTypes: Pick<TypeRules, Names> = {
  conv: ([x, weight, bias], { window, groups }) => {
    const [outChannels, perGroup] = weight.shape;
    const [batch, inChannels] = x.shape;
    if (weight.shape.length < 3 || x.shape.length !== weight.shape.length) {
      throw mismatch(
        `conv: expected x [batch, in, ...spatial] and weight [out, in, ...kernel], received ${formatShape(x.shape)} and ${formatShape(weight.shape)}`,
      );
    }
    if (Number(perGroup) * groups !== inChannels || Number(outChannels) % groups !== 0) {
      throw mismatch(
        `conv: expected a weight for ${inChannels} channels in ${groups} groups, [out, ${Number(inChannels) / groups}, ...], received ${formatShape(weight.shape)}`,
      );
    }
    if (bias && !sameShape(bias.shape, [outChannels])) {
      throw mismatch(`conv: expected a bias [${outChannels}], received ${formatShape(bias.shape)}`);
    }
    const sizes = slidSizes("conv", spatial(x), spatial(weight), window);
    return [{ dtype: x.dtype, shape: [batch, outChannels, ...sizes] }];
  },
  convInputGradient: ([dy, weight], { sizes, groups }) => [
    { dtype: dy.dtype, shape: [dy.shape[0], Number(weight.shape[1]) * groups, ...sizes] },
  ],
  convWeightGradient: ([x, dy], { kernel, groups }) => [
    { dtype: x.dtype, shape: [dy.shape[1], Number(x.shape[1]) / groups, ...kernel] },
  ],

  /** The largest value of each window, and where in the flattened x it came from. */
  maxPool: ([x], { kernel, window }) => {
    const shape = pooled("maxPool", x, kernel, window);
    return [
      { dtype: x.dtype, shape },
      { dtype: "int64", shape },
    ];
  },
  maxPoolGradient: ([dy, , like]) => [{ dtype: dy.dtype, shape: like.shape }],
  tileMax: ([x], { axis, size }) => [
    { dtype: x.dtype, shape: x.shape.map((length, at) => (at === axis ? Number(length) / size : length)) },
  ],
  averagePool: ([x], { kernel, window }) => [
    { dtype: x.dtype, shape: pooled("averagePool", x, kernel, window) },
  ],
};

/** The axes behind batch and channels. */
export function spatial({ shape }: TensorType): number[] {
  return shape.slice(2).map(Number);
}

function pooled(
  where: string,
  x: Tensor,
  kernel: readonly number[],
  window: Parameters<typeof slidSizes>[3],
): Shape {
  if (x.shape.length !== kernel.length + 2) {
    throw mismatch(
      `${where}: expected x with ${kernel.length} axes behind batch and channels, received ${formatShape(x.shape)}`,
    );
  }
  return [x.shape[0], x.shape[1], ...slidSizes(where, spatial(x), kernel, window)];
}
