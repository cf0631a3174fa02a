export { type Database, openState, type State, type StateOptions } from "./state.ts";
export {
  fathom,
  installation,
  registryAliases,
  registryFiles,
  registryHistory,
  registryModels,
  registryObservations,
  registryOutbox,
  registryPins,
  registryPlans,
  registryRequests,
  registryVersions,
} from "./tables/index.ts";
