import { formatShape, mismatch } from "../shape.ts";
import type { Parameter, Tensor } from "../tensor.ts";

/** What a layer knows of the run it is traced for. */
export interface Pass {
  /** Dropout drops and noise is drawn only in training. */
  readonly mode: "training" | "inference";
  /** uint32 scalar that differs in every training step: the seed of everything random. Present in training. */
  readonly seed: Tensor | null;
  /** In training, says what a statistic is after this step. */
  readonly track?: (statistic: Parameter, next: Tensor) => void;
}

/** The pass that predicts. */
export const inference: Pass = { mode: "inference", seed: null };

/** A layer says in its own words what it was given: the size of the last axis is what most layers are made for. */
export function requireFeatures(layer: string, { shape }: Tensor, weight: Parameter): void {
  const features = weight.shape[weight.shape.length - 1];
  if (shape.length > 0 && shape[shape.length - 1] === features) return;
  const expected = `x [..., ${features}] for its weight ${formatShape(weight.shape)}`;
  throw mismatch(`${layer}: expected ${expected}, received ${formatShape(shape)}`);
}

/** A layer holds parameters (or other layers) in its fields and maps a tensor to a tensor. A model is a plain tree of them. */
export interface Layer {
  apply(x: Tensor, pass?: Pass): Tensor;
}
