export {
  createMetrics,
  type DepthSource,
  type DriftFacts,
  type InferenceCount,
  type JobFacts,
  type Metrics,
  type RequestFacts,
} from "./metrics.ts";
