import { foldIn, type Key } from "../../base/index.ts";
import {
  div,
  Embedding,
  filled,
  matmul,
  maximum,
  mul,
  type Parameter,
  parameter,
  reshape,
  sum,
  type Tensor,
  uniformArray,
} from "../../engine/index.ts";
import { requireSizes, startWith } from "../options.ts";

export interface FastTextOptions {
  /** Rows of the table that words and runs of words are hashed into. */
  readonly buckets: number;
  readonly classes: number;
  /** 10 as published. */
  readonly embeddingSize?: number;
}

/**
 * A linear classifier on the mean of hashed n-gram embeddings (Joulin et al. 2017, "Bag of tricks for efficient text
 * classification").
 *
 * Shapes: ids int64 `[batch, time]` (`hashNgrams` makes them), visible `[batch, time]`: 1 for an n-gram, 0 for padding; y
 * `[batch, classes]`. As in the reference implementation, embeddings begin uniform in ±1/size, the output weight at 0, and there is no
 * bias. Words share the table with longer n-grams here, so that there is no vocabulary to keep.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when a size is not a whole number of 1 or more
 */
export class FastText {
  readonly embedding: Embedding;
  readonly output: { readonly weight: Parameter };

  constructor({ buckets, classes, embeddingSize = 10 }: FastTextOptions, key: Key) {
    requireSizes("fastText", { buckets, classes, embeddingSize });
    this.embedding = new Embedding(buckets, embeddingSize, key);
    const bound = 1 / embeddingSize;
    startWith(
      this.embedding.weight,
      uniformArray(foldIn(key, "embedding"), [buckets, embeddingSize], -bound, bound),
    );
    this.output = { weight: parameter(filled([classes, embeddingSize], 0)) };
  }

  apply(ids: Tensor, { visible }: { readonly visible: Tensor }): Tensor {
    const counts = reshape(visible, [...visible.shape, 1]);
    const total = sum(mul(this.embedding.apply(ids), counts), 1); // [batch, size]
    return matmul(div(total, maximum(sum(counts, 1), 1)), this.output.weight, { transposeB: true });
  }
}
