/** Synthetic returns: a Quant GAN learns from a series whose volatility clusters, and is judged beside an i.i.d. bootstrap. */
import { foldIn, keyFrom, normal } from "fathom/base";
import { createRuntime, input, parametersOf, toOnnx, traceGraph, unpackParameters } from "fathom/engine";
import {
  bootstrapReturns,
  QuantGanDiscriminator,
  QuantGanGenerator,
  seriesStatistics,
  trainGan,
} from "fathom/models";

// The real series, in units of its deviation: GARCH(1, 1), calm and wild times in clusters.
const length = 32;
const shocks = normal(keyFrom(1), 6000);
let variance = 1;
const real = shocks.map((shock) => {
  const value = Math.sqrt(variance) * shock;
  variance = 0.05 + 0.25 * value ** 2 + 0.7 * variance;
  return value;
});
const windows = Float32Array.from(
  { length: (real.length - length) * length },
  (_, i) => real[Math.floor(i / length) + (i % length)],
);

const sizes = { length, hiddenSize: 8, numLayers: 3 };
const generator = new QuantGanGenerator(sizes, keyFrom(2));
const discriminator = new QuantGanDiscriminator(sizes, keyFrom(3));
const runtime = createRuntime();
const { state } = await trainGan({
  generator: { parameters: parametersOf(generator), apply: (noise) => generator.apply(noise) },
  discriminator: { parameters: parametersOf(discriminator), apply: (x) => discriminator.apply(x) },
  noiseShape: generator.noiseShape,
  real: { dtype: "float32", shape: [real.length - length, length], data: windows },
  batchSize: 32,
  rounds: 1000,
  // The judge has to be ahead of the maker (Heusel et al. 2017), else clusters go unnoticed.
  learningRates: { generator: 2e-3, discriminator: 1e-2 },
  key: keyFrom(4),
  runtime,
});

// The trained generator is an ONNX model from noise to returns.
const trained = unpackParameters(parametersOf(generator), state.average);
const model = toOnnx(
  traceGraph({ returns: generator.apply(input("noise", ["batch", ...generator.noiseShape])) }),
  { parameterValues: new Map(trained.map(({ parameter, values }) => [parameter, values])) },
);
const count = 500;
const shape = [count, ...generator.noiseShape];
const noise = normal(
  foldIn(keyFrom(5), "noise"),
  shape.reduce((a, b) => a * b, 1),
);
const session = await runtime.load(model);
const { outputs } = await session.run({
  feeds: { noise: { dtype: "float32", shape, data: Float32Array.from(noise) } },
  fetch: ["returns"],
});
await runtime.close();

const rows = {
  real: seriesStatistics(windows, { length }),
  "Quant GAN": seriesStatistics(outputs.returns.data as Float32Array, { length }),
  bootstrap: seriesStatistics(bootstrapReturns(real, count * length, keyFrom(6)), { length }),
};
const clusters = new Map<string, number>();
for (const [name, statistics] of Object.entries(rows)) {
  const { absoluteAutocorrelation, autocorrelation } = statistics;
  const persistence = absoluteAutocorrelation.reduce((a, b) => a + b, 0) / absoluteAutocorrelation.length;
  clusters.set(name, persistence);
  const shown = {
    mean: statistics.mean,
    deviation: statistics.deviation,
    kurtosis: statistics.kurtosis,
    "autocorrelation at lag 1": autocorrelation[0],
    "of absolute returns, lags 1 to 5": persistence,
  };
  console.log(
    name.padEnd(10),
    Object.entries(shown)
      .map(([label, value]) => `${label} ${value.toFixed(2)}`)
      .join("  "),
  );
}
const missed = (name: string) => Math.abs((clusters.get(name) ?? 0) - (clusters.get("real") ?? 0));
if (!(missed("Quant GAN") < 0.7 * missed("bootstrap")))
  throw new Error("the generator did not learn that volatility clusters");
