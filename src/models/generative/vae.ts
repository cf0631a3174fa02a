import { foldIn, type Key, PlatformError } from "../../base/index.ts";
import {
  add,
  exp,
  inference,
  type Layer,
  mul,
  normalArray,
  type Pass,
  randomNormal,
  softplus,
  split,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
} from "../../engine/index.ts";
import { requireSizes, startWith } from "../options.ts";
import { DenseStack } from "./autoencoder.ts";

export interface VaeOptions {
  readonly features: number;
  /** Width of the hidden layer on either side; 500 as published for images. */
  readonly hiddenSize: number;
  readonly latentSize: number;
}

/** What a row may be: normal numbers of deviation 1 around what the decoder says, or yes and no with those logits. */
export type Likelihood = "normal" | "bernoulli";

/** The encoder's normal distribution of the latent numbers, `[batch, latent]` each. */
export interface LatentNormal {
  readonly mean: Tensor;
  /** Logarithm of the variance. */
  readonly logVariance: Tensor;
}

/**
 * A variational autoencoder (Kingma and Welling 2014): rows become normal distributions of latent numbers, a draw of which is made
 * a row again; one hidden layer with tanh on either side, as in appendix C.
 *
 * Shapes: x and y `[batch, features]`, z `[batch, latent]`; y is the mean of a row, or its logits. Weights begin normal with deviation
 * 0.01 and biases at 0, as published. A draw is `mean + deviation · noise`, through which gradients flow; in inference it is the mean.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when a size is not a whole number of 1 or more
 */
export class Vae implements Layer {
  readonly encoder: DenseStack;
  readonly decoder: DenseStack;
  readonly latentSize: number;

  constructor({ features, hiddenSize, latentSize }: VaeOptions, key: Key) {
    requireSizes("vae", { features, hiddenSize, latentSize });
    this.encoder = new DenseStack([features, hiddenSize, 2 * latentSize], tanh, key);
    this.decoder = new DenseStack([latentSize, hiddenSize, features], tanh, key);
    this.latentSize = latentSize;
    [...this.encoder.layers, ...this.decoder.layers].forEach(({ weight, bias }, i) => {
      startWith(weight, normalArray(foldIn(key, i), weight.shape as readonly number[], 0.01));
      bias.value.fill(0);
    });
  }

  encode(x: Tensor): LatentNormal {
    const [mean, logVariance] = split(this.encoder.apply(x), 1, [this.latentSize, this.latentSize]);
    return { mean, logVariance };
  }

  /** Rows from latent numbers: fed standard normal ones, new rows. */
  decode(z: Tensor): Tensor {
    return this.decoder.apply(z);
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    return this.decode(this.draw(this.encode(x), pass));
  }

  draw({ mean, logVariance }: LatentNormal, { mode, seed }: Pass): Tensor {
    if (mode === "inference" || !seed) return mean;
    return add(mean, mul(exp(mul(logVariance, 0.5)), randomNormal(seed, mean.shape, 0)));
  }
}

/**
 * What a VAE makes small, one number for each row: the negative evidence lower bound, without the constants of the normal density.
 * `-log p(x | z) + beta · KL`, with `KL = ½ Σ (mean² + variance - log variance - 1)` from the standard normal distribution.
 *
 * @param beta 1 for the bound itself; above it latent numbers that are more independent, at the price of the rows (Higgins et al. 2017)
 */
export function vaeLoss(
  vae: Vae,
  x: Tensor,
  { likelihood = "normal", beta = 1 }: { readonly likelihood?: Likelihood; readonly beta?: number } = {},
  pass: Pass = inference,
): Tensor {
  if (!(beta >= 0 && Number.isFinite(beta))) {
    const message = `vae: expected a beta of 0 or more, received ${beta}`;
    throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
  }
  const latent = vae.encode(x);
  const made = vae.decode(vae.draw(latent, pass));
  const surprise =
    likelihood === "normal" ? mul(square(sub(x, made)), 0.5) : sub(softplus(made), mul(x, made));
  const { mean, logVariance } = latent;
  const divergence = mul(sub(add(square(mean), exp(logVariance)), add(logVariance, 1)), 0.5);
  return add(sum(surprise, 1), mul(sum(divergence, 1), beta));
}
