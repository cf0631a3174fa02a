/** What holds for every optimal portfolio, whatever the numbers. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dot, keyFrom, matrix, normal, permutation, quadraticForm, uniform } from "../../src/base/index.ts";
import {
  defaultLimits,
  defaultOptions,
  estimateMarket,
  type Limits,
  type Market,
  type ObjectiveName,
  type ObjectiveOptions,
  objectives,
  returnPanel,
  riskContributions,
  riskNames,
  riskOf,
  solveObjective,
} from "../../src/services/portfolio/index.ts";

/** Objectives with one minimum, and by which power of the scale of returns their value grows. */
const minimised: readonly (readonly [ObjectiveName, number, Partial<ObjectiveOptions>])[] = [
  ["min-volatility", 2, {}],
  ["max-diversification", 0, {}],
  ["max-decorrelation", 0, {}],
  ["min-cvar", 1, { level: 0.8 }],
  ["min-evar", 1, { level: 0.8 }],
  ["min-mad", 1, {}],
  ["min-semi-deviation", 2, {}],
  ["min-worst", 1, {}],
  ["min-cdar", 1, { level: 0.8 }],
  ["min-max-drawdown", 1, {}],
  ["min-average-drawdown", 1, {}],
  ["min-ulcer", 2, {}],
];

/** Those whose weights are unique for all but special numbers: a strictly convex risk. */
const unique: readonly ObjectiveName[] = [
  "min-volatility",
  "max-diversification",
  "max-decorrelation",
  "min-evar",
];

function randomMarket(seed: number, count: number, scale = 1, order?: Int32Array): Market {
  const periods = 60;
  const common = normal(keyFrom(seed), periods, 0, 0.01);
  const own = normal(keyFrom(seed + 1), periods * count, 0.0005, 0.012);
  const returns = matrix(count, periods);
  for (let i = 0; i < count; i++) {
    const from = order ? order[i] : i;
    for (let t = 0; t < periods; t++)
      returns.data[i * periods + t] = scale * (common[t] * (0.5 + 0.2 * from) + own[from * periods + t]);
  }
  const names = Array.from({ length: count }, (_, i) => `A${order ? order[i] : i}`);
  return estimateMarket(returnPanel(names, returns), { periodsPerYear: 252 }).market;
}

function solve(
  name: ObjectiveName,
  market: Market,
  limits: Partial<Limits> = {},
  options: Partial<ObjectiveOptions> = {},
) {
  return objectives[name].solve({
    market,
    limits: { ...defaultLimits, ...limits },
    options: { ...defaultOptions, ...options },
  });
}

const seeds = fc.integer({ min: 0, max: 1e6 });
const counts = fc.integer({ min: 2, max: 8 });
const runs = { numRuns: 8 };

describe.each(minimised)("%s", (name, power, options) => {
  test("grows with the scale of returns as a risk does", () => {
    fc.assert(
      fc.property(seeds, counts, fc.double({ min: 0.2, max: 3, noNaN: true }), (seed, count, scale) => {
        const one = solve(name, randomMarket(seed, count), {}, options);
        const other = solve(name, randomMarket(seed, count, scale), {}, options);
        const grown = one.objective * scale ** power;
        expect(Math.abs(other.objective - grown)).toBeLessThan(1e-6 * Math.max(Math.abs(grown), 1e-4));
      }),
      runs,
    );
  });

  test("does not depend on the order of assets", () => {
    fc.assert(
      fc.property(seeds, counts, (seed, count) => {
        const order = permutation(keyFrom(seed), count);
        const one = solve(name, randomMarket(seed, count), {}, options);
        const other = solve(name, randomMarket(seed, count, 1, order), {}, options);
        expect(Math.abs(other.objective - one.objective)).toBeLessThan(1e-6 * Math.max(one.objective, 1e-4));
        if (unique.includes(name))
          order.forEach((from, i) => {
            expect(Math.abs(other.weights[i] - one.weights[from])).toBeLessThan(1e-4);
          });
      }),
      runs,
    );
  });

  test("does not notice a redundant constraint, and never gains by a tighter one", () => {
    fc.assert(
      fc.property(seeds, counts, fc.double({ min: 0, max: 1, noNaN: true }), (seed, count, share) => {
        const market = randomMarket(seed, count);
        const free = solve(name, market, {}, options);
        const redundant = solve(name, market, { constraints: ["A0 + A1 <= 1.5", "A0 >= -1"] }, options);
        const size = Math.max(Math.abs(free.objective), 1e-4);
        expect(Math.abs(redundant.objective - free.objective)).toBeLessThan(1e-6 * size);
        const tighter = solve(name, market, { maxWeight: 1 / count + share * (1 - 1 / count) }, options);
        expect(tighter.objective).toBeGreaterThan(free.objective - 1e-6 * size);
        const tightest = solve(
          name,
          market,
          { maxWeight: 1 / count + 0.5 * share * (1 - 1 / count) },
          options,
        );
        expect(tightest.objective).toBeGreaterThan(tighter.objective - 1e-6 * size);
      }),
      runs,
    );
  });
});

test("shares of risk are those of the budgets, for any covariance", () => {
  fc.assert(
    fc.property(seeds, counts, (seed, count) => {
      const market = randomMarket(seed, count);
      const budgets = Object.fromEntries(market.assets.map((asset, i) => [asset, 1 + i]));
      const { weights } = solve("risk-parity", market, {}, { riskBudgets: budgets });
      const total = (count * (count + 1)) / 2;
      const n = count;
      const marginal = weights.map((_, i) =>
        weights.reduce((sum, weight, j) => sum + market.covariance.data[i * n + j] * weight, 0),
      );
      const variance = weights.reduce((sum, weight, i) => sum + weight * marginal[i], 0);
      weights.forEach((weight, i) => {
        expect(Math.abs((weight * marginal[i]) / variance - (1 + i) / total)).toBeLessThan(1e-8);
      });
    }),
    { numRuns: 30 },
  );
});

test("a position limit is kept, and costs what it must: all choices of assets tried one by one", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const count = 6;
      const market = randomMarket(seed, count);
      let best = Number.POSITIVE_INFINITY;
      for (let chosen = 1; chosen < 1 << count; chosen++) {
        const inside = market.assets.filter((_, i) => (chosen >> i) & 1);
        if (inside.length > 3) continue;
        const bounds = Object.fromEntries(
          market.assets.map((asset) => [
            asset,
            inside.includes(asset) ? ([0.1, 1] as const) : ([0, 0] as const),
          ]),
        );
        best = Math.min(best, solve("min-volatility", market, { bounds }).objective);
      }
      const limited = solveLimited(market);
      expect(Math.abs(limited.objective - best)).toBeLessThan(1e-8 * best + 1e-6 * best);
      const held = Array.from(limited.weights).filter((weight) => Math.abs(weight) > 1e-7);
      expect(held.length).toBeLessThanOrEqual(3);
      expect(Math.min(...held)).toBeGreaterThan(0.1 - 1e-6);
    }),
    { numRuns: 5 },
  );
});

function solveLimited(market: Market) {
  return solveObjective(
    "min-volatility",
    { market, limits: defaultLimits, options: defaultOptions },
    { maxAssets: 3, minPosition: 0.1 },
  );
}

test("shares of risk stay below their limit, at what the best of a fine grid of all weights costs", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const market = randomMarket(seed, 3);
      const limit = 0.36;
      const input = { market, limits: defaultLimits, options: defaultOptions };
      const answer = solveObjective("min-volatility", input, { riskContributionLimit: limit });
      expect(Math.max(...riskContributions(market.covariance, answer.weights))).toBeLessThan(limit + 1e-7);
      const steps = 400;
      let best = Number.POSITIVE_INFINITY;
      for (let i = 0; i <= steps; i++)
        for (let j = 0; i + j <= steps; j++) {
          const weights = Float64Array.of(i / steps, j / steps, (steps - i - j) / steps);
          const variance = quadraticForm(market.covariance, weights);
          if (variance < best && Math.max(...riskContributions(market.covariance, weights)) <= limit)
            best = variance;
        }
      expect(answer.objective).toBeLessThan(best * (1 + 1e-6));
    }),
    { numRuns: 5 },
  );
});

describe.each(riskNames)("no weights beat the answer for %s", (riskMeasure) => {
  const options = { ...defaultOptions, level: 0.8, riskMeasure, riskAversion: 0.5 };
  /** What utility subtracts: half the variance, squares of root mean squares, the measure itself of others. */
  const penalty = (risk: number) => {
    if (riskMeasure === "volatility") return (risk * risk) / 2;
    if (riskMeasure === "mad") return risk / 2;
    return ["semi-deviation", "ulcer"].includes(riskMeasure) ? risk * risk : risk;
  };

  test("as utility or as a ratio", () => {
    fc.assert(
      fc.property(seeds, counts, (seed, count) => {
        const market = randomMarket(seed, count);
        const input = { market, limits: defaultLimits, options };
        const period = riskMeasure === "volatility" ? 1 : market.periodsPerYear;
        const earned = (weights: Float64Array) => dot(market.expectedReturns, weights);
        const utility = (weights: Float64Array) =>
          earned(weights) / period - options.riskAversion * penalty(riskOf(riskMeasure, input, weights));
        const ratio = (weights: Float64Array) => earned(weights) / riskOf(riskMeasure, input, weights);
        const best = objectives["max-utility"].solve(input);
        expect(utility(best.weights)).toBeCloseTo(-best.objective, 7);
        const gains = market.expectedReturns.some((value) => value > 0);
        const bestRatio = gains
          ? ratio(objectives["max-ratio"].solve(input).weights)
          : Number.POSITIVE_INFINITY;
        for (let k = 0; k < 50; k++) {
          const point = uniform(keyFrom(seed + 10 + k), count).map((value) => (-Math.log(1 - value)) ** 3);
          const total = point.reduce((sum, value) => sum + value, 0);
          const weights = point.map((value) => value / total);
          expect(utility(weights)).toBeLessThan(utility(best.weights) + 1e-8);
          expect(ratio(weights)).toBeLessThan(bestRatio * (1 + 1e-5));
        }
      }),
      { numRuns: 5 },
    );
  });
});
