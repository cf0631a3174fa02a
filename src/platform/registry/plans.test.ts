import { beforeEach, describe, expect, test } from "vitest";
import type { Outcome, PlanRequest, RollbackRules, ServingPlan } from "../../base/index.ts";
import { referenceName, sketchOf } from "../../models/index.ts";
import { homes } from "../state/testing/homes.ts";
import { newYear, type TestRegistry, withTestRegistry } from "./testing/world.ts";

const rules: RollbackRules = {
  minimumRequests: 100,
  errorRate: 0.05,
  latencyRatio: null,
  disagreement: null,
  scorePsi: null,
};

const scores = Array.from({ length: 500 }, (_, i) => i / 500);
const reference = JSON.stringify({
  format: "fathom-drift-reference",
  version: 1,
  features: [],
  scores: [sketchOf("score", scores)],
});

describe.each(homes)("serving plans on $name", ({ makeHome }) => {
  let at: TestRegistry;
  let count = 0;
  let model: string;
  withTestRegistry(makeHome, (opened) => {
    at = opened;
  });
  beforeEach(async () => {
    model = `model-${++count}`;
    at.clock.time = newYear;
    at.entries.length = 0;
    await at.add(model, `${model}-a`, { files: { [referenceName]: reference } });
    await at.add(model, `${model}-b`);
    await at.registry.promote(model, 1, { actor: "ann", reason: "first" });
  });

  const start = (changed: Partial<PlanRequest> = {}) =>
    at.registry.startPlan({
      model,
      candidate: 2,
      mode: "canary",
      sharePercent: 10,
      rules,
      actor: "ann",
      reason: "trial",
      ...changed,
    });
  const many = (n: number, arm: Outcome["arm"], changed: Partial<Outcome> = {}): Outcome[] =>
    Array.from({ length: n }, () => ({ arm, failed: false, latencyMs: 5, ...changed }));
  const actions = async () =>
    (await at.registry.history(model, { limit: 20 })).map(
      ({ action, alias, actor }) => `${action} ${alias} ${actor}`,
    );

  test("are found by servers until they end", async () => {
    expect(await at.registry.servingPlan(model)).toBeUndefined();
    const plan = await start();
    expect(await at.registry.servingPlan(model)).toEqual(plan);
    expect(plan).toMatchObject({ champion: 1, candidate: 2, mode: "canary", status: "active" });
    await at.registry.stopPlan(model, { actor: "ben", reason: "enough" });
    expect(await at.registry.servingPlan(model)).toBeUndefined();
    expect(await actions()).toEqual(["stop canary ben", "plan canary ann", "promote champion ann"]);
    expect((await at.registry.inCharge(model, "canary", newYear))?.version).toBeUndefined();
  });

  test("add up what many servers saw, and lose none of it", async () => {
    const plan = await start({ rules: { ...rules, errorRate: 1 } });
    const batch = [
      ...many(30, "champion", { scores: [0.05] }),
      ...many(5, "candidate", { failed: true, latencyMs: 80, scores: [0.95, Number.NaN] }),
    ];
    await Promise.all(Array.from({ length: 10 }, () => at.registry.recordOutcomes(plan, batch)));
    const seen = await at.registry.observations(model);
    expect(seen?.observations).toMatchObject({
      champion: { requests: 300, failures: 0, compared: 0 },
      candidate: { requests: 50, failures: 50 },
    });
    expect(seen?.observations.champion.scores).toEqual([300, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(seen?.observations.candidate.scores).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 50]);
    expect(seen?.observations.candidate.latency.reduce((a, b) => a + b)).toBe(50);
  });

  test("end for all servers, once, when a rule is broken", async () => {
    const plan = await start();
    await at.registry.recordOutcomes(plan, many(300, "champion"));
    const wait = await at.registry.recordOutcomes(plan, many(90, "candidate", { failed: true }));
    expect(wait).toMatchObject({ decision: { verdict: "wait" }, plan: { status: "active" } });
    const ended = await Promise.all(
      Array.from({ length: 4 }, () =>
        at.registry.recordOutcomes(plan, many(10, "candidate", { failed: true })),
      ),
    );
    for (const { plan: now } of ended) expect(now.status).toBe("rolled-back");
    expect(await at.registry.servingPlan(model)).toBeUndefined();
    expect(await actions()).toEqual([
      "automatic-rollback canary rollback-rule",
      "plan canary ann",
      "promote champion ann",
    ]);
    const told = at.entries.filter(({ action }) => action === "registry.automatic-rollback");
    expect(told).toEqual([
      {
        action: "registry.automatic-rollback",
        actor: "rollback-rule",
        subject: `${model}@canary`,
        payload: expect.objectContaining({ previous: 2, version: null, reason: "errorRate 1 > 0.05" }),
      },
    ]);
    expect((await at.registry.inCharge(model, "champion", newYear))?.version).toBe(1); // who never left
  });

  test("compare answers and scores in the shadow", async () => {
    const shadow = { mode: "shadow", sharePercent: 100 } as const;
    const plan = await start({ ...shadow, rules: { ...rules, disagreement: 0.2, scorePsi: 0.2 } });
    const spread = (arm: Outcome["arm"], from: number) =>
      scores
        .slice(0, 200)
        .map((_, i) => ({ arm, failed: false, latencyMs: 1, scores: [from + ((i * 7) % 10) / 20] }));
    await at.registry.recordOutcomes(plan, spread("champion", 0));
    const { decision } = await at.registry.recordOutcomes(
      plan,
      spread("candidate", 0.5).map((outcome) => ({ ...outcome, disagrees: true })),
    );
    expect(decision.verdict).toBe("rollback");
    expect(decision.findings.filter(({ broken }) => broken).map(({ rule }) => rule)).toEqual([
      "disagreement",
      "scorePsi",
    ]);
  });

  test("end when another version becomes champion", async () => {
    await start();
    await at.registry.promote(model, 2, { actor: "ben", reason: "good" });
    expect(await at.registry.servingPlan(model)).toBeUndefined();
    expect((await actions()).slice(0, 2)).toEqual(["promote champion ben", "stop canary ben"]);
  });

  test("keep the versions that they serve from being removed", async () => {
    await start();
    await expect(at.registry.remove(model, 2, { actor: "ann", reason: "" })).rejects.toMatchObject({
      message: expect.stringContaining("found the canary plan in force"),
    });
  });

  const invalid: [string, Partial<PlanRequest>, RegExp][] = [
    ["the champion beside itself", { candidate: 1 }, /expected another version than the champion/],
    ["no share", { sharePercent: 0 }, /sharePercent: expected a share above 0/],
    ["nobody to compare with", { sharePercent: 100 }, /sharePercent: expected less than 100 in a canary/],
    ["comparison in a canary", { rules: { ...rules, disagreement: 0.1 } }, /disagreement: expected a shadow/],
    [
      "a limit below zero",
      { rules: { ...rules, errorRate: -1 } },
      /errorRate: expected a limit of 0 or more/,
    ],
  ];
  test.each(invalid)("are refused with %s", async (_, changed, message) => {
    await expect(start(changed)).rejects.toMatchObject({
      code: "PLAN_INVALID",
      message: expect.stringMatching(message),
    });
  });

  test("are refused without a champion, without its scores, for an unknown version, and twice", async () => {
    await at.add(`${model}-x`, `${model}-x`);
    await expect(start({ model: `${model}-x`, candidate: 1 })).rejects.toMatchObject({
      code: "PLAN_INVALID",
    });
    await expect(start({ candidate: 9 })).rejects.toMatchObject({ code: "VERSION_UNKNOWN" });
    await at.registry.promote(model, 2, { actor: "ann", reason: "" });
    const blind = start({ candidate: 1, rules: { ...rules, scorePsi: 0.1 } });
    await expect(blind).rejects.toMatchObject({
      message: expect.stringContaining("found none in version 2"),
    });
    const both = await Promise.allSettled([start({ candidate: 1 }), start({ candidate: 1 })]);
    expect(both.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(both.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { code: "PLAN_ACTIVE" },
    });
    await at.registry.stopPlan(model, { actor: "ann", reason: "" });
    await expect(at.registry.stopPlan(model, { actor: "ann", reason: "" })).rejects.toMatchObject({
      code: "PLAN_INVALID",
    });
  });

  test("that ended take no more part, whatever late servers tell", async () => {
    const plan: ServingPlan = await start();
    await at.registry.stopPlan(model, { actor: "ann", reason: "" });
    const late = [...many(200, "champion"), ...many(200, "candidate", { failed: true })];
    expect((await at.registry.recordOutcomes(plan, late)).plan.status).toBe("stopped");
    expect(await actions()).toHaveLength(3);
  });
});
