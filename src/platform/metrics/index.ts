export {
  createMetrics,
  type Depths,
  type InferenceCount,
  type JobFacts,
  type Metrics,
  type RequestFacts,
  type SharedFacts,
} from "./metrics.ts";
