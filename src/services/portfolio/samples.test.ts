/** Every number of an answer says which periods it comes from. */
import { describe, expect, test } from "vitest";
import { matrix, startOfDay } from "../../base/index.ts";
import type { ReturnPanel } from "./returns.ts";
import { type SampleChoice, samplesOf } from "./samples.ts";

const day = 86_400_000;
/** Ten periods; A has all, B the last six, C the first seven and the last one. */
function panel(): ReturnPanel {
  const returns = matrix(3, 10, new Float64Array(30).fill(0.01));
  returns.data.fill(Number.NaN, 10, 14);
  returns.data.fill(Number.NaN, 27, 29);
  const times = Float64Array.from({ length: 10 }, (_, t) => startOfDay("2024-01-01") + t * day);
  return { assets: ["A", "B", "C"], returns, times, warnings: [] };
}
const choice: SampleChoice = {
  expectedReturns: "mean",
  covariance: "sample",
  missing: "complete",
  views: [],
  viewMethod: "black-litterman",
};
const all = { from: "2024-01-01", to: "2024-01-10" };
// Of the periods 5 to 7 and 10, in which all three have a return.
const shared = { observations: 4, fewest: 4, from: "2024-01-05", to: "2024-01-10" };

describe("samples", () => {
  test("are each asset's own periods, those that pairs share, and those that all share", () => {
    expect(samplesOf(panel(), choice)).toEqual({
      expectedReturns: { estimator: "mean", observations: 10, fewest: 6, ...all },
      covariance: { estimator: "sample", observations: 10, fewest: 4, ...all },
      measures: { estimator: "history", ...shared },
    });
  });

  test("of covariances that need every asset are the shared periods, or all where a gap counts as 0", () => {
    const shrunk = { ...choice, covariance: "ledoit-wolf" } as const;
    expect(samplesOf(panel(), shrunk).covariance).toEqual({ estimator: "ledoit-wolf", ...shared });
    expect(samplesOf(panel(), { ...shrunk, missing: "zero" }).covariance).toMatchObject({
      observations: 10,
      fewest: 10,
    });
    const complete = { ...choice, covariance: "sample-complete", missing: "zero" } as const;
    expect(samplesOf(panel(), complete).covariance).toMatchObject(shared);
  });

  test("name what views did", () => {
    const viewed = { ...choice, views: ["A = 10%"] };
    expect(samplesOf(panel(), viewed).expectedReturns.estimator).toBe("mean and black-litterman");
    const implied = samplesOf(panel(), { ...viewed, marketWeights: { A: 1 } });
    expect(implied.expectedReturns).toEqual({ ...implied.covariance, estimator: "black-litterman" });
    const pooled = samplesOf(panel(), { ...viewed, viewMethod: "entropy-pooling" });
    expect(pooled.expectedReturns).toEqual({ estimator: "entropy-pooling", ...shared });
    expect(pooled.covariance).toEqual(pooled.expectedReturns);
  });
});
