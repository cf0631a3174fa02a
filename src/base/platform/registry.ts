/**
 * The registry of models: which versions there are, where each came from, which one is in charge under which alias, since
 * when, by whom and why; and how traffic is shared between the one in charge and a candidate.
 */
import { PlatformError } from "../errors.ts";
import type { UtcMs } from "../time.ts";

/** Names of models and of aliases, as sources of regular expressions. */
export const modelNamePattern = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}";
export const aliasPattern = "[a-z][a-z0-9-]{0,63}";
/** Aliases that promotions and serving plans set, and nobody else. */
export const reservedAliases: readonly string[] = ["champion", "canary", "shadow"];

const referencePattern = new RegExp(
  `^(${modelNamePattern})@(?:([1-9]\\d{0,8})|sha256:([0-9a-f]{8,64})|(${aliasPattern}))$`,
);

/** A version as it is named wherever a model is: `name@champion`, `name@3` or `name@sha256:...`. */
export interface ModelReference {
  readonly model: string;
  /** An alias, a number, or the first digits (8 or more) of the manifest's SHA-256. */
  readonly at: { readonly alias: string } | { readonly version: number } | { readonly digest: string };
}

/**
 * Reads `name@alias`, `name@number` or `name@sha256:digits`.
 *
 * @returns undefined for a path or a plain name, which are no business of the registry
 * @throws PlatformError `INPUT_INVALID` for what has an `@` and names no version
 * @example
 * modelReference("spy@champion"); // => { model: "spy", at: { alias: "champion" } }
 * modelReference("spy@3"); // => { model: "spy", at: { version: 3 } }
 * modelReference("spy"); // => undefined
 */
export function modelReference(text: string): ModelReference | undefined {
  if (!text.includes("@") || /[\\/]/.test(text) || text.startsWith(".")) return undefined;
  const [, model, version, digest, alias] = referencePattern.exec(text) ?? [];
  if (model !== undefined && version !== undefined) return { model, at: { version: Number(version) } };
  if (model !== undefined && digest !== undefined) return { model, at: { digest } };
  if (model !== undefined && alias !== undefined) return { model, at: { alias } };
  throw new PlatformError(
    "input",
    "INPUT_INVALID",
    `expected name@alias, name@3 or name@sha256:<8 or more digits>, received ${JSON.stringify(text)}`,
  );
}

/** Where a version came from, as the artifact's manifest has it. */
export interface Lineage {
  readonly data: {
    readonly source: string;
    /** SHA-256 of the bytes of the training data. */
    readonly fingerprint: string;
    readonly from: string;
    readonly to: string;
  };
  /** What the model was made with: versions of the program, of the runtime, of the operator set. */
  readonly code: Readonly<Record<string, string>>;
  readonly configuration: Readonly<Record<string, unknown>>;
  /** Digest of the version that this one succeeds, and its number where the registry has it. */
  readonly parent: { readonly digest: string; readonly version: number | null } | null;
  /** Names the training run by all that decides its result. */
  readonly run: string | null;
}

export interface ModelVersion {
  readonly model: string;
  /** 1 for the first of a model, and one more for each that follows. */
  readonly version: number;
  /** SHA-256 of the manifest. */
  readonly digest: string;
  /** What the model is for, such as `forecast`. */
  readonly kind: string;
  readonly lineage: Lineage;
  readonly metrics: Readonly<Record<string, unknown>>;
  /** All files together. */
  readonly bytes: number;
  /** Key of who signed it; null for one that was let in without a signature. */
  readonly signedBy: string | null;
  readonly note: string;
  readonly registeredAt: UtcMs;
  readonly registeredBy: string;
  /** When its files were given up; the number stays taken. */
  readonly removedAt: UtcMs | null;
  /** Every alias that points to it now. */
  readonly aliases: readonly string[];
}

/** What happened to an alias of a model, or to its serving. Written once and never changed. */
export interface HistoryEntry {
  readonly sequence: number;
  readonly model: string;
  /** `champion`, `challenger`, a free one; `canary` and `shadow` for serving plans. */
  readonly alias: string;
  /** In charge from then on; null when nobody is. */
  readonly version: number | null;
  readonly previous: number | null;
  readonly action: "alias" | "promote" | "rollback" | "plan" | "stop" | "automatic-rollback";
  readonly at: UtcMs;
  readonly actor: string;
  /** Who gave the second key. */
  readonly approvedBy: string | null;
  readonly reason: string;
}

/** What a version must fulfil to become champion. */
export interface PromotionPolicy {
  /** Two different actors: one asks, another one approves. */
  readonly secondKey: boolean;
  /** The candidate may be worse than the champion by a share of the champion's value and no more, on the same test. */
  readonly metric: MetricRule | null;
}

export interface MetricRule {
  /** Place in the manifest's metrics, such as `test.model.mse`. */
  readonly path: string;
  readonly better: "lower" | "higher";
  /** 0.02 lets a candidate be 2 % worse. */
  readonly tolerance: number;
}

/** The rule and both numbers, on one test. Null where there is no champion to compare with. */
export interface MetricComparison extends MetricRule {
  readonly champion: number;
  readonly candidate: number;
  /** Which test: both were judged on it. */
  readonly test: string;
}

export interface PromotionRequest {
  readonly id: number;
  readonly model: string;
  readonly version: number;
  /** The champion when it was asked for; another one since then makes the request stale. */
  readonly champion: number | null;
  readonly comparison: MetricComparison | null;
  readonly requestedBy: string;
  readonly requestedAt: UtcMs;
  readonly reason: string;
}

export type PromotionOutcome =
  | {
      readonly status: "promoted";
      readonly entry: HistoryEntry;
      readonly comparison: MetricComparison | null;
    }
  | { readonly status: "waiting"; readonly request: PromotionRequest };

/** When a candidate is taken out of service. A rule that is null is not applied. */
export interface RollbackRules {
  /** Nothing is decided before each of the two has answered so many requests. */
  readonly minimumRequests: number;
  /** Share of failed requests of the candidate above the champion's own. */
  readonly errorRate: number | null;
  /** 99th percentile of the candidate's latency, as a multiple of the champion's. */
  readonly latencyRatio: number | null;
  /** Share of the compared answers that differ; shadow only. */
  readonly disagreement: number | null;
  /** Population stability index of the candidate's scores against the champion's. */
  readonly scorePsi: number | null;
}

/** How the traffic of one model is shared. */
export interface ServingPlan {
  readonly id: number;
  readonly model: string;
  readonly champion: number;
  readonly candidate: number;
  /** `canary`: a share of the callers is answered by the candidate. `shadow`: it answers too, and nobody hears it. */
  readonly mode: "shadow" | "canary";
  readonly sharePercent: number;
  readonly rules: RollbackRules;
  /** Edges between the classes that scores are counted in; null when the champion has no reference of its scores. */
  readonly scoreEdges: readonly number[] | null;
  readonly status: "active" | "stopped" | "rolled-back";
  readonly startedAt: UtcMs;
  readonly startedBy: string;
}

/** One answered request, as a server saw it. */
export interface Outcome {
  readonly arm: "champion" | "candidate";
  readonly failed: boolean;
  readonly latencyMs: number;
  /** What was answered; counted by class, never kept. */
  readonly scores?: ArrayLike<number>;
  /** Whether the candidate's answer differed from the champion's on the same request; shadow only. */
  readonly disagrees?: boolean;
}

/** What was seen of one arm of a plan since it began, by all servers together. */
export interface ArmObservations {
  readonly requests: number;
  readonly failures: number;
  /** Requests by latency; `latencyEdgesMs` has the edges. */
  readonly latency: readonly number[];
  /** Scores by class; empty without edges. */
  readonly scores: readonly number[];
  readonly compared: number;
  readonly disagreed: number;
}

export interface Observations {
  readonly champion: ArmObservations;
  readonly candidate: ArmObservations;
}

/** How far data of later is from what a version was made from, as one check found it. */
export interface DriftCheck {
  readonly model: string;
  readonly version: number;
  readonly at: UtcMs;
  readonly by: string;
  /** First and last date that were compared. */
  readonly from: string;
  readonly to: string;
  /** Whether any feature or score is further away than chance explains. */
  readonly drifted: boolean;
  readonly features: readonly {
    /** An input, or a score. */
    readonly name: string;
    readonly drifted: boolean;
    readonly measures: readonly { readonly measure: string; readonly value: number }[];
  }[];
}

/** What the rules say of what was seen. */
export interface PlanDecision {
  /** `wait`: too little was seen to say anything. */
  readonly verdict: "wait" | "continue" | "rollback";
  readonly findings: readonly PlanFinding[];
}

export interface PlanFinding {
  readonly rule: keyof Omit<RollbackRules, "minimumRequests">;
  readonly value: number;
  readonly limit: number;
  readonly broken: boolean;
}

/** Who changes something, and why: both go into the history and the ledger. */
export interface Change {
  readonly actor: string;
  readonly reason: string;
}

export interface PlanRequest extends Change {
  readonly model: string;
  readonly candidate: number;
  readonly mode: ServingPlan["mode"];
  readonly sharePercent: number;
  readonly rules: RollbackRules;
}

export interface RegistryPort {
  /**
   * Takes in the artifact in a folder: its files go to the store, its facts into the state.
   *
   * @returns the version, and whether it is new: the same bytes are one version of a model
   * @throws PlatformError `ARTIFACT_*`, `SIGNATURE_*`, `SIGNER_UNTRUSTED`, `STORE_*`, `INPUT_INVALID` for the name
   */
  register(
    request: { readonly model: string; readonly folder: string; readonly note: string } & Change,
    signal?: AbortSignal,
  ): Promise<{ readonly version: ModelVersion; readonly isNew: boolean }>;
  /** All models by name, with their champion. */
  models(page: { readonly after?: string | undefined; readonly limit: number }): Promise<
    readonly {
      readonly model: string;
      readonly versions: number;
      readonly champion: number | null;
      readonly challenger: number | null;
      readonly changedAt: UtcMs;
    }[]
  >;
  /** Whether a model has this name. */
  has(model: string): Promise<boolean>;
  /** The versions in charge, by model; a page of many models is one question. */
  champions(page: {
    readonly after?: string | undefined;
    readonly limit: number;
  }): Promise<readonly Pick<ModelVersion, "model" | "version" | "digest">[]>;
  /** Newest first; removed ones too. @throws PlatformError `MODEL_UNKNOWN` */
  versions(
    model: string,
    page: { readonly before?: number | undefined; readonly limit: number },
  ): Promise<readonly ModelVersion[]>;
  /** @throws PlatformError `MODEL_UNKNOWN`, `VERSION_UNKNOWN` */
  resolve(reference: ModelReference): Promise<ModelVersion>;
  /** Newest first. @throws PlatformError `MODEL_UNKNOWN` */
  history(
    model: string,
    page: {
      readonly alias?: string | undefined;
      readonly before?: number | undefined;
      readonly limit: number;
    },
  ): Promise<readonly HistoryEntry[]>;
  /** What put the version in charge that was so at an instant; undefined when nobody was. @throws PlatformError `MODEL_UNKNOWN` */
  inCharge(model: string, alias: string, at: UtcMs): Promise<HistoryEntry | undefined>;

  policy(model: string): Promise<PromotionPolicy>;
  setPolicy(model: string, policy: PromotionPolicy, change: Change): Promise<void>;
  /** Moves an alias, or takes it away. @throws PlatformError `ALIAS_RESERVED` for the champion */
  setAlias(model: string, alias: string, version: number | null, change: Change): Promise<HistoryEntry>;
  /**
   * Makes a version champion, or asks for the second key.
   *
   * @param comparison both judged on one test, where their manifests were not
   * @throws PlatformError `PROMOTION_REFUSED`, `VERSION_UNKNOWN`
   */
  promote(
    model: string,
    version: number,
    change: Change,
    comparison?: Omit<MetricComparison, keyof MetricRule>,
  ): Promise<PromotionOutcome>;
  /** Open requests, oldest first. */
  requests(model: string): Promise<readonly PromotionRequest[]>;
  /** The second key. @throws PlatformError `PROMOTION_UNKNOWN`, `SECOND_KEY_NEEDED`, `PROMOTION_STALE` */
  approve(id: number, actor: string): Promise<HistoryEntry>;
  /** Withdraws a request. @throws PlatformError `PROMOTION_UNKNOWN` */
  decline(id: number, change: Change): Promise<void>;
  /**
   * Puts the version in charge that was so before this one; needs no second key, since it is for when something is wrong.
   *
   * @throws PlatformError `ROLLBACK_IMPOSSIBLE`
   */
  rollback(model: string, alias: string, change: Change): Promise<HistoryEntry>;
  /** Gives up a version's files; its number, facts and history stay. @throws PlatformError `VERSION_IN_USE` */
  remove(model: string, version: number, change: Change): Promise<ModelVersion>;

  /** A folder with the files of a version, checked; kept below the data folder, so that the next one who asks has it. */
  open(
    reference: ModelReference,
    signal?: AbortSignal,
  ): Promise<{ readonly folder: string; readonly version: ModelVersion }>;
  /** Writes the files of a version, checked, into an empty folder. */
  fetch(version: ModelVersion, folder: string, signal?: AbortSignal): Promise<void>;
  /** Removes from the store what no version refers to and nobody is about to. @returns what was removed */
  collectGarbage(signal?: AbortSignal): Promise<{ readonly blobs: number; readonly bytes: number }>;

  /** Keeps the latest check of a version; one of an earlier instant is not. @throws PlatformError `MODEL_UNKNOWN`, `VERSION_UNKNOWN` */
  recordDrift(check: DriftCheck): Promise<void>;
  /** The latest check of a version; undefined for one that nobody has checked. */
  driftCheck(model: string, version: number): Promise<DriftCheck | undefined>;
  /** The latest check of each version that an alias points to, the newest first. */
  driftChecks(page: { readonly limit: number }): Promise<readonly DriftCheck[]>;

  /** The plan in force for a model: one look-up; a server asks again every second or so. Undefined when there is none. */
  servingPlan(model: string): Promise<ServingPlan | undefined>;
  /** @throws PlatformError `PLAN_INVALID`, `PLAN_ACTIVE`, `VERSION_UNKNOWN` */
  startPlan(request: PlanRequest): Promise<ServingPlan>;
  /** Ends the plan in force. @throws PlatformError `PLAN_INVALID` when there is none */
  stopPlan(model: string, change: Change): Promise<ServingPlan>;
  /** The newest plan, what was seen of it, and what its rules say. */
  observations(
    model: string,
  ): Promise<
    | { readonly plan: ServingPlan; readonly observations: Observations; readonly decision: PlanDecision }
    | undefined
  >;
  /**
   * Adds what a server saw since it last told, and applies the plan's rules to what all servers saw. Servers call it with
   * many outcomes at a time. When a rule is broken the plan ends for all of them, once, with an entry in history and ledger.
   *
   * @returns the decision, and the plan as it is now: one that is no longer active is not followed any more
   */
  recordOutcomes(
    plan: ServingPlan,
    outcomes: readonly Outcome[],
  ): Promise<{ readonly plan: ServingPlan; readonly decision: PlanDecision }>;
}
