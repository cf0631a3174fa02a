import type { Graph } from "./graph.ts";
import type { PrimitiveName } from "./primitives/table.ts";
import { type Dimension, isStatic, type Shape, sizeOf, staticSize } from "./shape.ts";
import type { Node, Tensor } from "./tensor.ts";

/**
 * Floating-point operations of a graph's products, a multiply and an add counted as two; everything else is small beside them.
 * An open batch axis counts as one sample.
 */
export function flopOf({ nodes, outputs, resolve }: Graph): number {
  const read = new Set([...Object.values(outputs), ...nodes.flatMap(({ inputs }) => inputs)].map(resolve));
  return nodes.reduce(
    (total, node) => total + nodeFlop(node, node.inputs.map(resolve), (output) => read.has(output)),
    0,
  );
}

/** From this many operations on, threads that work side by side save more than their exchange costs. */
const largeFlop = 4e7;

/**
 * Threads that pay off for a graph of so many operations: one for a small graph, all for a large one.
 *
 * @example
 * threadsFor(1e6, 8); // => 1
 * threadsFor(1e9, 8); // => 8
 */
export function threadsFor(flop: number, available: number): number {
  return flop < largeFlop ? 1 : available;
}

/** What a node costs; an output that nothing reads is not computed. */
type Rule = (inputs: readonly Tensor[], node: Node, isRead: (output: Tensor) => boolean) => number;

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
  lstmBackward: recurrentBackward({ weightsAt: 2, rowsAt: 4, dxAt: 1 }),
  gruBackward: recurrentBackward({ weightsAt: 1, rowsAt: 3, dxAt: 3 }),
  rnnBackward: recurrentBackward({ weightsAt: 1, rowsAt: 3, dxAt: 1 }),
};

function nodeFlop(node: Node, inputs: readonly Tensor[], isRead: (output: Tensor) => boolean): number {
  return rules[node.primitive]?.(inputs, node, isRead) ?? 0;
}

/** Every step multiplies its row `[x, h]` by all gates. */
function recurrent([x, weightInput, weightHidden]: readonly Tensor[]): number {
  const [time, batch] = x.shape;
  return 2 * size(time) * size(batch) * (count(weightInput.shape) + count(weightHidden.shape));
}

/** The gradient by both weights, by the previous state, and by x where something reads it: a product each. */
function recurrentBackward(place: { weightsAt: number; rowsAt: number; dxAt: number }): Rule {
  return (inputs, { outputs }, isRead) => {
    const [time, batch] = inputs[place.rowsAt].shape;
    const [ofInput, ofHidden] = inputs
      .slice(place.weightsAt, place.weightsAt + 2)
      .map(({ shape }) => count(shape));
    const byInput = isRead(outputs[place.dxAt]) ? ofInput : 0;
    return 2 * size(time) * size(batch) * (ofInput + ofHidden + ofHidden + byInput);
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
