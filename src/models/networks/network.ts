import { foldIn, type Key, PlatformError, splitKey } from "../../base/index.ts";
import {
  Dropout,
  Gru,
  inference,
  type Layer,
  Linear,
  Lstm,
  type Pass,
  Rnn,
  relu,
  reshape,
  type Tensor,
} from "../../engine/index.ts";

/** The networks that read a window and answer with numbers. */
export const networkNames = ["lstm", "gru", "rnn", "dense", "linear"] as const;
export type NetworkName = (typeof networkNames)[number];

/** How large a network is, and how it is regularised. */
export interface NetworkOptions {
  /** Steps of the window. */
  readonly lookback: number;
  /** Numbers per step. */
  readonly features: number;
  readonly outputs: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly dropout: number;
}

/**
 * Makes a network that maps windows `[batch, lookback, features]` to `[batch, outputs]`.
 *
 * The last layer starts small, so that an untrained network answers close to zero, the mean of a normalised target.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when a size is not a whole number of 1 or more, or the dropout not in [0, 1)
 */
export function network(name: NetworkName, options: NetworkOptions, key: Key): Layer {
  const counts = ["lookback", "features", "outputs", "hiddenSize", "numLayers"] as const;
  for (const count of counts) {
    const least = count === "numLayers" && (name === "dense" || name === "linear") ? 0 : 1;
    const value = options[count];
    if (!(Number.isSafeInteger(value) && value >= least)) {
      throw new PlatformError(
        "input",
        "MODEL_OPTION_INVALID",
        `network: expected ${count} of ${least} or more, received ${value}`,
      );
    }
  }
  switch (name) {
    case "lstm":
    case "gru":
    case "rnn":
      return new RecurrentNetwork(name, options, key);
    case "dense":
      return new DenseNetwork(options, key);
    case "linear":
      return new DenseNetwork({ ...options, numLayers: 0 }, key);
  }
}

/** Recurrent layers over the window, then one dense layer on the last hidden state. */
class RecurrentNetwork implements Layer {
  readonly layers: readonly (Lstm | Gru | Rnn)[];
  readonly dropouts: readonly Dropout[];
  readonly head: Linear;

  constructor(
    cell: "lstm" | "gru" | "rnn",
    { features, outputs, hiddenSize, numLayers, dropout }: NetworkOptions,
    key: Key,
  ) {
    const make = { lstm: Lstm, gru: Gru, rnn: Rnn }[cell];
    const keys = splitKey(foldIn(key, "layers"), numLayers);
    this.layers = keys.map((layerKey, i) => new make(i === 0 ? features : hiddenSize, hiddenSize, layerKey));
    this.dropouts = keys.map((_, i) => new Dropout(dropout, i));
    this.head = smallHead(hiddenSize, outputs, foldIn(key, "head"));
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    let sequence = x;
    const lower = this.layers.slice(0, -1);
    lower.forEach((layer, i) => {
      sequence = this.dropouts[i].apply(layer.apply(sequence), pass); // [batch, lookback, hidden]
    });
    const top = this.layers.length - 1;
    const last = this.layers[top].run(sequence).last; // [batch, hidden]
    return this.head.apply(this.dropouts[top].apply(last, pass));
  }
}

/** The whole window as one vector, through dense layers with relu. Without hidden layers it is a linear model. */
class DenseNetwork implements Layer {
  readonly layers: readonly Linear[];
  readonly dropouts: readonly Dropout[];
  readonly head: Linear;

  constructor({ lookback, features, outputs, hiddenSize, numLayers, dropout }: NetworkOptions, key: Key) {
    const keys = splitKey(foldIn(key, "layers"), numLayers);
    this.layers = keys.map(
      (layerKey, i) => new Linear(i === 0 ? lookback * features : hiddenSize, hiddenSize, layerKey),
    );
    this.dropouts = keys.map((_, i) => new Dropout(dropout, i));
    this.head = smallHead(numLayers === 0 ? lookback * features : hiddenSize, outputs, foldIn(key, "head"));
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    const [batch, lookback, features] = x.shape;
    let hidden = reshape(x, [batch, Number(lookback) * Number(features)]);
    this.layers.forEach((layer, i) => {
      hidden = this.dropouts[i].apply(relu(layer.apply(hidden)), pass);
    });
    return this.head.apply(hidden);
  }
}

function smallHead(inFeatures: number, outputs: number, key: Key): Linear {
  const head = new Linear(inFeatures, outputs, key);
  head.weight.value.forEach((value, i, values) => {
    values[i] = 0.1 * value;
  });
  head.bias.value.fill(0);
  return head;
}
