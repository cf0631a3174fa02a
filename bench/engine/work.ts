/** What is measured: the same work, in the same sizes, for Fathom and for each peer. */
import { benchModels, type Model } from "../../src/services/bench/index.ts";

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
  train("LSTM T30 B64 F8 H64", benchModels.lstmSmall, 64, both),
  train("LSTM T60 B256 F16 H128", benchModels.lstmLarge, 256, both),
  train("GRU T30 B64 F8 H64", benchModels.gruSmall, 64, both),
  train("GRU T60 B256 F16 H128", benchModels.gruLarge, 256, both),
  train("dense 64-128-64-1 B128", benchModels.dense, 128, both),
  train("tabMlp 12+8 features B256", benchModels.tabMlp, 256, pytorch),
  train("Transformer B32 L42 d128 8 heads 3 layers", benchModels.transformerWide, 32, pytorch),
  train("Transformer B64 L60 d64 4 heads 2 layers", benchModels.transformerLong, 64, pytorch),
  train("GPT B16 L128 d128 4 heads 4 layers", benchModels.gpt, 16, pytorch),
  train("TCN B64 T128 C32 6 levels kernel 3", benchModels.tcn, 64, pytorch),
  train("CNN B64 1x64x60 5x3 64-128-256", benchModels.cnn, 64, pytorch),
  forward("LSTM T60 F16 H128", benchModels.lstmLarge, both),
  forward("GRU T60 F16 H128", benchModels.gruLarge),
  forward("dense 64-128-64-1", benchModels.dense),
  forward("tabMlp 12+8 features", benchModels.tabMlp),
  forward("Transformer L42 d128 3 layers", benchModels.transformerWide),
  forward("Transformer L60 d64 2 layers", benchModels.transformerLong),
  forward("GPT L128 d128 4 layers", benchModels.gpt),
  forward("TCN T128 C32 6 levels", benchModels.tcn),
  forward("CNN 1x64x60", benchModels.cnn),
];
