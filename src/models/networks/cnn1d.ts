import { foldIn, type Key, splitKey } from "../../base/index.ts";
import {
  BatchNorm,
  Conv1d,
  globalAveragePool,
  inference,
  type Layer,
  type Linear,
  type Pass,
  relu,
  type Tensor,
} from "../../engine/index.ts";
import {
  type ArchitectureSizes,
  architecture,
  channelsFirst,
  smallHead,
  type WindowShape,
} from "./architecture.ts";

type Sizes = WindowShape & Pick<ArchitectureSizes, "hiddenSize">;

export const cnn1d = architecture({
  paper: "Wang, Yan and Oates (2017), Time series classification from scratch with deep neural networks",
  defaults: () => ({ hiddenSize: 32 }), // the paper's 128 is more than noisy returns can fill
  make: (sizes: Sizes, key) => new ConvolutionalNetwork(sizes, key),
});

/**
 * The paper's fully convolutional network: three convolutions of 8, 5 and 3 steps with batch norm and relu, the middle one of twice the
 * channels; the mean over time; a dense layer.
 */
class ConvolutionalNetwork implements Layer {
  readonly convolutions: readonly Conv1d[];
  readonly norms: readonly BatchNorm[];
  readonly head: Linear;

  constructor({ features, outputs, hiddenSize }: Sizes, key: Key) {
    const channels = [features, hiddenSize, 2 * hiddenSize, hiddenSize];
    const keys = splitKey(foldIn(key, "convolutions"), 3);
    this.convolutions = [8, 5, 3].map(
      (kernel, i) => new Conv1d(channels[i], channels[i + 1], kernel, { padding: "same" }, keys[i]),
    );
    this.norms = channels.slice(1).map((width) => new BatchNorm(width));
    this.head = smallHead(hiddenSize, outputs, foldIn(key, "head"));
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    let hidden = channelsFirst(x);
    this.convolutions.forEach((convolution, i) => {
      hidden = relu(this.norms[i].apply(convolution.apply(hidden), pass)); // [batch, channels, lookback]
    });
    return this.head.apply(globalAveragePool(hidden));
  }
}
