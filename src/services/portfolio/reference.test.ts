/**
 * The published results of PyPortfolioOpt on its own prices (tests/test_efficient_frontier.py, _cvar, _cdar, _semivariance,
 * test_discrete_allocation), and closed forms.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { dot, matrixFrom } from "../../base/index.ts";
import { readPriceTable } from "../../data/index.ts";
import { allocateExactly, allocateGreedily } from "./allocate.ts";
import { defaultLimits, type Limits } from "./constraints/limits.ts";
import { estimateMarket } from "./estimate.ts";
import { efficientFrontier } from "./frontier.ts";
import { defaultOptions, type ObjectiveOptions } from "./objectives/input.ts";
import { riskContributions } from "./objectives/risk-parity.ts";
import { type ObjectiveName, objectives } from "./objectives/table.ts";
import { portfolioVolatility } from "./objectives/variance.ts";
import { type PricePanel, pricePanel } from "./prices.ts";
import type { Market } from "./problem.ts";
import { completeReturns, type ReturnPanel, simpleReturns } from "./returns.ts";

const shared = process.env["FATHOM_SHARED"] ?? join(import.meta.dirname, "../../../../shared");
const path = join(shared, "data/equities-close-pypfopt/stock_prices.csv.gz");
const present = existsSync(path);
if (!present) console.warn(`skipped: the prices of PyPortfolioOpt are not in ${shared}`);

/** Relative, to the digits that are published. */
function expectRelative(received: number, expected: number, tolerance: number): void {
  expect(Math.abs(received - expected) / Math.abs(expected)).toBeLessThan(tolerance);
}

describe.skipIf(!present)("PyPortfolioOpt's results", () => {
  let panel: PricePanel;
  let returns: ReturnPanel;
  let market: Market;

  beforeAll(async () => {
    panel = pricePanel(await readPriceTable({ path }));
    returns = simpleReturns(panel);
    market = estimateMarket(returns, { expectedReturns: "geometric", riskFree: 0.02 }).market;
  });

  const solve = (
    name: ObjectiveName,
    limits: Partial<Limits> = {},
    options: Partial<ObjectiveOptions> = {},
    other: Partial<Market> = {},
  ) =>
    objectives[name].solve({
      market: { ...market, ...other },
      limits: { ...defaultLimits, ...limits },
      options: { ...defaultOptions, ...options },
    });

  const returnOf = (weights: Float64Array) => dot(market.expectedReturns, weights);

  test.each<[string, ObjectiveName, Partial<Limits>, Partial<ObjectiveOptions>, number, number, number]>([
    ["min_volatility", "min-volatility", {}, {}, 0.02, 0.15056821399482578, 0.15915084514118694],
    [
      "min_volatility without bounds",
      "min-volatility",
      { minWeight: -10, maxWeight: 10 },
      {},
      0.02,
      0.1516319319875544,
      0.1555915367269669,
    ],
    ["max_sharpe", "max-sharpe", {}, {}, 0.02, 0.3047768672819914, 0.22165566922402932],
    ["max_sharpe, short", "max-sharpe", { minWeight: -1 }, {}, 0.02, 0.4937195216716211, 0.29516576454651955],
    ["max_sharpe, rf 0", "max-sharpe", {}, {}, 0, 0.2994470912768992, 0.21764331657015668],
    ["efficient_risk", "max-return", { targetVolatility: 0.19 }, {}, 0.02, 0.2552422849133517, 0.19],
    ["efficient_return", "min-volatility", { targetReturn: 0.25 }, {}, 0.02, 0.25, 0.18723269942026335],
    ["L2", "min-volatility", {}, { l2: 1 }, 0.02, 0.17356099329164965, 0.1955254118258614],
  ])("reproduces %s to 1e-6", (_, name, limits, options, riskFree, expectedReturn, volatility) => {
    const { weights, certificate } = solve(name, limits, options, { riskFree });
    expectRelative(returnOf(weights), expectedReturn, 1e-6);
    expectRelative(portfolioVolatility(market, weights), volatility, 1e-6);
    expect(certificate.gap).toBeLessThanOrEqual(certificate.tolerance);
  });

  test("gives the published Sharpe ratios", () => {
    const sharpe = (weights: Float64Array) =>
      (returnOf(weights) - 0.02) / portfolioVolatility(market, weights);
    expectRelative(sharpe(solve("min-volatility").weights), 0.8204054077060996, 1e-6);
    expectRelative(sharpe(solve("max-sharpe").weights), 1.2847714127003216, 1e-6);
    expectRelative(sharpe(solve("max-sharpe", { minWeight: -1 }).weights), 1.6049270564945908, 1e-6);
    expectRelative(sharpe(solve("max-return", { targetVolatility: 0.19 }).weights), 1.2381172871434818, 1e-6);
  });

  test.each<[ObjectiveName, Record<string, number>]>([
    [
      "min-volatility",
      {
        FB: 0.09856,
        BABA: 0.12558,
        WMT: 0.17715,
        GM: 0.11682,
        T: 0.17692,
        XOM: 0.18861,
        PFE: 0.08778,
        AAPL: 0.01467,
        SBUX: 0.01022,
        GOOG: 0.00306,
        BBY: 0.00063,
      },
    ],
    [
      "max-sharpe",
      {
        GOOG: 0.03835,
        AAPL: 0.0689,
        FB: 0.20603,
        BABA: 0.07315,
        AMZN: 0.04033,
        BBY: 0.01324,
        MA: 0.35349,
        PFE: 0.1957,
        SBUX: 0.01082,
      },
    ],
  ])("gives the published weights of %s", (name, published) => {
    const { weights } = solve(name);
    for (let i = 0; i < weights.length; i++)
      expect(Math.abs(weights[i] - (published[market.assets[i]] ?? 0))).toBeLessThan(6e-6);
  });

  test("reproduces min_cvar and min_cdar to 1e-4", () => {
    const cvar = solve("min-cvar");
    expectRelative(cvar.objective, 0.017049502122532853, 1e-4);
    expectRelative(returnOf(cvar.weights), 0.17745746040573562, 1e-4);
    const cdar = solve("min-cdar");
    expectRelative(cdar.objective, 0.056433, 1e-4);
    // Here the published return is that of the complete rows.
    const complete = estimateMarket(completeReturns(returns), { expectedReturns: "geometric" }).market;
    expectRelative(dot(complete.expectedReturns, cdar.weights), 0.14798, 1e-4);
  });

  // Published: 0.091287 and 1.971794, by a solver that stopped at a return of 0.1999992 and 1.2e-4 above the optimum. cvxopt on
  // the same programme (tolerances 1e-12) gives 0.09127562299780742, which is the optimum met here.
  test("finds the efficient semi-variance portfolio on complete rows, below the published one", () => {
    const complete = estimateMarket(completeReturns(returns), { expectedReturns: "geometric" }).market;
    const { objective, weights } = solve("min-semi-deviation", { targetReturn: 0.2 }, {}, complete);
    const semiDeviation = Math.sqrt(objective * 252);
    expectRelative(semiDeviation, 0.09127562299780742, 1e-8);
    expect(semiDeviation).toBeLessThan(0.091287);
    const sortino = (dot(complete.expectedReturns, weights) - 0.02) / semiDeviation;
    expectRelative(sortino, 1.971794, 2e-4);
    expect(sortino).toBeGreaterThan(1.971794);
  });

  test("allocates 10,000 as published, and by the integer program at least as near in money", async () => {
    const { weights } = solve("max-sharpe");
    const dates = panel.times.length;
    const prices = Float64Array.from(panel.assets, (_, i) => panel.prices.data[(i + 1) * dates - 1]);
    const lots = new Float64Array(20).fill(1);
    const problem = { assets: panel.assets, weights, prices, value: 10_000, lots };
    const greedy = allocateGreedily(problem);
    const shares = Object.fromEntries(
      panel.assets.flatMap((asset, i) => (greedy.shares[i] > 0 ? [[asset, greedy.shares[i]]] : [])),
    );
    expect(shares).toEqual({ MA: 20, FB: 12, PFE: 54, BABA: 4, AAPL: 4, BBY: 2, SBUX: 1, GOOG: 1 });
    expectRelative(greedy.rmse, 0.017086185150415774, 1e-6);
    expect(greedy.leftover).toBeCloseTo(11.89, 2);
    const exact = await allocateExactly(problem);
    const missed = ({ shares: count, leftover }: typeof greedy) =>
      leftover + count.reduce((sum, one, i) => sum + Math.abs(one * prices[i] - weights[i] * 10_000), 0);
    expect(missed(exact)).toBeLessThanOrEqual(missed(greedy) + 1e-6);
    expect(exact.leftover).toBeGreaterThanOrEqual(-1e-6);
  });

  test("the critical line meets the interior-point method at every return", () => {
    const input = { market, limits: defaultLimits, options: defaultOptions };
    for (const { expectedReturn, weights } of efficientFrontier(input, "volatility", 12).slice(0, -1)) {
      const other = solve("min-volatility", { targetReturn: expectedReturn });
      expectRelative(portfolioVolatility(market, weights), portfolioVolatility(market, other.weights), 1e-7);
    }
  });
});

describe("two assets in closed form", () => {
  // volatilities .2 and .3, correlation .25
  const market: Market = {
    assets: ["A", "B"],
    expectedReturns: Float64Array.of(0.05, 0.08),
    covariance: matrixFrom([
      [0.04, 0.015],
      [0.015, 0.09],
    ]),
    scenarios: matrixFrom([
      [0.01, -0.02, 0.03],
      [-0.02, 0.01, 0.02],
    ]),
    periodsPerYear: 252,
    riskFree: 0,
  };
  const input = { market, limits: defaultLimits, options: defaultOptions };

  test("the minimum of variance", () => {
    const { weights } = objectives["min-volatility"].solve(input);
    expect(weights[0]).toBeCloseTo(0.75, 12);
    expect(portfolioVolatility(market, weights)).toBeCloseTo(0.183711731, 8);
  });

  test("equal contributions to risk", () => {
    const { weights } = objectives["risk-parity"].solve(input);
    expect(weights[0]).toBeCloseTo(0.6, 10);
    expect(Array.from(riskContributions(market.covariance, weights), (v) => v.toFixed(10))).toEqual([
      "0.5000000000",
      "0.5000000000",
    ]);
  });

  test("the tangency portfolio is Σ⁻¹ μ, and utility has w = Σ⁻¹ (λ μ - γ 1) / λ inside its bounds", () => {
    const { weights } = objectives["max-sharpe"].solve(input);
    // Σ⁻¹ μ ∝ (.09 × .05 - .015 × .08, -.015 × .05 + .04 × .08) = (.0033, .00245)
    expect(weights[0]).toBeCloseTo(0.0033 / 0.00575, 10);
    const utility = objectives["max-utility"].solve({
      ...input,
      options: { ...defaultOptions, riskAversion: 10 },
    });
    // d/dw1 of return - 5 variance with w2 = 1 - w1: -.03 - 10 ((.04 - 2 × .015 + .09) w1 + .015 - .09) = 0
    expect(utility.weights[0]).toBeCloseTo((0.75 - 0.03) / (10 * 0.1), 10);
  });

  test("diversification and inverse volatility agree for two assets", () => {
    const inverse = objectives["inverse-volatility"].solve(input).weights;
    expect(inverse[0]).toBeCloseTo(0.6, 12);
    expect(objectives["max-diversification"].solve(input).weights[0]).toBeCloseTo(0.6, 10);
    expect(objectives["max-decorrelation"].solve(input).weights[0]).toBeCloseTo(0.5, 10);
  });
});
