import { foldIn, type Key, PlatformError, splitKey } from "../../base/index.ts";
import { maxPool } from "../convolution.ts";
import { concat, relu } from "../operations.ts";
import type { Tensor } from "../tensor.ts";
import { Conv1d } from "./convolution.ts";
import { inference, type Layer, type Pass } from "./layer.ts";
import { BatchNorm } from "./norms.ts";

export interface InceptionOptions {
  /** Channels of each of the four branches. */
  readonly filters: number;
  /** Channels that the convolutions see, after a 1x1 convolution; none is needed where one channel comes in. */
  readonly bottleneck?: number;
  readonly kernels?: readonly number[];
}

/**
 * The Inception block of InceptionTime (Fawaz et al. 2020): convolutions of several lengths behind a bottleneck, and max pooling of
 * what came in, side by side; then batch norm and relu. No convolution has a bias, which batch norm would take away.
 *
 * Shapes: x `[batch, in, time]`, y `[batch, (kernels + 1) * filters, time]`.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when a size is not a whole number of 1 or more
 */
export class InceptionBlock implements Layer {
  readonly bottleneck: Conv1d | null;
  readonly branches: readonly Conv1d[];
  readonly pooled: Conv1d;
  readonly norm: BatchNorm;

  constructor(
    inChannels: number,
    { filters, bottleneck = 32, kernels = [39, 19, 9] }: InceptionOptions,
    key: Key,
  ) {
    for (const size of [filters, bottleneck, ...kernels]) {
      if (Number.isSafeInteger(size) && size >= 1) continue;
      const message = `inception block: expected filters, bottleneck and kernels of 1 or more, received ${size}`;
      throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
    }
    const make = (from: number, to: number, kernel: number, own: Key) =>
      new Conv1d(from, to, kernel, { padding: "same", bias: false }, own);
    const narrow = inChannels > 1;
    this.bottleneck = narrow ? make(inChannels, bottleneck, 1, foldIn(key, "bottleneck")) : null;
    const keys = splitKey(foldIn(key, "branches"), kernels.length);
    this.branches = kernels.map((kernel, i) => make(narrow ? bottleneck : 1, filters, kernel, keys[i]));
    this.pooled = make(inChannels, filters, 1, foldIn(key, "pooled"));
    this.norm = new BatchNorm((kernels.length + 1) * filters);
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    const narrow = this.bottleneck?.apply(x) ?? x;
    const pooled = this.pooled.apply(maxPool(x, 3, { stride: 1, padding: "same" }));
    const side = [...this.branches.map((branch) => branch.apply(narrow)), pooled];
    return relu(this.norm.apply(concat(side, 1), pass));
  }
}
