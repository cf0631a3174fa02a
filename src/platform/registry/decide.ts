/** What a serving plan says of what was seen, and who is answered by whom: pure, so that every server decides alike. */
import { createHash } from "node:crypto";
import type {
  ArmObservations,
  Observations,
  PlanDecision,
  PlanFinding,
  ServingPlan,
} from "../../base/index.ts";
import { populationStabilityIndex, scatter, stabilityNull } from "../../models/index.ts";
import { latencyQuantile } from "./latency.ts";

/** Nothing was seen yet. */
export function nothingSeen(edges: readonly number[] | null, latencyClasses: number): ArmObservations {
  return {
    requests: 0,
    failures: 0,
    latency: new Array<number>(latencyClasses).fill(0),
    scores: edges === null ? [] : new Array<number>(edges.length + 1).fill(0),
    compared: 0,
    disagreed: 0,
  };
}

/**
 * Applies the rules of a plan to what all servers saw. Each rule waits until both arms have answered `minimumRequests`; the
 * one on scores also has to exceed what chance alone makes of so many requests once in a thousand times.
 */
export function decide(
  { rules }: Pick<ServingPlan, "rules">,
  { champion, candidate }: Observations,
): PlanDecision {
  const findings: PlanFinding[] = [];
  const enough = Math.min(champion.requests, candidate.requests) >= Math.max(1, rules.minimumRequests);
  if (!enough) return { verdict: "wait", findings };
  const find = (rule: PlanFinding["rule"], limit: number, value: number) =>
    findings.push({ rule, value, limit, broken: value > limit });

  if (rules.errorRate !== null)
    find("errorRate", rules.errorRate, failureShare(candidate) - failureShare(champion));
  if (rules.latencyRatio !== null) {
    const [was, is] = [champion, candidate].map(({ latency }) => latencyQuantile(latency, 0.99));
    if (Number.isFinite(was) && Number.isFinite(is)) find("latencyRatio", rules.latencyRatio, is / was);
  }
  if (rules.disagreement !== null && candidate.compared >= rules.minimumRequests)
    find("disagreement", rules.disagreement, candidate.disagreed / Math.max(1, candidate.compared));
  if (rules.scorePsi !== null) {
    const [was, is] = [champion, candidate].map(({ scores }) => scores.reduce((sum, n) => sum + n, 0));
    if (Math.min(was, is) >= Math.max(1, rules.minimumRequests)) {
      const chance = stabilityNull(champion.scores.length, scatter(was, is)).threshold(0.001);
      const value = populationStabilityIndex(champion.scores, candidate.scores);
      find("scorePsi", Math.max(rules.scorePsi, chance), value);
    }
  }
  return { verdict: findings.some(({ broken }) => broken) ? "rollback" : "continue", findings };
}

function failureShare({ requests, failures }: ArmObservations): number {
  return failures / requests;
}

/**
 * Which arm answers a caller: always the same one for the same key, and whoever is with the candidate stays there when its
 * share grows. In shadow mode everybody is answered by the champion, and the share says whose requests the candidate gets too.
 *
 * @param requestKey what identifies the caller, such as the API key or a user's number
 */
export function isCandidateFor(
  plan: Pick<ServingPlan, "model" | "candidate" | "sharePercent">,
  requestKey: string,
): boolean {
  const hash = createHash("sha256").update(`${plan.model}\n${plan.candidate}\n${requestKey}`).digest();
  return hash.readUInt32BE(0) / 2 ** 32 < plan.sharePercent / 100;
}

/**
 * Whether two answers to one request differ by more than `tolerance` of the size of the champion's (and 1e-6, for answers of
 * zero) in any number.
 *
 * @example
 * answersDiffer([1, 2], [1, 2.1], 0.1); // => false
 * answersDiffer([1, 2], [1, 2.3], 0.1); // => true
 */
export function answersDiffer(
  champion: ArrayLike<number>,
  candidate: ArrayLike<number>,
  tolerance: number,
): boolean {
  if (champion.length !== candidate.length) return true;
  for (let i = 0; i < champion.length; i++)
    if (!(Math.abs(candidate[i] - champion[i]) <= tolerance * Math.abs(champion[i]) + 1e-6)) return true;
  return false;
}
