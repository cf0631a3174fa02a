/**
 * Recurrent networks are primitives that take a whole sequence, time first, because that is where speed is won: the steps run
 * in an ONNX `Scan` whose working set stays in the cache.
 *
 * Inputs (G = 4 gates for LSTM, 3 for GRU, 1 for the simple network; layouts and gate order are PyTorch's):
 * x `[time, batch, features]`, weightInput `[G*hidden, features]`, weightHidden `[G*hidden, hidden]`, biasInput and biasHidden
 * `[G*hidden]`, then the initial state(s) `[batch, hidden]`, zero when absent.
 *
 * Outputs: the hidden sequence `[time, batch, hidden]`, the last state(s) `[batch, hidden]`, then what the way back needs. One of
 * these is the "row" of every step: x, a one and the previous h side by side, `[time, batch, features + 1 + hidden]`, whose
 * product with a gate's gradient is the gradient of that gate's input weights, bias and hidden weights at once.
 */
import { type Dimension, formatShape, mismatch, type TensorType } from "../../shape.ts";
import type { Tensor } from "../../tensor.ts";
import type { TypeRules } from "../table.ts";

interface Sizes {
  readonly time: Dimension;
  readonly batch: Dimension;
  readonly features: number;
  readonly hidden: number;
  readonly type: (...shape: Dimension[]) => TensorType;
}

export const lstmTypes: Pick<TypeRules, "lstm" | "lstmBackward"> = {
  /** Saved: rows, gate activations, forget gate, i·s, i·g, f·c, h, o(1 - tanh²c); `lstm.ts` says what they are. */
  lstm: (inputs) => {
    const { time, batch, features, hidden, type } = sizesOf("lstm", inputs, 4, 2);
    const sequence = type(time, batch, hidden);
    const state = type(batch, hidden);
    const rows = type(time, batch, features + 1 + hidden);
    return [
      sequence,
      state,
      state,
      rows,
      type(time, batch, 4 * hidden),
      ...Array.from({ length: 6 }, () => sequence),
    ];
  },
  /**
   * Inputs: dh and dc of the last state, weightInput, weightHidden, then what was saved [, dh of every step].
   * Outputs: gradient by the joined kernel `[features + 1 + hidden, 4*hidden]`, by x, and by the initial states.
   */
  lstmBackward: ([dh, dc, weightInput, weightHidden, rows]) => [
    kernelType(rows, Number(weightHidden.shape[0])),
    inputType(rows, weightInput),
    like(dh),
    like(dc),
  ],
};

export const gruTypes: Pick<TypeRules, "gru" | "gruBackward"> = {
  /** Saved: rows, gate activations, reset gate, update gate, candidate, r·(recurrent part), z·(h - n). */
  gru: (inputs) => {
    const { time, batch, features, hidden, type } = sizesOf("gru", inputs, 3, 1);
    const sequence = type(time, batch, hidden);
    const rows = type(time, batch, features + 1 + hidden);
    return [
      sequence,
      type(batch, hidden),
      rows,
      type(time, batch, 2 * hidden),
      ...Array.from({ length: 5 }, () => sequence),
    ];
  },
  /**
   * Inputs: dh of the last state, weightInput, weightHidden, then what was saved [, dh of every step].
   * Outputs: gradients by the kernels of the gates `[features + 1 + hidden, 2*hidden]`, of the candidate's input side
   * `[features + 1, hidden]` and of its recurrent side `[1 + hidden, hidden]`, by x, and by the initial state.
   */
  gruBackward: ([dh, weightInput, weightHidden, rows]) => {
    const [features, hidden] = [Number(weightInput.shape[1]), Number(weightHidden.shape[1])];
    const type = (...shape: number[]): TensorType => ({ dtype: dh.dtype, shape });
    return [
      kernelType(rows, 2 * hidden),
      type(features + 1, hidden),
      type(1 + hidden, hidden),
      inputType(rows, weightInput),
      like(dh),
    ];
  },
};

export const rnnTypes: Pick<TypeRules, "rnn" | "rnnBackward"> = {
  /** Saved: rows. */
  rnn: (inputs) => {
    const { time, batch, features, hidden, type } = sizesOf("rnn", inputs, 1, 1);
    return [type(time, batch, hidden), type(batch, hidden), type(time, batch, features + 1 + hidden)];
  },
  /**
   * Inputs: dh of the last state, weightInput, weightHidden, rows, the hidden sequence [, dh of every step].
   * Outputs: gradient by the joined kernel `[features + 1 + hidden, hidden]`, by x, and by the initial state.
   */
  rnnBackward: ([dh, weightInput, weightHidden, rows]) => [
    kernelType(rows, Number(weightHidden.shape[0])),
    inputType(rows, weightInput),
    like(dh),
  ],
};

function like({ dtype, shape }: Tensor): TensorType {
  return { dtype, shape };
}

function kernelType(rows: Tensor, columns: number): TensorType {
  return { dtype: rows.dtype, shape: [rows.shape[2], columns] };
}

function inputType(rows: Tensor, weightInput: Tensor): TensorType {
  return { dtype: rows.dtype, shape: [rows.shape[0], rows.shape[1], weightInput.shape[1]] };
}

function sizesOf(name: string, inputs: readonly Tensor[], gates: number, states: number): Sizes {
  const [x, weightInput, weightHidden, biasInput, biasHidden, ...initial] = inputs;
  if (x.shape.length !== 3) {
    throw mismatch(
      `${name}: expected a sequence of shape [time, batch, features], received ${formatShape(x.shape)}`,
    );
  }
  const [time, batch, features] = x.shape;
  if (weightHidden.shape.length !== 2) {
    throw mismatch(
      `${name}: expected weightHidden of shape [${gates} * hidden, hidden], received ${formatShape(weightHidden.shape)}`,
    );
  }
  const hidden = Number(weightHidden.shape[1]);
  const expect = (what: string, tensor: Tensor, ...shape: Dimension[]) => {
    if (tensor.dtype !== x.dtype)
      throw mismatch(`${name}: expected ${what} of ${x.dtype}, as the sequence is, received ${tensor.dtype}`);
    if (formatShape(tensor.shape) !== formatShape(shape)) {
      throw mismatch(
        `${name}: expected ${what} of shape ${formatShape(shape)} for ${formatShape(x.shape)}, received ${formatShape(tensor.shape)}`,
      );
    }
  };
  expect("weightInput", weightInput, gates * hidden, features);
  expect("weightHidden", weightHidden, gates * hidden, hidden);
  expect("biasInput", biasInput, gates * hidden);
  expect("biasHidden", biasHidden, gates * hidden);
  if (initial.length !== 0 && initial.length !== states) {
    throw mismatch(`${name}: expected ${states} initial states or none, received ${initial.length}`);
  }
  for (const state of initial) expect("initial state", state, batch, hidden);
  return { time, batch, features: Number(features), hidden, type: (...shape) => ({ dtype: x.dtype, shape }) };
}
