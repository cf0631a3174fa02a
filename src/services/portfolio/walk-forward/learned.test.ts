import { afterAll, expect, test } from "vitest";
import { keyFrom, matrix, normal } from "../../../base/index.ts";
import { createRuntime } from "../../../engine/index.ts";
import { holdPeriods, learnAndDecide } from "./learned.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const options = { costBps: 10, riskAversion: 1 };

/** Trends that last for 40 days and then turn, in opposite directions: what went up goes on going up. */
function trending(assets: number, days: number) {
  const noise = normal(keyFrom(4), assets * days, 0, 0.004);
  return matrix(
    assets,
    days,
    noise.map((value, k) => {
      const [i, t] = [Math.floor(k / days), k % days];
      return value + (Math.floor((t + 20 * i) / 40) % 2 === 0 ? 0.004 : -0.004);
    }),
  );
}

test("learns to follow trends that are there, and earns more than equal weight after costs", async () => {
  const [assets, train, days] = [4, 500, 600];
  const returns = trending(assets, days);
  const { decisions, trusted } = await learnAndDecide(returns, days - train, options, keyFrom(1), runtime);
  expect(trusted).toBe(true);
  expect(decisions.map(({ period }) => period)).toEqual(
    Array.from({ length: 20 }, (_, k) => k * holdPeriods),
  );
  let [learned, equal] = [0, 0];
  for (const { period, weights } of decisions) {
    expect(weights.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
    for (let t = train + period; t < train + period + holdPeriods; t++)
      for (let i = 0; i < assets; i++) {
        learned += weights[i] * returns.data[i * days + t];
        equal += returns.data[i * days + t] / assets;
      }
  }
  expect(learned - equal).toBeGreaterThan(0.05);
});

test("decides the same whatever comes later, and the same again for the same key", async () => {
  const returns = trending(3, 360);
  const later = matrix(
    3,
    360,
    returns.data.map((value, k) => (k % 360 >= 330 ? -value : value)),
  );
  const first = await learnAndDecide(returns, 60, options, keyFrom(2), runtime);
  const second = await learnAndDecide(later, 60, options, keyFrom(2), runtime);
  expect(second.decisions.slice(0, 7)).toEqual(first.decisions.slice(0, 7)); // those before day 330 and on it
});

test("mostly holds equal weights where there is nothing to learn, and never lets one asset take over", async () => {
  let trusted = 0;
  for (let seed = 0; seed < 6; seed++) {
    const noise = matrix(3, 300, normal(keyFrom(seed), 900, 0, 0.01));
    const answer = await learnAndDecide(noise, 40, options, keyFrom(3), runtime);
    if (answer.trusted) trusted++;
    for (const { weights } of answer.decisions) {
      if (!answer.trusted) expect(Array.from(weights)).toEqual([1 / 3, 1 / 3, 1 / 3]);
      expect(Math.max(...weights) / Math.min(...weights)).toBeLessThan(Math.E ** 2 + 1e-9);
    }
  }
  expect(trusted).toBeLessThan(4); // one in six by chance
});
