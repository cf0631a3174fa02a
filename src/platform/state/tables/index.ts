export { apiKeys } from "./api-keys.ts";
export { fathom } from "./fathom.ts";
export { installation } from "./installation.ts";
export { jobEvents, jobSchedules, jobs, workers } from "./jobs.ts";
export { ledger, ledgerSealed, personalKeys } from "./ledger.ts";
export {
  registryAliases,
  registryDriftChecks,
  registryFiles,
  registryHistory,
  registryModels,
  registryObservations,
  registryOutbox,
  registryPins,
  registryPlans,
  registryRequests,
  registryVersions,
} from "./registry.ts";
