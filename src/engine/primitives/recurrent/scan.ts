import type { Emitter } from "../../onnx/emitter.ts";
import { isStatic, type Shape, type TensorType } from "../../shape.ts";

/** One step of a recurrence. Operators by name, so that a step reads as its equations. */
export interface Step {
  readonly to: Emitter;
  readonly mul: (a: string, b: string) => string;
  readonly add: (a: string, b: string) => string;
  readonly sub: (a: string, b: string) => string;
  readonly sigmoid: (x: string) => string;
  readonly tanh: (x: string) => string;
  /** Columns of `[batch, n]` side by side. */
  readonly join: (parts: readonly string[]) => string;
  readonly cut: (x: string, sizes: readonly number[]) => string[];
  /** `a b`, plus `c` when there is one. */
  readonly product: (a: string, b: string, c?: string) => string;
  /** `aᵀ b + c`. */
  readonly productOfTransposed: (a: string, b: string, c: string) => string;
  readonly scalar: (value: number) => string;
  /** A second name for a value: a step's state and its result may not share one. */
  readonly copy: (x: string) => string;
}

interface ScanOptions {
  readonly direction: "forward" | "backward";
  /** Carried from step to step. */
  readonly states: readonly { readonly name: string; readonly type: TensorType }[];
  /** Read one step at a time; the type is that of the whole sequence. */
  readonly sequences: readonly { readonly name: string; readonly type: TensorType }[];
  /** Types of the sequences that the steps write, as a whole. */
  readonly results: readonly TensorType[];
  /** From states and the step's slices to the next states and the step's results. */
  readonly step: (
    step: Step,
    states: readonly string[],
    slices: readonly string[],
  ) => { states: readonly string[]; results: readonly string[] };
}

/** A recurrence as an ONNX `Scan`. Returns the names of the last states, then of the result sequences. */
export function scan(to: Emitter, { direction, states, sequences, results, step }: ScanOptions): string[] {
  const stepType = ({ dtype, shape }: TensorType): TensorType => ({ dtype, shape: shape.slice(1) });
  const dtype = states[0].type.dtype;
  const body = to.inner(
    [...states.map((s) => s.type), ...sequences.map((s) => stepType(s.type))],
    (inner, names) => {
      const next = step(stepOf(inner, dtype), names.slice(0, states.length), names.slice(states.length));
      return [...next.states, ...next.results];
    },
    [...states.map((s) => s.type), ...results.map(stepType)],
  );
  const backward = direction === "backward" ? 1 : 0;
  return to.many(
    "Scan",
    [...states, ...sequences].map(({ name }) => name),
    {
      body: { graph: body },
      num_scan_inputs: sequences.length,
      scan_input_directions: sequences.map(() => backward),
      scan_output_directions: results.map(() => backward),
    },
    states.length + results.length,
  );
}

function stepOf(to: Emitter, dtype: TensorType["dtype"]): Step {
  return {
    to,
    mul: (a, b) => to.one("Mul", [a, b]),
    add: (a, b) => to.one("Add", [a, b]),
    sub: (a, b) => to.one("Sub", [a, b]),
    sigmoid: (x) => to.one("Sigmoid", [x]),
    tanh: (x) => to.one("Tanh", [x]),
    join: (parts) => to.one("Concat", parts, { axis: 1 }),
    cut: (x, sizes) => to.many("Split", [x, to.ints(sizes)], { axis: 1 }, sizes.length),
    product: (a, b, c) => to.one("Gemm", c === undefined ? [a, b] : [a, b, c]),
    productOfTransposed: (a, b, c) => to.one("Gemm", [a, b, c], { transA: 1 }),
    copy: (x) => to.one("Identity", [x]),
    scalar: (value) => to.constant(value, [], dtype),
  };
}

/** The given initial state, or zeros of its shape. */
export function initialState(to: Emitter, given: string | undefined, type: TensorType): string {
  return given ?? filled(to, 0, type.shape, type.dtype);
}

/** An array of one value. */
export function filled(to: Emitter, value: number, shape: Shape, dtype: TensorType["dtype"]): string {
  if (isStatic(shape)) return to.filled(value, shape, dtype);
  return to.one("Expand", [to.constant(value, [], dtype), to.shape(shape)]);
}

/** `[weightInput | biasInput + biasHidden | weightHidden]` turned to `[features + 1 + hidden, gates * hidden]`. */
export function joinedKernel(
  to: Emitter,
  weightInput: string,
  weightHidden: string,
  biasInput: string,
  biasHidden: string,
): string {
  const bias = to.one("Unsqueeze", [to.one("Add", [biasInput, biasHidden]), to.ints([1])]);
  return to.one("Transpose", [to.one("Concat", [weightInput, bias, weightHidden], { axis: 1 })], {
    perm: [1, 0],
  });
}
