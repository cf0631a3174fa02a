import { foldIn, type Key, splitKey } from "../../base/index.ts";
import {
  at,
  inference,
  type Layer,
  type Linear,
  type Pass,
  TemporalBlock,
  type Tensor,
} from "../../engine/index.ts";
import {
  type ArchitectureSizes,
  architecture,
  channelsFirst,
  smallHead,
  type WindowShape,
} from "./architecture.ts";

type Sizes = WindowShape & Pick<ArchitectureSizes, "hiddenSize" | "numLayers" | "kernelSize" | "dropout">;

const kernelSize = 3;

export const tcn = architecture({
  paper:
    "Bai, Kolter and Koltun (2018), An empirical evaluation of generic convolutional and recurrent networks",
  // So many blocks that the last step sees the whole window: 1 + 2 (kernel - 1) (2^n - 1) steps.
  defaults: ({ lookback }) => ({
    hiddenSize: 32,
    numLayers: Math.max(1, Math.ceil(Math.log2((lookback - 1) / (2 * (kernelSize - 1)) + 1))),
    kernelSize,
    dropout: 0.2,
  }),
  make: (sizes: Sizes, key) => new TemporalNetwork(sizes, key),
});

/** Temporal blocks whose dilation doubles; a dense layer on the last step. */
class TemporalNetwork implements Layer {
  readonly blocks: readonly TemporalBlock[];
  readonly head: Linear;

  constructor(sizes: Sizes, key: Key) {
    const { features, outputs, hiddenSize, numLayers, kernelSize: kernel, dropout } = sizes;
    this.blocks = splitKey(foldIn(key, "blocks"), numLayers).map((blockKey, i) => {
      const options = { kernel, dilation: 2 ** i, dropout, salt: 2 * i };
      return new TemporalBlock(i === 0 ? features : hiddenSize, hiddenSize, options, blockKey);
    });
    this.head = smallHead(hiddenSize, outputs, foldIn(key, "head"));
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    const hidden = this.blocks.reduce((h, block) => block.apply(h, pass), channelsFirst(x));
    return this.head.apply(at(hidden, 2, -1));
  }
}
