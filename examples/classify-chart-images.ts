/** Images in, a class out: a convolutional network looks at charts of five days and says whether the next day closes higher. */
import { keyFrom } from "fathom/base";
import { chartMatrix, drawPriceChart, simulatedMarket } from "fathom/data";
import {
  adam,
  binaryCrossEntropy,
  constantRate,
  createRuntime,
  gather,
  input,
  parametersOf,
  sigmoid,
  toOnnx,
  traceGraph,
  unpackParameters,
  weightedMean,
} from "fathom/engine";
import { accuracy, ChartNetwork, fit, logLoss } from "fathom/models";

const [days, height, width] = [5, 32, 15];
const pixels = height * width;

// Every chart of a simulated market without defects, in order of time, and what came the day after.
const { clean } = simulatedMarket({ symbols: 16, years: 3 });
const charts: { time: number; image: Float32Array; rose: number }[] = [];
clean.symbols.forEach((_, symbol) => {
  const rows = Array.from(clean.symbol.keys()).filter((row) => clean.symbol[row] === symbol);
  const column = (values: Float64Array | null) =>
    Float64Array.from(rows, (row) => values?.[row] ?? Number.NaN);
  const close = column(clean.close);
  const bars = { open: column(clean.open), high: column(clean.high), low: column(clean.low), close };
  const volume = column(clean.volume);
  for (let last = 2 * days - 2; last < rows.length - 1; last++) {
    charts.push({
      time: clean.time[rows[last]],
      image: chartMatrix(drawPriceChart({ ...bars, volume }, last, { days })),
      rose: close[last + 1] > close[last] ? 1 : 0,
    });
  }
});
charts.sort((a, b) => a.time - b.time);

// Split by time: 60 % to learn, 15 % to stop by, 25 % to judge. Charts of one day stay together.
const borders = [0.6, 0.75].map((share) => charts[Math.floor(share * charts.length)].time);
const part = (from: number, to: number) =>
  Int32Array.from(charts.keys()).filter((i) => charts[i].time > from && charts[i].time <= to);
const [train, validation, test] = [
  part(Number.NEGATIVE_INFINITY, borders[0]),
  part(borders[0], borders[1]),
  part(borders[1], Number.POSITIVE_INFINITY),
];

const images = new Float32Array(charts.length * pixels);
charts.forEach(({ image }, i) => {
  images.set(image, i * pixels);
});
const data = {
  images: { dtype: "float32" as const, shape: [charts.length, 1, height, width], data: images },
  rose: {
    dtype: "float32" as const,
    shape: [charts.length, 1],
    data: Float32Array.from(charts, ({ rose }) => rose),
  },
};

// The paper's network has 64 channels; four will do for a market this small.
const network = new ChartNetwork({ days: 5, outputs: 1, channels: 4 }, keyFrom(1));
const parameters = parametersOf(network);
const runtime = createRuntime();
const fitted = await fit({
  parameters,
  data,
  train,
  validation,
  loss: ({ data, indices, weights, pass }) => {
    const logits = network.apply(gather(data.images, indices), pass);
    return weightedMean(binaryCrossEntropy(logits, gather(data.rose, indices)), weights);
  },
  optimiser: adam(),
  schedule: () => constantRate(0.001),
  batchSize: 128,
  epochs: 3,
  patience: 2,
  key: keyFrom(2),
  runtime,
  clock: { now: () => Date.now(), elapsed: () => performance.now() },
});

// Judged as deployed: an ONNX file that takes images and answers with probabilities.
const trained = unpackParameters(parameters, fitted.parameters);
const x = input("images", ["batch", 1, height, width]);
const model = toOnnx(traceGraph({ probability: sigmoid(network.apply(x)) }), {
  parameterNames: new Map(trained.map(({ parameter, name }) => [parameter, name])),
  parameterValues: new Map(trained.map(({ parameter, values }) => [parameter, values])),
});
const session = await runtime.load(model);
const { outputs } = await session.run({
  feeds: {
    images: {
      dtype: "float32",
      shape: [test.length, 1, height, width],
      data: Float32Array.from({ length: test.length * pixels }, (_, i) => {
        return images[test[Math.floor(i / pixels)] * pixels + (i % pixels)];
      }),
    },
  },
  fetch: ["probability"],
});
const probability = Array.from(outputs.probability.data, Number);
await runtime.close();

const outcome = Array.from(test, (i) => charts[i].rose);
const rises = train.reduce((total, i) => total + charts[i].rose, 0) / train.length;
const naive = outcome.map(() => rises);
const decide = (values: readonly number[]) => values.map((value) => (value > 0.5 ? 1 : 0));
console.log(
  `${train.length} charts to learn from, ${test.length} later ones to judge by, best epoch ${fitted.bestEpoch}`,
);
console.log("                 accuracy   log loss");
for (const [name, values] of [
  ["charts", probability],
  ["share of rises", naive],
] as const) {
  const right = accuracy(outcome, decide(values)).toFixed(3);
  console.log(`${name.padEnd(16)} ${right.padStart(8)} ${logLoss(outcome, values).toFixed(4).padStart(10)}`);
}
if (!probability.every(Number.isFinite)) throw new Error("the network answers with numbers that are none");
