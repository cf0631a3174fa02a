/**
 * Few positions, and none that is too small: an asset is either out or inside of its bounds. Every objective is convex once it is
 * known which assets are out, so that a branch and bound over the assets (Land and Doig 1960; Bienstock 1996) finds the best
 * choice; its gap is that between the best answer and the best that an open branch could still hold.
 */

import { PlatformError } from "../../base/index.ts";
import type { Limits } from "./constraints/limits.ts";
import { optionError } from "./constraints/options.ts";
import type { Answer, ObjectiveInput } from "./objectives/input.ts";
import { type ObjectiveName, objectives } from "./objectives/table.ts";
import { withinRiskShares } from "./risk-shares.ts";
import { notSolved } from "./solvers/interior-point.ts";

export interface PositionLimits {
  readonly minPosition?: number | undefined;
  readonly maxAssets?: number | undefined;
  readonly riskContributionLimit?: number | undefined;
  /** Relative gap at which a choice counts as the best. */
  readonly tolerance?: number;
  /** Branches looked at before the search is given up. */
  readonly maxNodes?: number;
}

/** Objectives that are a rule rather than the minimum of a number: no bound can be read off them. */
const rules: readonly ObjectiveName[] = [
  "risk-parity",
  "hrp",
  "herc",
  "nco",
  "equal-weight",
  "inverse-volatility",
];

type State = "open" | "in" | "out";

interface Node {
  readonly states: readonly State[];
  readonly bound: number;
  readonly answer: Answer;
}

const held = 1e-7;

/** The answer of an objective, with positions limited where that was asked for. */
export function solveObjective(
  name: ObjectiveName,
  input: ObjectiveInput,
  positions: PositionLimits,
): Answer {
  const { minPosition, maxAssets, riskContributionLimit, tolerance = 1e-6, maxNodes = 20_000 } = positions;
  if (input.options.targetRisk !== undefined && name !== "max-return")
    throw optionError("target-risk", "the objective max-return", name);
  if (riskContributionLimit !== undefined) {
    if (minPosition !== undefined || maxAssets !== undefined)
      throw optionError("risk-contribution-limit", "no limit on positions beside it", "one");
    return withinRiskShares(name, input, riskContributionLimit);
  }
  if (minPosition === undefined && maxAssets === undefined) return objectives[name].solve(input);
  requirePossible(name, input.limits, positions);
  const count = input.market.assets.length;
  const most = maxAssets ?? count;
  const least = minPosition ?? 0;
  const solve = (states: readonly State[]): Answer | null => {
    try {
      return objectives[name].solve({ ...input, limits: boundsOf(input, states, least) });
    } catch (error) {
      if (
        error instanceof PlatformError &&
        ["PORTFOLIO_INFEASIBLE", "PORTFOLIO_UNBOUNDED"].includes(error.code)
      )
        return null;
      throw error;
    }
  };
  const root = objectives[name].solve(input);
  let best: Answer | null = null;
  const consider = (answer: Answer | null) => {
    if (answer && fits(answer.weights, most, least) && (best === null || answer.objective < best.objective))
      best = answer;
  };
  const open: Node[] = [
    { states: new Array<State>(count).fill("open"), bound: root.objective, answer: root },
  ];
  let nodes = 0;
  let lowest = root.objective;
  while (open.length > 0) {
    // The branch with the smallest bound: what is open elsewhere is never better.
    let at = 0;
    for (let k = 1; k < open.length; k++) if (open[k].bound < open[at].bound) at = k;
    const [node] = open.splice(at, 1);
    lowest = node.bound;
    if (best !== null && gapOf(best, lowest) <= tolerance) break;
    if (++nodes > maxNodes)
      throw notSolved(method, best === null ? Number.NaN : gapOf(best, lowest), tolerance);
    consider(node.answer);
    consider(solve(rounded(node, most, least)));
    const branch = branchOn(node, most, least);
    if (branch < 0) continue;
    for (const state of ["out", "in"] as const) {
      const states = [...node.states];
      states[branch] = state;
      if (states.filter((one) => one === "in").length > most) continue;
      if (states.filter((one) => one === "in").length === most)
        for (let i = 0; i < count; i++) if (states[i] === "open") states[i] = "out";
      const answer = solve(states);
      if (answer === null || (best !== null && answer.objective >= (best as Answer).objective)) continue;
      open.push({ states, bound: answer.objective, answer });
    }
  }
  if (best === null)
    throw new PlatformError(
      "conflict",
      "PORTFOLIO_INFEASIBLE",
      `no weights satisfy all constraints with ${maxAssets === undefined ? "" : `at most ${maxAssets} assets`}${maxAssets !== undefined && minPosition !== undefined ? " and " : ""}${minPosition === undefined ? "" : `no position below ${minPosition}`}`,
    );
  const found: Answer = best;
  const gap = open.length === 0 && lowest >= found.objective ? 0 : Math.max(0, gapOf(found, lowest));
  return {
    ...found,
    certificate: {
      method: `${method} over ${found.certificate.method}`,
      gap: Math.max(open.length === 0 ? 0 : gap, found.certificate.gap),
      tolerance,
      iterations: nodes,
    },
  };
}

const method = "branch and bound";

function gapOf(best: Answer, lowest: number): number {
  return (best.objective - lowest) / Math.max(Math.abs(best.objective), 1e-9);
}

/** Keeps the largest positions of a relaxation and lets go of the others: a choice that is often nearly the best. */
function rounded({ states, answer: { weights } }: Node, most: number, least: number): State[] {
  const chosen = Array.from(weights.keys())
    .filter(
      (i) => states[i] === "in" || (states[i] === "open" && Math.abs(weights[i]) > Math.max(held, least / 2)),
    )
    .sort(
      (a, b) =>
        Number(states[b] === "in") - Number(states[a] === "in") ||
        Math.abs(weights[b]) - Math.abs(weights[a]),
    )
    .slice(0, most);
  return states.map((_, i) => (chosen.includes(i) ? "in" : "out"));
}

/** The open asset to decide on; -1 when the relaxation keeps all limits already. */
function branchOn({ states, answer: { weights } }: Node, most: number, least: number): number {
  let best = -1;
  let count = 0;
  for (let i = 0; i < states.length; i++) if (Math.abs(weights[i]) > held) count++;
  for (let i = 0; i < states.length; i++) {
    if (states[i] !== "open" || Math.abs(weights[i]) <= held) continue;
    const small = Math.abs(weights[i]) < least - held;
    if (!small && count <= most) continue;
    // The largest position among those in question: without it the bound rises most.
    if (best < 0 || Math.abs(weights[i]) > Math.abs(weights[best])) best = i;
  }
  return best;
}

function fits(weights: Float64Array, most: number, least: number): boolean {
  let count = 0;
  for (const weight of weights) {
    if (Math.abs(weight) <= held) continue;
    count++;
    if (Math.abs(weight) < least - held) return false;
  }
  return count <= most;
}

function boundsOf({ limits, market }: ObjectiveInput, states: readonly State[], least: number): Limits {
  const bounds: Record<string, readonly [number, number]> = {};
  market.assets.forEach((asset, i) => {
    const [low, high] = limits.bounds?.[asset] ?? [limits.minWeight, limits.maxWeight];
    if (states[i] === "out") bounds[asset] = [0, 0];
    else if (states[i] === "in") bounds[asset] = [Math.max(low, least), high];
    else bounds[asset] = [low, high];
  });
  return { ...limits, bounds };
}

function requirePossible(
  name: ObjectiveName,
  limits: Limits,
  { minPosition, maxAssets }: PositionLimits,
): void {
  if (rules.includes(name))
    throw optionError(
      maxAssets === undefined ? "min-position" : "max-assets",
      `an objective other than ${rules.join(", ")}`,
      name,
    );
  const negative = limits.minWeight < 0 || Object.values(limits.bounds ?? {}).some(([low]) => low < 0);
  if (minPosition !== undefined && negative)
    throw optionError("min-position", "weights of at least 0", `a least weight of ${limits.minWeight}`);
}
