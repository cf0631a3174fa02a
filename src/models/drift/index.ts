export {
  type Correction,
  checkDrift,
  corrections,
  type DriftMeasure,
  type DriftOptions,
  type DriftSample,
  driftMeasures,
  type FeatureDrift,
  levelOfOneTest,
  type MeasuredDrift,
} from "./check.ts";
export {
  countClasses,
  type Distribution,
  distributionOf,
  jensenShannonDivergence,
  kolmogorovSmirnov,
  populationStabilityIndex,
  wassersteinDistance,
} from "./distances.ts";
export { effectiveSize } from "./effective-size.ts";
export { kolmogorovUpperTail, scatter, stabilityNull } from "./null-distributions.ts";
export { DriftReference, referenceName, Sketch, sketchOf } from "./sketch.ts";
