import type { Capability } from "../../base/index.ts";
import {
  forecastEvaluate,
  forecastFold,
  forecastPredict,
  forecastSweep,
  forecastTrain,
} from "./capabilities.ts";

export { openForecastArtifact, readForecastArtifact } from "./artifact.ts";
export {
  forecastEvaluate,
  forecastFold,
  forecastPredict,
  forecastSweep,
  forecastTrain,
} from "./capabilities.ts";
export { evaluateForecast } from "./evaluate.ts";
export { type Difference, type Training, trainingDifferences, trainingName } from "./identity.ts";
export { type MonitoredModel, type MonitorRequest, monitor } from "./monitored.ts";
export { sourceOf } from "./prepare.ts";
export { type RealWindows, realWindows } from "./real-windows.ts";
export {
  EvaluateInput,
  EvaluateOutput,
  PredictInput,
  PredictOutput,
  SweepInput,
  SweepOutput,
  TrainInput,
  TrainOutput,
  TrainRequest,
  TrainResult,
} from "./schema.ts";
export { train } from "./train.ts";

/** What the interfaces offer of this service. */
export const forecastCapabilities = [
  forecastTrain,
  forecastEvaluate,
  forecastFold,
  forecastPredict,
  forecastSweep,
] as unknown as readonly Capability[];
