/**
 * Back through time: the `...Backward` primitives walk the steps last to first and add up the gradient of the joined kernel
 * `[x, 1, h] -> gates` as they go; here it is cut into the gradients of the weights and biases.
 */
import { PlatformError } from "../../../base/index.ts";
import { applyAll } from "../../apply.ts";
import { broadcastTo, concat, reshape, slice, transpose } from "../../operations.ts";
import { constant, type Tensor } from "../../tensor.ts";
import type { GradientArguments, GradientRule } from "../table.ts";

export const lstmGradient: GradientRule<"lstm"> = ({ dys, inputs, outputs }) => {
  const [, weightInput, weightHidden] = inputs;
  const [, last, lastCell, ...saved] = outputs;
  const [dSequence, dLast, dLastCell] = dys;
  const [dKernel, dx, dInitial, dInitialCell] = applyAll(
    "lstmBackward",
    [
      dLast ?? zeros(last),
      dLastCell ?? zeros(lastCell),
      weightInput,
      weightHidden,
      ...saved,
      ...present(dSequence),
    ],
    { sequence: dSequence !== null },
  );
  return withInitial(inputs, [dx, ...cutKernel(dKernel, weightInput)], [dInitial, dInitialCell]);
};

export const rnnGradient: GradientRule<"rnn"> = ({ dys, inputs, outputs }) => {
  const [, weightInput, weightHidden] = inputs;
  const [sequence, last, rows] = outputs;
  const [dSequence, dLast] = dys;
  const [dKernel, dx, dInitial] = applyAll(
    "rnnBackward",
    [dLast ?? zeros(last), weightInput, weightHidden, rows, sequence, ...present(dSequence)],
    { sequence: dSequence !== null },
  );
  return withInitial(inputs, [dx, ...cutKernel(dKernel, weightInput)], [dInitial]);
};

export const gruGradient: GradientRule<"gru"> = ({ dys, inputs, outputs }) => {
  const [, weightInput, weightHidden] = inputs;
  const [, last, ...saved] = outputs;
  const [dSequence, dLast] = dys;
  const [dGates, dCandidateInput, dCandidateHidden, dx, dInitial] = applyAll(
    "gruBackward",
    [dLast ?? zeros(last), weightInput, weightHidden, ...saved, ...present(dSequence)],
    { sequence: dSequence !== null },
  );
  const features = Number(weightInput.shape[1]);
  const [gatesInput, gatesHidden, gatesBias] = cutKernel(dGates, weightInput);
  const bias = (row: Tensor) => concat([gatesBias, reshape(row, [row.shape[1]])]);
  return withInitial(
    inputs,
    [
      dx,
      concat([gatesInput, transpose(slice(dCandidateInput, 0, 0, features))]),
      concat([gatesHidden, transpose(slice(dCandidateHidden, 0, 1))]),
      bias(slice(dCandidateInput, 0, features)),
      bias(slice(dCandidateHidden, 0, 0, 1)), // the one stands before h
    ],
    [dInitial],
  );
};

/** The rule of a primitive that is itself a gradient and cannot be differentiated again. */
export function noSecondDerivative<P extends "lstmBackward" | "gruBackward" | "rnnBackward">(
  layer: string,
): GradientRule<P> {
  return (_: GradientArguments<P>) => {
    throw new PlatformError(
      "input",
      "SECOND_DERIVATIVE",
      `${layer}: expected a first derivative only, received a request for a second one`,
    );
  };
}

/** From `[features + 1 + hidden, gates]` to the gradients of weightInput, weightHidden, biasInput and biasHidden. */
function cutKernel(dKernel: Tensor, weightInput: Tensor): [Tensor, Tensor, Tensor, Tensor] {
  const features = Number(weightInput.shape[1]);
  const bias = reshape(slice(dKernel, 0, features, features + 1), [dKernel.shape[1]]);
  return [transpose(slice(dKernel, 0, 0, features)), transpose(slice(dKernel, 0, features + 1)), bias, bias];
}

/** Zeros that do not depend on values: 0 times infinity is no zero. */
function zeros({ dtype, shape }: Tensor): Tensor {
  return broadcastTo(constant(0, [], dtype), shape);
}

function present(dy: Tensor | null): Tensor[] {
  return dy ? [dy] : [];
}

function withInitial(
  inputs: readonly Tensor[],
  gradients: readonly Tensor[],
  initial: readonly Tensor[],
): Tensor[] {
  return inputs.length > 5 ? [...gradients, ...initial] : [...gradients];
}
