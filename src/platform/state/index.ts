export { type Holder, holderOf, type Lock, takeLock } from "./embedded/lock.ts";
export { inspectServer, knownMigrations, type ServerInspection } from "./inspect.ts";
export { rebuild, requireKnown } from "./migrate.ts";
export { type Database, openState, type State, type StateOptions } from "./state.ts";
export {
  apiKeys,
  fathom,
  installation,
  jobEvents,
  jobSchedules,
  jobs,
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
  workers,
} from "./tables/index.ts";
