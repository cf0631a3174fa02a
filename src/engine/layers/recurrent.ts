import { type Key, splitKey } from "../../base/index.ts";
import { applyAll } from "../apply.ts";
import { filled, glorotUniform, orthogonal, uniformArray } from "../initialisers.ts";
import { transpose } from "../operations.ts";
import { formatShape, mismatch } from "../shape.ts";
import { type ArrayValue, type Parameter, parameter, type Tensor } from "../tensor.ts";
import type { Layer } from "./layer.ts";

/** What a recurrent layer makes of a sequence. What is not used is not computed. */
export interface RecurrentOutput {
  /** Hidden state after every step, `[batch, time, hidden]`. */
  readonly sequence: Tensor;
  /** Hidden state after the last step, `[batch, hidden]`. */
  readonly last: Tensor;
}

export interface RecurrentOptions {
  /**
   * `default`: Glorot for the input weights, orthogonal for the hidden ones, zero biases, and 1 for the forget gate of an LSTM
   * (Jozefowicz et al. 2015). `torch`: uniform in ±1/√hidden, as PyTorch starts.
   */
  readonly initial?: "default" | "torch";
}

const gateCounts = { lstm: 4, gru: 3, rnn: 1 } as const;

/**
 * The common part of the recurrent layers; weights have PyTorch's layout and gate order, so that they can be copied over.
 *
 * Shapes: x `[batch, time, features]`; weightInput `[gates * hidden, features]`, weightHidden `[gates * hidden, hidden]`, biasInput
 * and biasHidden `[gates * hidden]`.
 */
abstract class Recurrent implements Layer {
  readonly weightInput: Parameter;
  readonly weightHidden: Parameter;
  readonly biasInput: Parameter;
  readonly biasHidden: Parameter;
  protected abstract readonly cell: keyof typeof gateCounts;

  constructor(
    cell: keyof typeof gateCounts,
    inFeatures: number,
    hiddenSize: number,
    key: Key,
    { initial = "default" }: RecurrentOptions,
  ) {
    const gates = gateCounts[cell];
    const [inputKey, hiddenKey, biasInputKey, biasHiddenKey] = splitKey(key, 4);
    const bound = 1 / Math.sqrt(hiddenSize);
    const rows = gates * hiddenSize;
    if (initial === "torch") {
      this.weightInput = parameter(uniformArray(inputKey, [rows, inFeatures], -bound, bound));
      this.weightHidden = parameter(uniformArray(hiddenKey, [rows, hiddenSize], -bound, bound));
      this.biasInput = parameter(uniformArray(biasInputKey, [rows], -bound, bound));
      this.biasHidden = parameter(uniformArray(biasHiddenKey, [rows], -bound, bound));
      return;
    }
    this.weightInput = parameter(
      perGate(gates, inputKey, (gateKey) => glorotUniform(gateKey, [hiddenSize, inFeatures])),
    );
    this.weightHidden = parameter(
      perGate(gates, hiddenKey, (gateKey) => orthogonal(gateKey, [hiddenSize, hiddenSize])),
    );
    const bias = filled([rows], 0);
    if (cell === "lstm") bias.data.fill(1, hiddenSize, 2 * hiddenSize); // gates are input, forget, candidate, output
    this.biasInput = parameter(bias);
    this.biasHidden = parameter(filled([rows], 0));
  }

  run(x: Tensor): RecurrentOutput {
    const features = this.weightInput.shape[1];
    if (x.shape.length !== 3 || x.shape[2] !== features) {
      throw mismatch(
        `${this.cell}: expected a sequence of shape [batch, time, ${features}], received ${formatShape(x.shape)}`,
      );
    }
    const timeFirst = transpose(x, [1, 0, 2]);
    const [sequence, last] = applyAll(
      this.cell,
      [timeFirst, this.weightInput, this.weightHidden, this.biasInput, this.biasHidden],
      {},
    );
    return { sequence: transpose(sequence, [1, 0, 2]), last };
  }

  /** The hidden state after every step. */
  apply(x: Tensor): Tensor {
    return this.run(x).sequence;
  }
}

/** Long short-term memory. */
export class Lstm extends Recurrent {
  protected override readonly cell = "lstm";
  constructor(inFeatures: number, hiddenSize: number, key: Key, options: RecurrentOptions = {}) {
    super("lstm", inFeatures, hiddenSize, key, options);
  }
}

/** Gated recurrent unit. */
export class Gru extends Recurrent {
  protected override readonly cell = "gru";
  constructor(inFeatures: number, hiddenSize: number, key: Key, options: RecurrentOptions = {}) {
    super("gru", inFeatures, hiddenSize, key, options);
  }
}

/** The simple recurrent network. */
export class Rnn extends Recurrent {
  protected override readonly cell = "rnn";
  constructor(inFeatures: number, hiddenSize: number, key: Key, options: RecurrentOptions = {}) {
    super("rnn", inFeatures, hiddenSize, key, options);
  }
}

function perGate(gates: number, key: Key, make: (key: Key) => ArrayValue): ArrayValue {
  const parts = splitKey(key, gates).map(make);
  const [rows, columns] = parts[0].shape;
  const data = new Float32Array(gates * rows * columns);
  parts.forEach((part, gate) => {
    data.set(part.data, gate * rows * columns);
  });
  return { shape: [gates * rows, columns], data };
}
