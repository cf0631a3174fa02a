import { foldIn, type Key, splitKey } from "../../base/index.ts";
import {
  type AttentionCache,
  add,
  applyBlocks,
  Dropout,
  Embedding,
  inference,
  LayerNorm,
  matmul,
  mul,
  normalArray,
  type Pass,
  reshape,
  saltsPerBlock,
  slice,
  type Tensor,
  TransformerEncoderBlock,
} from "../../engine/index.ts";
import { requireSizes, startNormal, startWith } from "../options.ts";
import { requireTokens } from "./require-tokens.ts";
import { tokenLoss } from "./token-loss.ts";

export interface GptOptions {
  readonly vocabularySize: number;
  /** Longest text, in tokens. */
  readonly maxLength: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  /** Four times the hidden size as published. */
  readonly feedForwardSize?: number;
  /** A learned vector for each position as published, or rotated queries and keys (Su et al. 2021). */
  readonly positions?: "learned" | "rotary";
  /** After embeddings, on attention weights, and on what each part adds; 0.1 as published. */
  readonly dropout?: number;
}

/**
 * A causal Transformer decoder (Radford et al. 2019, "GPT-2"): blocks that normalise before each part, with gelu, a last norm, and
 * logits by the token embedding.
 *
 * Shapes: tokens int64 `[batch, time]`, logits `[batch, time, vocabulary]`: at each position those of the next token. Weights begin
 * normal with deviation 0.02, what is added to the stream of a block by `1 / √(2 · layers)` of that, biases at 0. The gelu is exact;
 * GPT-2 approximates it by a tanh.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when a size is not a whole number of 1 or more
 */
export class Gpt {
  readonly token: Embedding;
  readonly position: Embedding | null;
  readonly layers: readonly TransformerEncoderBlock[];
  readonly norm: LayerNorm;
  readonly dropout: Dropout;
  readonly options: GptOptions;

  constructor(options: GptOptions, key: Key) {
    const { vocabularySize, maxLength, hiddenSize, numLayers, numHeads } = options;
    const { feedForwardSize = 4 * hiddenSize, positions = "learned", dropout = 0.1 } = options;
    requireSizes("gpt", { vocabularySize, maxLength, hiddenSize, numLayers, numHeads, feedForwardSize });
    this.token = new Embedding(vocabularySize, hiddenSize, foldIn(key, "token"));
    this.position =
      positions === "learned" ? new Embedding(maxLength, hiddenSize, foldIn(key, "position")) : null;
    this.layers = splitKey(foldIn(key, "layers"), numLayers).map(
      (layerKey, i) =>
        new TransformerEncoderBlock(
          hiddenSize,
          {
            numHeads,
            feedForwardSize,
            activation: "gelu",
            causal: true,
            rotary: positions === "rotary",
            dropout,
            hiddenDropout: 0,
            salt: 1 + i * saltsPerBlock,
          },
          layerKey,
        ),
    );
    this.norm = new LayerNorm(hiddenSize);
    this.dropout = new Dropout(dropout, 0);
    this.options = options;
    startNormal(this, 0.02, foldIn(key, "start"));
    const last = 0.02 / Math.sqrt(2 * numLayers);
    this.layers.forEach(({ attention, feedForward }, i) => {
      for (const [name, { weight }] of Object.entries({
        attention: attention.output,
        feed: feedForward.down,
      }))
        startWith(weight, normalArray(foldIn(foldIn(key, name), i), weight.shape as readonly number[], last));
    });
  }

  apply(tokens: Tensor, pass: Pass = inference): Tensor {
    requireTokens("gpt", tokens, this.options.maxLength);
    const time = Number(tokens.shape[1]);
    let hidden = this.token.apply(tokens); // [batch, time, hidden]
    if (this.position) hidden = add(hidden, slice(this.position.weight, 0, 0, time));
    hidden = this.dropout.apply(hidden, pass);
    return this.#logits(applyBlocks(this.layers, hidden, pass));
  }

  /**
   * Logits after one more token of one text, `[1, vocabulary]`, with keys and values of all tokens up to it.
   *
   * Shapes: token and position int64 `[1]`; the cache `[heads, past, hidden / heads]` for each layer.
   */
  step(
    token: Tensor,
    position: Tensor,
    past: readonly AttentionCache[],
  ): { readonly logits: Tensor; readonly present: readonly AttentionCache[] } {
    const place = { position, length: this.options.maxLength };
    let hidden = this.token.apply(token); // [1, hidden]
    if (this.position) hidden = add(hidden, this.position.apply(position));
    const present = this.layers.map((layer, i) => {
      const step = layer.step(hidden, past[i], place);
      hidden = step.y;
      return step.present;
    });
    return { logits: this.#logits(hidden), present };
  }

  #logits(hidden: Tensor): Tensor {
    return matmul(this.norm.apply(hidden), this.token.weight, { transposeB: true });
  }
}

/**
 * The loss of a language model, a scalar: mean cross-entropy of each token given those before it.
 *
 * Shapes: tokens int64 `[batch, time]`, visible `[batch, time]` (0 for padding), weights of the samples `[batch]`.
 */
export function nextTokenLoss(
  gpt: Gpt,
  { tokens, visible }: { readonly tokens: Tensor; readonly visible: Tensor },
  weights: Tensor,
  pass: Pass = inference,
): Tensor {
  const logits = gpt.apply(slice(tokens, 1, 0, -1), pass);
  const counts = mul(slice(visible, 1, 1), reshape(weights, [...weights.shape, 1]));
  return tokenLoss(logits, slice(tokens, 1, 1), counts);
}
