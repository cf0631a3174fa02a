/** ONNX's convolutions and pools as the engine's. Both slide a window over the axes behind batch and channels. */
import { apply, applyAll } from "../../apply.ts";
import { maxPool } from "../../convolution.ts";
import { add, mul, reshape } from "../../operations.ts";
import { slidSizes, type Window } from "../../primitives/convolution/geometry.ts";
import { formatShape, isStatic, staticSize } from "../../shape.ts";
import { constant, type Tensor } from "../../tensor.ts";
import type { ImportedNode } from "./node.ts";
import type { Value } from "./sizes.ts";

export const importConv = (node: ImportedNode): readonly Value[] => {
  const [x, weight, bias] = [node.tensor(0), node.tensor(1), node.optional(2)];
  const window = windowOf(node, spatialSizes(node, x), spatialSizes(node, weight));
  const inputs = bias ? [x, weight, bias] : [x, weight];
  return [apply("conv", inputs, { window, groups: node.int("group", 1) })];
};

/** The gradient of a convolution by its input, used forwards: weight `[in, out / groups, ...kernel]`. */
export const importConvTranspose = (node: ImportedNode): readonly Value[] => {
  const [x, weight, bias] = [node.tensor(0), node.tensor(1), node.optional(2)];
  const padding = node.text("auto_pad", "NOTSET");
  if (node.has("output_shape") || padding.startsWith("SAME"))
    throw node.unsupported("expected pads, received the size of the result");
  const [sizes, kernel] = [spatialSizes(node, x), spatialSizes(node, weight)];
  const window = windowOf(node, sizes, kernel);
  const { strides, dilations } = window;
  const more = node.ints("output_padding") ?? sizes.map(() => 0);
  if (more.some((count, axis) => count >= strides[axis]))
    throw node.unsupported(`expected an output padding below the stride, received ${more.join(", ")}`);
  const made = sizes.map((size, axis) => {
    const [before, after] = window.padding[axis];
    return (
      (size - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1 - before - after + more[axis]
    );
  });
  const y = apply("convInputGradient", [x, weight], { window, groups: node.int("group", 1), sizes: made });
  return [bias ? add(y, reshape(bias, [bias.shape[0], ...sizes.map(() => 1)])) : y];
};

export const importMaxPool = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  const { kernel, window } = poolOf(node, x);
  if (node.int("storage_order", 0) !== 0) throw node.unsupported("positions are counted by rows only");
  const dense = window.dilations.every((dilation) => dilation === 1);
  return node.outputs[1] || !dense
    ? applyAll("maxPool", [x], { kernel, window })
    : [maxPool(x, kernel, { stride: window.strides, padding: window.padding })];
};

export const importAveragePool = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  const { kernel, window } = poolOf(node, x);
  if (window.dilations.some((dilation) => dilation !== 1))
    throw node.unsupported(
      `expected a window without holes, received dilations ${window.dilations.join(", ")}`,
    );
  const y = apply("averagePool", [x], { kernel, window });
  const padded = window.padding.some(([before, after]) => before + after > 0);
  return [padded && node.int("count_include_pad", 0) === 0 ? mul(y, insideShare(x, kernel, window)) : y];
};

/** The engine divides by all places of a window; this takes back those of the padding: `[1, 1, ...spatial]`. */
function insideShare(x: Tensor, kernel: readonly number[], window: Window): Tensor {
  const sizes = x.shape.slice(2).map(Number);
  const result = slidSizes("averagePool", sizes, kernel, window);
  const shares = result.map((count, axis) =>
    Array.from({ length: count }, (_, place) => {
      const start = place * window.strides[axis] - window.padding[axis][0];
      const end = Math.min(start + kernel[axis], sizes[axis]);
      return kernel[axis] / (end - Math.max(start, 0));
    }),
  );
  const factors = shares.reduce((all, share) => all.flatMap((a) => share.map((b) => a * b)), [1]);
  return constant(factors, [1, 1, ...result], x.dtype);
}

function poolOf(node: ImportedNode, x: Tensor): { kernel: readonly number[]; window: Window } {
  const kernel = node.ints("kernel_shape") ?? [];
  const sizes = spatialSizes(node, x);
  if (kernel.length !== sizes.length)
    throw node.unsupported(`expected a window for ${sizes.length} axes, received one for ${kernel.length}`);
  const window = windowOf(node, sizes, kernel);
  const { strides, dilations, padding } = window;
  const left = sizes.map((size, axis) => {
    const [before, after] = padding[axis];
    return (before + size + after - dilations[axis] * (kernel[axis] - 1) - 1) % strides[axis];
  });
  // Rounding up adds windows that hang over the end; without a rest there are none.
  if (node.int("ceil_mode", 0) === 1 && left.some((rest) => rest > 0))
    throw node.unsupported(`ceil_mode: expected windows that fill ${formatShape(sizes)}, received a rest`);
  return { kernel, window };
}

function windowOf(node: ImportedNode, sizes: readonly number[], kernel: readonly number[]): Window {
  const strides = node.ints("strides") ?? kernel.map(() => 1);
  const dilations = node.ints("dilations") ?? kernel.map(() => 1);
  const pads = node.ints("pads") ?? kernel.flatMap(() => [0, 0]);
  if (pads.some((count) => count < 0)) throw node.unsupported(`cannot cut by pads [${pads.join(", ")}]`);
  const automatic = node.text("auto_pad", "NOTSET");
  const padding = kernel.map((size, axis): readonly [number, number] => {
    if (automatic === "NOTSET") return [pads[axis], pads[axis + kernel.length]];
    if (automatic === "VALID") return [0, 0];
    const windows = Math.ceil(sizes[axis] / strides[axis]);
    const reach = (windows - 1) * strides[axis] + dilations[axis] * (size - 1) + 1;
    const total = Math.max(0, reach - sizes[axis]);
    const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)];
    return automatic === "SAME_LOWER" ? [more, less] : [less, more];
  });
  return { strides, dilations, padding };
}

/** Sizes behind the first two axes. */
function spatialSizes(node: ImportedNode, { shape }: Tensor): readonly number[] {
  const sizes = shape.slice(2);
  if (!isStatic(sizes) || sizes.length === 0 || staticSize(sizes) === 0)
    throw node.unsupported(`expected fixed sizes behind batch and channels, received ${formatShape(shape)}`);
  return sizes;
}
