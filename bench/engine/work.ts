/** What is measured: the same work, in the same sizes, for Fathom and for each peer. */

/** A recurrent network whose last step goes through one dense unit. */
export interface RecurrentWork {
  readonly cell: "lstm" | "gru";
  readonly steps: number;
  readonly batch: number;
  readonly inFeatures: number;
  readonly hiddenSize: number;
}

/** A dense network with ReLU between its layers; `sizes` runs from the input to the output. */
export interface DenseWork {
  readonly cell: "dense";
  readonly batch: number;
  readonly sizes: readonly number[];
}

export type Work = (RecurrentWork | DenseWork) & {
  readonly name: string;
  /** A training step is forward, backward and Adam on the mean squared error; `forward` is inference alone. */
  readonly task: "train" | "forward";
  readonly peers: readonly PeerName[];
};

export type PeerName = "pytorch" | "tfjs-wasm";

const both: readonly PeerName[] = ["pytorch", "tfjs-wasm"];
const small = { steps: 30, batch: 64, inFeatures: 8, hiddenSize: 64 };
const large = { steps: 60, batch: 256, inFeatures: 16, hiddenSize: 128 };

export const workList: readonly Work[] = [
  { name: "LSTM T30 B64 F8 H64 training step", task: "train", cell: "lstm", ...small, peers: both },
  { name: "LSTM T60 B256 F16 H128 training step", task: "train", cell: "lstm", ...large, peers: both },
  { name: "GRU T30 B64 F8 H64 training step", task: "train", cell: "gru", ...small, peers: both },
  { name: "GRU T60 B256 F16 H128 training step", task: "train", cell: "gru", ...large, peers: both },
  {
    name: "dense 64-128-64-1 B128 training step",
    task: "train",
    cell: "dense",
    batch: 128,
    sizes: [64, 128, 64, 1],
    peers: both,
  },
  { name: "LSTM T60 B1 F16 H128 forward", task: "forward", cell: "lstm", ...large, batch: 1, peers: both },
];

/**
 * Floating-point operations of the matrix products of one step, a multiply and an add counted as two.
 *
 * Backward needs two products for each of forward: one for the weight's gradient, one for the input's. The gradient of
 * the data itself is not needed, which saves one at the first layer.
 */
export function flopOf(work: Work): number {
  const passes = (needsInputGradient: boolean) => (work.task === "forward" ? 1 : needsInputGradient ? 3 : 2);
  if (work.cell === "dense") {
    const layers = work.sizes.slice(1).map((out, i) => 2 * work.batch * work.sizes[i] * out * passes(i > 0));
    return layers.reduce((a, b) => a + b, 0);
  }
  const { steps, batch, inFeatures, hiddenSize } = work;
  const gates = work.cell === "lstm" ? 4 : 3;
  const perColumn = 2 * steps * batch * gates * hiddenSize;
  return (
    perColumn * (inFeatures * passes(false) + hiddenSize * passes(true)) +
    2 * batch * hiddenSize * passes(true)
  );
}
