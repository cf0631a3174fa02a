import { afterAll, describe, expect, test } from "vitest";
import { mean, variance } from "../base/index.ts";
import {
  type BatchTensors,
  constant,
  createRuntime,
  evaluate,
  input,
  type Mixup,
  mixup,
  type Tensor,
} from "./index.ts";

const runtime = createRuntime();
afterAll(() => runtime.close());

/** What becomes of rows in the step with this seed. */
async function mixed(rows: (mix: Mixup) => Tensor, batch: number, seed = 1, alpha = 0.4): Promise<number[]> {
  const mix = mixup(training(batch), { alpha });
  const feeds = { seed: { dtype: "uint32" as const, shape: [], data: Uint32Array.of(seed) } };
  const [{ data }] = await evaluate([rows(mix)], feeds, runtime);
  return [...(data as Float32Array)];
}

const training = (batch: number): Pick<BatchTensors, "pass" | "indices"> => ({
  indices: input("indices", [batch], "int64"),
  pass: { mode: "training", seed: input("seed", [], "uint32") },
});

/** The shares of many samples: rows of 1 and 0 in turn show λ and 1 - λ. */
const shares = (seed: number, alpha: number) =>
  mixed((mix) => mix(constant(Array.from({ length: 20_000 }, (_, i) => (i + 1) % 2))), 20_000, seed, alpha);

describe("mixup", () => {
  test("moves every sample toward the next, inputs and targets by the same share", async () => {
    const x = await mixed((mix) => mix(constant([10, 0, 0, 3, 20, 0], [3, 2])), 3);
    const y = await mixed((mix) => mix(constant([1, 0, 0])), 3);
    const [first, second] = [y[0], 1 - x[2] / 20]; // λ₀ of sample 0, λ₁ of sample 1
    for (const share of [first, second]) expect(share >= 0 && share <= 1).toBe(true);
    expect(x[0]).toBeCloseTo(10 * first, 5);
    expect(x[1]).toBeCloseTo(3 * (1 - first), 5);
    expect(x[3]).toBeCloseTo(3 * second, 5);
  });

  test("leaves the last sample's partner at the first", async () => {
    const [, , last] = await mixed((mix) => mix(constant([1, 0, 0])), 3);
    const [, , own] = await mixed((mix) => mix(constant([0, 0, 1])), 3);
    expect(last + own).toBeCloseTo(1, 6);
  });

  test.each([0.2, 0.4, 1, 2])("draws the share from Beta(%d, %d)", async (alpha) => {
    const values = await shares(3, alpha);
    expect(mean(values)).toBeCloseTo(0.5, 2);
    expect(variance(values)).toBeCloseTo(1 / (4 * (2 * alpha + 1)), 2); // of the beta distribution
  });

  test("has the quantiles of the distribution", async () => {
    const sorted = (await shares(4, 0.4)).sort((a, b) => a - b);
    // scipy.stats.beta(0.4, 0.4).ppf(0.25)
    expect(sorted[5000]).toBeCloseTo(0.1105, 1);
    expect(sorted[10_000]).toBeCloseTo(0.5, 1);
  });

  test("draws the same in the same step, and other shares in another", async () => {
    expect(await shares(5, 0.4)).toEqual(await shares(5, 0.4));
    expect(await shares(5, 0.4)).not.toEqual(await shares(6, 0.4));
  });

  test("changes nothing in inference, and in a batch of one", () => {
    const rows = constant([1, 2]);
    expect(mixup({ ...training(2), pass: { mode: "inference", seed: null } })(rows)).toBe(rows);
    expect(mixup(training(1))(rows)).toBe(rows);
  });

  test("refuses an alpha of 0, and rows of another batch", () => {
    expect(() => mixup(training(2), { alpha: 0 })).toThrow("mixup: expected alpha above 0, received 0");
    expect(() => mixup(training(2))(constant([1, 2, 3]))).toThrow(
      "mixup: expected rows of a batch of 2, received [3]",
    );
  });
});
