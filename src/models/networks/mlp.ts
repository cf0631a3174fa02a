import { foldIn, type Key, splitKey } from "../../base/index.ts";
import {
  Dropout,
  inference,
  type Layer,
  Linear,
  type Pass,
  relu,
  reshape,
  type Tensor,
} from "../../engine/index.ts";
import { type ArchitectureSizes, architecture, smallHead, type WindowShape } from "./architecture.ts";

type Sizes = WindowShape & Pick<ArchitectureSizes, "hiddenSize" | "numLayers" | "dropout">;

export const mlp = architecture({
  paper: "Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating errors",
  defaults: () => ({ hiddenSize: 32, numLayers: 1, dropout: 0.2 }),
  least: { numLayers: 0 },
  make: (sizes: Sizes, key) => new DenseNetwork(sizes, key),
});

export const linear = architecture({
  paper: "Legendre (1805), Nouvelles méthodes pour la détermination des orbites des comètes",
  defaults: () => ({}),
  make: (window: WindowShape, key) =>
    new DenseNetwork({ ...window, hiddenSize: 1, numLayers: 0, dropout: 0 }, key),
});

/** The whole window as one vector, through dense layers with relu. Without hidden layers it is a linear model. */
class DenseNetwork implements Layer {
  readonly layers: readonly Linear[];
  readonly dropouts: readonly Dropout[];
  readonly head: Linear;

  constructor({ lookback, features, outputs, hiddenSize, numLayers, dropout }: Sizes, key: Key) {
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
