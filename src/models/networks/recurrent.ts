import { foldIn, type Key, splitKey } from "../../base/index.ts";
import {
  Dropout,
  Gru,
  inference,
  type Layer,
  type Linear,
  Lstm,
  type Pass,
  Rnn,
  type Tensor,
} from "../../engine/index.ts";
import { type ArchitectureSizes, architecture, smallHead, type WindowShape } from "./architecture.ts";

type Sizes = WindowShape & Pick<ArchitectureSizes, "hiddenSize" | "numLayers" | "dropout">;

const cells = { lstm: Lstm, gru: Gru, rnn: Rnn };

const row = (cell: keyof typeof cells, paper: string) =>
  architecture({
    paper,
    defaults: () => ({ hiddenSize: 32, numLayers: 1, dropout: 0.2 }),
    make: (sizes: Sizes, key) => new RecurrentNetwork(cell, sizes, key),
  });

export const rnn = row("rnn", "Elman (1990), Finding structure in time");
export const lstm = row("lstm", "Hochreiter and Schmidhuber (1997), Long short-term memory");
export const gru = row("gru", "Cho et al. (2014), Learning phrase representations using RNN encoder-decoder");

/** Recurrent layers over the window, then one dense layer on the last hidden state. */
class RecurrentNetwork implements Layer {
  readonly layers: readonly (Lstm | Gru | Rnn)[];
  readonly dropouts: readonly Dropout[];
  readonly head: Linear;

  constructor(
    cell: keyof typeof cells,
    { features, outputs, hiddenSize, numLayers, dropout }: Sizes,
    key: Key,
  ) {
    const keys = splitKey(foldIn(key, "layers"), numLayers);
    this.layers = keys.map(
      (layerKey, i) => new cells[cell](i === 0 ? features : hiddenSize, hiddenSize, layerKey),
    );
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
