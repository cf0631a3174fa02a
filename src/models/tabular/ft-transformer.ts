import { foldIn, type Key, splitKey } from "../../base/index.ts";
import {
  add,
  at,
  broadcastTo,
  concat,
  Dropout,
  Embedding,
  inference,
  joinedPlaces,
  LayerNorm,
  Linear,
  MultiHeadAttention,
  mul,
  type Parameter,
  type Pass,
  parameter,
  relu,
  reshape,
  split,
  type Tensor,
  uniformArray,
} from "../../engine/index.ts";
import { requireSizes, startWith } from "../options.ts";
import { type Row, requireColumns, requireRow } from "./row.ts";

export interface FtTransformerOptions {
  /** Numeric columns; they have to be normalised. */
  readonly numbers: number;
  /** How many categories each categorical column has. */
  readonly categories: readonly number[];
  readonly outputs: number;
  /** 192 by default, with 3 layers and 8 heads: the paper's configuration for tables that are not tuned for. */
  readonly hiddenSize?: number;
  readonly numLayers?: number;
  readonly numHeads?: number;
  /** Width of the hidden dense layer as a multiple of the hidden size; 4/3 by default. */
  readonly feedForwardFactor?: number;
  readonly attentionDropout?: number;
  readonly feedForwardDropout?: number;
  readonly residualDropout?: number;
}

/**
 * A Transformer for tables (Gorishniy et al. 2021, "Revisiting deep learning models for tabular data"): every column becomes a token,
 * a token of no column gathers them, and the answer is read off it.
 *
 * Shapes: numbers `[batch, numbers]`, codes int64 `[batch, columns]`, y `[batch, outputs]`. Blocks normalise before each part, but for
 * the first attention, which sees the tokens as they are. The dense part is gated: `relu(a) b` of two halves. Initial values are the
 * reference implementation's: uniform in ±1/√in, biases of the attention 0.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when a size is not a whole number of 1 or more, or there is no column
 */
export class FtTransformer {
  readonly tokeniser: FeatureTokeniser;
  readonly layers: readonly FtBlock[];
  readonly norm: LayerNorm;
  readonly head: Linear;

  constructor(options: FtTransformerOptions, key: Key) {
    const { numbers, categories, outputs, hiddenSize = 192, numLayers = 3, numHeads = 8 } = options;
    requireColumns("ftTransformer", numbers, categories);
    requireSizes("ftTransformer", { outputs, hiddenSize, numLayers, numHeads });
    this.tokeniser = new FeatureTokeniser(numbers, categories, hiddenSize, foldIn(key, "tokeniser"));
    this.layers = splitKey(foldIn(key, "layers"), numLayers).map(
      (layerKey, i) => new FtBlock(i, { ...options, hiddenSize, numHeads }, layerKey),
    );
    this.norm = new LayerNorm(hiddenSize);
    this.head = new Linear(hiddenSize, outputs, foldIn(key, "head"));
  }

  apply(row: Row, pass: Pass = inference): Tensor {
    let tokens = this.tokeniser.apply(row); // [batch, columns + 1, hidden]
    for (const layer of this.layers) tokens = layer.apply(tokens, pass);
    return this.head.apply(relu(this.norm.apply(at(tokens, 1, 0))));
  }
}

/** A number times its column's vector, or a category's vector; each with its column's bias. The gathering token comes first. */
class FeatureTokeniser {
  readonly gathering: Parameter;
  readonly numberWeight: Parameter | null;
  readonly numberBias: Parameter | null;
  readonly embedding: Embedding | null;
  readonly categoryBias: Parameter | null;
  readonly categories: readonly number[];

  constructor(numbers: number, categories: readonly number[], hiddenSize: number, key: Key) {
    const bound = 1 / Math.sqrt(hiddenSize);
    const draw = (name: string, rows: number) =>
      uniformArray(foldIn(key, name), [rows, hiddenSize], -bound, bound);
    const made = (name: string, rows: number) => (rows === 0 ? null : parameter(draw(name, rows)));
    this.gathering = parameter(draw("gathering", 1));
    this.numberWeight = made("numberWeight", numbers);
    this.numberBias = made("numberBias", numbers);
    const total = categories.reduce((a, b) => a + b, 0);
    this.embedding = total === 0 ? null : new Embedding(total, hiddenSize, key);
    if (this.embedding) startWith(this.embedding.weight, draw("embedding", total));
    this.categoryBias = made("categoryBias", categories.length);
    this.categories = categories;
  }

  apply(row: Row): Tensor {
    const numberColumns = Number(this.numberWeight?.shape[0] ?? 0);
    const { numbers, codes } = requireRow("ftTransformer", row, numberColumns, this.categories.length);
    const hiddenSize = this.gathering.shape[1];
    const [{ shape }] = [...numbers, ...codes];
    const parts = [broadcastTo(reshape(this.gathering, [1, 1, hiddenSize]), [shape[0], 1, hiddenSize])];
    if (this.numberWeight && this.numberBias) {
      const column = reshape(numbers[0], [shape[0], numberColumns, 1]);
      parts.push(add(mul(column, this.numberWeight), this.numberBias));
    }
    if (this.embedding && this.categoryBias) {
      const places = joinedPlaces(codes[0], this.categories);
      parts.push(add(this.embedding.apply(places), this.categoryBias));
    }
    return concat(parts, 1);
  }
}

type BlockOptions = FtTransformerOptions & { readonly hiddenSize: number; readonly numHeads: number };

class FtBlock {
  readonly attentionNorm: LayerNorm | null;
  readonly attention: MultiHeadAttention;
  readonly feedForwardNorm: LayerNorm;
  readonly feedForward: { readonly up: Linear; readonly down: Linear };
  readonly dropouts: { readonly hidden: Dropout; readonly attention: Dropout; readonly feedForward: Dropout };

  constructor(
    place: number,
    {
      hiddenSize,
      numHeads,
      feedForwardFactor = 4 / 3,
      attentionDropout = 0.2,
      feedForwardDropout = 0.1,
      residualDropout = 0,
    }: BlockOptions,
    key: Key,
  ) {
    const salt = 4 * place;
    this.attentionNorm = place === 0 ? null : new LayerNorm(hiddenSize);
    this.attention = new MultiHeadAttention(
      hiddenSize,
      { numHeads, dropout: attentionDropout, salt },
      foldIn(key, "attention"),
    );
    for (const name of ["query", "key", "value", "output"] as const) this.attention[name].bias.value.fill(0);
    this.feedForwardNorm = new LayerNorm(hiddenSize);
    const width = Math.floor(hiddenSize * feedForwardFactor);
    this.feedForward = {
      up: new Linear(hiddenSize, 2 * width, foldIn(key, "up")),
      down: new Linear(width, hiddenSize, foldIn(key, "down")),
    };
    this.dropouts = {
      hidden: new Dropout(feedForwardDropout, salt + 1),
      attention: new Dropout(residualDropout, salt + 2),
      feedForward: new Dropout(residualDropout, salt + 3),
    };
  }

  apply(x: Tensor, pass: Pass): Tensor {
    const read = this.attentionNorm ? this.attentionNorm.apply(x) : x;
    const attended = add(x, this.dropouts.attention.apply(this.attention.apply(read, pass), pass));
    const { up, down } = this.feedForward;
    const width = Number(down.weight.shape[1]);
    const [a, b] = split(up.apply(this.feedForwardNorm.apply(attended)), -1, [width, width]);
    const hidden = this.dropouts.hidden.apply(mul(relu(a), b), pass);
    return add(attended, this.dropouts.feedForward.apply(down.apply(hidden), pass));
  }
}
