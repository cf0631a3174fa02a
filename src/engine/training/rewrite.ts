/** A graph in other words: some of its nodes computed in another way, and everything that depends on them made anew. */
import { applyAll } from "../apply.ts";
import { traceGraph } from "../graph.ts";
import type { Node, Tensor } from "../tensor.ts";

/**
 * @param instead the outputs that take the place of a node's, or undefined where it stays; `now` is what has taken a tensor's place
 * @returns as many tensors, in the same order; what depends on no replaced node stays the tensor that it is
 */
export function rewrite(
  tensors: readonly Tensor[],
  instead: (node: Node, now: (tensor: Tensor) => Tensor) => readonly Tensor[] | undefined,
): Tensor[] {
  const newer = new Map<Tensor, Tensor>();
  const now = (tensor: Tensor) => newer.get(tensor) ?? tensor;
  for (const node of nodesOf(tensors)) {
    const replaced = instead(node, now);
    const inputs = node.inputs.map(now);
    if (replaced === undefined && inputs.every((tensor, i) => tensor === node.inputs[i])) continue;
    const outputs = replaced ?? applyAll(node.primitive, inputs, node.attributes);
    node.outputs.forEach((tensor, i) => {
      newer.set(tensor, outputs[i]);
    });
  }
  return tensors.map(now);
}

/** The nodes behind some tensors; every node follows those that it reads. */
export function nodesOf(tensors: readonly Tensor[]): readonly Node[] {
  return traceGraph(Object.fromEntries(tensors.map((tensor, i) => [String(i), tensor]))).nodes;
}
