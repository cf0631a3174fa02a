/**
 * ONNX's own recurrent operators, for when nothing is kept for the way back. They have an axis for directions and their own
 * order of gates; weights are repacked here when their values are known, and by nodes of the graph when they are not.
 */
import type { Emitter } from "../../onnx/emitter.ts";
import type { TensorType } from "../../shape.ts";
import type { TypedArray } from "../../tensor.ts";

interface StandardOptions {
  readonly opType: "LSTM" | "GRU" | "RNN";
  readonly hidden: number;
  /** ONNX's order of the gates, as positions in PyTorch's order. */
  readonly order: readonly number[];
  readonly attributes?: Readonly<Record<string, number>>;
  /** x, weightInput, weightHidden, biasInput, biasHidden, then the initial states. */
  readonly inputs: readonly string[];
  readonly used: readonly boolean[];
}

/** Whether ONNX's operator will do: it keeps nothing for the way back, and ONNX Runtime has it in float32 only. */
export function standardSuffices({ dtype }: TensorType, kept: readonly boolean[]): boolean {
  return dtype === "float32" && !kept.includes(true);
}

/** Returns names of the hidden sequence and the last states, then "" for everything that only the way back would need. */
export function standardRecurrent(
  to: Emitter,
  { opType, hidden, order, attributes, inputs, used }: StandardOptions,
): string[] {
  const [x, weightInput, weightHidden, biasInput, biasHidden, ...initial] = inputs;
  const gates = (name: string) => reorderGates(to, name, order, hidden);
  const states = initial.map((state) => to.one("Unsqueeze", [state, to.ints([0])]));
  const results = opType === "LSTM" ? 3 : 2;
  const names = to.many(
    opType,
    [
      x,
      withDirection(to, gates(weightInput)),
      withDirection(to, gates(weightHidden)),
      withDirection(to, joinBiases(to, gates(biasInput), gates(biasHidden))),
      ...(states.length > 0 ? ["", ...states] : []),
    ],
    { hidden_size: hidden, ...attributes },
    used.slice(0, results),
  );
  // The sequence is [time, directions, batch, hidden] and the states are [directions, batch, hidden], with one direction.
  return used.map((wanted, i) =>
    wanted && i < results ? to.one("Squeeze", [names[i], to.ints([i === 0 ? 1 : 0])]) : "",
  );
}

function reorderGates(to: Emitter, name: string, order: readonly number[], hidden: number): string {
  if (order.every((gate, place) => gate === place)) return name;
  const known = to.valueOf(name);
  if (!known) {
    const parts = to.many("Split", [name, to.ints(order.map(() => hidden))], { axis: 0 }, order.length);
    return to.one(
      "Concat",
      order.map((gate) => parts[gate]),
      { axis: 0 },
    );
  }
  const block = known.data.length / order.length;
  const data = Float32Array.from(known.data as Float32Array);
  order.forEach((gate, place) => {
    data.set((known.data as Float32Array).subarray(gate * block, (gate + 1) * block), place * block);
  });
  return packed(to, name, { data, shape: known.shape });
}

function joinBiases(to: Emitter, biasInput: string, biasHidden: string): string {
  const [a, b] = [to.valueOf(biasInput), to.valueOf(biasHidden)];
  if (!a || !b) return to.one("Concat", [biasInput, biasHidden], { axis: 0 });
  const data = new Float32Array(a.data.length + b.data.length);
  data.set(a.data as Float32Array);
  data.set(b.data as Float32Array, a.data.length);
  return packed(to, biasInput, { data, shape: [data.length] });
}

function withDirection(to: Emitter, name: string): string {
  const known = to.valueOf(name);
  if (!known) return to.one("Unsqueeze", [name, to.ints([0])]);
  return packed(to, name, { data: known.data, shape: [1, ...known.shape] });
}

/** A repacked weight keeps its name with a suffix, so that whoever reads the file still knows what was learned. */
function packed(
  to: Emitter,
  name: string,
  { data, shape }: { readonly data: TypedArray; readonly shape: readonly number[] },
): string {
  const packedName = to.name(`${name.replace(/_packed_\d+$/, "")}_packed`);
  to.initializer(packedName, data, shape, "float32");
  return packedName;
}
