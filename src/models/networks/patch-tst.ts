import { foldIn, type Key } from "../../base/index.ts";
import {
  add,
  BatchNorm,
  broadcastTo,
  concat,
  constant,
  Dropout,
  FeedForward,
  gather,
  inference,
  type Layer,
  LearnedPositions,
  Linear,
  MultiHeadAttention,
  type Pass,
  ReversibleInstanceNorm,
  reshape,
  saltsPerBlock,
  sizeOf,
  slice,
  type Tensor,
  transpose,
} from "../../engine/index.ts";
import {
  type ArchitectureSizes,
  architecture,
  channelsFirst,
  ForecastReadout,
  optionInvalid,
  stepsAhead,
  type WindowShape,
} from "./architecture.ts";

type Sizes = WindowShape & Omit<ArchitectureSizes, "kernelSize">;

export const patchTst = architecture({
  paper: "Nie et al. (2023), A time series is worth 64 words: long-term forecasting with Transformers",
  defaults: ({ lookback }) => ({
    hiddenSize: 32,
    numLayers: 3,
    numHeads: 4,
    patchLength: Math.min(16, lookback),
    dropout: 0.2,
  }),
  make: (sizes: Sizes, key) => new PatchTransformer(sizes, key),
});

/**
 * Each channel by itself, with shared weights: its window without level and size, cut into patches that overlap by half, each patch a
 * token with a learned position; encoder blocks; all tokens to the steps ahead. As in the paper, the encoder has batch norm, after each
 * part, and gelu; from the authors' code: the last value is repeated for one more patch, and the dense part has twice the width. Their
 * code also adds each block's attention scores to the next one's, which the paper does not have and this does not do.
 */
class PatchTransformer implements Layer {
  readonly norm: ReversibleInstanceNorm;
  readonly embedding: Linear;
  readonly positions: LearnedPositions;
  readonly dropout: Dropout;
  readonly blocks: readonly PatchBlock[];
  readonly projection: Linear;
  readonly readout: ForecastReadout;
  readonly patchLength: number;

  constructor(sizes: Sizes, key: Key) {
    const { lookback, features, outputs, hiddenSize, numLayers, patchLength, dropout } = sizes;
    if (patchLength > lookback)
      throw optionInvalid("patchTst", "patchLength", `at most the lookback, ${lookback}`, patchLength);
    const steps = stepsAhead(lookback);
    const patches = patchStarts(lookback, patchLength).length;
    this.norm = new ReversibleInstanceNorm(features, { affine: false });
    this.embedding = new Linear(patchLength, hiddenSize, foldIn(key, "embedding"));
    this.positions = new LearnedPositions(patches, hiddenSize, foldIn(key, "positions"));
    this.dropout = new Dropout(dropout, 0);
    this.blocks = Array.from(
      { length: numLayers },
      (_, i) => new PatchBlock(sizes, 1 + i * saltsPerBlock, foldIn(key, `block ${i}`)),
    );
    this.projection = new Linear(patches * hiddenSize, steps, foldIn(key, "projection"));
    this.readout = new ForecastReadout(features, steps, outputs, foldIn(key, "readout"));
    this.patchLength = patchLength;
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    const [batch, , features] = x.shape;
    const { normalized, restore } = this.norm.normalize(channelsFirst(x)); // [batch, features, lookback]
    const patches = cutPatches(normalized, this.patchLength); // [batch, features, patches, patchLength]
    const embedded = this.embedding.apply(patches);
    const [count, hidden] = embedded.shape.slice(2).map(Number);
    const series = sizeOf([batch, features]);
    const tokens = this.positions.apply(reshape(embedded, [series, count, hidden]));
    const dropped = this.dropout.apply(tokens, pass);
    const encoded = this.blocks.reduce((h, block) => block.apply(h, pass), dropped);
    const forecast = this.projection.apply(reshape(encoded, [batch, features, count * hidden]));
    return this.readout.apply(restore(forecast));
  }
}

/** An encoder block whose norms are over batch and patches. */
class PatchBlock implements Layer {
  readonly attention: MultiHeadAttention;
  readonly attentionNorm: BatchNorm;
  readonly feedForward: FeedForward;
  readonly feedForwardNorm: BatchNorm;
  readonly dropouts: readonly [Dropout, Dropout];

  constructor({ hiddenSize, numHeads, dropout }: Sizes, salt: number, key: Key) {
    this.attention = new MultiHeadAttention(
      hiddenSize,
      { numHeads, dropout, salt },
      foldIn(key, "attention"),
    );
    this.attentionNorm = new BatchNorm(hiddenSize);
    const dense = { numHeads, feedForwardSize: 2 * hiddenSize, activation: "gelu" as const, dropout };
    this.feedForward = new FeedForward(hiddenSize, { ...dense, salt: salt + 1 }, foldIn(key, "feed"));
    this.feedForwardNorm = new BatchNorm(hiddenSize);
    this.dropouts = [new Dropout(dropout, salt + 2), new Dropout(dropout, salt + 3)];
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    const [one, two] = this.dropouts;
    const norm = (layer: BatchNorm, h: Tensor) => transpose(layer.apply(transpose(h), pass));
    const attended = norm(this.attentionNorm, add(x, one.apply(this.attention.apply(x, pass), pass)));
    const fed = two.apply(this.feedForward.apply(attended, pass), pass);
    return norm(this.feedForwardNorm, add(attended, fed));
  }
}

const strideOf = (patchLength: number) => Math.max(1, Math.floor(patchLength / 2));

/** Where patches begin, in a window that goes on for one stride. */
function patchStarts(lookback: number, patchLength: number): number[] {
  const stride = strideOf(patchLength);
  return Array.from({ length: Math.floor((lookback - patchLength) / stride) + 2 }, (_, i) => i * stride);
}

function cutPatches(x: Tensor, patchLength: number): Tensor {
  const [batch, features, lookback] = x.shape;
  const again = broadcastTo(slice(x, 2, -1), [batch, features, strideOf(patchLength)]);
  const starts = patchStarts(Number(lookback), patchLength);
  const places = starts.flatMap((start) => Array.from({ length: patchLength }, (_, i) => start + i));
  return gather(concat([x, again], 2), constant(places, [starts.length, patchLength], "int64"), 2);
}
