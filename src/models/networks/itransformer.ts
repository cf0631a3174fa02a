import { foldIn, type Key } from "../../base/index.ts";
import {
  applyBlocks,
  Dropout,
  inference,
  type Layer,
  LayerNorm,
  Linear,
  type Pass,
  ReversibleInstanceNorm,
  saltsPerBlock,
  type Tensor,
  TransformerEncoderBlock,
} from "../../engine/index.ts";
import {
  type ArchitectureSizes,
  architecture,
  channelsFirst,
  ForecastReadout,
  stepsAhead,
  type WindowShape,
} from "./architecture.ts";

type Sizes = WindowShape & Pick<ArchitectureSizes, "hiddenSize" | "numLayers" | "numHeads" | "dropout">;

export const itransformer = architecture({
  paper: "Liu et al. (2024), iTransformer: inverted Transformers are effective for time series forecasting",
  defaults: () => ({ hiddenSize: 32, numLayers: 2, numHeads: 4, dropout: 0.1 }),
  make: (sizes: Sizes, key) => new InvertedTransformer(sizes, key),
});

/**
 * Each channel's whole window is one token, so attention relates channels, not steps. As in the authors' code: windows lose their level
 * and size first and forecasts get them back, norms stand after each part, and the dense part is as wide as a token.
 */
class InvertedTransformer implements Layer {
  readonly norm: ReversibleInstanceNorm;
  readonly embedding: Linear;
  readonly dropout: Dropout;
  readonly blocks: readonly TransformerEncoderBlock[];
  readonly lastNorm: LayerNorm;
  readonly projection: Linear;
  readonly readout: ForecastReadout;

  constructor(sizes: Sizes, key: Key) {
    const { lookback, features, outputs, hiddenSize, numLayers, numHeads, dropout } = sizes;
    const steps = stepsAhead(lookback);
    this.norm = new ReversibleInstanceNorm(features, { affine: false });
    this.embedding = new Linear(lookback, hiddenSize, foldIn(key, "embedding"));
    this.dropout = new Dropout(dropout, 0);
    this.blocks = Array.from({ length: numLayers }, (_, i) => {
      const options = {
        numHeads,
        feedForwardSize: hiddenSize,
        activation: "gelu" as const,
        norm: "after" as const,
        dropout,
        salt: 1 + i * saltsPerBlock,
      };
      return new TransformerEncoderBlock(hiddenSize, options, foldIn(key, `block ${i}`));
    });
    this.lastNorm = new LayerNorm(hiddenSize);
    this.projection = new Linear(hiddenSize, steps, foldIn(key, "projection"));
    this.readout = new ForecastReadout(features, steps, outputs, foldIn(key, "readout"));
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    const { normalized, restore } = this.norm.normalize(channelsFirst(x)); // [batch, features, lookback]
    const tokens = this.dropout.apply(this.embedding.apply(normalized), pass); // [batch, features, hidden]
    const encoded = applyBlocks(this.blocks, tokens, pass);
    return this.readout.apply(restore(this.projection.apply(this.lastNorm.apply(encoded))));
  }
}
