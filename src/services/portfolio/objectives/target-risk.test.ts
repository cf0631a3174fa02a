/** The largest return at a risk: no other weights do better, and the frontier says the same. */
import { describe, expect, test } from "vitest";
import { dot, keyFrom, normal, uniform } from "../../../base/index.ts";
import { defaultLimits } from "../constraints/limits.ts";
import { estimateMarket } from "../estimate.ts";
import { efficientFrontier } from "../frontier.ts";
import { solveObjective } from "../positions.ts";
import { returnPanel } from "../returns.ts";
import { defaultOptions, type ObjectiveOptions, type RiskName, riskNames } from "./input.ts";
import { riskOf } from "./scenario.ts";

const assets = 5;
const periods = 260;
const data = normal(keyFrom(11), assets * periods, 0, 0.01).map(
  (value, k) => value * (0.6 + 0.3 * Math.floor(k / periods)) + 0.0002 * (1 + Math.floor(k / periods)),
);
const panel = returnPanel(["A", "B", "C", "D", "E"], { rows: assets, columns: periods, data });
const { market } = estimateMarket(panel, { periodsPerYear: 252 });
const withOptions = (options: Partial<ObjectiveOptions>) => ({
  market,
  limits: defaultLimits,
  options: { ...defaultOptions, ...options },
});
const at = (riskMeasure: RiskName, targetRisk: number) =>
  solveObjective("max-return", withOptions({ riskMeasure, targetRisk }), {});

describe.each(riskNames)("most return at most a target of %s", (riskMeasure) => {
  const plain = withOptions({ riskMeasure });
  const frontier = efficientFrontier(plain, riskMeasure, 5);
  const risks = frontier.map(({ weights }) => riskOf(riskMeasure, plain, weights));

  test("is the frontier's point of that risk", () => {
    for (const k of [1, 2, 3]) {
      const { weights, objective, certificate } = at(riskMeasure, risks[k]);
      expect(riskOf(riskMeasure, plain, weights)).toBeLessThanOrEqual(risks[k] * (1 + 1e-8));
      expect(-objective).toBeCloseTo(frontier[k].expectedReturn, 5);
      expect(-objective).toBeCloseTo(dot(market.expectedReturns, weights), 8);
      expect(certificate.gap).toBeLessThanOrEqual(certificate.tolerance);
    }
  });

  test("is more than any weights drawn at random have within it", () => {
    const target = (risks[0] + risks[3]) / 2;
    const { objective } = at(riskMeasure, target);
    let within = 0;
    for (let seed = 0; seed < 300; seed++) {
      const raw = uniform(keyFrom(seed), assets).map((value) => -Math.log(1 - value));
      const total = raw.reduce((sum, value) => sum + value, 0);
      const weights = raw.map((value) => value / total);
      if (riskOf(riskMeasure, plain, weights) > target) continue;
      within++;
      expect(dot(market.expectedReturns, weights)).toBeLessThanOrEqual(-objective + 1e-7);
    }
    expect(within).toBeGreaterThan(5);
  });

  test("is the most return of all where the target does not bind, and refused where none is so low", () => {
    const largest = Math.max(...market.expectedReturns);
    expect(-at(riskMeasure, 10 * risks[4]).objective).toBeCloseTo(largest, 7);
    expect(() => at(riskMeasure, 0.9 * risks[0])).toThrow(
      new RegExp(`no weights satisfy .*"${riskMeasure} <= `),
    );
  });
});

test("a target of risk is for max-return, above 0, and without quadratic costs", () => {
  const input = withOptions({ riskMeasure: "cvar", targetRisk: 0.02 });
  expect(() => solveObjective("max-sharpe", input, {})).toThrow(
    "target-risk: expected the objective max-return, received max-sharpe",
  );
  expect(() => at("cvar", Number.NaN)).toThrow("target-risk: expected a number above 0, received NaN");
  expect(() =>
    solveObjective("max-return", { ...input, limits: { ...defaultLimits, impact: 0.1 } }, {}),
  ).toThrow("impact: expected no quadratic cost beside target-risk, received 0.1");
});
