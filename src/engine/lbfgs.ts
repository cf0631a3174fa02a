/**
 * Limited-memory BFGS, for smooth losses over all samples at once: the curvature is learnt from the last steps, and a line search makes
 * every step safe. Each of its few steps costs whole passes over the data, in place of thousands of small ones.
 *
 * @see Nocedal and Wright (2006), "Numerical Optimization", algorithms 7.4 (two-loop recursion), 3.5 and 3.6 (line search)
 */
import { PlatformError } from "../base/index.ts";

/** A loss and its gradient at one point. */
export interface ValueAndGradient {
  readonly value: number;
  /** `[size]`. */
  readonly gradient: Float64Array;
}

export interface LbfgsOptions {
  /** Most steps. */
  readonly maxIterations?: number;
  /** Ends when no part of the gradient is larger. */
  readonly gradientTolerance?: number;
  /** Ends when a step lowers the loss by a smaller share of `max(|before|, |after|, 1)`; 0 to go on until nothing is gained. */
  readonly valueTolerance?: number;
  /** Steps whose curvature is remembered. */
  readonly history?: number;
}

export interface LbfgsResult {
  /** `[size]`, the point with the smallest loss found. */
  readonly point: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
  readonly iterations: number;
  /** How often the loss and its gradient were computed. */
  readonly evaluations: number;
  /** `line-search`: along the last direction no lower loss was found, which is where rounding ends the way. */
  readonly stopped: "gradient" | "value" | "iterations" | "line-search";
}

/** Sufficient decrease and curvature of the strong Wolfe conditions; the values of Nocedal and Wright for quasi-Newton directions. */
const sufficientDecrease = 1e-4;
const curvature = 0.9;

/** Evaluations of one line search. */
const maxTrials = 25;

/**
 * Goes from a point to a near minimum of a function, by L-BFGS with a line search for the strong Wolfe conditions.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when an option is out of range, `TRAINING_DIVERGED` when the loss or its gradient is not
 *   finite at the start
 */
export async function lbfgs(
  evaluateAt: (point: Float64Array) => Promise<ValueAndGradient>,
  start: Float64Array,
  options: LbfgsOptions = {},
): Promise<LbfgsResult> {
  const { maxIterations = 200, gradientTolerance = 1e-5, valueTolerance = 1e-9, history = 10 } = options;
  requireAtLeast({ maxIterations, history }, 1);
  requireAtLeast({ gradientTolerance, valueTolerance }, 0);
  let evaluations = 0;
  const at = async (point: Float64Array): Promise<Place> => {
    evaluations++;
    return { point, ...(await evaluateAt(point)) };
  };
  let here = await at(start.slice());
  if (!Number.isFinite(here.value) || !here.gradient.every(Number.isFinite)) {
    throw new PlatformError(
      "conflict",
      "TRAINING_DIVERGED",
      `lbfgs: expected a finite loss and gradient at the start, received a loss of ${here.value}`,
    );
  }
  const pairs: CurvaturePair[] = [];
  const end = (stopped: LbfgsResult["stopped"], iterations: number): LbfgsResult => {
    const { point, value, gradient } = here;
    return { point, value, gradient, iterations, evaluations, stopped };
  };
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    if (largest(here.gradient) <= gradientTolerance) return end("gradient", iteration);
    let direction = descent(here.gradient, pairs);
    if (dot(direction, here.gradient) >= 0) {
      pairs.length = 0; // rounding has spoilt the curvature: begin anew
      direction = descent(here.gradient, pairs);
    }
    // Without curvature the first step has length 1 at most, since the gradient says nothing of how far to go.
    const first = pairs.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(dot(here.gradient, here.gradient)));
    const next = await lineSearch(at, here, direction, first);
    if (!next) return end("line-search", iteration);
    const [s, y] = [difference(next.point, here.point), difference(next.gradient, here.gradient)];
    // Only positive curvature keeps the approximation positive definite.
    if (dot(s, y) > Number.EPSILON * dot(y, y)) pairs.push({ s, y, rho: 1 / dot(s, y) });
    if (pairs.length > history) pairs.shift();
    const gain = here.value - next.value;
    const scale = Math.max(Math.abs(here.value), Math.abs(next.value), 1);
    here = next;
    if (gain <= valueTolerance * scale)
      return end(largest(here.gradient) <= gradientTolerance ? "gradient" : "value", iteration + 1);
  }
  return end(largest(here.gradient) <= gradientTolerance ? "gradient" : "iterations", maxIterations);
}

interface Place extends ValueAndGradient {
  readonly point: Float64Array;
}

/** A step `s`, the change of the gradient along it `y`, and `1 / sᵀy`. */
interface CurvaturePair {
  readonly s: Float64Array;
  readonly y: Float64Array;
  readonly rho: number;
}

/** `-H g` with the inverse Hessian `H` that the remembered steps imply (algorithm 7.4). */
function descent(gradient: Float64Array, pairs: readonly CurvaturePair[]): Float64Array {
  const q = gradient.slice();
  const alphas = new Float64Array(pairs.length);
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { s, y, rho } = pairs[i];
    alphas[i] = rho * dot(s, q);
    addTo(q, -alphas[i], y);
  }
  const last = pairs.at(-1);
  const scale = last ? 1 / (last.rho * dot(last.y, last.y)) : 1;
  for (let i = 0; i < q.length; i++) q[i] *= scale;
  pairs.forEach(({ s, y, rho }, i) => {
    addTo(q, alphas[i] - rho * dot(y, q), s);
  });
  return q.map((value) => -value);
}

/** How far along the direction, the loss there, and its slope. */
interface Trial {
  readonly step: number;
  readonly slope: number;
  readonly place: Place;
}

/** A place along a direction that fulfils the strong Wolfe conditions, or at least has a lower loss; null when none was found. */
async function lineSearch(
  at: (point: Float64Array) => Promise<Place>,
  from: Place,
  direction: Float64Array,
  first: number,
): Promise<Place | null> {
  const slope0 = dot(direction, from.gradient);
  const tryAt = async (step: number): Promise<Trial> => {
    const place = await at(from.point.map((value, i) => value + step * direction[i]));
    return { step, slope: dot(direction, place.gradient), place };
  };
  const tooHigh = ({ step, place }: Trial) =>
    !(place.value <= from.value + sufficientDecrease * step * slope0); // also where it is not finite
  const flat = ({ slope }: Trial) => Math.abs(slope) <= -curvature * slope0;

  let low: Trial = { step: 0, slope: slope0, place: from };
  let high: Trial | null = null;
  let step = first;
  for (let count = 0; count < maxTrials; count++) {
    const trial = await tryAt(step);
    if (tooHigh(trial) || (low.step > 0 && trial.place.value >= low.place.value)) {
      high = trial;
    } else if (flat(trial)) {
      return trial.place;
    } else if (high === null) {
      if (trial.slope >= 0) [high, low] = [low, trial];
      else low = trial;
    } else {
      if (trial.slope * (high.step - low.step) >= 0) high = low;
      low = trial;
    }
    // Until the minimum is bracketed, farther; afterwards, between the two.
    step = high === null ? 2 * low.step : between(low, high);
    if (high !== null && Math.abs(high.step - low.step) * largest(direction) < 1e-16 * largest(from.point))
      break;
  }
  return low.step !== 0 && low.place.value < from.value ? low.place : null;
}

/** The minimum of the cubic through two values and slopes (equation 3.59), or the middle where it lies too near an end. */
function between(low: Trial, high: Trial): number {
  const width = high.step - low.step;
  const middle = low.step + width / 2;
  const d1 = low.slope + high.slope - (3 * (low.place.value - high.place.value)) / (low.step - high.step);
  const d2 = Math.sign(width) * Math.sqrt(d1 * d1 - low.slope * high.slope);
  const step = high.step - (width * (high.slope + d2 - d1)) / (high.slope - low.slope + 2 * d2);
  const share = (step - low.step) / width;
  return share > 0.1 && share < 0.9 ? step : middle; // NaN is neither
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

/** `target += factor · x`. */
function addTo(target: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += factor * x[i];
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value - b[i]);
}

function largest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function requireAtLeast(values: Readonly<Record<string, number>>, least: number): void {
  for (const [name, value] of Object.entries(values)) {
    if (value >= least && (least === 0 || Number.isSafeInteger(value))) continue;
    throw new PlatformError(
      "input",
      "MODEL_OPTION_INVALID",
      `lbfgs ${name}: expected ${least} or more, received ${value}`,
    );
  }
}
