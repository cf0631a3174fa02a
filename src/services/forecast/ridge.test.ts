import { afterAll, expect, test } from "vitest";
import { foldIn, keyFrom, leastSquares, normal } from "../../base/index.ts";
import { createRuntime } from "../../engine/index.ts";
import type { ForecasterSpec, Normalisation } from "./forecaster.ts";
import { loadPredictor } from "./predictor.ts";
import { fitLinear } from "./ridge.ts";
import { cutSamples, type SampleSet } from "./samples.ts";
import { everySample, plainFeatures, pricesOf, walk } from "./testing/prices.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

// More than one chunk of 1024 samples, and not a multiple of it.
const set = cutSamples(pricesOf(walk("A", 1500), walk("B", 700)), {
  lookback: 3,
  horizons: [1, 2],
  which: "known",
});
const normalisation: Normalisation = {
  features: { center: [0, -4.7, 1, 0, 0], scale: [1, 0.3, 0.5, 1, 0.5] },
  outcome: { center: [0, 0], scale: [1, 1] },
};
const spec: ForecasterSpec = {
  target: "log-return",
  columns: set.columns,
  lookback: 3,
  horizons: [1, 2],
  quantiles: [0.1, 0.9],
  network: "lstm",
  sizes: { hiddenSize: 4, numLayers: 2, dropout: 0.2 },
  loss: "mse",
};
const all = everySample(set);
const parts = { train: all.filter((i) => i % 4 !== 0), validation: all.filter((i) => i % 4 === 0) };
const x = [...all].map((sample) =>
  plainFeatures(set, sample).flatMap((row) =>
    row.map((value, f) => (value - normalisation.features.center[f]) / normalisation.features.scale[f]),
  ),
);
/** Weights by feature, `[15]` each, and constants. The log volatility is the same at all three steps: its weight is shared. */
const planted = [0, 1].map((h) =>
  Array.from(normal(foldIn(keyFrom(5), h), 15), (weight, i) => (i % 5 === 1 ? 0.05 : 0.1 * weight)),
);
const constants = [0.4, -0.2];
const noise = normal(keyFrom(6), all.length * 2);

/** The set with outcomes that are linear in the normalised features, plus noise; below the 20 that learning cuts at. */
function plantedSet(noiseSize: number): SampleSet {
  const logReturn = set.logReturn.map((_, place) => {
    const [sample, h] = [Math.floor(place / 2), place % 2];
    const signal = x[sample].reduce((total, value, i) => total + value * planted[h][i], constants[h]);
    const standard = signal + noiseSize * noise[place];
    return standard * set.windowVolatility[sample] * Math.sqrt(set.horizons[h]);
  });
  return { ...set, logReturn };
}

const fitTo = (to: SampleSet) => fitLinear(spec, normalisation, to, parts, { runtime, key: keyFrom(1) });

test("recovers planted coefficients, with the smallest penalty when there is no noise", async () => {
  const { parameters, penalty } = await fitTo(plantedSet(0));
  expect(penalty).toBe(1e-4);
  // Features that move together share their weights in many ways; what they add up to is unique.
  const off = planted.flatMap((weights, h) =>
    x.map((row) =>
      row.reduce(
        (total, value, i) => total + value * (parameters[h * 15 + i] - weights[i]),
        parameters[30 + h] - constants[h],
      ),
    ),
  );
  expect(Math.sqrt(off.reduce((total, value) => total + value * value, 0) / off.length)).toBeLessThan(0.005);
});

test("agrees with least squares by QR on the same rows and penalty", async () => {
  const noisy = plantedSet(1);
  const { parameters, penalty } = await fitTo(noisy);
  const rows = parts.train.length;
  const matrix = Float64Array.from([...parts.train].flatMap((sample) => [...x[sample], 1]));
  const y = Float64Array.from(
    [...parts.train].flatMap((sample) =>
      [0, 1].map(
        (h) => noisy.logReturn[sample * 2 + h] / (set.windowVolatility[sample] * Math.sqrt(set.horizons[h])),
      ),
    ),
  );
  const ridge = Float64Array.from({ length: 16 }, (_, i) => (i < 15 ? penalty * rows : 1e-9 * rows));
  const expected = leastSquares(matrix, rows, 16, y, { ridge });
  for (let h = 0; h < 2; h++) {
    for (let i = 0; i < 15; i++) expect(parameters[h * 15 + i]).toBeCloseTo(expected[i * 2 + h], 3);
    expect(parameters[30 + h]).toBeCloseTo(expected[15 * 2 + h], 3);
  }
});

test("prefers a large penalty when there is nothing to find", async () => {
  const { penalty } = await fitTo({ ...set, logReturn: set.logReturn.map((_, i) => 0.01 * noise[i]) });
  expect(penalty).toBeGreaterThanOrEqual(1);
});

test("exports a model that forecasts what the coefficients say", async () => {
  const exact = plantedSet(0);
  const { forecaster, parameters } = await fitTo(exact);
  const predictor = await loadPredictor(runtime, forecaster.export(parameters), 0);
  const { forecast } = await predictor.predict(exact, parts.validation);
  await predictor.release();
  parts.validation.forEach((sample, i) => {
    for (const h of [0, 1])
      expect(Math.abs(forecast[i * 2 + h] - exact.logReturn[sample * 2 + h])).toBeLessThan(1e-3);
  });
});
