import { coefficient } from "../../shape.ts";
import type { OnnxRule } from "../table.ts";
import { standardRecurrent, standardSuffices } from "./inference.ts";
import { filled, initialState, joinedKernel, scan } from "./scan.ts";

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000):
 *
 *     i, f, o = σ(x Wᵀ + h Uᵀ + b)    g = tanh(...)    c' = f c + i g    h' = o tanh(c')
 *
 * One matrix product per step makes all four gates: x, a column of ones and h stand side by side against the weights, so the
 * bias costs nothing. With tanh(a) = 2 σ(2a) - 1, one sigmoid serves all gates once the candidate's columns are doubled: it gives
 * s with g = 2s - 1. What is kept for the way back are the products that the step makes anyway.
 */
export const lstmOnnx: OnnxRule<"lstm"> = (to, inputs, { inputs: types, outputs, used }) => {
  const [x, weightInput, weightHidden, biasInput, biasHidden, h0, c0] = inputs;
  const hidden = coefficient(outputs[1].shape[1]);
  if (standardSuffices(types[0], used.slice(3))) {
    return standardRecurrent(to, { opType: "LSTM", hidden, order: [0, 3, 1, 2], inputs, used });
  }
  const { dtype } = types[0];
  const kernel = to.one("Mul", [
    joinedKernel(to, weightInput, weightHidden, biasInput, biasHidden),
    to.constant(perGate(hidden, [1, 1, 2, 1]), [4 * hidden], dtype),
  ]);
  const ones = filled(to, 1, [outputs[1].shape[0], 1], dtype);

  const [last, lastCell, sequence, ...saved] = scan(to, {
    direction: "forward",
    states: [
      { name: initialState(to, h0, outputs[1]), type: outputs[1] },
      { name: initialState(to, c0, outputs[2]), type: outputs[2] },
    ],
    sequences: [{ name: x, type: types[0] }],
    results: [outputs[0], ...outputs.slice(3)],
    step: ({ join, cut, product, sigmoid, tanh, mul, add, sub, copy }, [h, c], [xt]) => {
      const row = join([xt, ones, h]);
      const gates = sigmoid(product(row, kernel));
      const [i, f, s, o] = cut(gates, [hidden, hidden, hidden, hidden]);
      const is = mul(i, s);
      const ig = sub(add(is, is), i);
      const fc = mul(f, c);
      const cell = add(fc, ig);
      const tanhOfCell = tanh(cell);
      const next = mul(o, tanhOfCell);
      const slope = sub(o, mul(next, tanhOfCell)); // o (1 - tanh²c)
      const shown = copy(next);
      return { states: [next, cell], results: [shown, row, gates, f, is, ig, fc, copy(next), slope] };
    },
  });
  return [sequence, last, lastCell, ...saved];
};

/**
 * The way back, last step first, written with the products that were kept (σ' = σ (1 - σ), and 1 - g² = 4 s (1 - s)):
 *
 *     dc += dh o(1 - tanh²c)
 *     d(i, f, a, o) = [dc·ig, dc·fc, 4 dc·is, dh·h] (1 - [i, f, s, o])
 *     dh₋₁ = dz U    dc₋₁ = dc f    dK += [x, 1, h₋₁]ᵀ dz    dx = dz W
 *
 * The 4 is left out of every step: it is in the candidate's rows of U and W, and in its columns of dK at the end.
 */
export const lstmBackwardOnnx: OnnxRule<"lstmBackward"> = (to, inputs, { inputs: types, outputs, used }) => {
  const [dLast, dLastCell, weightInput, weightHidden, ...sequences] = inputs;
  const hidden = coefficient(types[0].shape[1]);
  const { dtype } = types[0];
  const four = perGate(hidden, [1, 1, 4, 1]);
  const fourRows = to.constant(four, [4 * hidden, 1], dtype);
  const scaled = (weight: string) => to.one("Mul", [weight, fourRows]);
  const [toHidden, toInput] = [scaled(weightHidden), used[1] ? scaled(weightInput) : ""];

  const [dInitial, dInitialCell, dKernel, dx = ""] = scan(to, {
    direction: "backward",
    states: [
      { name: dLast, type: types[0] },
      { name: dLastCell, type: types[1] },
      { name: filled(to, 0, outputs[0].shape, dtype), type: outputs[0] },
    ],
    sequences: sequences.map((name, i) => ({ name, type: types[4 + i] })),
    results: used[1] ? [outputs[1]] : [],
    step: (
      { join, product, productOfTransposed, mul, add, sub, scalar },
      [dhCarried, dcCarried, dK],
      slices,
    ) => {
      const [row, gates, f, is, ig, fc, h, slope, dhHere] = slices;
      const dh = dhHere === undefined ? dhCarried : add(dhCarried, dhHere);
      const dc = add(dcCarried, mul(dh, slope));
      const outer = join([mul(dc, ig), mul(dc, fc), mul(dc, is), mul(dh, h)]);
      const dz = mul(outer, sub(scalar(1), gates));
      return {
        states: [product(dz, toHidden), mul(dc, f), productOfTransposed(row, dz, dK)],
        results: used[1] ? [product(dz, toInput)] : [],
      };
    },
  });
  return [to.one("Mul", [dKernel, to.constant(four, [4 * hidden], dtype)]), dx, dInitial, dInitialCell];
};

/** A number per gate, repeated for its columns. */
function perGate(hidden: number, values: readonly number[]): number[] {
  return values.flatMap((value) => Array.from({ length: hidden }, () => value));
}
