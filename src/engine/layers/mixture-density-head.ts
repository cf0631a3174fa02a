/** An outcome's whole distribution as a mixture of normal ones (Bishop 1994, "Mixture density networks"). */
import { type Key, PlatformError } from "../../base/index.ts";
import {
  add,
  argMax,
  div,
  exp,
  log,
  logSoftmax,
  logSumExp,
  maximum,
  mul,
  neg,
  oneHot,
  randomNormal,
  randomUniform,
  reshape,
  softplus,
  split,
  square,
  sub,
  sum,
} from "../operations.ts";
import { formatShape, mismatch } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import type { Layer } from "./layer.ts";
import { Linear } from "./linear.ts";

/** A mixture for each sample: every part `[batch, components]`. */
export interface Mixture {
  readonly logWeights: Tensor;
  readonly means: Tensor;
  readonly deviations: Tensor;
}

/** Added to every deviation: a component that settles on one sample would make the likelihood infinite. */
const smallestDeviation = 1e-3;

/**
 * From features to a mixture of normal distributions. Deviations are softplus and not, as in the paper, an exponential, which
 * overflows early in training.
 *
 * Shapes: x `[batch, in]`; `apply` gives the raw numbers `[batch, 3 * components]`, `mixture` reads them.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when there is not at least one component
 */
export class MixtureDensityHead implements Layer {
  readonly linear: Linear;
  readonly components: number;

  constructor(inFeatures: number, components: number, key: Key) {
    if (!(Number.isSafeInteger(components) && components >= 1)) {
      const message = `mixture density: expected 1 or more components, received ${components}`;
      throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
    }
    this.linear = new Linear(inFeatures, 3 * components, key);
    this.components = components;
  }

  apply(x: Tensor): Tensor {
    return this.linear.apply(x);
  }

  mixture(x: Tensor): Mixture {
    const parts = Array.from({ length: 3 }, () => this.components);
    const [logits, means, raw] = split(this.apply(x), -1, parts);
    return {
      logWeights: logSoftmax(logits),
      means,
      deviations: add(softplus(raw), smallestDeviation),
    };
  }
}

/** `-log Σ weight · normal density` of each sample's target, `[batch]`, without underflow. Shapes: target `[batch, 1]`. */
export function mixtureNegativeLogLikelihood(mixture: Mixture, target: Tensor): Tensor {
  const { logWeights, means, deviations } = mixture;
  if (target.shape.length !== 2 || target.shape[1] !== 1) {
    throw mismatch(`mixture density: expected a target [batch, 1], received ${formatShape(target.shape)}`);
  }
  const distance = div(sub(target, means), deviations);
  const logDensity = sub(mul(square(distance), -0.5), add(log(deviations), 0.5 * Math.log(2 * Math.PI)));
  return neg(logSumExp(add(logWeights, logDensity), -1));
}

/** The mean of each mixture, `[batch]`. */
export const mixtureMean = ({ logWeights, means }: Mixture): Tensor => sum(mul(exp(logWeights), means), -1);

/**
 * A draw from each mixture, `[batch]`: a component by the Gumbel trick, then a normal number. Which draw it is follows from `seed`.
 *
 * @param salt which use of randomness this is
 */
export function sampleMixture(
  { logWeights, means, deviations }: Mixture,
  seed: Tensor,
  salt: number,
): Tensor {
  const { shape } = means;
  const [batch, components] = shape;
  const drawn = maximum(randomUniform(seed, shape, salt), 1e-12); // the logarithm of 0 is none
  const gumbel = neg(log(neg(log(drawn))));
  const chosen = oneHot(argMax(add(logWeights, gumbel), -1), Number(components));
  const of = (values: Tensor) => sum(mul(chosen, values), -1);
  const noise = reshape(randomNormal(seed, [batch, 1], salt + 1), [batch]);
  return add(of(means), mul(of(deviations), noise));
}
