export {
  type Datatype,
  datatypeNames,
  datatypes,
  type InferenceTensor,
  isDatatype,
  sizeOf,
  type TensorData,
  type TensorSignature,
} from "./datatypes.ts";
export { folderSource, pathSource } from "./folder-source.ts";
export {
  type InferenceFacts,
  type InferenceQuery,
  type InferenceReply,
  type ModelDescription,
  type ModelIdentity,
  ModelServer,
  type ModelServerOptions,
  type ShadowComparison,
} from "./model-server.ts";
export type { BatchFacts } from "./pool.ts";
export { type RegistrySourceOptions, registrySource, type ServingRegistry } from "./registry-source.ts";
export type { InferenceTiming } from "./request-queue.ts";
export type { ArmOutcome, Candidate, ModelSource, ServableModel, ServingPlan } from "./source.ts";
