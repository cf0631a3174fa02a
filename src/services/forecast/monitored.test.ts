import { describe, expect, test } from "vitest";
import { mean, variance } from "../../base/index.ts";
import { featureNames } from "./features.ts";
import { driftReferenceOf, monitoredFeatures, testSetOf } from "./monitored.ts";
import { cutSamples, type SampleSet } from "./samples.ts";
import { altered, everySample, plainFeatures, pricesOf, walk } from "./testing/prices.ts";

const options = { lookback: 10, horizons: [1, 3], which: "known" } as const;
const cut = (seed = 1, columns: "close" | "bars" = "bars") =>
  cutSamples(pricesOf(walk("A", 120, { seed, columns }), walk("B", 90, { seed, columns })), options);

describe("what is watched", () => {
  test.each(["close", "bars"] as const)(
    "is the newest row of the features that the model reads (%s)",
    (columns) => {
      const set = cut(1, columns);
      const samples = everySample(set);
      const monitored = monitoredFeatures(set, samples);
      expect(monitored.map(({ name }) => name)).toEqual(featureNames(set.columns));
      for (const sample of [0, 17, samples.length - 1]) {
        const newest = plainFeatures(set, sample).at(-1) as number[];
        monitored.forEach(({ values }, f) => {
          expect(values[sample]).toBeCloseTo(newest[f], 4); // prices are kept in float32
        });
      }
    },
  );

  test("is sketched from the training part, and forecasts from the test part", () => {
    const set = cut();
    const samples = everySample(set);
    const [train, tests] = [samples.subarray(0, 80), samples.subarray(80, 120)];
    const forecast = Float64Array.from({ length: 2 * tests.length }, (_, i) => i);
    const reference = driftReferenceOf(set, { train, test: tests }, { forecast, quantiles: null });
    expect(reference.features.map(({ count }) => count)).toEqual(new Array(5).fill(80));
    expect(reference.scores.map(({ name, count }) => [name, count])).toEqual([
      ["forecast at horizon 1", 40],
      ["forecast at horizon 3", 40],
    ]);
    const [returns] = monitoredFeatures(set, train);
    expect(mean(reference.features[0].quantiles)).toBeCloseTo(mean(returns.values), 1);
    expect(mean(reference.scores[1].quantiles)).toBeCloseTo(40, 6); // 1, 3, ..., 79
    expect(variance(returns.values)).toBeGreaterThan(0);
  });
});

describe("the name of a test", () => {
  const all = (set: SampleSet) => everySample(set);

  test("is the same for the same symbols, dates and outcomes, whatever the model sees", () => {
    const prices = pricesOf(walk("A", 120));
    const short = cutSamples(prices, { ...options, lookback: 5 });
    const long = cutSamples(prices, { ...options, lookback: 20 });
    const late = (set: SampleSet) => all(set).slice(-50);
    expect(testSetOf(short, late(short), "return")).toBe(testSetOf(long, late(long), "return"));
  });

  test("is another one for other samples, outcomes or targets", () => {
    const set = cut();
    const name = testSetOf(set, all(set), "return");
    expect(testSetOf(set, all(set).slice(1), "return")).not.toBe(name);
    expect(testSetOf(set, all(set), "log-return")).not.toBe(name);
    const changed = pricesOf(
      altered(walk("A", 120), 119, () => 1.01),
      walk("B", 90),
    );
    const other = cutSamples(changed, options);
    expect(testSetOf(other, all(other), "return")).not.toBe(name);
  });
});
