import { coefficient } from "../../shape.ts";
import type { OnnxRule } from "../table.ts";
import { standardRecurrent, standardSuffices } from "./inference.ts";
import { filled, initialState, joinedKernel, scan } from "./scan.ts";

/** The simple recurrent network (Elman 1990): `h' = tanh(x Wᵀ + h Uᵀ + b)`. */
export const rnnOnnx: OnnxRule<"rnn"> = (to, inputs, { inputs: types, outputs, used }) => {
  const [x, weightInput, weightHidden, biasInput, biasHidden, h0] = inputs;
  if (standardSuffices(types[0], used.slice(2))) {
    return standardRecurrent(to, {
      opType: "RNN",
      hidden: coefficient(outputs[1].shape[1]),
      order: [0],
      inputs,
      used,
    });
  }
  const kernel = joinedKernel(to, weightInput, weightHidden, biasInput, biasHidden);
  const ones = filled(to, 1, [outputs[1].shape[0], 1], types[0].dtype);
  const [last, sequence, rows] = scan(to, {
    direction: "forward",
    states: [{ name: initialState(to, h0, outputs[1]), type: outputs[1] }],
    sequences: [{ name: x, type: types[0] }],
    results: [outputs[0], outputs[2]],
    step: ({ join, product, tanh, copy }, [h], [xt]) => {
      const row = join([xt, ones, h]);
      const next = tanh(product(row, kernel));
      return { states: [next], results: [copy(next), row] };
    },
  });
  return [sequence, last, rows];
};

/** `dz = dh (1 - h²)`, `dh₋₁ = dz U`, `dK += [x, 1, h₋₁]ᵀ dz`, `dx = dz W`, last step first. */
export const rnnBackwardOnnx: OnnxRule<"rnnBackward"> = (to, inputs, { inputs: types, outputs, used }) => {
  const [dLast, weightInput, weightHidden, ...sequences] = inputs;
  const [dInitial, dKernel, dx = ""] = scan(to, {
    direction: "backward",
    states: [
      { name: dLast, type: types[0] },
      { name: filled(to, 0, outputs[0].shape, types[0].dtype), type: outputs[0] },
    ],
    sequences: sequences.map((name, i) => ({ name, type: types[3 + i] })),
    results: used[1] ? [outputs[1]] : [],
    step: ({ product, productOfTransposed, mul, add, sub, scalar }, [carried, dK], [row, h, dhHere]) => {
      const dh = dhHere === undefined ? carried : add(carried, dhHere);
      const dz = mul(dh, sub(scalar(1), mul(h, h)));
      return {
        states: [product(dz, weightHidden), productOfTransposed(row, dz, dK)],
        results: used[1] ? [product(dz, weightInput)] : [],
      };
    },
  });
  return [dKernel, dx, dInitial];
};
