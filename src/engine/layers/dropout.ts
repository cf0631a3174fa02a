import { PlatformError } from "../../base/index.ts";
import { cast, div, less, mul, randomUniform, sub } from "../operations.ts";
import type { Tensor } from "../tensor.ts";
import { inference, type Layer, type Pass } from "./layer.ts";

/**
 * Sets each element to zero with probability `rate` in training and scales the others by `1 / (1 - rate)`, so that the mean is
 * kept (Srivastava et al. 2014). Does nothing in inference.
 *
 * @param salt tells this layer's draws from those of every other dropout layer of the model
 * @throws PlatformError `MODEL_OPTION_INVALID` when `rate` is outside [0, 1)
 */
export class Dropout implements Layer {
  readonly rate: number;
  readonly salt: number;

  constructor(rate: number, salt: number) {
    if (!(rate >= 0 && rate < 1)) {
      throw new PlatformError(
        "input",
        "MODEL_OPTION_INVALID",
        `dropout: expected a rate in [0, 1), received ${rate}`,
      );
    }
    this.rate = rate;
    this.salt = salt;
  }

  apply(x: Tensor, { mode, seed }: Pass = inference): Tensor {
    if (mode === "inference" || this.rate === 0) return x;
    if (!seed)
      throw new PlatformError(
        "input",
        "MODEL_OPTION_INVALID",
        "dropout: expected a seed in a training pass, received none",
      );
    const dropped = less(randomUniform(seed, x.shape, this.salt), this.rate);
    return mul(x, div(sub(1, cast(dropped, x.dtype)), 1 - this.rate));
  }
}
