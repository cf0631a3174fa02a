/** What is measured: the same work, in the same sizes, for Fathom and for each peer. */

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

export interface Work {
  readonly name: string;
  readonly model: Model;
  readonly batch: number;
  /**
   * A training step is forward, backward and Adam on the mean squared error, or on the cross-entropy of the next token for a GPT;
   * `forward` is inference alone.
   */
  readonly task: "train" | "forward";
  readonly peers: readonly PeerName[];
}

export type PeerName = "pytorch" | "tfjs-wasm";

const both: readonly PeerName[] = ["pytorch", "tfjs-wasm"];
const pytorch: readonly PeerName[] = ["pytorch"];

const small = { steps: 30, inFeatures: 8, hiddenSize: 64 };
const large = { steps: 60, inFeatures: 16, hiddenSize: 128 };
const models = {
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

const train = (name: string, model: Model, batch: number, peers: readonly PeerName[]): Work => ({
  name: `${name} training step`,
  task: "train",
  ...{ model, batch, peers },
});
const forward = (name: string, model: Model, peers: readonly PeerName[] = pytorch): Work => ({
  name: `${name} forward, one sample`,
  task: "forward",
  ...{ model, batch: 1, peers },
});

export const workList: readonly Work[] = [
  train("LSTM T30 B64 F8 H64", models.lstmSmall, 64, both),
  train("LSTM T60 B256 F16 H128", models.lstmLarge, 256, both),
  train("GRU T30 B64 F8 H64", models.gruSmall, 64, both),
  train("GRU T60 B256 F16 H128", models.gruLarge, 256, both),
  train("dense 64-128-64-1 B128", models.dense, 128, both),
  train("tabMlp 12+8 features B256", models.tabMlp, 256, pytorch),
  train("Transformer B32 L42 d128 8 heads 3 layers", models.transformerWide, 32, pytorch),
  train("Transformer B64 L60 d64 4 heads 2 layers", models.transformerLong, 64, pytorch),
  train("GPT B16 L128 d128 4 heads 4 layers", models.gpt, 16, pytorch),
  train("TCN B64 T128 C32 6 levels kernel 3", models.tcn, 64, pytorch),
  train("CNN B64 1x64x60 5x3 64-128-256", models.cnn, 64, pytorch),
  forward("LSTM T60 F16 H128", models.lstmLarge, both),
  forward("GRU T60 F16 H128", models.gruLarge),
  forward("dense 64-128-64-1", models.dense),
  forward("tabMlp 12+8 features", models.tabMlp),
  forward("Transformer L42 d128 3 layers", models.transformerWide),
  forward("Transformer L60 d64 2 layers", models.transformerLong),
  forward("GPT L128 d128 4 layers", models.gpt),
  forward("TCN T128 C32 6 levels", models.tcn),
  forward("CNN 1x64x60", models.cnn),
];
