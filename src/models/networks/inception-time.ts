import { foldIn, type Key } from "../../base/index.ts";
import {
  add,
  BatchNorm,
  Conv1d,
  globalAveragePool,
  InceptionBlock,
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

type Sizes = WindowShape & Pick<ArchitectureSizes, "hiddenSize" | "numLayers" | "kernelSize">;

export const inceptionTime = architecture({
  paper: "Fawaz et al. (2020), InceptionTime: finding AlexNet for time series classification",
  defaults: () => ({ hiddenSize: 32, numLayers: 6, kernelSize: 39 }),
  make: (sizes: Sizes, key) => new InceptionNetwork(sizes, key),
});

const bottleneck = 32;
const blocksPerShortcut = 3;

/**
 * Inception blocks of `4 * hiddenSize` channels, with a shortcut around every three; the mean over time; a dense layer. One network:
 * the paper's classifier is the mean of five that differ in their key.
 */
class InceptionNetwork implements Layer {
  readonly blocks: readonly InceptionBlock[];
  readonly shortcuts: readonly { readonly convolution: Conv1d; readonly norm: BatchNorm }[];
  readonly head: Linear;

  constructor({ features, outputs, hiddenSize, numLayers, kernelSize }: Sizes, key: Key) {
    const width = 4 * hiddenSize;
    const kernels = [1, 2, 4].map((part) => Math.max(1, Math.floor(kernelSize / part))); // 39, 19, 9
    this.blocks = Array.from({ length: numLayers }, (_, i) => {
      const options = { filters: hiddenSize, bottleneck, kernels };
      return new InceptionBlock(i === 0 ? features : width, options, foldIn(key, `block ${i}`));
    });
    this.shortcuts = Array.from({ length: Math.floor(numLayers / blocksPerShortcut) }, (_, i) => ({
      convolution: new Conv1d(
        i === 0 ? features : width,
        width,
        1,
        { bias: false },
        foldIn(key, `shortcut ${i}`),
      ),
      norm: new BatchNorm(width),
    }));
    this.head = smallHead(width, outputs, foldIn(key, "head"));
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    let hidden = channelsFirst(x);
    let before = hidden;
    this.blocks.forEach((block, i) => {
      hidden = block.apply(hidden, pass); // [batch, 4 hidden, lookback]
      if ((i + 1) % blocksPerShortcut > 0) return;
      const { convolution, norm } = this.shortcuts[Math.floor(i / blocksPerShortcut)];
      hidden = relu(add(hidden, norm.apply(convolution.apply(before), pass)));
      before = hidden;
    });
    return this.head.apply(globalAveragePool(hidden));
  }
}
