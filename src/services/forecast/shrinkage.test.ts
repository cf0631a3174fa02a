import { afterAll, beforeAll, expect, test } from "vitest";
import { keyFrom, normal } from "../../base/index.ts";
import { createRuntime } from "../../engine/index.ts";
import { Forecaster } from "./forecaster.ts";
import { loadPredictor } from "./predictor.ts";
import { cutSamples, type SampleSet } from "./samples.ts";
import { fitShrinkage } from "./shrinkage.ts";
import { everySample, pricesOf, walk } from "./testing/prices.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const set = cutSamples(pricesOf(walk("A", 600)), { lookback: 4, horizons: [1], which: "known" });
const samples = everySample(set);
const options = { runtime, signal: new AbortController().signal };
const make = (target: "log-return" | "direction") =>
  new Forecaster(
    {
      target,
      columns: set.columns,
      lookback: 4,
      horizons: [1],
      quantiles: [],
      network: "linear",
      sizes: {},
      loss: "mse",
    },
    {
      features: { center: [0, -4.6, 1, 0, 0], scale: [1, 1, 1, 1, 1] },
      outcome: { center: [0], scale: [1] },
    },
    keyFrom(1),
  );
const forecaster = make("log-return");
const packed = Float32Array.from(normal(keyFrom(2), 21, 0, 0.3)); // 4 x 5 weights and a bias
let forecast: Float64Array;

beforeAll(async () => {
  const predictor = await loadPredictor(runtime, forecaster.export(packed, { units: "normalised" }), 0);
  forecast = (await predictor.predict(set, samples)).forecast;
  await predictor.release();
});

/** The set with outcomes, in normalised units, of our choice. */
const withOutcomes = (outcome: (i: number) => number): SampleSet => ({
  ...set,
  logReturn: set.logReturn.map((_, i) => outcome(i) * set.windowVolatility[i]),
});
const shrinkageFor = async (outcome: (i: number) => number) =>
  (await fitShrinkage(forecaster, packed, withOutcomes(outcome), samples, options))[0];

test("keeps a perfect forecast whole, and never makes a forecast bolder", async () => {
  expect(await shrinkageFor((i) => forecast[i])).toBeCloseTo(1, 5);
  expect(await shrinkageFor((i) => 3 * forecast[i])).toBe(1);
});

test("halves a forecast that is twice too bold", async () => {
  expect(await shrinkageFor((i) => forecast[i] / 2)).toBeCloseTo(0.5, 5);
});

test("keeps nothing of a forecast that is wrong, and next to nothing of noise", async () => {
  expect(await shrinkageFor((i) => -forecast[i])).toBe(0);
  const noise = normal(keyFrom(9), samples.length);
  // The slope's standard error is 1 / sqrt(Σ ŷ²).
  const error = 1 / Math.sqrt(forecast.reduce((total, value) => total + value ** 2, 0));
  expect(await shrinkageFor((i) => noise[i])).toBeLessThan(3 * error);
});

test("keeps nothing of a forecast that is always zero", async () => {
  expect(await fitShrinkage(forecaster, new Float32Array(21), set, samples, options)).toEqual([0]);
});

test("leaves probabilities as they are", async () => {
  expect(await fitShrinkage(make("direction"), packed, set, samples, options)).toEqual([1]);
});
