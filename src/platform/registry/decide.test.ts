import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ArmObservations, Observations, RollbackRules } from "../../base/index.ts";
import { countClasses } from "../../models/index.ts";
import { answersDiffer, decide, isCandidateFor, latencyEdgesMs, latencyQuantile } from "./index.ts";

const off: RollbackRules = {
  minimumRequests: 100,
  errorRate: null,
  latencyRatio: null,
  disagreement: null,
  scorePsi: null,
};

function arm(changed: Partial<ArmObservations> = {}): ArmObservations {
  const latency = countClasses(new Array(changed.requests ?? 1000).fill(10), latencyEdgesMs);
  return { requests: 1000, failures: 0, latency, scores: [], compared: 0, disagreed: 0, ...changed };
}

const verdict = (rules: Partial<RollbackRules>, champion: ArmObservations, candidate: ArmObservations) =>
  decide({ rules: { ...off, ...rules } }, { champion, candidate }).verdict;

describe("a plan is ended", () => {
  test("when the candidate fails more than the champion does, by more than the rule allows", () => {
    const rules = { errorRate: 0.02 };
    expect(verdict(rules, arm({ failures: 10 }), arm({ failures: 30 }))).toBe("continue"); // 0.03 - 0.01
    expect(verdict(rules, arm({ failures: 10 }), arm({ failures: 31 }))).toBe("rollback");
    expect(verdict(rules, arm({ failures: 900 }), arm({ failures: 900 }))).toBe("continue"); // not its fault
  });

  test("when its slowest hundredth is slower by more than the rule allows", () => {
    const slow = (ms: number) => arm({ latency: countClasses(new Array(1000).fill(ms), latencyEdgesMs) });
    expect(verdict({ latencyRatio: 2 }, slow(10), slow(15))).toBe("continue");
    expect(verdict({ latencyRatio: 2 }, slow(10), slow(25))).toBe("rollback");
    const rarely = countClasses([...new Array(995).fill(10), ...new Array(5).fill(500)], latencyEdgesMs);
    expect(verdict({ latencyRatio: 2 }, slow(10), arm({ latency: rarely }))).toBe("continue");
  });

  test("when too many answers differ", () => {
    const rules = { disagreement: 0.1 };
    expect(verdict(rules, arm(), arm({ compared: 1000, disagreed: 100 }))).toBe("continue");
    expect(verdict(rules, arm(), arm({ compared: 1000, disagreed: 101 }))).toBe("rollback");
    expect(verdict(rules, arm(), arm({ compared: 99, disagreed: 99 }))).toBe("continue"); // too few were compared
  });

  test("when its scores lie elsewhere, and not when chance alone puts them there", () => {
    const rules = { scorePsi: 0.01 };
    const scores = (...counts: number[]) => arm({ scores: counts });
    expect(verdict(rules, scores(5000, 5000), scores(5000, 5000))).toBe("continue");
    expect(verdict(rules, scores(5000, 5000), scores(6500, 3500))).toBe("rollback"); // index 0.0929
    // The same shares of 100 requests each may come by chance: the index exceeds 0.21 once in a thousand times.
    expect(verdict(rules, scores(50, 50), scores(65, 35))).toBe("continue");
  });

  test("for every rule that is broken, and names each with value and limit", () => {
    const rules = { ...off, errorRate: 0.01, latencyRatio: 3 };
    const decision = decide({ rules }, { champion: arm(), candidate: arm({ failures: 50 }) });
    expect(decision.verdict).toBe("rollback");
    expect(decision.findings).toEqual([
      { rule: "errorRate", value: 0.05, limit: 0.01, broken: true },
      { rule: "latencyRatio", value: 1, limit: 3, broken: false },
    ]);
  });
});

test("nothing is decided before both have answered often enough", () => {
  const rules = { errorRate: 0 };
  const failing = (requests: number) => arm({ requests, failures: requests });
  expect(verdict(rules, arm({ requests: 100 }), failing(99))).toBe("wait");
  expect(verdict(rules, arm({ requests: 99 }), failing(100))).toBe("wait");
  expect(verdict(rules, arm({ requests: 100 }), failing(100))).toBe("rollback");
  expect(verdict({ ...rules, minimumRequests: 0 }, arm({ requests: 0 }), arm({ requests: 0 }))).toBe("wait");
});

test("more failures of the candidate never save a plan", () => {
  const rules = { ...off, errorRate: 0.05, minimumRequests: 10 };
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(1000), fc.nat(1000), (was, is, more) => {
      const seen = (failures: number): Observations => ({
        champion: arm({ failures: was }),
        candidate: arm({ failures: Math.min(1000, failures) }),
      });
      fc.pre(decide({ rules }, seen(is)).verdict === "rollback");
      expect(decide({ rules }, seen(is + more)).verdict).toBe("rollback");
    }),
  );
});

describe("callers", () => {
  const plan = { model: "spy", candidate: 4, sharePercent: 20 };

  test("meet the candidate as often as the plan says, and always or never", () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => `caller ${i}`);
    const share = keys.filter((key) => isCandidateFor(plan, key)).length / keys.length;
    expect(Math.abs(share - 0.2)).toBeLessThan(0.01); // 3.5 standard errors
    for (const key of keys.slice(0, 100))
      expect(isCandidateFor(plan, key)).toBe(isCandidateFor({ ...plan }, key));
  });

  test("stay with the candidate when its share grows", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 0, max: 1000 }),
        fc.integer({ min: 0, max: 1000 }),
        (key, a, b) => {
          const [less, more] = [Math.min(a, b), Math.max(a, b)].map((tenths) => ({
            ...plan,
            sharePercent: tenths / 10,
          }));
          expect(isCandidateFor(less, key) && !isCandidateFor(more, key)).toBe(false);
        },
      ),
    );
    expect(isCandidateFor({ ...plan, sharePercent: 100 }, "anybody")).toBe(true);
    expect(isCandidateFor({ ...plan, sharePercent: 0 }, "anybody")).toBe(false);
  });

  test("are chosen anew for another candidate", () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `caller ${i}`);
    const both = keys.filter(
      (key) => isCandidateFor(plan, key) && isCandidateFor({ ...plan, candidate: 5 }, key),
    );
    expect(both.length / keys.length).toBeLessThan(0.08); // 4 % by chance
  });
});

describe("a quantile of counted latencies", () => {
  test("is right to a tenth, whatever was measured", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.2, max: 50_000, noNaN: true }), { minLength: 1 }),
        (latencies) => {
          const sorted = [...latencies].sort((a, b) => a - b);
          const exact = sorted[Math.ceil(0.99 * sorted.length) - 1];
          const counted = latencyQuantile(countClasses(latencies, latencyEdgesMs), 0.99);
          expect(Math.abs(counted / exact - 1)).toBeLessThan(0.1);
        },
      ),
    );
  });

  test("is known at both ends, and not without observations", () => {
    const none = new Array(latencyEdgesMs.length + 1).fill(0);
    expect(latencyQuantile(none, 0.99)).toBeNaN();
    expect(latencyQuantile(countClasses([0.001], latencyEdgesMs), 0.5)).toBeLessThan(0.1);
    expect(latencyQuantile(countClasses([1e9], latencyEdgesMs), 0.5)).toBeGreaterThan(100_000);
  });
});

test("answers differ in any number, in length, and where one is no number", () => {
  expect(answersDiffer([1, 2], [1], 0.1)).toBe(true);
  expect(answersDiffer([0], [1e-7], 0)).toBe(false);
  expect(answersDiffer([1], [Number.NaN], 0.5)).toBe(true);
  expect(answersDiffer([-10], [-10.9], 0.1)).toBe(false);
});
