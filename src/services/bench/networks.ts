/** The networks of `models.ts`, written with the engine: learned arrays, data columns, and the tensors between them. */
import { foldIn, type Key, keyFrom, splitKey, uniform } from "../../base/index.ts";
import {
  add,
  applyBlocks,
  at,
  Conv1d,
  Conv2d,
  concat,
  Embedding,
  Gru,
  LayerNorm,
  LearnedPositions,
  Linear,
  Lstm,
  leakyRelu,
  logSoftmax,
  maxPool,
  mean,
  meanSquaredError,
  mul,
  neg,
  oneHot,
  relu,
  reshape,
  sum,
  type Tensor,
  type TensorValue,
  TransformerEncoderBlock,
} from "../../engine/index.ts";
import type { Model } from "./models.ts";

export interface Network {
  /** A tree of layers. */
  readonly layers: object;
  /** The columns that a sample has, without the batch axis. */
  readonly inputs: Readonly<Record<string, Column>>;
  readonly target: Column;
  readonly apply: (inputs: Readonly<Record<string, Tensor>>) => Tensor;
  /** One loss per sample. */
  readonly loss: (prediction: Tensor, target: Tensor) => Tensor;
}

/** Random numbers of a shape; whole numbers below `below` where that is named. */
export interface Column {
  readonly shape: readonly number[];
  readonly below?: number;
}

/** Random values of `count` samples. */
export function samplesOf({ shape, below }: Column, count: number, seed: number): TensorValue {
  const whole = [count, ...shape];
  const size = whole.reduce((a, b) => a * b, 1);
  const values = uniform(keyFrom(seed), size, -1, 1);
  if (below === undefined) return { dtype: "float32", shape: whole, data: Float32Array.from(values) };
  const data = BigInt64Array.from(values, (value) => BigInt(Math.floor(((value + 1) / 2) * below)));
  return { dtype: "int64", shape: whole, data };
}

const one: Column = { shape: [1] };

export function networkOf(model: Model): Network {
  const key = keyFrom(7);
  switch (model.kind) {
    case "lstm":
    case "gru": {
      const cell = new { lstm: Lstm, gru: Gru }[model.kind](
        model.inFeatures,
        model.hiddenSize,
        foldIn(key, 1),
      );
      const head = new Linear(model.hiddenSize, 1, foldIn(key, 2));
      const inputs = { x: { shape: [model.steps, model.inFeatures] } };
      return regression({ cell, head }, inputs, ({ x }) => head.apply(cell.run(x).last));
    }
    case "dense": {
      const layers = denseLayers(model.sizes, key);
      return regression(layers, { x: { shape: [model.sizes[0]] } }, ({ x }) => throughRelu(layers, x));
    }
    case "tabMlp": {
      const { numeric, categories, levels, embedding, hidden } = model;
      const tables = splitKey(foldIn(key, 1), categories).map((own) => new Embedding(levels, embedding, own));
      const layers = denseLayers([numeric + categories * embedding, ...hidden, 1], foldIn(key, 2));
      const inputs = { x: { shape: [numeric] }, codes: { shape: [categories], below: levels } };
      return regression({ tables, layers }, inputs, ({ x, codes }) => {
        const embedded = tables.map((table, i) => table.apply(at(codes, 1, i)));
        return throughRelu(layers, concat([x, ...embedded], 1));
      });
    }
    case "transformer": {
      const { steps, inFeatures, features, numHeads, numLayers, feedForwardSize } = model;
      const entry = new Linear(inFeatures, features, foldIn(key, 1));
      const blocks = splitKey(foldIn(key, 2), numLayers).map(
        (own) => new TransformerEncoderBlock(features, { numHeads, feedForwardSize }, own),
      );
      const head = new Linear(features, 1, foldIn(key, 3));
      const inputs = { x: { shape: [steps, inFeatures] } };
      return regression({ entry, blocks, head }, inputs, ({ x }) =>
        head.apply(at(applyBlocks(blocks, entry.apply(x)), 1, -1)),
      );
    }
    case "gpt": {
      const { steps, vocabulary, features, numHeads, numLayers } = model;
      const tokens = new Embedding(vocabulary, features, foldIn(key, 1));
      const positions = new LearnedPositions(steps, features, foldIn(key, 2));
      const options = { numHeads, feedForwardSize: 4 * features, activation: "gelu", causal: true } as const;
      const blocks = splitKey(foldIn(key, 3), numLayers).map(
        (own) => new TransformerEncoderBlock(features, options, own),
      );
      const norm = new LayerNorm(features);
      const head = new Linear(features, vocabulary, foldIn(key, 4));
      const sequence = { shape: [steps], below: vocabulary };
      return {
        layers: { tokens, positions, blocks, norm, head },
        inputs: { x: sequence },
        target: sequence,
        apply: ({ x }) => {
          const embedded = positions.apply(tokens.apply(x));
          return head.apply(norm.apply(applyBlocks(blocks, embedded)));
        },
        loss: (logits, next) => mean(neg(sum(mul(logSoftmax(logits), oneHot(next, vocabulary)), -1)), 1),
      };
    }
    case "tcn": {
      const { steps, inFeatures, channels, levels, kernel } = model;
      const blocks = splitKey(foldIn(key, 1), levels).map((own, level) => {
        const [first, second, shortcut] = splitKey(own, 3);
        const from = level === 0 ? inFeatures : channels;
        const options = { padding: "causal", dilation: 2 ** level } as const;
        return {
          first: new Conv1d(from, channels, kernel, options, first),
          second: new Conv1d(channels, channels, kernel, options, second),
          shortcut: from === channels ? null : new Conv1d(from, channels, 1, {}, shortcut),
        };
      });
      const head = new Linear(channels, 1, foldIn(key, 2));
      return regression({ blocks, head }, { x: { shape: [inFeatures, steps] } }, ({ x }) => {
        const last = blocks.reduce((h, { first, second, shortcut }) => {
          const inner = relu(second.apply(relu(first.apply(h))));
          return relu(add(inner, shortcut ? shortcut.apply(h) : h));
        }, x);
        return head.apply(at(last, 2, -1));
      });
    }
    case "cnn": {
      const { height, width, channels } = model;
      const layers = channels.map(
        (count, i) =>
          new Conv2d(i === 0 ? 1 : channels[i - 1], count, [5, 3], { padding: "same" }, foldIn(key, i)),
      );
      const left = channels[channels.length - 1] * (height / 2 ** channels.length) * width;
      const head = new Linear(left, 1, foldIn(key, 99));
      return regression({ layers, head }, { x: { shape: [1, height, width] } }, ({ x }) => {
        const last = layers.reduce((h, layer) => maxPool(leakyRelu(layer.apply(h)), [2, 1]), x);
        return head.apply(reshape(last, [last.shape[0], left]));
      });
    }
  }
}

function regression(layers: object, inputs: Network["inputs"], apply: Network["apply"]): Network {
  return { layers, inputs, target: one, apply, loss: meanSquaredError };
}

function denseLayers(sizes: readonly number[], key: Key): Linear[] {
  const keys = splitKey(key, sizes.length);
  return sizes.slice(1).map((out, i) => new Linear(sizes[i], out, keys[i]));
}

function throughRelu(layers: readonly Linear[], x: Tensor): Tensor {
  const last = layers.length - 1;
  return layers.reduce((h, layer, i) => (i < last ? relu(layer.apply(h)) : layer.apply(h)), x);
}
