import { foldIn, type Key } from "../../base/index.ts";
import {
  addSinusoids,
  applyBlocks,
  Dropout,
  inference,
  type Layer,
  LayerNorm,
  Linear,
  mean,
  type Pass,
  saltsPerBlock,
  type Tensor,
  TransformerEncoderBlock,
} from "../../engine/index.ts";
import { type ArchitectureSizes, architecture, smallHead, type WindowShape } from "./architecture.ts";

type Sizes = WindowShape & Pick<ArchitectureSizes, "hiddenSize" | "numLayers" | "numHeads" | "dropout">;

export const transformer = architecture({
  paper: "Vaswani et al. (2017), Attention is all you need",
  defaults: () => ({ hiddenSize: 32, numLayers: 2, numHeads: 4, dropout: 0.1 }),
  make: (sizes: Sizes, key) => new TransformerNetwork(sizes, key),
});

/**
 * The encoder over the steps of the window, with the paper's sinusoids and a dense part of four times the width; then the mean over
 * steps and a dense layer. Norms stand before each part and at the end (Xiong et al. 2020), which trains without a long warm-up.
 */
class TransformerNetwork implements Layer {
  readonly embedding: Linear;
  readonly blocks: readonly TransformerEncoderBlock[];
  readonly norm: LayerNorm;
  readonly dropout: Dropout;
  readonly head: Linear;

  constructor({ features, outputs, hiddenSize, numLayers, numHeads, dropout }: Sizes, key: Key) {
    this.embedding = new Linear(features, hiddenSize, foldIn(key, "embedding"));
    this.blocks = Array.from({ length: numLayers }, (_, i) => {
      const salt = 1 + i * saltsPerBlock;
      const options = { numHeads, feedForwardSize: 4 * hiddenSize, dropout, salt };
      return new TransformerEncoderBlock(hiddenSize, options, foldIn(key, `block ${i}`));
    });
    this.norm = new LayerNorm(hiddenSize);
    this.dropout = new Dropout(dropout, 0);
    this.head = smallHead(hiddenSize, outputs, foldIn(key, "head"));
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    const tokens = this.dropout.apply(addSinusoids(this.embedding.apply(x)), pass); // [batch, lookback, hidden]
    const encoded = applyBlocks(this.blocks, tokens, pass);
    return this.head.apply(mean(this.norm.apply(encoded), 1));
  }
}
