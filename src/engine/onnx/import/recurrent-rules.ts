/**
 * ONNX's recurrent operators as the engine's: an axis for directions less, PyTorch's order of gates, and biases apart. A
 * direction that runs backwards is the same network over the reversed sequence.
 */
import { applyAll } from "../../apply.ts";
import {
  at,
  broadcastTo,
  cast,
  concat,
  flip,
  gatherAlong,
  less,
  maximum,
  reshape,
  reverseSequence,
  slice,
  sub,
  where,
} from "../../operations.ts";
import { constant, type Node, type Tensor } from "../../tensor.ts";
import type { ImportedNode } from "./node.ts";
import type { Value } from "./sizes.ts";

interface Cell {
  readonly primitive: "lstm" | "gru" | "rnn";
  /** Where each of PyTorch's gates stands in ONNX's order. */
  readonly order: readonly number[];
  readonly states: number;
  readonly activations: readonly string[];
}

export const importLstm = (node: ImportedNode): readonly Value[] => {
  if (node.inputs[7] !== undefined) throw node.unsupported("peepholes are unknown to the engine");
  return recurrent(node, {
    primitive: "lstm",
    order: [0, 2, 3, 1], // ONNX has input, output, forget, candidate
    states: 2,
    activations: ["sigmoid", "tanh", "tanh"],
  });
};

export const importGru = (node: ImportedNode): readonly Value[] => {
  if (node.int("linear_before_reset", 0) === 0)
    throw node.unsupported("expected linear_before_reset = 1, as PyTorch and cuDNN have it, received 0");
  return recurrent(node, {
    primitive: "gru",
    order: [1, 0, 2], // ONNX has update, reset, candidate
    states: 1,
    activations: ["sigmoid", "tanh"],
  });
};

export const importRnn = (node: ImportedNode): readonly Value[] =>
  recurrent(node, { primitive: "rnn", order: [0], states: 1, activations: ["tanh"] });

/**
 * Inputs are X, W, R, B, sequence_lens, initial_h, initial_c; outputs Y `[time, directions, batch, hidden]`, then last states. With
 * lengths, what lies behind the end of a sequence is zero, and the cell state there is not made: the engine does not keep it.
 */
function recurrent(node: ImportedNode, cell: Cell): readonly Tensor[] {
  checkOptions(node, cell);
  const [x, weightInput, weightHidden] = [node.tensor(0), node.tensor(1), node.tensor(2)];
  const hidden = Number(weightHidden.shape[2]);
  const gates = cell.order.length;
  const initial = [5, 6].slice(0, cell.states).map((position) => node.optional(position));
  const given = node.optional(4);
  const lengths = given && cast(given, "int64");
  const direction = node.text("direction", "forward");
  const backwards = { forward: [false], reverse: [true], bidirectional: [false, true] }[direction];
  const biasSize = 2 * gates * hidden;
  const bias = node.optional(3) ?? broadcastTo(constant(0, [], x.dtype), [weightInput.shape[0], biasSize]);
  if (!backwards) throw node.unsupported(`unknown direction ${JSON.stringify(direction)}`);

  const zeros = broadcastTo(constant(0, [], x.dtype), [backwards.length, x.shape[1], hidden]);
  const runs = backwards.map((isBackward, place) => {
    const ofDirection = (tensor: Tensor) => at(tensor, 0, place);
    const rows = (tensor: Tensor) => reorder(ofDirection(tensor), cell.order, hidden);
    const biases = ofDirection(bias);
    const states = initial.every((state) => state === undefined || isZero(state))
      ? []
      : initial.map((state) => ofDirection(state ?? zeros));
    const [sequence, ...last] = applyAll(
      cell.primitive,
      [
        isBackward ? turned(x, lengths) : x,
        rows(weightInput),
        rows(weightHidden),
        reorder(slice(biases, 0, 0, gates * hidden), cell.order, hidden),
        reorder(slice(biases, 0, gates * hidden), cell.order, hidden),
        ...states,
      ],
      {},
    );
    if (!lengths) return [isBackward ? flip(sequence, 0) : sequence, ...last.slice(0, cell.states)];
    const inside = upTo(lengths, sequence);
    return [isBackward ? turned(inside, lengths) : inside, stateAt(lengths, inside)];
  });
  return Array.from({ length: runs[0].length }, (_, output) => {
    const axis = output === 0 ? 1 : 0;
    return concat(
      runs.map((results) => withAxis(results[output], axis)),
      axis,
    );
  });
}

function checkOptions(node: ImportedNode, { activations }: Cell): void {
  if (node.has("clip")) throw node.unsupported("clipped gates are unknown to the engine");
  if (node.int("layout", 0) !== 0) throw node.unsupported("expected layout 0 (time first), received 1");
  if (node.int("input_forget", 0) !== 0) throw node.unsupported("coupled gates are unknown to the engine");
  const chosen = node.texts("activations").map((name) => name.toLowerCase());
  if (chosen.some((name, i) => name !== activations[i % activations.length]))
    throw node.unsupported(`expected activations ${activations.join(", ")}, received ${chosen.join(", ")}`);
}

function reorder(x: Tensor, order: readonly number[], hidden: number): Tensor {
  if (order.length === 1) return x;
  return concat(order.map((gate) => slice(x, 0, gate * hidden, (gate + 1) * hidden)));
}

/** Each sequence from its end to its beginning. */
function turned(x: Tensor, lengths: Tensor | undefined): Tensor {
  return lengths ? reverseSequence(x, lengths) : flip(x, 0);
}

/** A sequence `[time, batch, hidden]` with zeros behind the end of each. */
function upTo(lengths: Tensor, sequence: Tensor): Tensor {
  const [time, batch] = sequence.shape;
  const numbers = Array.from({ length: Number(time) }, (_, t) => t);
  const steps = constant(numbers, [numbers.length, 1, 1], "int64");
  return where(less(steps, reshape(lengths, [1, batch, 1])), sequence, 0);
}

/** The state after the last step of each sequence, `[batch, hidden]`; zero for one of no steps. */
function stateAt(lengths: Tensor, sequence: Tensor): Tensor {
  const [, batch, hidden] = sequence.shape;
  const last = maximum(sub(lengths, 1), 0);
  return at(gatherAlong(sequence, broadcastTo(reshape(last, [1, batch, 1]), [1, batch, hidden]), 0), 0, 0);
}

function withAxis(x: Tensor, axis: number): Tensor {
  return reshape(x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)]);
}

/** Whether a state is a plain zero, which exporters write down; without it the network is smaller. */
function isZero({ node }: Tensor): boolean {
  const source = node.primitive === "broadcastTo" ? node.inputs[0].node : node;
  return (
    source.primitive === "constant" &&
    [...(source as Node<"constant">).attributes.data].every((value) => Number(value) === 0)
  );
}
