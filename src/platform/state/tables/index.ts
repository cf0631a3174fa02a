export { fathom } from "./fathom.ts";
export { installation } from "./installation.ts";
export {
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
} from "./registry.ts";
