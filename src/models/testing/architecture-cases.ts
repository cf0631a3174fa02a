/** The architectures beside those for windows: what the paper of each says, a task, and how well it is learned. */
import { foldIn, keyFrom, normal, uniform } from "../../base/index.ts";
import {
  binaryCrossEntropy,
  categoricalCrossEntropy,
  meanSquaredError,
  oneHot,
  type Pass,
  reshape,
  type Tensor,
  type TensorValue,
  weightedMean,
} from "../../engine/index.ts";
import { Autoencoder } from "../generative/autoencoder.ts";
import { QuantGanDiscriminator } from "../generative/quant-gan.ts";
import { Vae, vaeLoss } from "../generative/vae.ts";
import { FtTransformer } from "../tabular/ft-transformer.ts";
import { embeddingWidth, TabMlp } from "../tabular/tab-mlp.ts";
import { Bert, BertClassifier } from "../text/bert.ts";
import { FastText } from "../text/fast-text.ts";
import { Gpt, nextTokenLoss } from "../text/gpt.ts";
import { maskedLanguageLoss } from "../text/masked-language.ts";
import { TextCnn } from "../text/text-cnn.ts";

export const samples = 32;
type Columns = Readonly<Record<string, Tensor>>;

interface Case {
  readonly name: string;
  readonly model: unknown;
  /** The paper's formula, written out. */
  readonly parameters: number;
  readonly output: (x: Columns, pass?: Pass) => Tensor;
  /** Root of the mean square of the untrained output, and how far it may lie from it. */
  readonly spread: readonly [expected: number, share: number];
  /** One number, from the batch and its weights. */
  readonly loss: (x: Columns, weights: Tensor, pass: Pass) => Tensor;
  readonly data: Readonly<Record<string, TensorValue>>;
  readonly steps: number;
  readonly rate: number;
  /** Largest loss after training, as a share of the first; 0.05 unless stated. */
  readonly remains?: number;
}

export const key = keyFrom(1);
export const floats = (name: string, ...shape: number[]): TensorValue => ({
  dtype: "float32",
  shape: [samples, ...shape],
  data: Float32Array.from(
    normal(
      foldIn(key, name),
      shape.reduce((a, b) => a * b, samples),
    ),
  ),
});
const wholes = (name: string, below: number, ...shape: number[]): TensorValue => ({
  dtype: "int64",
  shape: [samples, ...shape],
  data: BigInt64Array.from(
    uniform(
      foldIn(key, name),
      shape.reduce((a, b) => a * b, samples),
      0,
      below,
    ),
    (value) => BigInt(Math.floor(value)),
  ),
});
/** Texts of 4 to `time` tokens, and padding. */
const visible = (time: number): TensorValue => ({
  dtype: "float32",
  shape: [samples, time],
  data: Float32Array.from({ length: samples * time }, (_, i) =>
    i % time < 4 + (Math.floor(i / time) % (time - 3)) ? 1 : 0,
  ),
});
const classes = 3;
const classLoss = (logits: Tensor, target: Tensor, weights: Tensor) =>
  weightedMean(categoricalCrossEntropy(logits, oneHot(target, classes)), weights);
export const total = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
const dense = (inFeatures: number, outFeatures: number) => inFeatures * outFeatures + outFeatures;

/** A dense layer's output variance: weights and bias of variance 1 / (3 in) on inputs of a mean square. */
const denseVariance = (meanSquare: number, inFeatures: number) => meanSquare / 3 + 1 / (3 * inFeatures);
/** Dense layers with relu between them, which keeps half of a mean square. */
const stackSpread = (sizes: readonly number[], meanSquare = 1) =>
  Math.sqrt(
    sizes.reduce((square, size, i) => denseVariance(i === 0 ? square : square / 2, size), meanSquare),
  );

/** Embeddings, norm; four projections, two dense layers and two norms a layer; pooler (Devlin et al. 2019, table of sizes). */
export const bertCount = (v: number, t: number, s: number, d: number, layers: number, f: number) =>
  (v + t + s) * d + 2 * d + layers * (4 * dense(d, d) + dense(d, f) + dense(f, d) + 4 * d) + dense(d, d);
/** A dense layer, a norm, and a bias for each token, for the output weight is the token embedding. */
const maskedLanguageCount = (v: number, d: number) => dense(d, d) + 2 * d + v;
/** Tokens, positions; `12 d² + 13 d` a layer: four projections, two dense layers of four times the width, two norms; a last norm. */
export const gptCount = (v: number, t: number, d: number, layers: number) =>
  v * d + t * d + layers * (12 * d * d + 13 * d) + 2 * d;

const bertSizes = {
  vocabularySize: 40,
  maxLength: 10,
  hiddenSize: 16,
  numLayers: 2,
  numHeads: 2,
  feedForwardSize: 32,
  dropout: 0,
};

export const architectureCases: Case[] = [
  textCnn(),
  fastText(),
  bertClassifier(),
  bertMaskedLanguage(),
  gpt("learned"),
  gpt("rotary"),
  tabMlp(),
  ftTransformer(),
  autoencoder(),
  vae(),
  quantGanDiscriminator(),
];

function textCnn(): Case {
  const [vocabularySize, embeddingSize, filters] = [50, 8, 12];
  const model = new TextCnn({ vocabularySize, classes, embeddingSize, filters, dropout: 0 }, key);
  return {
    name: "textCnn",
    model,
    // Kim (2014): word vectors; filters over 3, 4 and 5 words; a dense layer on their maxima.
    parameters:
      vocabularySize * embeddingSize +
      total([3, 4, 5].map((width) => width * embeddingSize * filters + filters)) +
      dense(3 * filters, classes),
    output: ({ tokens, visible }, pass) => model.apply(tokens, { visible }, pass),
    // Maxima of about 0.2 (biases of ±1/√(8 · 4)) by 36 weights of variance 1 / (3 · 36), and a bias of the same variance.
    spread: [Math.sqrt(denseVariance(0.2 ** 2, 36)), 0.5],
    loss: (x, weights, pass) => classLoss(model.apply(x.tokens, x, pass), x.target, weights),
    data: {
      tokens: wholes("words", vocabularySize, 8),
      visible: visible(8),
      target: wholes("classes", classes),
    },
    steps: 150,
    rate: 0.01,
  };
}

function fastText(): Case {
  const [buckets, embeddingSize] = [200, 10];
  const model = new FastText({ buckets, classes, embeddingSize }, key);
  return {
    name: "fastText",
    model,
    parameters: buckets * embeddingSize + embeddingSize * classes, // Joulin et al. (2017): two matrices
    output: ({ ids, visible }) => model.apply(ids, { visible }),
    spread: [0, 0], // the output weight is 0
    loss: (x, weights) => classLoss(model.apply(x.ids, { visible: x.visible }), x.target, weights),
    data: { ids: wholes("ids", buckets, 8), visible: visible(8), target: wholes("classes", classes) },
    steps: 300,
    rate: 0.05,
  };
}

function bertClassifier(): Case {
  const model = new BertClassifier(new Bert(bertSizes, key), classes, { dropout: 0 }, key);
  return {
    name: "bert",
    model,
    parameters: bertCount(40, 10, 2, 16, 2, 32) + maskedLanguageCount(40, 16) + dense(16, classes),
    output: ({ tokens, visible }, pass) => model.bert.apply(tokens, { visible }, pass),
    spread: [1, 0.001], // hidden states are normalised
    loss: ({ tokens, visible, target }, weights, pass) =>
      classLoss(model.apply(tokens, { visible }, pass), target, weights),
    data: { tokens: wholes("words", 40, 8), visible: visible(8), target: wholes("classes", classes) },
    steps: 150,
    rate: 0.005,
  };
}

function bertMaskedLanguage(): Case {
  const model = new Bert({ ...bertSizes, hiddenSize: 32 }, key);
  return {
    name: "bert with masked tokens",
    model,
    parameters: bertCount(40, 10, 2, 32, 2, 32) + maskedLanguageCount(40, 32),
    output: ({ tokens, visible }, pass) => model.predictTokens(model.apply(tokens, { visible }, pass)),
    spread: [0.02 * Math.sqrt(32), 0.2], // normalised features by embeddings of deviation 0.02
    loss: ({ tokens, visible }, weights, pass) =>
      maskedLanguageLoss(model, { tokens, visible }, weights, { maskToken: 4, firstWord: 5 }, pass),
    // Text n says n + 5 eight times: what is hidden is told by the rest.
    data: {
      tokens: {
        ...wholes("none", 1, 8),
        data: BigInt64Array.from({ length: 256 }, (_, i) => BigInt(5 + (i >> 3))),
      },
      visible: visible(8),
    },
    steps: 300,
    rate: 0.005,
    remains: 0.2, // the words of a step are drawn anew, and some texts have all of theirs hidden
  };
}

function gpt(positions: "learned" | "rotary"): Case {
  const sizes = { vocabularySize: 40, maxLength: 8, hiddenSize: 16, numLayers: 2, numHeads: 2 };
  const model = new Gpt({ ...sizes, positions, dropout: 0 }, key);
  const tokens = wholes("words", 40, 7);
  for (let i = 0; i < samples; i++) tokens.data[7 * i] = BigInt(i); // each text begins with a word of its own
  return {
    name: `gpt with ${positions} positions`,
    model,
    parameters: gptCount(40, 8, 16, 2) - (positions === "rotary" ? 8 * 16 : 0),
    output: ({ tokens }, pass) => model.apply(tokens, pass),
    // Normalised features by embeddings of deviation 0.02; a token's own embedding is among the features, and answers more.
    spread: [0.02 * Math.sqrt(16), 0.4],
    loss: ({ tokens, visible }, weights, pass) => nextTokenLoss(model, { tokens, visible }, weights, pass),
    data: { tokens, visible: { ...visible(7), data: new Float32Array(7 * samples).fill(1) } },
    steps: 250,
    rate: 0.01,
  };
}

function tabMlp(): Case {
  const categories = [4, 9];
  const model = new TabMlp({ numbers: 5, categories, outputs: 8, hiddenSizes: [32, 16] }, key);
  const width = 5 + total(categories.map(embeddingWidth));
  return {
    name: "tabMlp",
    model,
    parameters:
      total(categories.map((count) => count * embeddingWidth(count))) +
      dense(width, 32) +
      dense(32, 16) +
      dense(16, 8),
    output: (x, pass) => model.apply(x, pass),
    spread: [stackSpread([width, 32, 16]), 0.4],
    loss: (x, weights, pass) => weightedMean(meanSquaredError(model.apply(x, pass), x.target), weights),
    data: tableData(),
    steps: 250,
    rate: 0.01,
  };
}

function tableData() {
  const codes = wholes("codes", 4, 2);
  return { numbers: floats("numbers", 5), codes, target: floats("target", 8) };
}

function ftTransformer(): Case {
  const [d, hidden] = [16, 21]; // 4/3 of 16, rounded down
  const categories = [4, 9];
  const model = new FtTransformer(
    {
      numbers: 5,
      categories,
      outputs: 8,
      hiddenSize: d,
      numLayers: 2,
      numHeads: 2,
      attentionDropout: 0,
      feedForwardDropout: 0,
    },
    key,
  );
  const block = 4 * dense(d, d) + dense(d, 2 * hidden) + dense(hidden, d) + 2 * d;
  return {
    name: "ftTransformer",
    model,
    // Gorishniy et al. (2021): a vector and a bias a number, a vector a category and a bias a column, the gathering token; blocks,
    // of which all but the first have a norm before attention; norm and dense layer.
    parameters: 2 * 5 * d + 13 * d + 2 * d + d + 2 * block + 2 * d + 2 * d + dense(d, 8),
    output: (x, pass) => model.apply(x, pass),
    spread: [Math.sqrt(denseVariance(1 / 2, d)), 0.6], // relu of normalised features; few weights, so they vary
    loss: (x, weights, pass) => weightedMean(meanSquaredError(model.apply(x, pass), x.target), weights),
    data: tableData(),
    steps: 250,
    rate: 0.005,
  };
}

function autoencoder(): Case {
  const model = new Autoencoder({ features: 6, hiddenSizes: [32, 16], latentSize: 4 }, key);
  // Rows that three numbers decide.
  const [basis, factors] = [normal(foldIn(key, "basis"), 18), normal(foldIn(key, "factors"), 3 * samples)];
  const data = Float32Array.from({ length: 6 * samples }, (_, i) =>
    total([0, 1, 2].map((k) => (factors[3 * Math.floor(i / 6) + k] * basis[6 * k + (i % 6)]) / Math.sqrt(3))),
  );
  return {
    name: "autoencoder",
    model,
    parameters: dense(6, 32) + dense(32, 16) + dense(16, 4) + dense(4, 16) + dense(16, 32) + dense(32, 6),
    output: ({ x }, pass) => model.apply(x, pass),
    // The decoder's first layer reads the code without a relu before it: twice the mean square of `stackSpread`'s rule.
    spread: [stackSpread([4, 16, 32], stackSpread([6, 32, 16]) ** 2), 0.5],
    loss: ({ x }, weights, pass) => weightedMean(meanSquaredError(model.apply(x, pass), x), weights),
    data: { x: { dtype: "float32", shape: [samples, 6], data } },
    steps: 300,
    rate: 0.01,
  };
}

function vae(): Case {
  const [features, hidden, latent] = [6, 32, 4];
  const model = new Vae({ features, hiddenSize: hidden, latentSize: latent }, key);
  const x = floats("rows", features);
  return {
    name: "vae",
    model,
    // Kingma and Welling (2014), appendix C: one hidden layer; mean and variance of each latent number; one hidden layer.
    parameters:
      dense(features, hidden) + dense(hidden, 2 * latent) + dense(latent, hidden) + dense(hidden, features),
    output: ({ x }, pass) => model.apply(x, pass),
    spread: [0.01 ** 4 * Math.sqrt(features * hidden * latent * hidden), 0.5], // four products by weights of 0.01
    loss: ({ x }, weights, pass) => weightedMean(vaeLoss(model, x, { beta: 0.001 }, pass), weights),
    data: { x },
    steps: 500,
    rate: 0.01,
    remains: 0.1, // four numbers for six
  };
}

function quantGanDiscriminator(): Case {
  const [length, hidden, layers] = [24, 8, 2];
  const model = new QuantGanDiscriminator({ length, hiddenSize: hidden, numLayers: layers }, key);
  const real: TensorValue = {
    dtype: "float32",
    shape: [samples],
    data: Float32Array.from({ length: samples }, (_, i) => i % 2),
  };
  return {
    name: "quantGan discriminator",
    model,
    parameters: 2 * hidden + hidden + layers * (2 * hidden * hidden + hidden) + dense(hidden, 1),
    output: ({ x }) => model.apply(x),
    spread: [0.35, 1], // undecided: the bias is at most 1/√8, and the weighted features are not larger
    loss: ({ x, real }, weights) =>
      weightedMean(
        binaryCrossEntropy(reshape(model.apply(x), [samples, 1]), reshape(real, [samples, 1])),
        weights,
      ),
    data: { x: floats("series", length), real },
    steps: 400,
    rate: 0.01,
    remains: 0.1,
  };
}
