import type { Capability } from "../../base/index.ts";
import {
  registryAlias,
  registryApprove,
  registryCollectGarbage,
  registryDecline,
  registryFetch,
  registryHistory,
  registryList,
  registryPolicy,
  registryPromote,
  registryRegister,
  registryRemove,
  registryRequests,
  registryRetrain,
  registryRollback,
  registryShow,
} from "./capabilities.ts";
import {
  registryKeys,
  registryPlan,
  registryPlanStatus,
  registrySign,
  registryStopPlan,
  registryTrust,
} from "./serving.ts";

export { type RetrainScheduler, scheduleRetrain } from "./retrain.ts";

/** What the interfaces offer of this service. */
export const registryCapabilities = [
  registryRegister,
  registryList,
  registryShow,
  registryHistory,
  registryPromote,
  registryRequests,
  registryApprove,
  registryDecline,
  registryRollback,
  registryAlias,
  registryPolicy,
  registryRemove,
  registryFetch,
  registryCollectGarbage,
  registryPlan,
  registryPlanStatus,
  registryStopPlan,
  registryRetrain,
  registrySign,
  registryKeys,
  registryTrust,
] as unknown as readonly Capability[];
