import type { Emitter } from "../../onnx/emitter.ts";
import { coefficient } from "../../shape.ts";
import type { OnnxRule } from "../table.ts";
import { standardRecurrent, standardSuffices } from "./inference.ts";
import { filled, initialState, joinedKernel, scan } from "./scan.ts";

/**
 * Gated recurrent unit (Cho et al. 2014) with the reset gate after the recurrent product, as PyTorch and cuDNN have it:
 *
 *     r, z = σ(x Wᵀ + h Uᵀ + b)    n = tanh(x Wₙᵀ + bₙ + r (h Uₙᵀ + cₙ))    h' = n + z (h - n)
 *
 * The gates are one product of [x, 1, h]; the candidate needs its two sides apart.
 */
export const gruOnnx: OnnxRule<"gru"> = (to, inputs, { inputs: types, outputs, used }) => {
  const [x, weightInput, weightHidden, biasInput, biasHidden, h0] = inputs;
  const hidden = coefficient(outputs[1].shape[1]);
  if (standardSuffices(types[0], used.slice(2))) {
    return standardRecurrent(to, {
      opType: "GRU",
      hidden,
      order: [1, 0, 2],
      attributes: { linear_before_reset: 1 },
      inputs,
      used,
    });
  }
  const [gatesInput, candidateInput] = gatesAndCandidate(to, weightInput, hidden);
  const [gatesHidden, candidateHidden] = gatesAndCandidate(to, weightHidden, hidden);
  const [gatesBiasInput, candidateBiasInput] = gatesAndCandidate(to, biasInput, hidden);
  const [gatesBiasHidden, candidateBiasHidden] = gatesAndCandidate(to, biasHidden, hidden);
  const kernel = joinedKernel(to, gatesInput, gatesHidden, gatesBiasInput, gatesBiasHidden);
  const inputKernel = to.one("Transpose", [candidateInput], { perm: [1, 0] });
  const hiddenKernel = to.one("Transpose", [candidateHidden], { perm: [1, 0] });
  const ones = filled(to, 1, [outputs[1].shape[0], 1], types[0].dtype);

  const [last, sequence, ...saved] = scan(to, {
    direction: "forward",
    states: [{ name: initialState(to, h0, outputs[1]), type: outputs[1] }],
    sequences: [{ name: x, type: types[0] }],
    results: [outputs[0], ...outputs.slice(2)],
    step: ({ join, cut, product, sigmoid, tanh, mul, add, sub, copy }, [h], [xt]) => {
      const row = join([xt, ones, h]);
      const gates = sigmoid(product(row, kernel));
      const [r, z] = cut(gates, [hidden, hidden]);
      const recurrent = mul(r, product(h, hiddenKernel, candidateBiasHidden));
      const n = tanh(add(product(xt, inputKernel, candidateBiasInput), recurrent));
      const kept = mul(z, sub(h, n));
      const next = add(n, kept);
      return { states: [next], results: [copy(next), row, gates, r, z, n, recurrent, kept] };
    },
  });
  return [sequence, last, ...saved];
};

/**
 * The way back, last step first, written with the products that were kept:
 *
 *     dn = dh (1-z)(1-n²)    d(r, z) = [dn · r(hUₙᵀ + cₙ), dh · z(h-n)] (1 - [r, z])
 *     dh₋₁ = dh z + d(r, z) U + (dn r) Uₙ    dx = d(r, z) W + dn Wₙ
 */
export const gruBackwardOnnx: OnnxRule<"gruBackward"> = (to, inputs, { inputs: types, outputs, used }) => {
  const [dLast, weightInput, weightHidden, ...sequences] = inputs;
  const hidden = coefficient(types[0].shape[1]);
  const features = coefficient(types[1].shape[1]);
  const [gatesInput, candidateInput] = gatesAndCandidate(to, weightInput, hidden);
  const [gatesHidden, candidateHidden] = gatesAndCandidate(to, weightHidden, hidden);
  const kernels = outputs.slice(0, 3);

  const [dInitial, dGates, dCandidateInput, dCandidateHidden, dx = ""] = scan(to, {
    direction: "backward",
    states: [
      { name: dLast, type: types[0] },
      ...kernels.map((type) => ({ name: filled(to, 0, type.shape, type.dtype), type })),
    ],
    sequences: sequences.map((name, i) => ({ name, type: types[3 + i] })),
    results: used[3] ? [outputs[3]] : [],
    step: ({ to: body, join, product, productOfTransposed, mul, add, sub, scalar }, states, slices) => {
      const [carried, dKGates, dKInput, dKHidden] = states;
      const [row, gates, r, z, n, recurrent, kept, dhHere] = slices;
      const dh = dhHere === undefined ? carried : add(carried, dhHere);
      const dhz = mul(dh, z);
      const dn = mul(sub(dh, dhz), sub(scalar(1), mul(n, n)));
      const dz = mul(join([mul(dn, recurrent), mul(dh, kept)]), sub(scalar(1), gates));
      const dnr = mul(dn, r);
      // [x, 1] and [1, h], which share the one
      const columns = (from: number, end: number) =>
        body.one("Slice", [row, to.ints([from]), to.ints([end]), to.ints([1])]);
      return {
        states: [
          product(dnr, candidateHidden, product(dz, gatesHidden, dhz)),
          productOfTransposed(row, dz, dKGates),
          productOfTransposed(columns(0, features + 1), dn, dKInput),
          productOfTransposed(columns(features, features + 1 + hidden), dnr, dKHidden),
        ],
        results: used[3] ? [product(dn, candidateInput, product(dz, gatesInput))] : [],
      };
    },
  });
  return [dGates, dCandidateInput, dCandidateHidden, dx, dInitial];
};

/** The rows of the two gates and of the candidate. */
function gatesAndCandidate(to: Emitter, name: string, hidden: number): string[] {
  return to.many("Split", [name, to.ints([2 * hidden, hidden])], { axis: 0 }, 2);
}
