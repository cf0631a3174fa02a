/** What the registry answers, as it is sent: times as text, and only what the schemas promise. */
import {
  type Context,
  type DriftCheck,
  type HistoryEntry,
  type ModelReference,
  type ModelVersion,
  modelReference,
  type Observations,
  ownerActor,
  type PlanDecision,
  PlatformError,
  type PromotionRequest,
  type ServingPlan,
  type UtcMs,
} from "../../base/index.ts";
import type { HistoryRow, PlanOutput, ShowOutput, Version } from "./schema.ts";

export const time = (at: UtcMs): string => new Date(at).toISOString();

export function versionView(version: ModelVersion): Version {
  const { lineage, registeredAt, removedAt, metrics, aliases, ...facts } = version;
  return {
    ...facts,
    lineage: { ...lineage, code: { ...lineage.code }, configuration: { ...lineage.configuration } },
    metrics: { ...metrics },
    aliases: [...aliases],
    registeredAt: time(registeredAt),
    removedAt: removedAt === null ? null : time(removedAt),
  };
}

export const driftView = ({ at, by, from, to, features }: DriftCheck): NonNullable<ShowOutput["drift"]> => ({
  ...{ at: time(at), by, from, to },
  drifted: features.filter(({ drifted }) => drifted).map(({ name }) => name),
});

export const historyView = (entry: HistoryEntry): HistoryRow => ({ ...entry, at: time(entry.at) });

export const requestView = (request: PromotionRequest) => ({
  ...request,
  requestedAt: time(request.requestedAt),
});

export function planView(plan: ServingPlan, observations: Observations, decision: PlanDecision): PlanOutput {
  const { id, rules, scoreEdges, startedAt, ...facts } = plan;
  const counts = ({ requests, failures, compared, disagreed }: Observations["champion"]) => ({
    requests,
    failures,
    compared,
    disagreed,
  });
  return {
    ...facts,
    startedAt: time(startedAt),
    seen: { champion: counts(observations.champion), candidate: counts(observations.candidate) },
    verdict: decision.verdict,
    findings: [...decision.findings],
  };
}

/** Who changes something, as history and ledger name them. */
export const actorOf = ({ actor }: Pick<Context, "actor">): string => actor ?? ownerActor;

/** A version of the registry and nothing else. @throws PlatformError `INPUT_INVALID` */
export function referenceOf(text: string): ModelReference {
  const reference = modelReference(text);
  if (reference !== undefined) return reference;
  const message = `reference: expected name@alias, name@3 or name@sha256:<digits>, received ${JSON.stringify(text)}`;
  throw new PlatformError("input", "INPUT_INVALID", message, { field: "reference" });
}
