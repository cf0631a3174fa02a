export { logReturns, pricesFromLogReturns, pricesFromSimpleReturns, simpleReturns } from "./returns.ts";
export {
  applyScaler,
  type FitScalerOptions,
  fitScaler,
  invertScaler,
  type Scaler,
  type ScalerJson,
  type ScalerKind,
  scalerFromJson,
  scalerToJson,
} from "./scaler.ts";
