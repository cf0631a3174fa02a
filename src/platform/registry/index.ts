export { answersDiffer, decide, isCandidateFor } from "./decide.ts";
export { latencyEdgesMs, latencyQuantile } from "./latency.ts";
export { openRegistry, type RegistryOptions } from "./registry.ts";
