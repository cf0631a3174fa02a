import type { AuditPort } from "./audit.ts";
import type { JobsPort } from "./jobs.ts";
import type { KeysPort } from "./keys.ts";
import type { RegistryPort } from "./registry.ts";
import type { SigningPort } from "./signing.ts";

/**
 * What outlives a process and is shared between processes: one port for each room of `src/platform/`. Capabilities reach
 * them through `context.platform()`, which opens the state when it is first asked for, so that work that needs none of it
 * does not wait for a database.
 */
export interface Platform {
  /** Where the state lives. */
  readonly state: "embedded" | "server";
  readonly audit: AuditPort;
  readonly jobs: JobsPort;
  readonly keys: KeysPort;
  readonly registry: RegistryPort;
  readonly signing: SigningPort;
}

export type { AuditHead, AuditPort, AuditQuery, AuditRecord, SignedHead } from "./audit.ts";
export {
  type Job,
  type JobEvent,
  type JobFailure,
  type JobFilter,
  type JobHandle,
  type JobOutcome,
  type JobRequest,
  type JobSchedule,
  type JobStatus,
  type JobsPort,
  jobEventTypes,
  jobStatuses,
  type ScheduleRequest,
  type WorkerInfo,
} from "./jobs.ts";
export {
  type ApiKey,
  type IssuedKey,
  type KeyRefusal,
  type KeyRequest,
  type KeysPort,
  type KeyVerdict,
  ownerActor,
  type RotateRequest,
} from "./keys.ts";

export {
  type ArmObservations,
  aliasPattern,
  type Change,
  type DriftCheck,
  type HistoryEntry,
  type Lineage,
  type MetricComparison,
  type MetricRule,
  type ModelReference,
  type ModelVersion,
  modelNamePattern,
  modelReference,
  type Observations,
  type Outcome,
  type PlanDecision,
  type PlanFinding,
  type PlanRequest,
  type PromotionOutcome,
  type PromotionPolicy,
  type PromotionRequest,
  type RegistryPort,
  type RollbackRules,
  reservedAliases,
  type ServingPlan,
} from "./registry.ts";
export type { SigningPort, TrustedKey } from "./signing.ts";
