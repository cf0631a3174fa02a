import { expect, test } from "vitest";
import { evaluate, input } from "../../engine/index.ts";
import { featureNames, windowFeatures } from "./features.ts";
import { rawWindows } from "./predictor.ts";
import { cutSamples, type SampleSet } from "./samples.ts";
import { closes, everySample, plainFeatures, pricesOf, walk } from "./testing/prices.ts";

async function featuresOf(set: SampleSet): Promise<number[]> {
  const prices = rawWindows(set, everySample(set));
  const { features } = windowFeatures(input("prices", prices.shape), set.columns);
  const [value] = await evaluate([features], { prices });
  expect(value.shape).toEqual([set.windows.starts.length, set.lookback, featureNames(set.columns).length]);
  return Array.from(value.data as Float32Array);
}

function expectPlain(features: readonly number[], set: SampleSet): void {
  const plain = [...everySample(set)].flatMap((sample) => plainFeatures(set, sample).flat());
  expect(features).toHaveLength(plain.length);
  // Single precision: a logarithm near 4.6 is right to 5e-7, which is 5e-5 of a volatility of 1 %.
  features.forEach((value, i) => {
    expect(Math.abs(value - plain[i]), `feature ${i}`).toBeLessThan(5e-4 * (1 + Math.abs(plain[i])));
  });
}

test("equals plain arithmetic on the raw bars", async () => {
  const set = cutSamples(pricesOf(walk("A", 20), walk("B", 16)), {
    lookback: 5,
    horizons: [1],
    which: "known",
  });
  expect(set.columns).toEqual(["close", "open", "high", "low", "volume"]);
  expectPlain(await featuresOf(set), set);
});

test("needs nothing but closes", async () => {
  const set = cutSamples(pricesOf(walk("A", 20, { columns: "close" })), {
    lookback: 5,
    horizons: [1],
    which: "known",
  });
  expect(featureNames(set.columns)).toEqual(["return / volatility", "log volatility of the window"]);
  expectPlain(await featuresOf(set), set);
});

test("stands a volume of zero", async () => {
  const series = walk("A", 12);
  const volume = series.volume as Float64Array;
  volume[4] = 0;
  volume[5] = 0;
  const set = cutSamples(pricesOf({ ...series, volume }), { lookback: 4, horizons: [1], which: "known" });
  const features = await featuresOf(set);
  expect(features.every(Number.isFinite)).toBe(true);
  expectPlain(features, set);
});

test("stands a window without movement: returns of zero, and the volatility at its floor", async () => {
  const prices = pricesOf(closes("A", [7, 7, 7, 7, 7, 8]));
  const set = cutSamples(prices, { lookback: 3, horizons: [1], which: "known" });
  const features = await featuresOf(set);
  expect(features.slice(0, 2)).toEqual([0, expect.closeTo(Math.log(1e-6), 4)]);
});

test("does not change when all prices are in another currency", async () => {
  const series = walk("A", 20);
  const times = (factor: number) => ({
    ...series,
    open: (series.open as Float64Array).map((price) => factor * price),
    high: (series.high as Float64Array).map((price) => factor * price),
    low: (series.low as Float64Array).map((price) => factor * price),
    close: series.close.map((price) => factor * price),
  });
  const options = { lookback: 5, horizons: [1], which: "known" } as const;
  const own = await featuresOf(cutSamples(pricesOf(series), options));
  const other = await featuresOf(cutSamples(pricesOf(times(130)), options));
  other.forEach((value, i) => {
    expect(Math.abs(value - own[i])).toBeLessThan(1e-3);
  });
});
