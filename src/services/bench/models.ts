/** The networks by which the engine is measured: what a peer is given has the same sizes. */

/** A recurrent network whose last step goes through one dense unit. */
interface RecurrentModel {
  readonly kind: "lstm" | "gru";
  readonly steps: number;
  readonly inFeatures: number;
  readonly hiddenSize: number;
}

/** A dense network with ReLU between its layers; `sizes` runs from the input to the output. */
interface DenseModel {
  readonly kind: "dense";
  readonly sizes: readonly number[];
}

/** A dense layer into `features`, pre-norm encoder blocks with ReLU, and one dense unit on the last step. */
interface TransformerModel {
  readonly kind: "transformer";
  readonly steps: number;
  readonly inFeatures: number;
  readonly features: number;
  readonly numHeads: number;
  readonly numLayers: number;
  readonly feedForwardSize: number;
}

/** Token and learned position embeddings, causal pre-norm blocks with GELU, a norm and a dense layer to the vocabulary. */
interface GptModel {
  readonly kind: "gpt";
  readonly steps: number;
  readonly vocabulary: number;
  readonly features: number;
  readonly numHeads: number;
  readonly numLayers: number;
}

/** Residual blocks of two dilated causal convolutions each (Bai et al. 2018), and one dense unit on the last step. */
interface TcnModel {
  readonly kind: "tcn";
  readonly steps: number;
  readonly inFeatures: number;
  readonly channels: number;
  readonly levels: number;
  readonly kernel: number;
}

/** 5x3 convolutions with LeakyReLU and 2x1 max-pooling (Jiang, Kelly and Xiu 2023), and one dense unit. */
interface CnnModel {
  readonly kind: "cnn";
  readonly height: number;
  readonly width: number;
  readonly channels: readonly number[];
}

/** Numbers and embedded categories side by side, through dense layers with ReLU to one unit. */
interface TabularModel {
  readonly kind: "tabMlp";
  readonly numeric: number;
  readonly categories: number;
  readonly levels: number;
  readonly embedding: number;
  readonly hidden: readonly number[];
}

export type Model =
  | RecurrentModel
  | DenseModel
  | TransformerModel
  | GptModel
  | TcnModel
  | CnnModel
  | TabularModel;

const small = { steps: 30, inFeatures: 8, hiddenSize: 64 };
const large = { steps: 60, inFeatures: 16, hiddenSize: 128 };
/** One or two sizes of each family, from a small dense network to a convolutional one over images. */
export const benchModels = {
  lstmSmall: { kind: "lstm", ...small },
  lstmLarge: { kind: "lstm", ...large },
  gruSmall: { kind: "gru", ...small },
  gruLarge: { kind: "gru", ...large },
  dense: { kind: "dense", sizes: [64, 128, 64, 1] },
  tabMlp: { kind: "tabMlp", numeric: 12, categories: 8, levels: 32, embedding: 8, hidden: [128, 64] },
  transformerWide: {
    kind: "transformer",
    ...{ steps: 42, inFeatures: 8, features: 128, numHeads: 8, numLayers: 3, feedForwardSize: 256 },
  },
  transformerLong: {
    kind: "transformer",
    ...{ steps: 60, inFeatures: 8, features: 64, numHeads: 4, numLayers: 2, feedForwardSize: 256 },
  },
  gpt: { kind: "gpt", steps: 128, vocabulary: 256, features: 128, numHeads: 4, numLayers: 4 },
  tcn: { kind: "tcn", steps: 128, inFeatures: 8, channels: 32, levels: 6, kernel: 3 },
  cnn: { kind: "cnn", height: 64, width: 60, channels: [64, 128, 256] },
} as const satisfies Record<string, Model>;

export type BenchModelName = keyof typeof benchModels;
