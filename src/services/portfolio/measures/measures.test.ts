import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldIn, keyFrom, matrix, mean, normal, standardDeviation } from "../../../base/index.ts";
import { automaticBlockLength, bootstrapIntervals, stationaryOrder } from "./bootstrap.ts";
import { defaultSeriesOptions, measureOf, measuresOf } from "./series.ts";
import {
  deflatedSharpe,
  expectedMaximumSharpe,
  overfittingProbability,
  probabilisticSharpe,
  sharpeSample,
} from "./sharpe-inference.ts";
import { combinatorialSplits, purgedKFoldSplits, walkForwardSplits } from "./splits.ts";

const options = { ...defaultSeriesOptions, periodsPerYear: 4 };

describe("measures of a series", () => {
  test("follow from arithmetic on four returns", () => {
    const returns = Float64Array.of(0.1, -0.2, 0.05, 0.25);
    const m = measuresOf(returns, { ...options, riskFree: 0.02, level: 0.75 });
    expect(m.returnAnnual).toBeCloseTo(0.2, 12);
    expect(m.growthAnnual).toBeCloseTo(1.1 * 0.8 * 1.05 * 1.25 - 1, 12);
    const deviation = Math.sqrt((0.05 ** 2 + 0.25 ** 2 + 0 + 0.2 ** 2) / 3);
    expect(m.volatilityAnnual).toBeCloseTo(2 * deviation, 12);
    expect(m.sharpeAnnual).toBeCloseTo(0.18 / (2 * deviation), 12);
    expect(m.sortinoAnnual).toBeCloseTo(0.18 / (2 * Math.sqrt(0.04 / 4)), 12);
    expect(m.maxDrawdown).toBeCloseTo(0.2, 12);
    expect(m.averageDrawdown).toBeCloseTo((0.2 + 0.16) / 4, 12);
    expect(m.ulcerIndex).toBeCloseTo(Math.sqrt((0.04 + 0.0256) / 4), 12);
    expect(m.cdar).toBeCloseTo(0.2, 12); // the worst quarter is one period
    expect(m.cvar).toBeCloseTo(0.2, 12);
    expect(m.calmar).toBeCloseTo((1.1 * 0.8 * 1.05 * 1.25 - 1) / 0.2, 12);
    expect(m.omega).toBeCloseTo(0.4 / 0.2, 12);
    expect(m.worst).toBe(0.2);
    expect(m.positiveShare).toBe(0.75);
    const uncompounded = measuresOf(returns, { ...options, drawdown: "uncompounded" });
    expect(uncompounded.maxDrawdown).toBeCloseTo(0.2, 12);
    expect(uncompounded.averageDrawdown).toBeCloseTo((0.2 + 0.15) / 4, 12);
  });

  test("have no ratio where there is no risk", () => {
    const m = measuresOf(Float64Array.of(0.01, 0.01, 0.01), options);
    expect([m.sortinoAnnual, m.calmar, m.omega]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect(m.maxDrawdown).toBe(0);
  });

  test("obey their laws: scale, translation, order of the tail measures", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 500 }), (seed) => {
        const returns = normal(keyFrom(seed), 120, 0.001, 0.02);
        const m = measuresOf(returns, options);
        const twice = measuresOf(
          returns.map((value) => 2 * value),
          options,
        );
        expect(twice.cvar).toBeCloseTo(2 * m.cvar, 12);
        expect(twice.evar).toBeCloseTo(2 * m.evar, 8);
        expect(twice.sharpeAnnual).toBeCloseTo(m.sharpeAnnual, 9);
        const raised = measuresOf(
          returns.map((value) => value + 0.01),
          options,
        );
        expect(raised.cvar).toBeCloseTo(m.cvar - 0.01, 12);
        expect(m.valueAtRisk).toBeLessThanOrEqual(m.cvar + 1e-12);
        expect(m.cvar).toBeLessThanOrEqual(m.evar + 1e-9);
        expect(m.evar).toBeLessThanOrEqual(m.worst + 1e-6);
        expect(m.averageDrawdown).toBeLessThanOrEqual(m.ulcerIndex + 1e-12);
        expect(m.cdar).toBeLessThanOrEqual(m.maxDrawdown + 1e-12);
      }),
      { numRuns: 30 },
    );
  });
});

describe("luck in Sharpe ratios", () => {
  test("is what Bailey and López de Prado's example of 2014 says", () => {
    // 100 trials whose annual ratios have variance 1/2; a ratio of 2.5 over 1250 days, skewness -3, kurtosis 10.
    const benchmark = expectedMaximumSharpe(100, 0.5 / 250);
    expect(benchmark).toBeCloseTo(0.1132, 4);
    const sample = { sharpe: 2.5 / Math.sqrt(250), observations: 1250, skewness: -3, kurtosis: 10 };
    expect(probabilisticSharpe(sample, benchmark)).toBeCloseTo(0.9004, 3);
  });

  test("falls to one half against the ratio itself, and deflates with the number of trials", () => {
    const sample = sharpeSample(normal(keyFrom(1), 400, 0.001, 0.01));
    expect(probabilisticSharpe(sample, sample.sharpe)).toBeCloseTo(0.5, 12);
    expect(deflatedSharpe(sample, [sample.sharpe])).toBeCloseTo(probabilisticSharpe(sample), 12);
    const few = Array.from({ length: 5 }, (_, k) => sample.sharpe - k * 0.01);
    expect(deflatedSharpe(sample, few)).toBeLessThan(probabilisticSharpe(sample));
    expect(expectedMaximumSharpe(200, 0.01)).toBeGreaterThan(expectedMaximumSharpe(20, 0.01));
  });

  test("overfits in half of the splits when nothing is there, and in none when one trial is better", () => {
    const periods = 640;
    let total = 0;
    for (let seed = 0; seed < 6; seed++) {
      const noise = matrix(10, periods, normal(keyFrom(seed), 10 * periods, 0, 0.01));
      total += overfittingProbability(noise, 8).probability / 6;
    }
    // The halves of one sample mirror each other, so that without skill the choice does worse than chance on average.
    expect(total).toBeGreaterThan(0.35);
    const skilled = matrix(
      10,
      periods,
      normal(keyFrom(7), 10 * periods, 0, 0.01).map((value, k) => value + (k < periods ? 0.005 : 0)),
    );
    const found = overfittingProbability(skilled, 8);
    expect(found.splits).toBe(70);
    expect(found.probability).toBe(0);
  });

  test("counts a known split by hand", () => {
    // Two trials, two blocks: the first is best in block 1 and worst in block 2, and the other way round.
    const trials = matrix(2, 8, Float64Array.of(1, 2, 1, 2, -1, -2, -1, -2, -1, -2, -1, -2, 1, 2, 1, 2));
    const { probability, logits } = overfittingProbability(trials, 2);
    expect(probability).toBe(1);
    expect(logits[0]).toBeCloseTo(Math.log(1 / 3 / (2 / 3)), 12);
  });

  test("is one half when there is nothing to choose between", () => {
    const one = normal(keyFrom(3), 100, 0, 0.01);
    const same = matrix(3, 100, Float64Array.from([...one, ...one, ...one]));
    expect(overfittingProbability(same, 4).probability).toBe(0.5);
  });

  test("is not computed from too little", () => {
    expect(() => overfittingProbability(matrix(1, 100), 4)).toThrow(/at least 2 trials/);
    expect(() => overfittingProbability(matrix(2, 100), 5)).toThrow(/even number/);
    expect(() => overfittingProbability(matrix(2, 10), 16)).toThrow(/at least 32 periods/);
  });
});

describe("the stationary bootstrap", () => {
  test("covers the mean of independent returns about as often as it says", () => {
    let covered = 0;
    for (let seed = 0; seed < 60; seed++) {
      const returns = normal(keyFrom(seed), 150, 0.002, 0.01);
      const { mean: interval } = bootstrapIntervals(
        150,
        (order) => ({ mean: mean(Array.from(order, (t) => returns[t])) }),
        foldIn(keyFrom(seed), "bootstrap"),
        { resamples: 200, blockLength: 1, confidence: 0.9 },
      );
      if (interval.low <= 0.002 && 0.002 <= interval.high) covered++;
    }
    expect(covered / 60).toBeGreaterThan(0.78); // 0.9 less three standard errors
  });

  test("keeps blocks of the mean length that was asked for, and wraps around", () => {
    const order = stationaryOrder(20_000, 10, keyFrom(4));
    let breaks = 0;
    for (let t = 1; t < order.length; t++) if (order[t] !== (order[t - 1] + 1) % 20_000) breaks++;
    expect(20_000 / breaks).toBeGreaterThan(9.3);
    expect(20_000 / breaks).toBeLessThan(10.7);
  });

  test("chooses longer blocks for returns that depend on those before", () => {
    const noise = normal(keyFrom(3), 2000, 0, 0.01);
    const dependent = Float64Array.from(noise);
    for (let t = 1; t < dependent.length; t++) dependent[t] += 0.8 * dependent[t - 1];
    expect(automaticBlockLength(noise)).toBeLessThan(6);
    expect(automaticBlockLength(dependent)).toBeGreaterThan(15);
  });
});

describe("splits", () => {
  test("walk forward without a gap, an overlap or a look ahead", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 30, max: 300 }),
        fc.integer({ min: 5, max: 25 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 4 }),
        fc.boolean(),
        (periods, train, testSize, purge, expanding) => {
          const splits = walkForwardSplits(periods, { train, test: testSize, purge, expanding });
          let next = train + purge;
          for (const split of splits) {
            expect(split.test[0].from).toBe(next);
            expect(split.train[0].to).toBe(next - purge);
            expect(split.train[0].to - split.train[0].from).toBe(expanding ? next - purge : train);
            next = split.test[0].to;
          }
          expect(next).toBe(periods);
        },
      ),
    );
    expect(() => walkForwardSplits(50, { train: 50, test: 5 })).toThrow(/more than 50 periods/);
  });

  test("combine to the counts of the reference: 45 splits and 36 paths, 15 and 5", () => {
    for (const [folds, testFolds, count, paths] of [
      [10, 8, 45, 36],
      [6, 2, 15, 5],
    ]) {
      const splits = combinatorialSplits(600, folds, testFolds);
      expect(splits).toHaveLength(count);
      const covered = new Map<number, number>();
      for (const { test: parts, paths: path } of splits)
        parts.forEach(({ from, to }, k) => {
          covered.set(path[k], (covered.get(path[k]) ?? 0) + to - from);
        });
      expect(covered.size).toBe(paths);
      expect([...covered.values()].every((periods) => periods === 600)).toBe(true);
    }
  });

  test("train on nothing that is within purge and embargo of the test", () => {
    for (const { train, test: parts } of purgedKFoldSplits(100, 5, { purge: 3, embargo: 4 })) {
      for (const { from, to } of train)
        for (let t = from; t < to; t++)
          for (const part of parts) expect(t < part.from - 3 || t >= part.to + 7).toBe(true);
    }
    expect(() => purgedKFoldSplits(10, 2, { purge: 10 })).toThrow(/periods to train on/);
    expect(() => combinatorialSplits(10, 3, 3)).toThrow(/expected 1 to 2/);
  });
});

test("gives one measure as it gives all", () => {
  const returns = normal(keyFrom(2), 60, 0, 0.01);
  expect(measureOf("cvar", returns, options)).toBe(measuresOf(returns, options).cvar);
  expect(measureOf("volatilityAnnual", returns, options)).toBeCloseTo(2 * standardDeviation(returns), 14);
});
