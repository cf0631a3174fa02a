import { apply } from "../../apply.ts";
import {
  cast,
  concat,
  flatten,
  less,
  maximum,
  mul,
  reshape,
  split,
  sub,
  sum,
  transpose,
} from "../../operations.ts";
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
  | "tileMax"
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
  // From the last of the neighbours to the first: what is larger than all before it takes the gradient, else these share the question.
  tileMax: ({ dy, inputs: [x], attributes: { axis, size } }) => {
    const parts = neighbours(x, axis, size);
    const before: Tensor[] = [parts[0]];
    for (const part of parts.slice(1, -1)) before.push(maximum(before[before.length - 1], part));
    let left = reshape(dy, parts[0].shape);
    const gradients: Tensor[] = [];
    for (let at = size - 1; at > 0; at--) {
      const taken = mul(left, cast(less(before[at - 1], parts[at]), dy.dtype));
      gradients.unshift(taken);
      left = sub(left, taken);
    }
    return [reshape(concat([left, ...gradients], axis + 1), x.shape)];
  },
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

/** The first of all neighbours along an axis, the second, and so on: `[..., tiles, 1, ...]` each. */
function neighbours(x: Tensor, axis: number, size: number): readonly Tensor[] {
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
  const apart = reshape(x, [...before, Number(x.shape[axis]) / size, size, ...after]);
  return split(apart, axis + 1, Array(size).fill(1));
}

/** `[channels]`: the sum over batch and space, over rows that the gradient of the weight makes anyway. */
function sumOfChannels(dy: Tensor): Tensor {
  const order = [1, 0, ...dy.shape.slice(2).map((_, axis) => axis + 2)];
  const rows = transpose(dy, order);
  const [channels] = rows.shape;
  return isStatic(rows.shape)
    ? sum(reshape(rows, [channels, staticSize(rows.shape) / Number(channels)]), 1)
    : sum(rows, order.map((_, axis) => axis).slice(1));
}
