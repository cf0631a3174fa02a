import fc from "fast-check";
import { expect, test } from "vitest";
import { keyFrom, matrix, matrixFrom, normal, transpose } from "../../../base/index.ts";
import { brinsonFachler } from "./brinson.ts";
import { riskAttribution } from "./risk.ts";

test("splits one period into allocation, selection and interaction as Brinson and Fachler do", () => {
  // Two groups: 70 / 30 against 60 / 40; returns 10 % and 2 % against 8 % and 4 %.
  const returns = matrixFrom([[0.1], [0.02], [0.08], [0.04]]);
  const portfolio = matrixFrom([[0.7, 0.3, 0, 0]]);
  const benchmark = matrixFrom([[0, 0, 0.6, 0.4]]);
  const { groups, activeReturn } = brinsonFachler(returns, portfolio, benchmark, [0, 1, 0, 1], 2);
  const total = 0.6 * 0.08 + 0.4 * 0.04; // the benchmark's 6.4 %
  expect(groups[0].allocation).toBeCloseTo(0.1 * (0.08 - total), 14);
  expect(groups[0].selection).toBeCloseTo(0.6 * 0.02, 14);
  expect(groups[0].interaction).toBeCloseTo(0.1 * 0.02, 14);
  expect(groups[1].allocation).toBeCloseTo(-0.1 * (0.04 - total), 14);
  expect(groups[1].selection).toBeCloseTo(0.4 * -0.02, 14);
  expect(groups[1].interaction).toBeCloseTo(-0.1 * -0.02, 14);
  expect(activeReturn).toBeCloseTo(0.7 * 0.1 + 0.3 * 0.02 - total, 14);
});

test("adds up to the active return over any number of periods", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 30 }), (seed, periods) => {
      const returns = matrix(5, periods, normal(keyFrom(seed), 5 * periods, 0.001, 0.03));
      const shares = (part: number) => {
        const raw = normal(keyFrom(1000 * part + seed), 5 * periods).map(Math.abs);
        const out = matrix(periods, 5, raw);
        for (let t = 0; t < periods; t++) {
          const sum = raw.subarray(5 * t, 5 * t + 5).reduce((total, value) => total + value, 0);
          for (let i = 0; i < 5; i++) out.data[5 * t + i] /= sum;
        }
        return out;
      };
      const [portfolio, benchmark] = [shares(1), shares(2)];
      const { groups, activeReturn, portfolioReturn } = brinsonFachler(
        returns,
        portfolio,
        benchmark,
        [0, 1, 2, 0, 1],
        3,
      );
      const sum = groups.reduce((total, g) => total + g.allocation + g.selection + g.interaction, 0);
      expect(sum).toBeCloseTo(activeReturn, 12);
      let wealth = 1;
      const byPeriod = transpose(returns);
      for (let t = 0; t < periods; t++) {
        let gain = 0;
        for (let i = 0; i < 5; i++) gain += portfolio.data[5 * t + i] * byPeriod.data[5 * t + i];
        wealth *= 1 + gain;
      }
      expect(portfolioReturn).toBeCloseTo(wealth - 1, 12);
      const same = brinsonFachler(returns, benchmark, benchmark, [0, 1, 2, 0, 1], 3);
      expect(same.groups.every((g) => g.allocation === 0 && g.selection === 0)).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test("gives a group that the benchmark does not hold to allocation alone", () => {
  const returns = matrixFrom([[0.1], [0.03]]);
  const { groups } = brinsonFachler(returns, matrixFrom([[0.5, 0.5]]), matrixFrom([[0, 1]]), [0, 1], 2);
  expect(groups[0].selection).toBe(0);
  expect(groups[0].interaction).toBe(0);
  expect(groups[0].allocation).toBeCloseTo(0.5 * (0.1 - 0.03), 14);
});

test("shares out volatility so that it adds up", () => {
  const covariance = matrixFrom([
    [0.04, 0.01],
    [0.01, 0.09],
  ]);
  const { risk, contributions } = riskAttribution(covariance, [0.5, 0.5]);
  expect(risk).toBeCloseTo(Math.sqrt(0.25 * 0.15), 14);
  expect(contributions[0] + contributions[1]).toBeCloseTo(risk, 14);
  expect(contributions[0] / risk).toBeCloseTo(0.025 / 0.075, 14);
  expect(riskAttribution(covariance, [0, 0]).risk).toBe(0);
});
