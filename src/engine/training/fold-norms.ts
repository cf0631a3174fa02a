/**
 * Layer normalisation in front of a dense layer, in training, with fewer passes over what it normalises.
 *
 * With `x̂` the normalised rows, `(x̂ γ + β) Wᵀ + b = x̂ (W γ)ᵀ + (W β + b)`: scale and shift go into the layer's weights, which are fewer than
 * the rows' numbers. Since the features of `x̂` add up to zero, nothing changes when each row of `W γ` loses its mean, and then the features of the
 * gradient that comes back add up to zero too. Of the nine passes and four sums of the gradient of a normalisation four passes and one sum are left.
 */
import { apply, applyAll } from "../apply.ts";
import { add, matmul, mean, mul, reshape, sub } from "../operations.ts";
import { isStatic } from "../shape.ts";
import type { Node, Tensor } from "../tensor.ts";
import { nodesOf, rewrite } from "./rewrite.ts";

/**
 * The same tensors, with each layer norm that only a dense layer reads folded into that layer where it gains by it.
 *
 * @returns as many tensors, in the same order; leaves stay the tensors that they are
 */
export function withFoldedNorms(tensors: readonly Tensor[]): Tensor[] {
  const readers = new Map<Tensor, number>();
  const count = (tensor: Tensor) => readers.set(tensor, (readers.get(tensor) ?? 0) + 1);
  for (const { inputs } of nodesOf(tensors)) inputs.forEach(count);
  tensors.forEach(count);
  const isAlone = ({ outputs: [y, ...statistics] }: Node) =>
    readers.get(y) === 1 && statistics.every((tensor) => !readers.has(tensor));
  return rewrite(tensors, (node, now) => {
    const product = node as Node<"matmul">;
    const norm = node.primitive === "matmul" ? normBefore(product, isAlone) : undefined;
    if (norm === undefined) return undefined;
    const [x, scale, shift] = norm.inputs.map(now);
    const [, , balanced] = applyAll("standardize", [x], norm.attributes);
    return [denseOf(reshape(balanced, product.inputs[0].shape), scale, shift, product, now)];
  });
}

/** Rows for each feature that the layer makes, from which on passes over its weights are cheaper: at two both ways take equally long. */
const rowsToGain = 4;

/** The layer norm whose rows a product with weights takes, when nobody else does. */
function normBefore(
  { inputs: [a, weight], attributes: { transposeA, transposeB } }: Node<"matmul">,
  isAlone: (node: Node) => boolean,
): Node<"layerNorm"> | undefined {
  if (a.shape.length !== 2 || weight.shape.length !== 2 || transposeA || a.dtype !== "float32") return;
  const out = Number(weight.shape[transposeB ? 0 : 1]);
  if (!isStatic(a.shape) || Number(a.shape[0]) < rowsToGain * out) return;
  let { node } = a;
  while (node.primitive === "reshape" && isAlone(node)) node = node.inputs[0].node;
  const isRows = node.outputs[0].shape.at(-1) === a.shape[1];
  return node.primitive === "layerNorm" && isRows && isAlone(node) ? (node as Node<"layerNorm">) : undefined;
}

function denseOf(
  x: Tensor,
  scale: Tensor,
  shift: Tensor,
  { inputs, attributes: { transposeB } }: Node<"matmul">,
  now: (tensor: Tensor) => Tensor,
): Tensor {
  const [, weight, bias] = inputs.map(now);
  const features = x.shape[1];
  const scaled = mul(weight, reshape(scale, transposeB ? [1, features] : [features, 1]));
  const centred = sub(scaled, mean(scaled, transposeB ? 1 : 0, { keepDims: true }));
  const shifted = matmul(reshape(shift, [1, features]), weight, { transposeB }); // [1, out]
  const own = reshape(shifted, [shifted.shape[1]]);
  const added = bias ? add(own, bias) : own;
  return apply("matmul", [x, centred, added], { transposeA: false, transposeB });
}
