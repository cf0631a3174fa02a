/** Objectives on mean and variance: quadratic programs, by an active set where only one equation and bounds hold. */
import { dot, type Matrix, matrix, multiplyVector, PlatformError } from "../../../base/index.ts";
import { ballCone, squareRoot } from "../constraints/ball-cone.ts";
import { feasibleSet } from "../constraints/feasible.ts";
import { extended, type FeasibleSet, homogeneous, widened, withRow } from "../constraints/feasible-set.ts";
import { requireFeasible } from "../constraints/infeasible.ts";
import { byAsset, optionError } from "../constraints/options.ts";
import type { Market } from "../problem.ts";
import { solveBounded } from "../solvers/active-set.ts";
import { type Minimum, minimise } from "../solvers/minimise.ts";
import type { Answer, ObjectiveInput } from "./input.ts";

/** Minimum of `wᵀ Σ w + l2 |w|²`. */
export function minimumVariance({ market, limits, options }: ObjectiveInput): Answer {
  const set = feasibleSet(limits, market);
  return answerOf(minimiseQuadratic(set, doubled(market.covariance, options.l2), null), set);
}

/** Maximum of `return - riskAversion / 2 × variance`, after costs. */
export function maximumVarianceUtility({ market, limits, options }: ObjectiveInput): Answer {
  const set = feasibleSet(limits, market);
  if (!(options.riskAversion > 0))
    throw optionError("risk-aversion", "a number above 0", options.riskAversion);
  const quadratic = scaled(market.covariance, options.riskAversion);
  return answerOf(
    minimiseQuadratic(
      set,
      quadratic,
      set.netReturn.map((value) => -value),
    ),
    set,
  );
}

/** Maximum of the expected return after costs; with a target volatility, Markowitz's efficient portfolio of that risk. */
export function maximumReturn({ market, limits }: ObjectiveInput): Answer {
  const set = feasibleSet(limits, market);
  const linear = set.netReturn.map((value) => -value);
  const unbounded = set.lower.some((value, i) => i < set.assets && !Number.isFinite(value));
  if (unbounded) throw optionError("min-weight", "finite bounds when a return is maximised", "none");
  return answerOf(minimise({ set, linear, quadratic: impactOf(set) }), set);
}

/**
 * Maximum of `(return - rf) / volatility` (Sharpe 1966), as the smallest variance at one unit of excess return over the cone
 * of the feasible set (Cornuéjols and Tütüncü 2007, section 8.2).
 */
export function maximumSharpe({ market, limits, options }: ObjectiveInput): Answer {
  const set = feasibleSet(limits, market);
  const quadratic = doubled(market.covariance, options.l2);
  const minimum = ratio(
    set,
    limits.netExposure,
    market.riskFree,
    set.netReturn,
    (cone) => minimise({ set: cone, quadratic }),
    quadratic,
  );
  return answerOf(minimum, set);
}

/** Maximum of the weighted mean volatility over the portfolio's (Choueifaty and Coignard 2008). */
export function maximumDiversification({ market, limits }: ObjectiveInput): Answer {
  const set = feasibleSet(limits, market);
  const quadratic = doubled(market.covariance, 0);
  const volatility = new Float64Array(set.size);
  volatility.set(volatilities(market));
  const minimum = ratio(
    set,
    limits.netExposure,
    0,
    volatility,
    (cone) => minimise({ set: cone, quadratic }),
    quadratic,
  );
  return answerOf(minimum, set);
}

/** Minimum of `wᵀ C w` with the correlations C (Christoffersen, Errunza, Jacobs and Jin 2010). */
export function maximumDecorrelation({ market, limits }: ObjectiveInput): Answer {
  const set = feasibleSet(limits, market);
  const volatility = volatilities(market);
  const n = market.assets.length;
  const correlation = matrix(n, n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      correlation.data[i * n + j] = market.covariance.data[i * n + j] / (volatility[i] * volatility[j]);
  return answerOf(minimiseQuadratic(set, doubled(correlation, 0), null), set);
}

/** Minimum of `(w - b)ᵀ Σ (w - b)` to a benchmark b. */
export function minimumTrackingError({ market, limits }: ObjectiveInput): Answer {
  const set = feasibleSet(limits, market);
  if (limits.benchmark === undefined)
    throw optionError("benchmark", "weights of the benchmark to track", "none");
  const benchmark = byAsset("benchmark", limits.benchmark, market.assets);
  const linear = new Float64Array(set.size);
  linear.set(multiplyVector(market.covariance, benchmark).map((value) => -2 * value));
  const minimum = minimise({ set, quadratic: doubled(market.covariance, 0), linear, tolerance: 1e-7 });
  return answerOf(minimum, set);
}

/**
 * Maximum of the utility in the worst case of expected returns within `uncertainty` standard errors of each asset (Tütüncü and
 * Koenig 2004): `μ w - δ |w| - riskAversion / 2 × variance`.
 */
export function robustBox({ market, limits, options }: ObjectiveInput): Answer {
  const base = feasibleSet(limits, market);
  const errors = standardErrors(market);
  let set = widened(base, base.assets);
  const linear = set.netReturn.map((value) => -value);
  for (let i = 0; i < base.assets; i++) {
    for (const sign of [1, -1]) {
      const coefficients = new Float64Array(set.size);
      coefficients[i] = sign;
      coefficients[base.size + i] = -1;
      set = withRow(set, { label: "", kind: "<=", coefficients, bound: 0 });
    }
    linear[base.size + i] = options.uncertainty * errors[i];
  }
  const quadratic = scaled(market.covariance, options.riskAversion);
  return answerOf(minimise({ set, quadratic, linear }), base);
}

/**
 * The same within an ellipsoid: `(μ - m)ᵀ S⁻¹ (μ - m) <= uncertainty²` with the covariance S of the means (Goldfarb and Iyengar
 * 2003), whose worst case costs `uncertainty × sqrt(wᵀ S w)`: a second-order cone.
 */
export function robustEllipsoid({ market, limits, options }: ObjectiveInput): Answer {
  const base = feasibleSet(limits, market);
  const set = widened(base, 1);
  const root = squareRoot(scaled(market.covariance, 1 / years(market)));
  const cone = ballCone(root, null, 0, set.size);
  cone.matrix.data[set.size - 1] = -1; // the radius is the last variable
  const linear = set.netReturn.map((value) => -value);
  linear[set.size - 1] = options.uncertainty;
  const quadratic = scaled(market.covariance, options.riskAversion);
  const label = "worst case of the expected return";
  return answerOf(
    minimise({ set: { ...set, cones: [...set.cones, { ...cone, label }] }, quadratic, linear }),
    base,
  );
}

/**
 * The x of a set for which `(gain x - offset) / risk(x)` is largest, found on the cone over the set.
 *
 * @param bySolver minimises the risk over the cone
 * @param quadratic the risk as a quadratic form: then an active set answers where it can
 */
export function ratio(
  set: FeasibleSet,
  net: number | null,
  offset: number,
  gain: Float64Array,
  bySolver: (cone: FeasibleSet) => Minimum,
  quadratic: Matrix | null = null,
): Minimum {
  const fast =
    quadratic && net !== null && net > 0 ? ratioByActiveSet(set, net, offset, gain, quadratic) : null;
  if (fast) return fast;
  const cone = homogeneous(set);
  const coefficients = extended(
    gain.map((value) => -value),
    offset,
  );
  const label = "one unit of what is divided by risk";
  let minimum: Minimum;
  try {
    minimum = bySolver(withRow(cone, { label, kind: "<=", coefficients, bound: -1 }));
  } catch (error) {
    requireFeasible(set);
    if (error instanceof PlatformError && error.code === "PORTFOLIO_INFEASIBLE") throw nothingToGain();
    throw error;
  }
  const scale = minimum.x[set.size];
  if (!(scale > 1e-9)) throw nothingToGain();
  return { ...minimum, x: minimum.x.slice(0, set.size).map((value) => value / scale) };
}

function nothingToGain(): PlatformError {
  return new PlatformError(
    "input",
    "PORTFOLIO_UNBOUNDED",
    "a ratio of excess return to risk has no maximum, because no allowed portfolio is expected to earn more than the risk-free rate; lower --risk-free, or minimise risk instead",
  );
}

/** Only a budget and weights of at least 0: the scale is known without a variable of its own. */
function ratioByActiveSet(
  set: FeasibleSet,
  net: number,
  offset: number,
  gain: Float64Array,
  quadratic: Matrix,
): Minimum | null {
  if (!isSimple(set) || set.lower.some((value) => value !== 0)) return null;
  if (set.upper.some((value) => Number.isFinite(value) && value !== 0)) return null;
  const equation = gain.map((value) => value - offset / net);
  let best = -1;
  const score = (i: number) => (equation[i] * equation[i]) / quadratic.data[i * set.assets + i];
  for (let i = 0; i < set.assets; i++) if (equation[i] > 0 && (best < 0 || score(i) > score(best))) best = i;
  if (best < 0) throw nothingToGain();
  const start = new Float64Array(set.assets);
  start[best] = 1 / equation[best];
  const { lower, upper } = set;
  const solution = solveBounded(
    { quadratic, linear: new Float64Array(set.assets), equation, lower, upper },
    start,
  );
  if (solution === null) return null;
  let sum = 0;
  for (const value of solution.x) sum += value;
  return { ...solution, x: solution.x.map((value) => (value * net) / sum) };
}

/** Only bounds and one equation, and no helping variables. */
export function isSimple(set: FeasibleSet): boolean {
  return (
    set.size === set.assets && set.rows.length === 1 && set.rows[0].kind === "=" && set.cones.length === 0
  );
}

/** Minimum of `xᵀ quadratic x / 2 + linear x + impact` over a set. */
export function minimiseQuadratic(set: FeasibleSet, quadratic: Matrix, linear: Float64Array | null): Minimum {
  if (isSimple(set) && set.lower.every(Number.isFinite)) {
    const start = fill(set);
    const equation = set.rows[0].coefficients;
    const { lower, upper } = set;
    const solution =
      start &&
      solveBounded(
        { quadratic, linear: linear ?? new Float64Array(set.size), equation, lower, upper },
        start,
      );
    if (solution) return solution;
  }
  const impact = linear === null ? null : impactOf(set);
  return minimise({
    set,
    quadratic: impact ? sum(quadratic, impact) : quadratic,
    ...(linear === null ? {} : { linear }),
  });
}

/** A point between the bounds with the total that the only row asks for, when its coefficients are ones; null otherwise. */
function fill({ lower, upper, rows: [{ coefficients, bound }] }: FeasibleSet): Float64Array | null {
  if (coefficients.some((value) => value !== 1)) return null;
  const x = Float64Array.from(lower);
  let left = bound;
  for (let i = 0; i < x.length; i++) {
    if (lower[i] > upper[i]) return null;
    left -= lower[i];
  }
  if (left < 0) return null;
  for (let i = 0; i < x.length && left > 0; i++) {
    const step = Math.min(left, upper[i] - lower[i]);
    x[i] += step;
    left -= step;
  }
  return left > 1e-12 ? null : x;
}

/** The quadratic cost as a matrix over all variables; null where there is none. */
function impactOf({ impact, size }: FeasibleSet): Matrix | null {
  if (impact === null) return null;
  const out = matrix(size, size);
  for (let i = 0; i < size; i++) out.data[i * size + i] = 2 * impact[i];
  return out;
}

function sum(small: Matrix, large: Matrix): Matrix {
  const out = { ...large, data: Float64Array.from(large.data) };
  for (let i = 0; i < small.rows; i++)
    for (let j = 0; j < small.columns; j++)
      out.data[i * out.columns + j] += small.data[i * small.columns + j];
  return out;
}

export function answerOf({ x, certificate, objective }: Minimum, { assets }: FeasibleSet): Answer {
  return { weights: x.slice(0, assets), certificate, objective, warnings: [] };
}

export function volatilities({ covariance }: Pick<Market, "covariance">): Float64Array {
  const n = covariance.rows;
  return Float64Array.from({ length: n }, (_, i) => Math.sqrt(Math.max(0, covariance.data[i * n + i])));
}

export function portfolioVolatility(
  { covariance }: Pick<Market, "covariance">,
  weights: Float64Array,
): number {
  return Math.sqrt(Math.max(0, dot(weights, multiplyVector(covariance, weights))));
}

function scaled(a: Matrix, factor: number): Matrix {
  return { ...a, data: a.data.map((value) => value * factor) };
}

/** `2 (a + ridge I)`: half of it is the quadratic form. */
function doubled(a: Matrix, ridge: number): Matrix {
  const out = scaled(a, 2);
  for (let i = 0; i < a.rows; i++) out.data[i * a.rows + i] += 2 * ridge;
  return out;
}

function years({ scenarios, periodsPerYear }: Market): number {
  return scenarios.columns / periodsPerYear;
}

function standardErrors(market: Market): Float64Array {
  return volatilities(market).map((value) => value / Math.sqrt(years(market)));
}
