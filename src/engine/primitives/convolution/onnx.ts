import { invariant } from "../../../base/index.ts";
import type { Emitter } from "../../onnx/emitter.ts";
import { trainingOpset } from "../../onnx/operator-versions.ts";
import { isStatic, type Shape, staticSize } from "../../shape.ts";
import type { OnnxRule } from "../table.ts";
import { onnxPads, type Window } from "./geometry.ts";
import { spatial } from "./types.ts";

export const convOnnx: OnnxRule<"conv"> = (to, inputs, { inputs: types, attributes: { window, groups } }) => [
  to.one("Conv", inputs, convAttributes(spatial(types[1]), window, groups)),
];

function convAttributes(kernel: readonly number[], window: Window, groups: number) {
  return {
    kernel_shape: kernel,
    strides: window.strides,
    dilations: window.dilations,
    pads: onnxPads(window),
    group: groups,
  };
}

/**
 * With a stride of 1 the gradient by the input is a convolution with the turned kernel, which ONNX Runtime does at full speed; its
 * `ConvTranspose` takes up to five times as long. With a larger stride there is no other way.
 */
export const convInputGradientOnnx: OnnxRule<"convInputGradient"> = (
  to,
  [dy, weight],
  { inputs: types, outputs: [result], attributes: { window, groups } },
) => {
  const [outChannels, perGroup, ...kernel] = types[1].shape.map(Number);
  const { strides, dilations, padding } = window;
  const reach = kernel.map((size, axis) => dilations[axis] * (size - 1));
  if (strides.every((stride) => stride === 1) && padding.every(([before], axis) => before <= reach[axis])) {
    const back = spatial(types[0]);
    const turned: Window = {
      strides,
      dilations,
      padding: padding.map(([before], axis) => {
        const first = reach[axis] - before;
        return [first, spatial(result)[axis] - (first + back[axis] - reach[axis])];
      }),
    };
    const swapped = swapChannels(to, weight, groups, [outChannels / groups, perGroup, ...kernel]);
    return [
      to.one("Conv", [dy, flipped(to, swapped, kernel.length)], convAttributes(kernel, turned, groups)),
    ];
  }
  const sizes = spatial(result);
  // ONNX takes either the padding or the size: what the stride left over at the end is added to the size.
  const made = spatial(types[0]).map(
    (size, axis) => (size - 1) * strides[axis] + reach[axis] + 1 - padding[axis][0] - padding[axis][1],
  );
  return [
    to.one("ConvTranspose", [dy, weight], {
      ...convAttributes(kernel, window, groups),
      output_padding: sizes.map((size, axis) => size - made[axis]),
    }),
  ];
};

/**
 * One product per place of the kernel, over all samples and positions at once: `dW[:, :, k] = dy · shifted(x)ᵀ`. ONNX Runtime gets
 * there faster than by a convolution with `dy` as an enormous kernel.
 */
export const convWeightGradientOnnx: OnnxRule<"convWeightGradient"> = (
  to,
  [x, dy],
  { inputs: [xType, dyType], attributes: { window, groups, kernel } },
) => {
  const [inChannels, outChannels] = [Number(xType.shape[1]), Number(dyType.shape[1])];
  const out = spatial(dyType);
  const axes = kernel.map((_, axis) => axis + 2);
  const channelsFirst = (name: string) => to.one("Transpose", [name], { perm: [1, 0, ...axes] });
  const rows = (name: string, channels: number) =>
    to.one("Reshape", [name, to.ints(groups === 1 ? [channels, -1] : [groups, channels / groups, -1])]);
  const turned = channelsFirst(x);
  const padded = window.padding.every(([before, after]) => before === 0 && after === 0)
    ? turned
    : to.one("Pad", [turned, to.ints(padsOf(window)), to.constant(0, [], xType.dtype)]);
  const dyRows = rows(channelsFirst(dy), outChannels);
  const shifted = places(kernel).map((place) => {
    const starts = place.map((k, axis) => k * window.dilations[axis]);
    const ends = starts.map((start, axis) => start + (out[axis] - 1) * window.strides[axis] + 1);
    const slice = [padded, to.ints(starts), to.ints(ends), to.ints(axes), to.ints(window.strides)];
    return rows(to.one("Slice", slice), inChannels);
  });
  const weightShape = [outChannels, inChannels / groups, ...kernel];
  if (groups === 1 && inChannels < 16) {
    // Products so narrow are bound by reading dy, so it is read once for all places.
    const joined = to.one("Gemm", [dyRows, to.one("Concat", shifted, { axis: 0 })], { transB: 1 });
    const apart = to.one("Reshape", [joined, to.ints([outChannels, -1, inChannels])]);
    return [to.one("Reshape", [to.one("Transpose", [apart], { perm: [0, 2, 1] }), to.ints(weightShape)])];
  }
  const perPlace = shifted.map((xRows) => {
    const product =
      groups === 1
        ? to.one("Gemm", [dyRows, xRows], { transB: 1 })
        : to.one("MatMul", [dyRows, to.one("Transpose", [xRows], { perm: [0, 2, 1] })]);
    return to.one("Reshape", [product, to.ints([outChannels, inChannels / groups, 1])]);
  });
  const joined = perPlace.length === 1 ? perPlace[0] : to.one("Concat", perPlace, { axis: 2 });
  return [to.one("Reshape", [joined, to.ints(weightShape)])];
};

export const maxPoolOnnx: OnnxRule<"maxPool"> = (to, [x], { attributes: { kernel, window }, used }) =>
  to.many(
    "MaxPool",
    [x],
    {
      kernel_shape: kernel,
      strides: window.strides,
      dilations: window.dilations,
      pads: onnxPads(window),
    },
    [true, used[1]],
  );

/**
 * Outside of training it is ONNX's pooling, which ONNX Runtime does in the layout of the convolution before it. In training the backward
 * pass needs the neighbours one by one, so that they are had once for both.
 */
export const tileMaxOnnx: OnnxRule<"tileMax"> = (
  to,
  [x],
  { inputs: [{ shape }], outputs: [result], attributes: { axis, size } },
) => {
  if (to.opset !== trainingOpset) {
    const kernel = shape.slice(2).map((_, spatial) => (spatial + 2 === axis ? size : 1));
    return [to.one("MaxPool", [x], { kernel_shape: kernel, strides: kernel })];
  }
  const sizes = (dimensions: Shape) =>
    to.ints(dimensions.map((dimension) => (typeof dimension === "number" ? dimension : -1)));
  const apart = [...shape.slice(0, axis), result.shape[axis], size, ...shape.slice(axis + 1)];
  const ones = Array.from({ length: size }, () => 1);
  const parts = to.many(
    "Split",
    [to.one("Reshape", [x, sizes(apart)]), to.ints(ones)],
    { axis: axis + 1 },
    size,
  );
  return [to.one("Reshape", [parts.reduce((a, b) => to.one("Max", [a, b])), sizes(result.shape)])];
};

/** Each window's gradient goes to the place that its largest value came from. */
export const maxPoolGradientOnnx: OnnxRule<"maxPoolGradient"> = (
  to,
  [dy, places_, like],
  { inputs: [type], outputs: [result] },
) => {
  const flat = (name: string) => to.one("Reshape", [name, to.ints([-1])]);
  const zeros = isStatic(result.shape)
    ? to.one("Expand", [to.constant(0, [], type.dtype), to.ints([staticSize(result.shape as Shape)])])
    : flat(to.one("Mul", [like, to.constant(0, [], type.dtype)]));
  const scattered = to.one("ScatterElements", [zeros, flat(places_), flat(dy)], {
    axis: 0,
    reduction: "add",
  });
  return [to.one("Reshape", [scattered, to.shape(result.shape)])];
};

/** The operator has dilations from operator set 19 on; nothing here asks for any. */
export const averagePoolOnnx: OnnxRule<"averagePool"> = (to, [x], { attributes: { kernel, window } }) => {
  invariant(
    window.dilations.every((dilation) => dilation === 1),
    "average pools have no dilations",
  );
  return averagePool(to, x, kernel, window);
};

const averagePool = (to: Emitter, x: string, kernel: readonly number[], window: Window) => [
  to.one("AveragePool", [x], {
    kernel_shape: kernel,
    strides: window.strides,
    pads: onnxPads(window),
    count_include_pad: 1,
  }),
];

/** Pads of a tensor with channels first: none on the first two axes. */
function padsOf({ padding }: Window): number[] {
  return [0, 0, ...padding.map(([before]) => before), 0, 0, ...padding.map(([, after]) => after)];
}

/** Every place of a kernel, last axis fastest. */
function places(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (before, size) => before.flatMap((place) => Array.from({ length: size }, (_, k) => [...place, k])),
    [[]],
  );
}

/** From `[groups * out, in, ...kernel]` to `[groups * in, out, ...kernel]`. */
function swapChannels(
  to: Emitter,
  weight: string,
  groups: number,
  [out, perGroup, ...kernel]: readonly number[],
): string {
  const axes = kernel.map((_, axis) => axis);
  if (groups === 1) return to.one("Transpose", [weight], { perm: [1, 0, ...axes.map((axis) => axis + 2)] });
  const apart = to.one("Reshape", [weight, to.ints([groups, out, perGroup, ...kernel])]);
  const swapped = to.one("Transpose", [apart], { perm: [0, 2, 1, ...axes.map((axis) => axis + 3)] });
  return to.one("Reshape", [swapped, to.ints([groups * perGroup, out, ...kernel])]);
}

/** The kernel backwards in every spatial axis. */
function flipped(to: Emitter, weight: string, axes: number): string {
  const all = Array.from({ length: axes }, (_, axis) => axis);
  return to.one("Slice", [
    weight,
    to.ints(all.map(() => -1)),
    to.ints(all.map(() => -(2 ** 31))),
    to.ints(all.map((axis) => axis + 2)),
    to.ints(all.map(() => -1)),
  ]);
}
