/**
 * 200 random problems of 5 to 100 assets, solved by cvxopt (peers/cvxopt_problems.py, which made the numbers beside it): the
 * objective agrees to 1e-6, and every constraint holds to 1e-8.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { dot, type Matrix, matrix } from "../../src/base/index.ts";
import {
  defaultLimits,
  defaultOptions,
  type Limits,
  type Market,
  type ObjectiveName,
  type ObjectiveOptions,
  objectives,
  portfolioVolatility,
} from "../../src/services/portfolio/index.ts";

const expected: number[] = JSON.parse(
  readFileSync(new URL("./peers/cvxopt-objectives.json", import.meta.url), "utf8"),
);

const kinds = [
  "utility",
  "min-variance",
  "max-return",
  "min-cvar",
  "max-sharpe",
  "costs",
  "tracking",
  "long-short",
] as const;
type Kind = (typeof kinds)[number];

/** The generator that both sides share (Tommy Ettinger's mulberry32). */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function make(seed: number) {
  const draw = mulberry32(seed);
  const count = 5 + Math.floor(draw() * 96);
  const periods = 60 + Math.floor(draw() * 60);
  const bell = () => draw() + draw() + draw() + draw() - 2;
  const loadings = Array.from({ length: count }, () => 0.5 + draw());
  const own = Array.from({ length: count }, () => 0.01 + 0.02 * draw());
  const drift = Array.from({ length: count }, () => 0.001 * draw());
  const scenarios = matrix(count, periods);
  for (let t = 0; t < periods; t++) {
    const market = 0.01 * bell();
    for (let i = 0; i < count; i++)
      scenarios.data[i * periods + t] = drift[i] + loadings[i] * market + own[i] * bell();
  }
  const { mean, covariance } = moments(scenarios);
  for (let i = 0; i < count; i++) covariance.data[i * count + i] += 0.01 + 0.01 * draw();
  const upper = 2 / count + 0.3 * draw();
  const group = Array.from({ length: count }, (_, i) => i).filter(() => draw() < 0.4);
  const groupShare = 0.3 + 0.3 * draw();
  const aversion = 1 + 9 * draw();
  const turnover = 0.2 + 0.5 * draw();
  const cost = 0.001 + 0.004 * draw();
  const market: Market = {
    assets: Array.from({ length: count }, (_, i) => `A${i}`),
    expectedReturns: mean.map((value) => value * 252),
    covariance,
    scenarios,
    periodsPerYear: 252,
    riskFree: 0,
  };
  return { market, upper, group, groupShare: groupShare + group.length / count, aversion, turnover, cost };
}

function moments(scenarios: Matrix) {
  const { rows, columns, data } = scenarios;
  const mean = Float64Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let t = 0; t < columns; t++) sum += data[i * columns + t];
    return sum / columns;
  });
  const covariance = matrix(rows, rows);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < rows; j++) {
      let sum = 0;
      for (let t = 0; t < columns; t++)
        sum += (data[i * columns + t] - mean[i]) * (data[j * columns + t] - mean[j]);
      covariance.data[i * rows + j] = (sum / columns) * 252;
    }
  return { mean, covariance };
}

/** How a problem of each kind is asked for here. */
function request(kind: Kind, problem: ReturnType<typeof make>) {
  const { market, upper, group, groupShare, aversion, turnover, cost } = problem;
  const { assets } = market;
  const equal = new Float64Array(assets.length).fill(1 / assets.length);
  const named = Object.fromEntries(assets.map((asset, i) => [asset, equal[i]]));
  const longOnly: Partial<Limits> = {
    maxWeight: upper,
    groups: { chosen: group.map((i) => assets[i]) },
    constraints: [`chosen <= ${groupShare}`],
  };
  const kindsOf: Record<Kind, [ObjectiveName, Partial<Limits>, Partial<ObjectiveOptions>]> = {
    utility: ["max-utility", longOnly, { riskAversion: aversion }],
    "min-variance": ["min-volatility", { ...longOnly, targetReturn: dot(market.expectedReturns, equal) }, {}],
    "max-return": ["max-return", { ...longOnly, targetVolatility: portfolioVolatility(market, equal) }, {}],
    "min-cvar": ["min-cvar", longOnly, { level: 0.9 }],
    "max-sharpe": ["max-sharpe", longOnly, {}],
    costs: [
      "max-utility",
      { ...longOnly, holdings: named, costBps: cost * 10_000, turnoverLimit: turnover },
      { riskAversion: aversion },
    ],
    tracking: ["max-return", { ...longOnly, benchmark: named, trackingErrorLimit: 0.03 }, {}],
    "long-short": [
      "max-utility",
      { minWeight: -upper, maxWeight: upper, grossLimit: 1.4 },
      { riskAversion: aversion },
    ],
  };
  const [name, limits, options] = kindsOf[kind];
  return { name, limits: { ...defaultLimits, ...limits }, options: { ...defaultOptions, ...options } };
}

/** The largest violation of what was asked for, evaluated on the weights alone. */
function violation(
  limits: Limits,
  { market, group, groupShare }: ReturnType<typeof make>,
  weights: Float64Array,
) {
  const sum = (values: Iterable<number>) => [...values].reduce((all, value) => all + value, 0);
  const held = Float64Array.from(market.assets, (asset) => limits.holdings?.[asset] ?? 0);
  const benchmark = Float64Array.from(market.assets, (asset) => limits.benchmark?.[asset] ?? 0);
  const over: number[] = [Math.abs(sum(weights) - 1)];
  for (const weight of weights) over.push(limits.minWeight - weight, weight - limits.maxWeight);
  if (limits.constraints.length > 0) over.push(sum(group.map((i) => weights[i])) - groupShare);
  if (limits.grossLimit !== undefined) over.push(sum(weights.map(Math.abs)) - limits.grossLimit);
  if (limits.turnoverLimit !== undefined)
    over.push(sum(weights.map((value, i) => Math.abs(value - held[i]))) - limits.turnoverLimit);
  if (limits.targetReturn !== undefined)
    over.push(limits.targetReturn - dot(market.expectedReturns, weights));
  if (limits.targetVolatility !== undefined)
    over.push(portfolioVolatility(market, weights) - limits.targetVolatility);
  if (limits.trackingErrorLimit !== undefined)
    over.push(
      portfolioVolatility(
        market,
        weights.map((value, i) => value - benchmark[i]),
      ) - limits.trackingErrorLimit,
    );
  return Math.max(...over);
}

describe("random problems against cvxopt", () => {
  test("are 200", () => expect(expected).toHaveLength(200));

  test.each(kinds)("%s", (kind) => {
    for (let seed = kinds.indexOf(kind); seed < 200; seed += kinds.length) {
      const problem = make(seed);
      const { name, limits, options } = request(kind, problem);
      const answer = objectives[name].solve({ market: problem.market, limits, options });
      const difference =
        Math.abs(answer.objective - expected[seed]) / Math.max(Math.abs(expected[seed]), 1e-3);
      expect(difference, `seed ${seed}: ${answer.objective} against ${expected[seed]}`).toBeLessThan(1e-6);
      expect(violation(limits, problem, answer.weights), `seed ${seed}`).toBeLessThan(1e-8);
      expect(answer.certificate.gap).toBeLessThanOrEqual(answer.certificate.tolerance);
    }
  });
});
