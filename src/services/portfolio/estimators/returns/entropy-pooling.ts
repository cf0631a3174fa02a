/**
 * Entropy pooling: the probabilities of past scenarios that obey a set of views and are otherwise as close to the prior as
 * they can be, in relative entropy (Meucci 2008, "Fully flexible views: theory and practice").
 */
import {
  choleskyFactor,
  choleskySolve,
  type Matrix,
  matrix,
  PlatformError,
  type Values,
} from "../../../../base/index.ts";
import type { Certificate } from "../../problem.ts";

/** `Σ_t probability_t × values_t` against `target`: any view on an expectation. */
export interface ScenarioView {
  /** What to call it in a message. */
  readonly name: string;
  /** `[scenarios]`. */
  readonly values: Values;
  readonly relation: "=" | ">=" | "<=";
  readonly target: number;
}

export interface EntropyPooling {
  /** `[scenarios]`, positive, adding up to one. */
  readonly probabilities: Float64Array;
  /** Relative entropy to the prior, in nats. */
  readonly relativeEntropy: number;
  /** `exp` of the entropy of the probabilities: how many scenarios are left to speak. */
  readonly effectiveScenarios: number;
  /** Multipliers of the views in the order given; 0 for an inequality that does not bind. */
  readonly multipliers: Float64Array;
  readonly certificate: Certificate;
}

/**
 * Solves the convex dual, `min log Σ_t prior_t exp(-Σ_k λ_k (v_kt - b_k))` with `λ >= 0` for `<=` views, by a projected Newton
 * method with line search. The certificate is the largest violation of a view, in standard deviations of its values, together
 * with complementarity.
 *
 * @param prior `[scenarios]`, positive; equal weights by default
 * @throws PlatformError `PORTFOLIO_VIEW_INVALID` when a view is not finite or no scenario reaches its target,
 *   `PORTFOLIO_NOT_SOLVED` when views that are each possible contradict each other
 * @example
 * const { probabilities } = entropyPooling([{ name: "mean", values: [-1, 1], relation: "=", target: 0.5 }]);
 * probabilities[1]; // => 0.75
 */
export function entropyPooling(
  views: readonly ScenarioView[],
  prior?: Values,
  { tolerance = 1e-9 }: { readonly tolerance?: number } = {},
): EntropyPooling {
  const count = prior?.length ?? views[0]?.values.length ?? 0;
  const base = normalised(prior ?? new Float64Array(count).fill(1));
  const problem = views.map((view) => standardised(view, base));
  const lambda = new Float64Array(views.length);
  let state = evaluate(problem, base, lambda);
  for (let iterations = 0; iterations < 200; iterations++) {
    const gap = violation(problem, lambda, state.residual);
    if (gap <= tolerance) return finish(views, problem, base, lambda, state, { gap, tolerance, iterations });
    const free = problem.map(({ inequality }, k) => !inequality || lambda[k] > 0 || state.residual[k] > 0);
    const step = newtonStep(problem, state, free);
    let size = 1;
    for (let tries = 0; ; tries++) {
      const next = lambda.map((value, k) => {
        const moved = value + size * step[k];
        return problem[k].inequality ? Math.max(0, moved) : moved;
      });
      const after = evaluate(problem, base, next);
      let promised = 0;
      next.forEach((value, k) => {
        promised -= state.residual[k] * (value - lambda[k]);
      });
      // Near the end the value no longer tells two points apart; the violation still does.
      const closer = promised > -1e-12 && violation(problem, next, after.residual) < gap;
      if (closer || after.value <= state.value + 1e-4 * promised) {
        lambda.set(next);
        state = after;
        break;
      }
      if (tries > 60) throw contradict(views, problem, lambda, state.residual);
      size /= 2;
    }
    if (Math.max(...lambda.map(Math.abs)) > 1e6) throw contradict(views, problem, lambda, state.residual);
  }
  throw contradict(views, problem, lambda, state.residual);
}

interface Standard {
  /** `(v - b) / deviation`, its sign turned for `>=`. */
  readonly values: Float64Array;
  readonly inequality: boolean;
  readonly sign: 1 | -1;
  readonly scale: number;
}

function standardised(view: ScenarioView, prior: Float64Array): Standard {
  const { name, values, relation, target } = view;
  const count = prior.length;
  if (values.length !== count)
    throw invalid(name, `${count} values, one for each scenario`, `${values.length}`);
  let mean = 0;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let t = 0; t < count; t++) {
    if (!Number.isFinite(values[t]))
      throw invalid(name, "finite values", `${values[t]} in scenario ${t + 1}`);
    mean += prior[t] * values[t];
    low = Math.min(low, values[t]);
    high = Math.max(high, values[t]);
  }
  if (!Number.isFinite(target)) throw invalid(name, "a finite target", `${target}`);
  const reached =
    relation === "=" ? target > low && target < high : relation === ">=" ? target < high : target > low;
  const trivial =
    low === high && (relation === "=" ? target === low : relation === ">=" ? low >= target : low <= target);
  if (!reached && !trivial)
    throw invalid(name, `a target between the scenarios' smallest ${low} and largest ${high}`, `${target}`);
  let variance = 0;
  for (let t = 0; t < count; t++) variance += prior[t] * (values[t] - mean) ** 2;
  const scale = Math.sqrt(variance) || 1;
  const sign = relation === ">=" ? -1 : 1;
  return {
    values: Float64Array.from({ length: count }, (_, t) => (sign * (values[t] - target)) / scale),
    inequality: relation !== "=",
    sign,
    scale,
  };
}

interface State {
  /** The dual's value. */
  readonly value: number;
  readonly probabilities: Float64Array;
  /** The expectation of each standardised view: minus the dual's gradient. */
  readonly residual: Float64Array;
}

function evaluate(problem: readonly Standard[], prior: Float64Array, lambda: Float64Array): State {
  const exponent = new Float64Array(prior.length);
  problem.forEach(({ values }, k) => {
    if (lambda[k] !== 0) for (let t = 0; t < exponent.length; t++) exponent[t] -= lambda[k] * values[t];
  });
  const top = exponent.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  let sum = 0;
  const probabilities = exponent.map((value, t) => {
    const weight = prior[t] * Math.exp(value - top);
    sum += weight;
    return weight;
  });
  for (let t = 0; t < probabilities.length; t++) probabilities[t] /= sum;
  const residual = Float64Array.from(problem, ({ values }) => {
    let mean = 0;
    for (let t = 0; t < values.length; t++) mean += probabilities[t] * values[t];
    return mean;
  });
  return { value: top + Math.log(sum), probabilities, residual };
}

/** `H⁻¹ residual` on the free multipliers; H is the covariance of the views under the present probabilities. */
function newtonStep(
  problem: readonly Standard[],
  { probabilities, residual }: State,
  free: readonly boolean[],
) {
  const chosen = problem.flatMap((_, k) => (free[k] ? [k] : []));
  const size = chosen.length;
  const hessian = matrix(size, size);
  for (let a = 0; a < size; a++) {
    const x = problem[chosen[a]].values;
    for (let b = 0; b <= a; b++) {
      const y = problem[chosen[b]].values;
      let sum = 0;
      for (let t = 0; t < x.length; t++) sum += probabilities[t] * x[t] * y[t];
      const value = sum - residual[chosen[a]] * residual[chosen[b]];
      hessian.data[a * size + b] = hessian.data[b * size + a] = value;
    }
  }
  const step = new Float64Array(problem.length);
  const right = Float64Array.from(chosen, (k) => residual[k]);
  let damping = 1e-14;
  let factor: Matrix | null = null;
  while (!factor) {
    for (let a = 0; a < size; a++) hessian.data[a * size + a] += damping;
    factor = choleskyFactor(hessian);
    damping *= 100;
  }
  choleskySolve(factor, right).forEach((value, a) => {
    step[chosen[a]] = value;
  });
  return step;
}

/** The largest of: an equality or a binding inequality that is not met, an inequality that is broken. */
function violation(problem: readonly Standard[], lambda: Float64Array, residual: Float64Array): number {
  let worst = 0;
  problem.forEach(({ inequality }, k) => {
    const off = inequality ? Math.max(residual[k], Math.min(lambda[k], -residual[k])) : Math.abs(residual[k]);
    worst = Math.max(worst, off);
  });
  return worst;
}

function finish(
  views: readonly ScenarioView[],
  problem: readonly Standard[],
  prior: Float64Array,
  lambda: Float64Array,
  { probabilities }: State,
  certificate: Omit<Certificate, "method">,
): EntropyPooling {
  let relativeEntropy = 0;
  let entropy = 0;
  probabilities.forEach((value, t) => {
    if (value === 0) return;
    relativeEntropy += value * Math.log(value / prior[t]);
    entropy -= value * Math.log(value);
  });
  return {
    probabilities,
    relativeEntropy,
    effectiveScenarios: Math.exp(entropy),
    multipliers: lambda.map((value, k) => (problem[k].sign * value) / problem[k].scale),
    certificate: {
      method: views.length === 0 ? "closed form" : "projected Newton on the convex dual",
      ...certificate,
    },
  };
}

/** Mean of an asset or of a combination of assets. Scenarios are `[assets, scenarios]`, simple returns per period. */
export function meanView(
  scenarios: Matrix,
  coefficients: Values,
  relation: ScenarioView["relation"],
  target: number,
  name = "mean",
): ScenarioView {
  return { name, values: combined(scenarios, coefficients), relation, target };
}

/** Standard deviation of a combination of assets around a mean that stays: a view on the second moment. */
export function volatilityView(
  scenarios: Matrix,
  coefficients: Values,
  relation: ScenarioView["relation"],
  target: number,
  name = "volatility",
): ScenarioView[] {
  const values = combined(scenarios, coefficients);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [
    { name: `${name} (its mean)`, values, relation: "=", target: mean },
    { name, values: values.map((value) => value * value), relation, target: target * target + mean * mean },
  ];
}

/** The share of probability at or below `threshold`: a view on value at risk. */
export function tailView(
  scenarios: Matrix,
  coefficients: Values,
  threshold: number,
  relation: ScenarioView["relation"],
  target: number,
  name = "tail",
): ScenarioView {
  const values = combined(scenarios, coefficients).map((value) => (value <= threshold ? 1 : 0));
  return { name, values, relation, target };
}

/**
 * Means `[assets]` and covariance `[assets, assets]` of scenarios under their probabilities.
 *
 * @param scenarios `[assets, scenarios]`
 */
export function momentsUnder(scenarios: Matrix, probabilities: Values) {
  const { rows, columns, data } = scenarios;
  const means = new Float64Array(rows);
  for (let i = 0; i < rows; i++)
    for (let t = 0; t < columns; t++) means[i] += probabilities[t] * data[i * columns + t];
  const covariance = matrix(rows, rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let t = 0; t < columns; t++)
        sum += probabilities[t] * (data[i * columns + t] - means[i]) * (data[j * columns + t] - means[j]);
      covariance.data[i * rows + j] = covariance.data[j * rows + i] = sum;
    }
  }
  return { means, covariance };
}

function combined({ rows, columns, data }: Matrix, coefficients: Values): Float64Array {
  const out = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    if (coefficients[i] === 0) continue;
    for (let t = 0; t < columns; t++) out[t] += coefficients[i] * data[i * columns + t];
  }
  return out;
}

function normalised(prior: Values): Float64Array {
  let sum = 0;
  for (let t = 0; t < prior.length; t++) {
    if (!(prior[t] >= 0 && Number.isFinite(prior[t])))
      throw invalid("prior", "probabilities of 0 or more", `${prior[t]}`);
    sum += prior[t];
  }
  if (!(sum > 0)) throw invalid("prior", "at least one scenario with a probability above 0", "none");
  return Float64Array.from(prior, (value) => value / sum);
}

function contradict(
  views: readonly ScenarioView[],
  problem: readonly Standard[],
  lambda: Float64Array,
  residual: Float64Array,
): PlatformError {
  const largest = Math.max(...lambda.map(Math.abs));
  const pulling = views.filter((_, k) => Math.abs(lambda[k]) > 1e-3 * largest).map(({ name }) => name);
  const gap = violation(problem, lambda, residual);
  return new PlatformError(
    "conflict",
    "PORTFOLIO_NOT_SOLVED",
    `entropy pooling: no probabilities of these scenarios satisfy all views at once; those that pull against each other are ${pulling.join(", ")}; the closest answer misses one by ${gap.toPrecision(3)} standard deviations`,
    { field: "views" },
  );
}

function invalid(view: string, expected: string, received: string): PlatformError {
  return new PlatformError(
    "input",
    "PORTFOLIO_VIEW_INVALID",
    `view "${view}": expected ${expected}, received ${received}`,
    { field: "views" },
  );
}
