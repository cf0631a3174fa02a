import { apply } from "../../apply.ts";
import { flatten, mul, reshape, sum, transpose } from "../../operations.ts";
import { isStatic, staticSize } from "../../shape.ts";
import { constant, type Tensor } from "../../tensor.ts";
import type { GradientRules } from "../table.ts";
import { spatial } from "./types.ts";

type Names =
  | "conv"
  | "convInputGradient"
  | "convWeightGradient"
  | "maxPool"
  | "maxPoolGradient"
  | "averagePool";

export const convolutionGradients: Pick<GradientRules, Names> = {
  conv: ({ dy, inputs: [x, weight, bias], attributes: { window, groups } }) => [
    apply("convInputGradient", [dy, weight], { window, groups, sizes: spatial(x) }),
    apply("convWeightGradient", [x, dy], { window, groups, kernel: spatial(weight) }),
    ...(bias ? [sumOfChannels(dy)] : []),
  ],
  // Linear in both inputs, and so are the two below.
  convInputGradient: ({ dy: g, inputs: [dy, weight], attributes: { window, groups } }) => [
    apply("conv", [g, weight], { window, groups }),
    apply("convWeightGradient", [g, dy], { window, groups, kernel: spatial(weight) }),
  ],
  convWeightGradient: ({ dy: g, inputs: [x, dy], attributes: { window, groups } }) => [
    apply("convInputGradient", [dy, g], { window, groups, sizes: spatial(x) }),
    apply("conv", [x, g], { window, groups }),
  ],

  maxPool: ({ dy, inputs: [x], outputs: [, places] }) => [apply("maxPoolGradient", [dy, places, x], {})],
  maxPoolGradient: ({ dy: g, inputs: [dy, places] }) => [
    reshape(apply("gather", [flatten(g), flatten(places)], { axis: 0 }), dy.shape),
    null,
    null,
  ],
  // Each window hands its gradient to all of its places in equal parts: a convolution with a kernel of 1/size, run backwards.
  averagePool: ({ dy, inputs: [x], attributes: { kernel, window } }) => {
    const channels = Number(x.shape[1]);
    const size = staticSize(kernel);
    const ones = constant(new Float32Array(channels * size).fill(1), [channels, 1, ...kernel], dy.dtype);
    return [
      apply("convInputGradient", [mul(dy, 1 / size), ones], { window, groups: channels, sizes: spatial(x) }),
    ];
  },
};

/** `[channels]`: the sum over batch and space, over rows that the gradient of the weight makes anyway. */
function sumOfChannels(dy: Tensor): Tensor {
  const order = [1, 0, ...dy.shape.slice(2).map((_, axis) => axis + 2)];
  const rows = transpose(dy, order);
  const [channels] = rows.shape;
  return isStatic(rows.shape)
    ? sum(reshape(rows, [channels, staticSize(rows.shape) / Number(channels)]), 1)
    : sum(rows, order.map((_, axis) => axis).slice(1));
}
