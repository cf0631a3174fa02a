import { foldIn, type Key, PlatformError } from "../../base/index.ts";
import {
  add,
  inference,
  type Layer,
  Linear,
  mul,
  type Pass,
  randomNormal,
  relu,
  type Tensor,
} from "../../engine/index.ts";
import { requireSizes } from "../options.ts";

export interface AutoencoderOptions {
  readonly features: number;
  /** Widths of the encoder's layers; the decoder has them in reverse. */
  readonly hiddenSizes: readonly number[];
  readonly latentSize: number;
  /** Deviation of normal noise added to what the encoder sees in training; 0 by default. */
  readonly noise?: number;
}

/**
 * A dense network that squeezes rows through a few numbers and makes them again (Hinton and Salakhutdinov 2006); with noise, it learns
 * to make the clean row from a noisy one (Vincent et al. 2008).
 *
 * Shapes: x and y `[batch, features]`, codes `[batch, latent]`. Relu between layers, none at the code and the output. Initial values
 * are those of its layers.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when a size is not a whole number of 1 or more, or the noise below 0
 */
export class Autoencoder implements Layer {
  readonly encoder: DenseStack;
  readonly decoder: DenseStack;
  readonly noise: number;

  constructor({ features, hiddenSizes, latentSize, noise = 0 }: AutoencoderOptions, key: Key) {
    if (!(noise >= 0 && Number.isFinite(noise))) {
      const message = `autoencoder: expected noise of 0 or more, received ${noise}`;
      throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
    }
    const named = Object.fromEntries(hiddenSizes.map((size, i) => [`hiddenSizes[${i}]`, size]));
    requireSizes("autoencoder", { features, latentSize, ...named });
    this.encoder = new DenseStack([features, ...hiddenSizes, latentSize], relu, foldIn(key, "encoder"));
    this.decoder = new DenseStack(
      [latentSize, ...hiddenSizes.toReversed(), features],
      relu,
      foldIn(key, "decoder"),
    );
    this.noise = noise;
  }

  encode(x: Tensor): Tensor {
    return this.encoder.apply(x);
  }

  decode(codes: Tensor): Tensor {
    return this.decoder.apply(codes);
  }

  apply(x: Tensor, { mode, seed }: Pass = inference): Tensor {
    const noisy =
      mode === "training" && seed && this.noise > 0
        ? add(x, mul(randomNormal(seed, x.shape, 0), this.noise))
        : x;
    return this.decode(this.encode(noisy));
  }
}

/** Dense layers with an activation between them. */
export class DenseStack implements Layer {
  readonly layers: readonly Linear[];
  readonly activation: (x: Tensor) => Tensor;

  constructor(sizes: readonly number[], activation: (x: Tensor) => Tensor, key: Key) {
    this.layers = sizes.slice(1).map((size, i) => new Linear(sizes[i], size, foldIn(key, i)));
    this.activation = activation;
  }

  apply(x: Tensor): Tensor {
    return this.layers.reduce(
      (hidden, layer, i) => layer.apply(i === 0 ? hidden : this.activation(hidden)),
      x,
    );
  }
}
