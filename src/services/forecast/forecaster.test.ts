import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { foldIn, keyFrom, normal, normalQuantile } from "../../base/index.ts";
import { createRuntime } from "../../engine/index.ts";
import { Forecaster, type ForecasterSpec, type Normalisation, standardOutcomes } from "./forecaster.ts";
import { loadPredictor } from "./predictor.ts";
import { cutSamples } from "./samples.ts";
import { targets } from "./schema.ts";
import { closes, everySample, pricesOf, walk } from "./testing/prices.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const set = cutSamples(pricesOf(walk("A", 30), walk("B", 25, { volatility: 0.03 })), {
  lookback: 6,
  horizons: [1, 4],
  which: "known",
});
const normalisation: Normalisation = {
  features: { center: [0.1, -4, 1, 0.2, 0], scale: [1.5, 0.7, 0.9, 1.1, 0.4] },
  outcome: { center: [0.05, -0.02], scale: [1.2, 0.8] },
};
const spec = (changes: Partial<ForecasterSpec> = {}): ForecasterSpec => ({
  target: "log-return",
  columns: set.columns,
  lookback: set.lookback,
  horizons: set.horizons,
  quantiles: [0.1, 0.5, 0.9],
  network: "gru",
  sizes: { hiddenSize: 4, numLayers: 1, dropout: 0.2 },
  loss: "mse",
  ...changes,
});

/** A forecaster whose parameters are random, not small, and its answers. */
async function answers(
  changes: Partial<ForecasterSpec>,
  {
    seed = 1,
    size = 0.5,
    ...options
  }: { seed?: number; size?: number } & Parameters<Forecaster["export"]>[1] = {},
) {
  const forecaster = new Forecaster(spec(changes), normalisation, keyFrom(seed));
  const count = forecaster.parameters.reduce((total, { parameter }) => total + parameter.value.length, 0);
  const packed = Float32Array.from(normal(foldIn(keyFrom(seed), "test"), count, 0, size));
  const { quantiles } = forecaster.spec;
  const predictor = await loadPredictor(runtime, forecaster.export(packed, options), quantiles.length);
  const predictions = await predictor.predict(set, everySample(set));
  await predictor.release();
  return predictions;
}

describe("the exported graph", () => {
  /** From normalised units to the target's own, as the definitions say. */
  const raw: Record<ForecasterSpec["target"], (z: number, sample: number, h: number) => number> = {
    "log-return": (z, sample, h) => logReturn(z, sample, h),
    return: (z, sample, h) => Math.expm1(logReturn(z, sample, h)),
    level: (z, sample, h) => set.lastClose[sample] * Math.exp(logReturn(z, sample, h)),
    volatility: (z, sample, h) => Math.max(0, standard(z, h)) * set.windowVolatility[sample],
    direction: (z) => 1 / (1 + Math.exp(-z)),
  };
  const standard = (z: number, h: number) =>
    z * normalisation.outcome.scale[h] + normalisation.outcome.center[h];
  const logReturn = (z: number, sample: number, h: number) =>
    standard(z, h) * Math.sqrt(set.horizons[h]) * set.windowVolatility[sample];

  test.each(targets)("turns its answer into a %s as the definition says", async (target) => {
    const quantiles = target === "direction" ? [] : [0.1, 0.5, 0.9];
    const inside = await answers({ target, quantiles }, { units: "normalised" });
    const outside = await answers({ target, quantiles });
    inside.forecast.forEach((z, i) => {
      const expected = raw[target](z, Math.floor(i / 2), i % 2);
      expect(Math.abs(outside.forecast[i] - expected)).toBeLessThan(
        2e-5 * Math.max(0.02, Math.abs(expected)),
      );
    });
    inside.quantiles?.forEach((z, i) => {
      const expected = raw[target](z, Math.floor(i / 6), Math.floor(i / 3) % 2);
      const received = (outside.quantiles as Float64Array)[i];
      expect(Math.abs(received - expected)).toBeLessThan(2e-5 * Math.max(0.02, Math.abs(expected)));
    });
  });

  test.each([
    ["direction", 0, 1],
    ["volatility", 0, 1],
    ["level", 20, 500],
    ["return", -1, 1],
  ] as const)("keeps a %s between %d and %d", async (target, low, high) => {
    const { forecast } = await answers({ target, quantiles: [] });
    for (const value of forecast) {
      expect(value).toBeGreaterThanOrEqual(low);
      expect(value).toBeLessThanOrEqual(high);
    }
  });

  test("multiplies the point forecast by the shrinkage, and moves the quantiles with it, in normalised units", async () => {
    const full = await answers({}, { units: "normalised" });
    const shrunk = await answers({}, { units: "normalised", shrinkage: [0.25, 0] });
    full.forecast.forEach((value, i) => {
      expect(shrunk.forecast[i]).toBeCloseTo(i % 2 === 0 ? 0.25 * value : 0, 6);
    });
    const levels = full.quantiles as Float64Array;
    const each = levels.length / full.forecast.length;
    levels.forEach((value, i) => {
      const point = Math.floor(i / each);
      const moved = value + shrunk.forecast[point] - full.forecast[point];
      expect((shrunk.quantiles as Float64Array)[i]).toBeCloseTo(moved, 5);
    });
  });

  test("answers in the same order whatever the batch", async () => {
    const forecaster = new Forecaster(spec(), normalisation, keyFrom(3));
    const count = forecaster.parameters.reduce((total, { parameter }) => total + parameter.value.length, 0);
    const model = forecaster.export(Float32Array.from(normal(keyFrom(3), count, 0, 0.5)));
    const predictor = await loadPredictor(runtime, model, 3);
    const all = await predictor.predict(set, everySample(set));
    const one = await predictor.predict(set, Int32Array.of(7));
    await predictor.release();
    expect(one.forecast[1]).toBeCloseTo(all.forecast[15], 7);
  });
});

describe("the quantiles", () => {
  test("ascend, whatever the parameters", async () => {
    const levels = fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 2, maxLength: 6 });
    const target = fc.constantFrom("log-return", "return", "level", "volatility");
    await fc.assert(
      fc.asyncProperty(
        levels,
        target,
        fc.nat(),
        fc.constantFrom(0.1, 1, 10),
        async (percents, kind, seed, size) => {
          const quantiles = percents.sort((a, b) => a - b).map((percent) => percent / 100);
          const answer = (await answers({ target: kind, quantiles }, { seed, size }))
            .quantiles as Float64Array;
          answer.forEach((value, i) => {
            expect(Number.isNaN(value)).toBe(false);
            if (i % quantiles.length > 0) expect(value).toBeGreaterThanOrEqual(answer[i - 1]);
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  test("are those of the normal distribution while the network answers nothing", async () => {
    const { quantiles } = await answers({}, { units: "normalised", size: 0 });
    [0.1, 0.5, 0.9].forEach((level, i) => {
      expect((quantiles as Float64Array)[i]).toBeCloseTo(normalQuantile(level), 5);
    });
  });
});

test("learns from outcomes in volatilities of the window, and is not drowned by what follows a flat one", () => {
  const flat = cutSamples(pricesOf(closes("A", [100, 110, 100, 100, 100, 101])), {
    lookback: 2,
    horizons: [1],
    which: "known",
  });
  const moved = Math.log(1.1) / Math.sqrt((Math.log(1.1) ** 2 + Math.log(1.1) ** 2) / 2);
  expect(moved).toBeCloseTo(1, 12);
  // Windows: up and down (nothing follows), down and flat (nothing follows), flat and flat (one percent follows).
  expect([...standardOutcomes(flat, "log-return")]).toEqual([0, 0, 20]);
  expect([...standardOutcomes(flat, "volatility")]).toEqual([0, 0, 20]);
  expect([...standardOutcomes(flat, "direction")]).toEqual([0, 0, 1]);
});
