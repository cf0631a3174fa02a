import { foldIn, type Key, splitKey } from "../../base/index.ts";
import {
  add,
  applyBlocks,
  at,
  Dropout,
  Embedding,
  filled,
  gelu,
  inference,
  LayerNorm,
  Linear,
  matmul,
  type Parameter,
  type Pass,
  parameter,
  saltsPerBlock,
  slice,
  type Tensor,
  TransformerEncoderBlock,
  tanh,
} from "../../engine/index.ts";
import { requireSizes, startNormal } from "../options.ts";
import { requireTokens } from "./require-tokens.ts";

export interface BertOptions {
  readonly vocabularySize: number;
  /** Longest text, in tokens. */
  readonly maxLength: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly feedForwardSize: number;
  /** Kinds of sentence, such as question and answer; 2 as published. */
  readonly segments?: number;
  /** After embeddings, on attention weights, and on what each part adds; 0.1 as published. */
  readonly dropout?: number;
}

/** What BERT reads beside the tokens. */
export interface BertContext {
  /** Which sentence each token belongs to, int64 `[batch, time]`; the first when absent. */
  readonly segments?: Tensor;
  /** 1 for a token, 0 for padding, `[batch, time]`; all tokens when absent. */
  readonly visible?: Tensor;
}

/** Added to variances, as published. */
const normEpsilon = 1e-12;

/** Deviation of all initial weights. */
const deviation = 0.02;

/**
 * A bidirectional Transformer encoder (Devlin et al. 2019, "BERT"): embeddings of token, position and segment, added and normalised;
 * blocks that normalise after each part, with gelu; a pooler on the first token; a head that predicts masked tokens, whose output
 * weight is the token embedding.
 *
 * Shapes: tokens int64 `[batch, time]`, hidden states `[batch, time, hidden]`. Weights begin normal with deviation 0.02, biases at 0.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when a size is not a whole number of 1 or more
 */
export class Bert {
  readonly embeddings: {
    readonly token: Embedding;
    readonly position: Embedding;
    readonly segment: Embedding;
    readonly norm: LayerNorm;
  };
  readonly layers: readonly TransformerEncoderBlock[];
  readonly pooler: Linear;
  readonly maskedLanguage: {
    readonly transform: Linear;
    readonly norm: LayerNorm;
    readonly bias: Parameter;
  };
  readonly dropout: Dropout;
  readonly vocabularySize: number;

  constructor(options: BertOptions, key: Key) {
    const { vocabularySize, maxLength, hiddenSize, numLayers, numHeads, feedForwardSize } = options;
    const { segments = 2, dropout = 0.1 } = options;
    requireSizes("bert", {
      vocabularySize,
      maxLength,
      hiddenSize,
      numLayers,
      numHeads,
      feedForwardSize,
      segments,
    });
    const embedding = (count: number, name: string) => new Embedding(count, hiddenSize, foldIn(key, name));
    const norm = () => new LayerNorm(hiddenSize, { epsilon: normEpsilon });
    this.embeddings = {
      token: embedding(vocabularySize, "token"),
      position: embedding(maxLength, "position"),
      segment: embedding(segments, "segment"),
      norm: norm(),
    };
    this.layers = splitKey(foldIn(key, "layers"), numLayers).map(
      (layerKey, i) =>
        new TransformerEncoderBlock(
          hiddenSize,
          {
            numHeads,
            feedForwardSize,
            activation: "gelu",
            norm: "after",
            normEpsilon,
            dropout,
            hiddenDropout: 0,
            salt: 1 + i * saltsPerBlock,
          },
          layerKey,
        ),
    );
    this.pooler = new Linear(hiddenSize, hiddenSize, foldIn(key, "pooler"));
    this.maskedLanguage = {
      transform: new Linear(hiddenSize, hiddenSize, foldIn(key, "transform")),
      norm: norm(),
      bias: parameter(filled([vocabularySize], 0)),
    };
    this.dropout = new Dropout(dropout, 0);
    this.vocabularySize = vocabularySize;
    startNormal(this, deviation, foldIn(key, "start"));
  }

  /** Hidden states `[batch, time, hidden]` of tokens. */
  apply(tokens: Tensor, { segments, visible }: BertContext = {}, pass: Pass = inference): Tensor {
    const { token, position, segment, norm } = this.embeddings;
    requireTokens("bert", tokens, Number(position.weight.shape[0]));
    const places = slice(position.weight, 0, 0, Number(tokens.shape[1])); // [time, hidden]
    const kinds = segments ? segment.apply(segments) : slice(segment.weight, 0, 0, 1);
    let hidden = norm.apply(add(add(token.apply(tokens), kinds), places));
    hidden = this.dropout.apply(hidden, pass);
    return applyBlocks(this.layers, hidden, pass, visible ? { visible } : {});
  }

  /** One vector for a text, from its first token: `[batch, hidden]` from the hidden states. */
  pool(hidden: Tensor): Tensor {
    return tanh(this.pooler.apply(at(hidden, 1, 0)));
  }

  /** Logits of every token of the vocabulary at every position, `[batch, time, vocabulary]`, from the hidden states. */
  predictTokens(hidden: Tensor): Tensor {
    const { transform, norm, bias } = this.maskedLanguage;
    const features = norm.apply(gelu(transform.apply(hidden)));
    return matmul(features, this.embeddings.token.weight, { transposeB: true, bias });
  }
}

/** A dense layer on BERT's pooled text, for classes: `[batch, classes]`. */
export class BertClassifier {
  readonly bert: Bert;
  readonly head: Linear;
  readonly dropout: Dropout;

  constructor(bert: Bert, classes: number, { dropout = 0.1 }: { readonly dropout?: number }, key: Key) {
    const [hiddenSize] = bert.pooler.weight.shape.map(Number);
    requireSizes("bert", { classes });
    this.bert = bert;
    this.head = new Linear(hiddenSize, classes, key);
    this.dropout = new Dropout(dropout, 1 + bert.layers.length * saltsPerBlock);
    startNormal(this.head, deviation, key);
  }

  apply(tokens: Tensor, context: BertContext = {}, pass: Pass = inference): Tensor {
    const pooled = this.bert.pool(this.bert.apply(tokens, context, pass));
    return this.head.apply(this.dropout.apply(pooled, pass));
  }
}
