import { foldIn, type Key } from "../../base/index.ts";
import { add, gelu, relu, reshape } from "../operations.ts";
import { formatShape, mismatch } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import {
  type AttentionCache,
  type AttentionContext,
  type AttentionOptions,
  MultiHeadAttention,
  rowsOf,
  type Sequences,
  type StepPosition,
} from "./attention.ts";
import { Dropout } from "./dropout.ts";
import { inference, type Layer, type Pass } from "./layer.ts";
import { LayerNorm } from "./layer-norm.ts";
import { Linear } from "./linear.ts";

export interface TransformerOptions extends Omit<AttentionOptions, "salt"> {
  /** Width of the hidden layer between the two dense ones. */
  readonly feedForwardSize: number;
  readonly activation?: "relu" | "gelu";
  /** Rate at which the hidden layer between the dense ones is dropped; `dropout` when it is not named. */
  readonly hiddenDropout?: number;
  /** Added to a variance before it divides; 1e-5 when it is not named. */
  readonly normEpsilon?: number;
  /** Before each part, as later models have it and as trains without warm-up; or after it, as first published. */
  readonly norm?: "before" | "after";
  /** The first of the block's salts; a block uses `saltsPerBlock` of them. */
  readonly salt?: number;
}

/** How many salts a block uses: attention weights, what each part adds, and the hidden layer, for two attentions at most. */
export const saltsPerBlock = 6;

const activations = { relu, gelu } as const;

/** Two dense layers with an activation between them, at every position alike. */
export class FeedForward implements Layer {
  readonly up: Linear;
  readonly down: Linear;
  readonly dropout: Dropout;
  readonly activation: keyof typeof activations;

  constructor(
    features: number,
    {
      feedForwardSize,
      activation = "relu",
      dropout = 0,
      hiddenDropout = dropout,
      salt = 0,
    }: TransformerOptions,
    key: Key,
  ) {
    this.up = new Linear(features, feedForwardSize, foldIn(key, "up"));
    this.down = new Linear(feedForwardSize, features, foldIn(key, "down"));
    this.dropout = new Dropout(hiddenDropout, salt);
    this.activation = activation;
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    const hidden = activations[this.activation](this.up.apply(x));
    return this.down.apply(this.dropout.apply(hidden, pass));
  }
}

/**
 * A Transformer encoder block (Vaswani et al. 2017): self-attention, then a dense part, each added to what it was given.
 *
 * Shapes: x and y `[batch, time, features]`. With `causal` it is the block of a GPT.
 */
export class TransformerEncoderBlock implements Layer {
  readonly attention: MultiHeadAttention;
  readonly attentionNorm: LayerNorm;
  readonly feedForward: FeedForward;
  readonly feedForwardNorm: LayerNorm;
  readonly dropouts: readonly [Dropout, Dropout];
  readonly norm: "before" | "after";

  constructor(features: number, options: TransformerOptions, key: Key) {
    const { dropout = 0, norm = "before", normEpsilon = 1e-5, salt = 0 } = options;
    this.attention = new MultiHeadAttention(features, { ...options, salt }, foldIn(key, "attention"));
    this.attentionNorm = new LayerNorm(features, { epsilon: normEpsilon });
    this.feedForward = new FeedForward(features, { ...options, salt: salt + 1 }, foldIn(key, "feed"));
    this.feedForwardNorm = new LayerNorm(features, { epsilon: normEpsilon });
    this.dropouts = [new Dropout(dropout, salt + 2), new Dropout(dropout, salt + 3)];
    this.norm = norm;
  }

  apply(x: Tensor, pass: Pass = inference, context: AttentionContext = {}): Tensor {
    return applyBlocks([this], x, pass, context);
  }

  /** `apply` on the positions of all sequences behind each other: x and y `[batch * time, features]`. */
  applyRows(x: Tensor, sequences: Sequences, pass: Pass, context: AttentionContext): Tensor {
    const attend = (input: Tensor) =>
      this.dropouts[0].apply(this.attention.applyRows(input, sequences, pass, context), pass);
    const feed = (input: Tensor) => this.dropouts[1].apply(this.feedForward.apply(input, pass), pass);
    const attended = residual(x, this.norm, this.attentionNorm, attend);
    return residual(attended, this.norm, this.feedForwardNorm, feed);
  }

  /** One position of one sequence after those in the cache, as a causal block answers it in inference: x and y `[1, features]`. */
  step(
    x: Tensor,
    past: AttentionCache,
    at: StepPosition,
  ): { readonly y: Tensor; readonly present: AttentionCache } {
    let present = past;
    const attend = (input: Tensor) => {
      const step = this.attention.step(input, past, at);
      present = step.present;
      return step.y;
    };
    const attended = residual(x, this.norm, this.attentionNorm, attend);
    const y = residual(attended, this.norm, this.feedForwardNorm, (input) => this.feedForward.apply(input));
    return { y, present };
  }
}

/**
 * Encoder blocks one after the other. The positions of all sequences lie behind each other from the first block to the last: only the
 * attention itself takes them apart, which is cheaper than to do so around every dense layer.
 *
 * Shapes: x and y `[batch, time, features]`.
 */
export function applyBlocks(
  blocks: readonly TransformerEncoderBlock[],
  x: Tensor,
  pass: Pass = inference,
  context: AttentionContext = {},
): Tensor {
  const features = x.shape[x.shape.length - 1];
  const expected = blocks.find(({ attention }) => attention.features !== features);
  if (x.shape.length !== 3 || expected) {
    const size = (expected ?? blocks[0])?.attention.features ?? "features";
    throw mismatch(`attention: expected a sequence [batch, time, ${size}], received ${formatShape(x.shape)}`);
  }
  const [batch, time] = x.shape;
  const rows = blocks.reduce((h, block) => block.applyRows(h, { batch, time }, pass, context), rowsOf(x));
  return reshape(rows, x.shape);
}

/**
 * A Transformer decoder block: causal self-attention, attention to an encoder's output, then a dense part.
 *
 * Shapes: x and y `[batch, time, features]`, memory `[batch, otherTime, features]`.
 */
export class TransformerDecoderBlock {
  readonly selfAttention: MultiHeadAttention;
  readonly selfAttentionNorm: LayerNorm;
  readonly crossAttention: MultiHeadAttention;
  readonly crossAttentionNorm: LayerNorm;
  readonly feedForward: FeedForward;
  readonly feedForwardNorm: LayerNorm;
  readonly dropouts: readonly [Dropout, Dropout, Dropout];
  readonly norm: "before" | "after";

  constructor(features: number, options: TransformerOptions, key: Key) {
    const { dropout = 0, norm = "before", normEpsilon: epsilon = 1e-5, salt = 0 } = options;
    this.selfAttention = new MultiHeadAttention(
      features,
      { ...options, causal: true, salt },
      foldIn(key, "self"),
    );
    this.selfAttentionNorm = new LayerNorm(features, { epsilon });
    this.crossAttention = new MultiHeadAttention(
      features,
      { ...options, causal: false, rotary: false, salt: salt + 1 },
      foldIn(key, "cross"),
    );
    this.crossAttentionNorm = new LayerNorm(features, { epsilon });
    this.feedForward = new FeedForward(features, { ...options, salt: salt + 2 }, foldIn(key, "feed"));
    this.feedForwardNorm = new LayerNorm(features, { epsilon });
    this.dropouts = [
      new Dropout(dropout, salt + 3),
      new Dropout(dropout, salt + 4),
      new Dropout(dropout, salt + 5),
    ];
    this.norm = norm;
  }

  apply(x: Tensor, memory: Tensor, pass: Pass = inference, visible?: Tensor): Tensor {
    const [first, second, third] = this.dropouts;
    const context = visible ? { memory, visible } : { memory };
    const own = residual(x, this.norm, this.selfAttentionNorm, (input) =>
      first.apply(this.selfAttention.apply(input, pass), pass),
    );
    const crossed = residual(own, this.norm, this.crossAttentionNorm, (input) =>
      second.apply(this.crossAttention.apply(input, pass, context), pass),
    );
    return residual(crossed, this.norm, this.feedForwardNorm, (input) =>
      third.apply(this.feedForward.apply(input, pass), pass),
    );
  }
}

function residual(
  x: Tensor,
  norm: "before" | "after",
  layer: LayerNorm,
  part: (input: Tensor) => Tensor,
): Tensor {
  return norm === "before" ? add(x, part(layer.apply(x))) : layer.apply(add(x, part(x)));
}
