import { foldIn, type Key } from "../../base/index.ts";
import {
  Conv1d,
  concat,
  Dropout,
  Embedding,
  globalMaxPool,
  inference,
  Linear,
  mul,
  type Pass,
  relu,
  reshape,
  type Tensor,
  transpose,
  uniformArray,
} from "../../engine/index.ts";
import { requireSizes, startWith } from "../options.ts";

export interface TextCnnOptions {
  readonly vocabularySize: number;
  readonly classes: number;
  readonly embeddingSize: number;
  /** Lengths of the word sequences that filters look for; 3, 4 and 5 as published. */
  readonly widths?: readonly number[];
  /** Filters of each width; 100 as published. */
  readonly filters?: number;
  /** On the pooled features; 0.5 as published. */
  readonly dropout?: number;
}

/**
 * A convolutional network for sentences (Kim 2014): filters of several widths over word embeddings, relu, the largest value of each
 * filter over the sentence, dropout, a dense layer.
 *
 * Shapes: tokens int64 `[batch, time]` with `time` at least the greatest width, visible `[batch, time]`, y `[batch, classes]`. Padding
 * is a row of zeros. Embeddings begin uniform in ±0.25 as published; the rest as its layers do. The paper's limit on the length of the
 * dense layer's rows is left out.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when a size is not a whole number of 1 or more
 */
export class TextCnn {
  readonly embedding: Embedding;
  readonly convolutions: readonly Conv1d[];
  readonly head: Linear;
  readonly dropout: Dropout;

  constructor(
    {
      vocabularySize,
      classes,
      embeddingSize,
      widths = [3, 4, 5],
      filters = 100,
      dropout = 0.5,
    }: TextCnnOptions,
    key: Key,
  ) {
    const named = Object.fromEntries(widths.map((width, i) => [`widths[${i}]`, width]));
    const count = widths.length;
    requireSizes("textCnn", { vocabularySize, classes, embeddingSize, filters, ...named, widths: count });
    this.embedding = new Embedding(vocabularySize, embeddingSize, key);
    startWith(
      this.embedding.weight,
      uniformArray(foldIn(key, "embedding"), [vocabularySize, embeddingSize], -0.25, 0.25),
    );
    this.convolutions = widths.map(
      (width, i) => new Conv1d(embeddingSize, filters, width, {}, foldIn(foldIn(key, "convolution"), i)),
    );
    this.head = new Linear(filters * count, classes, foldIn(key, "head"));
    this.dropout = new Dropout(dropout, 0);
  }

  apply(tokens: Tensor, { visible }: { readonly visible?: Tensor } = {}, pass: Pass = inference): Tensor {
    const rows = this.embedding.apply(tokens); // [batch, time, embedding]
    const words = visible ? mul(rows, reshape(visible, [...visible.shape, 1])) : rows;
    const channels = transpose(words); // [batch, embedding, time]
    const found = this.convolutions.map((convolution) => globalMaxPool(relu(convolution.apply(channels))));
    return this.head.apply(this.dropout.apply(concat(found, 1), pass));
  }
}
