/** Serving plans in the state: one decision for all servers, taken once. */
import { and, desc, eq, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import {
  type ArmObservations,
  type Change,
  type HistoryEntry,
  type Observations,
  type Outcome,
  PlatformError,
  type RegistryPort,
  type RollbackRules,
  type ServingPlan,
} from "../../base/index.ts";
import { countClasses } from "../../models/index.ts";
import { type Database, registryObservations, registryPlans } from "../state/index.ts";
import { type Changing, pointedTo, writeHistory } from "./changes.ts";
import { decide, nothingSeen } from "./decide.ts";
import { latencyEdgesMs } from "./latency.ts";
import { modelRow, numberedRow, planOf } from "./rows.ts";
import type { World } from "./world.ts";

/** Who acts when a rule does. */
const ruleActor = "rollback-rule";

type Plans = Pick<RegistryPort, "servingPlan" | "startPlan" | "stopPlan" | "observations" | "recordOutcomes">;

/** @param scoreEdges classes of a version's scores, from the reference in its artifact; null when it has none */
export function plans(
  { db, changes }: World,
  scoreEdges: (model: string, version: number) => Promise<readonly number[] | null>,
): Plans {
  return {
    async servingPlan(model) {
      const [row] = await activePlan(db, model);
      return row && planOf(row);
    },

    async startPlan(request) {
      const { model, candidate, mode, sharePercent, rules, actor, reason } = request;
      const expected = await pointedTo(db, (await modelRow(db, model)).name, "champion");
      const edges = expected === null ? null : await scoreEdges(model, expected);
      requirePlan(request, expected, edges);
      return changes.change(model, async (changing) => {
        const champion = await pointedTo(changing.db, model, "champion");
        if (champion !== expected) throw invalid(`${model}: expected one champion while the plan begins`);
        await numberedRow(changing.db, model, candidate);
        const [active] = await activePlan(changing.db, model);
        if (active)
          throw new PlatformError(
            "conflict",
            "PLAN_ACTIVE",
            `${model}: expected no plan in force, found a ${active.mode} of version ${active.candidate} since ${active.startedAt.toISOString()}`,
          );
        const [row] = await changing.db
          .insert(registryPlans)
          .values({
            model,
            champion: champion as number,
            candidate,
            mode,
            sharePercent,
            rules,
            scoreEdges: edges && [...edges],
            status: "active",
            startedAt: changing.at,
            startedBy: actor,
          })
          .returning();
        const plan = planOf(row);
        const arms = [false, true].map((isCandidate) => {
          const { latency, scores } = nothingSeen(plan.scoreEdges, latencyEdgesMs.length + 1);
          return { plan: plan.id, isCandidate, latency: [...latency], scores: [...scores] };
        });
        await changing.db.insert(registryObservations).values(arms);
        const change = {
          version: candidate,
          previous: null,
          action: "plan",
          actor,
          approvedBy: null,
        } as const;
        await writeHistory(changing, { alias: mode, ...change, reason });
        return plan;
      });
    },

    stopPlan: (model, change) =>
      changes.change(model, async (changing) => {
        const ended = await endPlan(changing, "stopped", change);
        if (ended) return ended;
        throw invalid(`${model}: expected a plan in force, found none`);
      }),

    async observations(model) {
      const [row] = await db
        .select()
        .from(registryPlans)
        .where(eq(registryPlans.model, model))
        .orderBy(desc(registryPlans.id))
        .limit(1);
      if (row === undefined) return undefined;
      const plan = planOf(row);
      const observations = await seen(db, plan);
      return { plan, observations, decision: decide(plan, observations) };
    },

    async recordOutcomes(given, outcomes) {
      for (const arm of ["champion", "candidate"] as const) {
        const ofArm = outcomes.filter((outcome) => outcome.arm === arm);
        if (ofArm.length > 0) await add(db, given, arm, ofArm);
      }
      const [row] = await db.select().from(registryPlans).where(eq(registryPlans.id, given.id));
      const plan = planOf(row);
      const decision = decide(plan, await seen(db, plan));
      if (plan.status !== "active" || decision.verdict !== "rollback") return { plan, decision };
      const broken = decision.findings.filter((finding) => finding.broken);
      const reason = broken
        .map(({ rule, value, limit }) => `${rule} ${shown(value)} > ${shown(limit)}`)
        .join(", ");
      // Holding the model's row, only the first of several servers finds the plan still active.
      const ended = await changes.change(plan.model, (changing) =>
        endPlan(changing, "rolled-back", { actor: ruleActor, reason }, plan.id),
      );
      return { plan: ended ?? { ...plan, status: "rolled-back" }, decision };
    },
  };
}

export function activePlan(db: Database, model: string) {
  return db
    .select()
    .from(registryPlans)
    .where(and(eq(registryPlans.model, model), eq(registryPlans.status, "active")));
}

/** Ends the plan in force, if there is one (and it is this one), and writes it down. */
export async function endPlan(
  changing: Changing,
  status: "stopped" | "rolled-back",
  change: Change,
  only?: number,
): Promise<ServingPlan | undefined> {
  const { db, model } = changing;
  const [row] = await activePlan(db, model.name);
  if (row === undefined || (only !== undefined && row.id !== only)) return undefined;
  await db.update(registryPlans).set({ status }).where(eq(registryPlans.id, row.id));
  const action: HistoryEntry["action"] = status === "stopped" ? "stop" : "automatic-rollback";
  const entry = { alias: row.mode, version: null, previous: row.candidate, action, approvedBy: null };
  await writeHistory(changing, { ...entry, ...change });
  return planOf({ ...row, status });
}

/** Adds outcomes to an arm's row in one statement, so that servers never overwrite each other's. */
async function add(
  db: Database,
  { id, scoreEdges }: ServingPlan,
  arm: Outcome["arm"],
  outcomes: readonly Outcome[],
): Promise<void> {
  const latency = countClasses(
    outcomes.map(({ latencyMs }) => latencyMs),
    latencyEdgesMs,
  );
  const values = outcomes.flatMap(({ scores }) => Array.from(scores ?? []).filter(Number.isFinite));
  const scores = scoreEdges === null ? [] : countClasses(values, scoreEdges);
  const compared = outcomes.filter(({ disagrees }) => disagrees !== undefined);
  const t = registryObservations;
  await db
    .update(t)
    .set({
      requests: sql`${t.requests} + ${outcomes.length}`,
      failures: sql`${t.failures} + ${outcomes.filter(({ failed }) => failed).length}`,
      latency: sumOf(t.latency, latency),
      scores: sumOf(t.scores, scores),
      compared: sql`${t.compared} + ${compared.length}`,
      disagreed: sql`${t.disagreed} + ${compared.filter(({ disagrees }) => disagrees).length}`,
    })
    .where(and(eq(t.plan, id), eq(t.isCandidate, arm === "candidate")));
}

/** Place by place; as long as the stored one. */
function sumOf(column: PgColumn, added: readonly number[]) {
  const text = `{${added.join(",")}}`;
  return sql`coalesce((select array_agg(a + b order by i) from unnest(${column}, ${text}::bigint[]) with ordinality as u(a, b, i)), '{}')`;
}

async function seen(db: Database, plan: ServingPlan): Promise<Observations> {
  const rows = await db.select().from(registryObservations).where(eq(registryObservations.plan, plan.id));
  const arm = (candidate: boolean): ArmObservations => {
    const row = rows.find(({ isCandidate }) => isCandidate === candidate);
    if (row === undefined) return nothingSeen(plan.scoreEdges, latencyEdgesMs.length + 1);
    const { plan: _, isCandidate, ...counts } = row;
    return counts;
  };
  return { champion: arm(false), candidate: arm(true) };
}

/** @throws PlatformError `PLAN_INVALID` */
function requirePlan(
  { model, candidate, mode, sharePercent, rules }: Parameters<RegistryPort["startPlan"]>[0],
  champion: number | null,
  edges: readonly number[] | null,
): void {
  if (champion === null)
    throw invalid(`${model}: expected a champion to serve beside the candidate, found none`);
  if (champion === candidate)
    throw invalid(`candidate: expected another version than the champion, received ${candidate} for both`);
  if (!(sharePercent > 0 && sharePercent <= 100))
    throw invalid(`sharePercent: expected a share above 0 and up to 100, received ${sharePercent}`);
  if (mode === "canary" && sharePercent === 100)
    throw invalid("sharePercent: expected less than 100 in a canary, or nobody is left to compare with");
  if (mode === "canary" && rules.disagreement !== null)
    throw invalid(
      "disagreement: expected a shadow, since a canary's answers have nothing to be compared with",
    );
  if (rules.scorePsi !== null && edges === null)
    throw invalid(
      `scorePsi: expected a champion with a reference of its scores, found none in version ${champion}`,
    );
  const limits = Object.entries(rules) as [keyof RollbackRules, number | null][];
  for (const [name, limit] of limits)
    if (limit !== null && !(limit >= 0 && Number.isFinite(limit)))
      throw invalid(`${name}: expected a limit of 0 or more, received ${limit}`);
}

function invalid(message: string): PlatformError {
  return new PlatformError("input", "PLAN_INVALID", message);
}

function shown(value: number): string {
  return String(Number(value.toPrecision(3)));
}
