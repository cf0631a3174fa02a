import { describe, expect, test } from "vitest";
import { dayMs, keyFrom, normal } from "../../base/index.ts";
import { dieboldMariano } from "../../models/index.ts";
import type { SampleSet } from "./samples.ts";
import { cutSamples } from "./samples.ts";
import { naiveForecast, type ScoreInput, scoreForecasts, trainingFacts } from "./score.ts";
import { everySample, pricesOf, walk } from "./testing/prices.ts";

/** A set of one symbol made by hand: only what scores read. */
function handMade(logReturn: readonly number[], changes: Partial<SampleSet> = {}): SampleSet {
  const count = logReturn.length;
  const asOf = Float64Array.from({ length: count }, (_, i) => i * dayMs);
  const base = cutSamples(pricesOf(walk("A", 5)), { lookback: 3, horizons: [1], which: "known" });
  return {
    ...base,
    windows: {
      ...base.windows,
      starts: Int32Array.from(asOf.keys()),
      symbol: new Int32Array(count),
      asOf,
      startTime: asOf,
      labelTime: asOf.map((time) => time + dayMs),
    },
    horizons: [1],
    logReturn: Float64Array.from(logReturn),
    futureVolatility: Float64Array.from(logReturn, Math.abs),
    lastClose: new Float64Array(count).fill(100),
    windowVolatility: new Float64Array(count).fill(0.02),
    ...changes,
  };
}

const facts = { riseShare: [0.75], band: [{ lower: -0.02, upper: 0.02 }] };

function score(set: SampleSet, forecast: readonly number[], changes: Partial<ScoreInput> = {}) {
  const [only] = scoreForecasts({
    set,
    samples: everySample(set),
    target: "log-return",
    levels: [],
    model: { forecast: Float64Array.from(forecast), quantiles: null },
    linear: { forecast: new Float64Array(forecast.length), quantiles: null },
    factsAt: () => facts,
    ...changes,
  });
  return only;
}

describe("the naive forecast", () => {
  const set = handMade([0.01, -0.02]);
  test.each([
    ["return", [0, 0]],
    ["log-return", [0, 0]],
    ["direction", [0.75, 0.75]],
    ["volatility", [0.02, 0.02]],
    ["level", [100, 100]],
  ] as const)("of a %s is %j", (target, expected) => {
    expect([...naiveForecast(set, everySample(set), target, () => facts)]).toEqual(expected);
  });

  test("of each sample uses the facts of its own training", () => {
    const shares = [0.2, 0.6];
    const factsAt = (place: number) => ({ ...facts, riseShare: [shares[place]] });
    expect([...naiveForecast(set, everySample(set), "direction", factsAt)]).toEqual(shares);
  });
});

describe("a score", () => {
  test("has neither skill nor a p-value where prices stand still, and every loss is the same", () => {
    const still = Array.from({ length: 40 }, () => 0);
    const result = score(
      handMade(still),
      still.map(() => 0.001),
    );
    expect([result.skill, result.linearSkill, result.pValue]).toEqual([null, 0, null]);
  });

  test("holds errors of model, naive and linear forecast of the same samples", () => {
    const result = score(handMade([0.02, -0.04]), [0.01, -0.02]);
    expect(result.n).toBe(2);
    expect(result.model.mse).toBeCloseTo((0.01 ** 2 + 0.02 ** 2) / 2, 12);
    expect(result.model.mae).toBeCloseTo(0.015, 12);
    expect(result.model.rmse).toBeCloseTo(Math.sqrt(0.00025), 12);
    expect(result.naive.mse).toBeCloseTo((0.02 ** 2 + 0.04 ** 2) / 2, 12);
    expect(result.linear.mse).toBe(result.naive.mse);
    expect(result.skill).toBeCloseTo(1 - 0.00025 / 0.001, 12);
    expect(result.linearSkill).toBe(0);
  });

  test("counts directions, and gives naive the side that rose more often in training", () => {
    const result = score(handMade([0.02, -0.04, 0.01, -0.03]), [0.1, -0.1, -0.1, -0.1]);
    expect(result.model.directionAccuracy).toBe(0.75);
    expect(result.naive.directionAccuracy).toBe(0.5);
  });

  test("reads the direction of a level against the last price, and of a probability against one half", () => {
    const set = handMade([0.02, -0.04]);
    expect(score(set, [101, 101], { target: "level" }).model.directionAccuracy).toBe(0.5);
    expect(score(set, [0.6, 0.4], { target: "direction" }).model.directionAccuracy).toBe(1);
    expect(score(set, [0.1, 0.1], { target: "volatility" }).model.directionAccuracy).toBeNull();
  });

  test("judges probabilities by Brier score, log loss and area under the curve", () => {
    const result = score(handMade([0.02, -0.04]), [0.8, 0.4], { target: "direction" });
    expect(result.model.mse).toBeCloseTo((0.2 ** 2 + 0.4 ** 2) / 2, 12);
    expect(result.model.logLoss).toBeCloseTo(-(Math.log(0.8) + Math.log(0.6)) / 2, 12);
    expect(result.model.auc).toBe(1);
    expect(result.naive.mse).toBeCloseTo((0.25 ** 2 + 0.75 ** 2) / 2, 12);
    expect(score(handMade([0.02, -0.04]), [0.8, 0.4]).model.auc).toBeNull();
  });

  test("compares losses by the test of Diebold and Mariano, and not on a handful of dates", () => {
    const outcome = normal(keyFrom(1), 60, 0, 0.02);
    const forecast = outcome.map((value, i) => 0.3 * value + (i % 2 === 0 ? 0.002 : -0.001));
    const set = handMade([...outcome]);
    const differences = outcome.map((value, i) => value ** 2 - (forecast[i] - value) ** 2);
    expect(score(set, [...forecast]).pValue).toBeCloseTo(dieboldMariano(differences, 1).pValue, 10);
    expect(score(handMade([0.02, -0.04]), [0.01, -0.02]).pValue).toBeNull();
  });

  test("takes the correlation of changes, not of prices, for a level", () => {
    const moves = [0.02, -0.01, 0.03, -0.02];
    const lastClose = Float64Array.of(10, 100, 1000, 10000);
    const set = handMade(moves, { lastClose });
    // Always the last price and a little against the move: prices correlate all but fully, changes the other way.
    const against = moves.map((move, i) => lastClose[i] * (1 - 0.1 * move));
    expect(score(set, against, { target: "level" }).model.ic).toBeLessThan(-0.99);
    const along = moves.map((move, i) => lastClose[i] * Math.exp(move));
    expect(score(set, along, { target: "level" }).model.ic).toBeCloseTo(1, 10);
  });

  test("has no correlation where the forecast never changes", () => {
    expect(score(handMade([0.02, -0.04, 0.01]), [0.1, 0.1, 0.1]).model.ic).toBeNull();
  });

  test("knows the skill of the true mean of a market whose law is known", () => {
    const set = handMade([0.02, -0.04]);
    const half = { conditionalMean: (_: string, asOf: number) => (asOf === 0 ? 0.01 : -0.02) };
    expect(score(set, [0, 0], half).trueMeanSkill).toBeCloseTo(1 - 0.00025 / 0.001, 12);
    expect(score(set, [0, 0]).trueMeanSkill).toBeNull();
    expect(score(set, [0, 0], { ...half, target: "volatility" }).trueMeanSkill).toBeNull();
  });

  test("gives the standard error of that skill, from its loss on each date", () => {
    const outcome = normal(keyFrom(1), 60, 0, 0.02);
    const set = handMade([...outcome]);
    const at = (asOf: number) => set.windows.asOf.indexOf(asOf);
    const result = score(set, new Array(60).fill(0), {
      conditionalMean: (_, asOf) => 0.3 * outcome[at(asOf)],
    });
    // Of an outcome x, x² - (0.7 x)² is gained: 0.51 x², whose mean has the standard error of any mean.
    const gains = outcome.map((value) => 0.51 * value ** 2);
    const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length;
    const deviation = Math.sqrt(mean(gains.map((gain) => (gain - mean(gains)) ** 2)) / 59);
    expect(result.trueMeanSkill).toBeCloseTo(0.51, 10);
    expect(result.trueMeanSkillError).toBeCloseTo(deviation / mean(outcome.map((value) => value ** 2)), 10);
    expect(
      score(handMade([0.02, -0.04]), [0, 0], { conditionalMean: () => 0.01 }).trueMeanSkillError,
    ).toBeNull();
  });

  test("measures what share of outcomes lies below each quantile and inside the band", () => {
    const set = handMade([-0.03, -0.01, 0.01, 0.03]);
    const quantiles = Float64Array.from([0, 1, 2, 3].flatMap(() => [-0.02, 0, 0.04]));
    const result = score(set, [0, 0, 0, 0], {
      levels: [0.1, 0.5, 0.9],
      model: { forecast: new Float64Array(4), quantiles },
    });
    expect(result.coverage).toEqual([
      { level: 0.1, observed: 0.25 },
      { level: 0.5, observed: 0.5 },
      { level: 0.9, observed: 1 },
    ]);
    expect(result.interval).toEqual({
      lower: 0.1,
      upper: 0.9,
      expected: 0.8,
      coverage: 0.75,
      naiveCoverage: 0.5, // the band of training outcomes is ±0.02
    });
  });

  test("moves the naive band of a level with the last price", () => {
    const set = handMade([-0.03, 0.01]);
    const result = score(set, [100, 100], {
      target: "level",
      levels: [0.1, 0.9],
      model: { forecast: Float64Array.of(100, 100), quantiles: Float64Array.of(90, 110, 90, 110) },
    });
    expect(result.interval).toMatchObject({ coverage: 1, naiveCoverage: 0.5 });
  });

  test("keeps the columns of several horizons apart", () => {
    const set = handMade([0.01, 0.02], {
      horizons: [1, 5],
      logReturn: Float64Array.of(0.01, 0.1, 0.02, 0.2),
    });
    const twice = { riseShare: [0.5, 0.5], band: [facts.band[0], facts.band[0]] };
    const [near, far] = scoreForecasts({
      set,
      samples: everySample(set),
      target: "log-return",
      levels: [],
      model: { forecast: Float64Array.of(0.01, 0, 0.02, 0), quantiles: null },
      linear: { forecast: new Float64Array(4), quantiles: null },
      factsAt: () => twice,
    });
    expect([near.horizon, near.skill, far.horizon, far.skill]).toEqual([1, 1, 5, 0]);
  });
});

test("takes the facts for naive forecasts from the training part alone", () => {
  const set = handMade([0.01, 0.02, -0.01, 0.03, -0.9, -0.9]);
  const known = trainingFacts(set, Int32Array.of(0, 1, 2, 3), "log-return", [0, 1]);
  expect(known).toEqual({ riseShare: [0.75], band: [{ lower: -0.01, upper: 0.03 }] });
});
