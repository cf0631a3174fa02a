/** Convolution and pooling over any number of spatial axes; layouts are PyTorch's, `[batch, channels, ...spatial]`. */
import { apply, applyAll } from "./apply.ts";
import { max, mean } from "./operations.ts";
import type { Window } from "./primitives/convolution/geometry.ts";
import { formatShape, mismatch } from "./shape.ts";
import type { Node, Tensor } from "./tensor.ts";

/** A number for every spatial axis, or one for all. */
export type PerAxis = number | readonly number[];

/** Zeros around x: `same` keeps the size at stride 1, `causal` puts all of them before; or a number, or one per axis and side. */
export type Padding = "same" | "causal" | "valid" | number | readonly (number | readonly [number, number])[];

export interface ConvOptions {
  /** `[out]`, added to every position of its channel. */
  readonly bias?: Tensor;
  readonly stride?: PerAxis;
  readonly padding?: Padding;
  readonly dilation?: PerAxis;
  /** Channels in this many groups, each with its own weights. */
  readonly groups?: number;
}

/**
 * Cross-correlation, as all of deep learning calls convolution: `y[b, o, p] = Σ weight[o, i, k] x[b, i, stride p + dilation k]`.
 *
 * Shapes: x `[batch, in, ...spatial]`, weight `[out, in / groups, ...kernel]`, result `[batch, out, ...]`.
 *
 * @throws PlatformError `SHAPE_MISMATCH` when channels, groups or kernel do not fit x
 */
export function conv(
  x: Tensor,
  weight: Tensor,
  { bias, stride = 1, padding = "valid", dilation = 1, groups = 1 }: ConvOptions = {},
): Tensor {
  const window = windowOf("conv", weight.shape.slice(2).map(Number), { stride, padding, dilation });
  return apply("conv", bias ? [x, weight, bias] : [x, weight], { window, groups });
}

export interface PoolOptions {
  /** How far the window moves; its own size when not named. */
  readonly stride?: PerAxis;
  readonly padding?: Padding;
}

/** The largest value of each window; where several are equal, the gradient goes to the first. */
export function maxPool(x: Tensor, kernel: PerAxis, options: PoolOptions = {}): Tensor {
  // An activation that rises keeps the order, so that pooling before it gives the same and leaves it less to do.
  const { primitive, inputs, attributes } = x.node;
  if (primitive === "relu" || primitive === "tanh" || primitive === "sigmoid")
    return apply(primitive, [maxPool(inputs[0], kernel, options)], {});
  if (primitive === "leakyRelu" && (attributes as Node<"leakyRelu">["attributes"]).slope > 0)
    return apply(
      "leakyRelu",
      [maxPool(inputs[0], kernel, options)],
      attributes as Node<"leakyRelu">["attributes"],
    );
  const [sizes, window] = pool("maxPool", x, kernel, options);
  const tiles = sizes.every(
    (size, axis) => size <= 3 && size === window.strides[axis] && Number(x.shape[axis + 2]) % size === 0,
  );
  const bare = window.padding.every(([before, after]) => before === 0 && after === 0);
  return tiles && bare ? maxOfTiles(x, sizes) : applyAll("maxPool", [x], { kernel: sizes, window })[0];
}

/**
 * Small windows side by side, axis by axis: a third of the time of a pooling that has to remember places. The last axis goes first, so
 * that of equal values the first one in reading order counts.
 */
function maxOfTiles(x: Tensor, kernel: readonly number[]): Tensor {
  return kernel.reduceRight(
    (y, size, spatial) => (size === 1 ? y : apply("tileMax", [y], { axis: spatial + 2, size })),
    x,
  );
}

/** The mean of each window; zeros of the padding count. */
export function averagePool(x: Tensor, kernel: PerAxis, options: PoolOptions = {}): Tensor {
  const [sizes, window] = pool("averagePool", x, kernel, options);
  return apply("averagePool", [x], { kernel: sizes, window });
}

/** The mean over all positions: `[batch, channels, ...spatial]` to `[batch, channels]`. */
export const globalAveragePool = (x: Tensor): Tensor => mean(x, spatialAxes("globalAveragePool", x));

/** The largest value over all positions: `[batch, channels, ...spatial]` to `[batch, channels]`. */
export const globalMaxPool = (x: Tensor): Tensor => max(x, spatialAxes("globalMaxPool", x));

function pool(
  where: string,
  x: Tensor,
  kernel: PerAxis,
  { stride = kernel, padding = "valid" }: PoolOptions,
): [readonly number[], Window] {
  const sizes = perAxis(kernel, spatialAxes(where, x).length);
  return [sizes, windowOf(where, sizes, { stride, padding, dilation: 1 })];
}

function spatialAxes(where: string, { shape }: Tensor): number[] {
  if (shape.length < 3) {
    throw mismatch(`${where}: expected x [batch, channels, ...spatial], received ${formatShape(shape)}`);
  }
  return shape.map((_, axis) => axis).slice(2);
}

function windowOf(
  where: string,
  kernel: readonly number[],
  { stride, padding, dilation }: { stride: PerAxis; padding: Padding; dilation: PerAxis },
): Window {
  const dilations = perAxis(dilation, kernel.length);
  const strides = perAxis(stride, kernel.length);
  for (const [name, values] of Object.entries({ kernel, stride: strides, dilation: dilations })) {
    if (
      values.length !== kernel.length ||
      !values.every((value) => Number.isSafeInteger(value) && value >= 1)
    ) {
      throw mismatch(
        `${where}: expected a ${name} of 1 or more for each of ${kernel.length} axes, received ${values}`,
      );
    }
  }
  const sides = kernel.map((size, axis): readonly [number, number] => {
    const reach = dilations[axis] * (size - 1);
    if (padding === "valid") return [0, 0];
    if (padding === "causal") return [reach, 0];
    if (padding === "same") return [Math.floor(reach / 2), Math.ceil(reach / 2)];
    const own = typeof padding === "number" ? padding : padding[axis];
    return typeof own === "number" ? [own, own] : own;
  });
  return { strides, dilations, padding: sides };
}

function perAxis(value: PerAxis, axes: number): readonly number[] {
  return typeof value === "number" ? Array.from({ length: axes }, () => value) : value;
}
