import type { Graph } from "./graph.ts";
import type { PrimitiveName } from "./primitives/table.ts";
import { type Dimension, isStatic, type Shape, sizeOf, staticSize } from "./shape.ts";
import type { Node, Tensor } from "./tensor.ts";

/**
 * Floating-point operations of a graph's products, a multiply and an add counted as two; everything else is small beside them.
 * An open batch axis counts as one sample.
 */
export function flopOf({ nodes, resolve }: Graph): number {
  return nodes.reduce((total, node) => total + nodeFlop(node, node.inputs.map(resolve)), 0);
}

type Rule = (inputs: readonly Tensor[], node: Node) => number;

const rules: { readonly [P in PrimitiveName]?: Rule } = {
  matmul: ([a], node) => {
    const { transposeA } = (node as Node<"matmul">).attributes;
    const inner = a.shape[a.shape.length - (transposeA ? 2 : 1)];
    return 2 * count(node.outputs[0].shape) * size(inner);
  },
  // Every position of the result multiplies a kernel; both gradients do the same work.
  conv: ([, weight], { outputs: [y] }) => 2 * positions(y) * count(weight.shape),
  convInputGradient: ([dy, weight]) => 2 * positions(dy) * count(weight.shape),
  convWeightGradient: ([, dy], { outputs: [dWeight] }) => 2 * positions(dy) * count(dWeight.shape),
  lstm: recurrent,
  gru: recurrent,
  rnn: recurrent,
  // The gradient by weights and by states are a product each.
  lstmBackward: recurrentBackward(4),
  gruBackward: recurrentBackward(3),
  rnnBackward: recurrentBackward(3),
};

function nodeFlop(node: Node, inputs: readonly Tensor[]): number {
  return rules[node.primitive]?.(inputs, node) ?? 0;
}

/** Every step multiplies its row `[x, h]` by all gates. */
function recurrent([x, weightInput, weightHidden]: readonly Tensor[]): number {
  const [time, batch] = x.shape;
  return 2 * size(time) * size(batch) * (count(weightInput.shape) + count(weightHidden.shape));
}

function recurrentBackward(rowsAt: number): Rule {
  return (inputs) => {
    const [time, batch] = inputs[rowsAt].shape;
    const weights = inputs.slice(rowsAt - 2, rowsAt).map(({ shape }) => count(shape));
    return 4 * size(time) * size(batch) * (weights[0] + weights[1]);
  };
}

/** Batch times space of `[batch, channels, ...spatial]`. */
function positions({ shape }: Tensor): number {
  return size(shape[0]) * count(shape.slice(2));
}

function count(shape: Shape): number {
  return isStatic(shape) ? staticSize(shape) : size(sizeOf(shape));
}

function size(dimension: Dimension): number {
  return typeof dimension === "number" ? dimension : Number.parseInt(dimension, 10) || 1;
}
