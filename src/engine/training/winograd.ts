/**
 * Convolutions of three along the last axis, in training, with half of the multiplications.
 *
 * Four neighbouring results of a kernel of three take twelve multiplications, or six of sums of the inputs with sums of the weights:
 * `y = Aᵀ((G w) ⊙ (Bᵀ x))`, F(4, 3) of Winograd (1980, "Arithmetic Complexity of Computations"), as Lavin and Gray (2016, "Fast
 * Algorithms for Convolutional Neural Networks") use it. It is taken along the last axis alone, whatever the kernel does along the
 * others, and both sums are products with a banded matrix, which also does the padding. What is left are six convolutions over a quarter of the
 * width. Written as a graph, so that its gradients have as few multiplications.
 *
 * It rounds four times as much as the plain convolution: over 256 channels by 1e-6 of the largest value, which the plain one does by
 * 2.5e-7.
 */
import { apply } from "../apply.ts";
import { add, concat, matmul, reshape, split } from "../operations.ts";
import type { Window } from "../primitives/convolution/geometry.ts";
import { isStatic } from "../shape.ts";
import { constant, type Node, type Tensor } from "../tensor.ts";
import { rewrite } from "./rewrite.ts";

/** Results of a tile, and products for it. */
const tile = 4;
const products = 6;

/** Sums of six neighbouring inputs, a row for each product. */
const inputSums = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];
/** Sums of the three weights, a row for each product. */
const weightSums = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];
/** Sums of the six products, a row for each result. */
const resultSums = [
  [1, 1, 1, 1, 1, 0],
  [0, 1, -1, 2, -2, 0],
  [0, 1, 1, 4, 4, 0],
  [0, 1, -1, 8, -8, 1],
];

/**
 * The same tensors, computed with fewer multiplications where a convolution gains by it.
 *
 * @returns as many tensors, in the same order; leaves stay the tensors that they are
 */
export function withFewerProducts(tensors: readonly Tensor[]): Tensor[] {
  return rewrite(tensors, (node, now) => {
    const convolution = node as Node<"conv">;
    if (node.primitive !== "conv" || !gains(convolution)) return undefined;
    return [winogradConv(node.inputs.map(now), convolution.attributes.window)];
  });
}

/** Whether the half of its multiplications is more than the sums cost: products with a matrix, and passes over memory. */
function gains({ inputs: [x, weight], outputs: [y], attributes: { window, groups } }: Node<"conv">): boolean {
  if (groups !== 1 || !isStatic(x.shape) || x.dtype !== "float32") return false;
  if (window.strides.at(-1) !== 1 || window.dilations.at(-1) !== 1 || weight.shape.at(-1) !== 3) return false;
  const [out, inChannels, ...kernel] = weight.shape.map(Number);
  const saved = (out * inChannels * kernel.reduce((a, b) => a * b, 1)) / 2;
  const width = Number(y.shape.at(-1));
  return width >= 2 * tile && saved > (out + inChannels) * (1.5 * width + passes);
}

/** A pass over the values of a sum takes as long as so many multiplications of each: measured where both ways take equally long. */
const passes = 100;

/** A convolution whose kernel is three along the last axis, with stride and dilation 1 there. */
export function winogradConv([x, weight, bias]: readonly Tensor[], window: Window): Tensor {
  const axis = x.shape.length - 1;
  const width = Number(x.shape[axis]);
  const [before, after] = window.padding.at(-1) as readonly [number, number];
  const outWidth = before + width + after - 2;
  const tiles = Math.ceil(outWidth / tile);
  const spread = new Float32Array(width * products * tiles);
  const gathered = new Float32Array(products * tiles * outWidth);
  for (let k = 0; k < products; k++)
    for (let t = 0; t < tiles; t++) {
      const column = k * tiles + t;
      for (let j = 0; j < products; j++) {
        const place = tile * t - before + j;
        if (place >= 0 && place < width) spread[place * products * tiles + column] = inputSums[k][j];
      }
      for (let i = 0; i < tile && tile * t + i < outWidth; i++)
        gathered[column * outWidth + tile * t + i] = resultSums[i][k];
    }
  const sums = weightSums[0].flatMap((_, j) => weightSums.map((row) => row[j]));
  const xs = split(matmul(x, constant(spread, [width, products * tiles])), axis, Array(products).fill(tiles));
  const weights = split(matmul(weight, constant(sums, [3, products])), axis, Array(products).fill(1));
  const inner: Window = { ...window, padding: [...window.padding.slice(0, -1), [0, 0]] };
  const parts = xs.map((part, k) => apply("conv", [part, weights[k]], { window: inner, groups: 1 }));
  const y = matmul(concat(parts, axis), constant(gathered, [products * tiles, outWidth]));
  return bias ? add(y, reshape(bias, [bias.shape[0], ...Array(axis - 1).fill(1)])) : y;
}
