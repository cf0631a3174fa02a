import { expect, test } from "vitest";
import { allocateExactly, allocateGreedily } from "./allocate.ts";

const problem = (weights: readonly number[], prices: readonly number[], value = 1000) => ({
  assets: weights.map((_, i) => String.fromCharCode(65 + i)),
  weights: Float64Array.from(weights),
  prices: Float64Array.from(prices),
  value,
  lots: new Float64Array(weights.length).fill(1),
});
const methods = {
  greedy: async (one: ReturnType<typeof problem>) => allocateGreedily(one),
  exact: allocateExactly,
};

test.each(Object.entries(methods))("%s refuses to spend more than there is", async (_, allocate) => {
  await expect(allocate(problem([0.7, 0.7], [10, 10]))).rejects.toMatchObject({
    code: "PORTFOLIO_OPTION_INVALID",
    message:
      "weights: expected weights that add up to at most 1, since no money is borrowed, received a sum of 1.4",
  });
  await expect(allocate(problem([0.5, 0.5002], [10, 10]))).rejects.toThrow("a sum of 1.0002");
  const rounded = await allocate(problem([0.5, 0.50009], [10, 10]));
  expect(rounded.leftover).toBeGreaterThanOrEqual(0);
});

test.each(Object.entries(methods))(
  "%s measures weights that leave money over against the value",
  async (_, allocate) => {
    // 500 at 100 is 5 shares, 200 at 30 is 6.67: with 700 to spend, 6 of them.
    const { shares, weights, leftover, rmse } = await allocate(problem([0.5, 0.2], [100, 30]));
    expect([...shares]).toEqual([5, 6]);
    expect([...weights]).toEqual([0.5, 0.18]);
    expect(leftover).toBeCloseTo(1000 - 500 - 180, 10);
    expect(rmse).toBeCloseTo(Math.sqrt((0 + 0.02 ** 2) / 2), 12);
  },
);

test.each(Object.entries(methods))(
  "%s measures weights of all the money against what is invested",
  async (_, allocate) => {
    const { shares, weights, rmse } = await allocate(problem([0.6, 0.4], [100, 70]));
    const invested = shares[0] * 100 + shares[1] * 70;
    expect(invested).toBeLessThanOrEqual(1000);
    const reached = [(shares[0] * 100) / invested, (shares[1] * 70) / invested];
    expect([...weights]).toEqual(reached);
    expect(rmse).toBeCloseTo(Math.sqrt(((reached[0] - 0.6) ** 2 + (reached[1] - 0.4) ** 2) / 2), 12);
  },
);

test("spends on long positions what short ones bring in, and no more", async () => {
  const { shares, leftover, weights } = await allocateExactly(problem([1.3, -0.3], [30, 70]));
  const spent = shares[0] * 30 + shares[1] * 70;
  expect(shares[0] * 30).toBeGreaterThan(1000);
  expect(shares[1]).toBeLessThan(0);
  expect(spent).toBeLessThanOrEqual(1000);
  expect(leftover).toBeCloseTo(1000 - spent, 10);
  expect(weights[0] + weights[1]).toBeCloseTo(1, 12);
  await expect(allocateExactly(problem([1.5, -0.3], [30, 70]))).rejects.toThrow("a sum of 1.2");
  // Long and short alike: nothing is invested net, and shares of that nothing would be no numbers.
  const even = await allocateExactly(problem([0.5, -0.5], [50, 50]));
  expect([...even.weights]).toEqual([0.5, -0.5]);
  expect(even.rmse).toBe(0);
});
