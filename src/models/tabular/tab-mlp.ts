import { foldIn, type Key, splitKey } from "../../base/index.ts";
import {
  at,
  concat,
  Dropout,
  Embedding,
  inference,
  Linear,
  type Pass,
  relu,
  type Tensor,
} from "../../engine/index.ts";
import { requireSizes } from "../options.ts";
import { type Row, requireColumns, requireRow } from "./row.ts";

export interface TabMlpOptions {
  /** Numeric columns; they have to be normalised. */
  readonly numbers: number;
  /** How many categories each categorical column has. */
  readonly categories: readonly number[];
  readonly outputs: number;
  readonly hiddenSizes?: readonly number[];
  readonly dropout?: number;
}

/**
 * Width of a category's embedding: `min(600, round(1.6 n^0.56))`, the rule of thumb of fastai (Howard and Gugger 2020, "fastai: A
 * layered API for deep learning"; `emb_sz_rule`), fitted there to widths that did well.
 *
 * @example
 * embeddingWidth(2); // => 2
 * embeddingWidth(100); // => 21
 * embeddingWidth(1_000_000); // => 600
 */
export function embeddingWidth(categories: number): number {
  return Math.min(600, Math.round(1.6 * categories ** 0.56));
}

/**
 * A dense network on the numbers of a row and the embeddings of its categories (entity embeddings: Guo and Berkhahn 2016); blocks of
 * dense layer, relu and dropout as the MLP of Gorishniy et al. (2021).
 *
 * Shapes: numbers `[batch, numbers]`, codes int64 `[batch, columns]`, y `[batch, outputs]`. Initial values are those of its layers.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when a size is not a whole number of 1 or more, or there is no column
 */
export class TabMlp {
  readonly embeddings: readonly Embedding[];
  readonly layers: readonly Linear[];
  readonly head: Linear;
  readonly dropouts: readonly Dropout[];
  readonly numbers: number;

  constructor(
    { numbers, categories, outputs, hiddenSizes = [128, 128], dropout = 0 }: TabMlpOptions,
    key: Key,
  ) {
    requireColumns("tabMlp", numbers, categories);
    const named = Object.fromEntries(hiddenSizes.map((size, i) => [`hiddenSizes[${i}]`, size]));
    requireSizes("tabMlp", { outputs, ...named });
    const widths = categories.map(embeddingWidth);
    const keys = splitKey(foldIn(key, "embeddings"), categories.length);
    this.embeddings = categories.map((count, i) => new Embedding(count, widths[i], keys[i]));
    const sizes = [widths.reduce((a, b) => a + b, numbers), ...hiddenSizes];
    this.layers = hiddenSizes.map((size, i) => new Linear(sizes[i], size, foldIn(foldIn(key, "layers"), i)));
    this.head = new Linear(sizes[hiddenSizes.length], outputs, foldIn(key, "head"));
    this.dropouts = hiddenSizes.map((_, i) => new Dropout(dropout, i));
    this.numbers = numbers;
  }

  apply(row: Row, pass: Pass = inference): Tensor {
    const { numbers, codes } = requireRow("tabMlp", row, this.numbers, this.embeddings.length);
    const parts = this.embeddings.map((embedding, i) => embedding.apply(at(codes[0], 1, i)));
    let hidden = concat([...numbers, ...parts], 1);
    this.layers.forEach((layer, i) => {
      hidden = this.dropouts[i].apply(relu(layer.apply(hidden)), pass);
    });
    return this.head.apply(hidden);
  }
}
