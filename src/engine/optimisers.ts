/**
 * How parameters follow their gradients. All parameters of a model lie behind each other in one vector, and so do the gradients
 * and whatever an optimiser remembers: an update is a handful of operations on whole vectors, however many layers there are.
 */
import { PlatformError } from "../base/index.ts";
import { add, div, minimum, mul, sqrt, sub, sum } from "./operations.ts";
import type { Tensor } from "./tensor.ts";

export interface UpdateArguments {
  /** `[size]`, all parameters of the model. */
  readonly parameters: Tensor;
  readonly gradient: Tensor;
  /** One `[size]` vector per name in `memory`; zero at the start. */
  readonly memory: readonly Tensor[];
  /** One scalar per name in `settings`: their values in this step. */
  readonly settings: readonly Tensor[];
}

export interface Optimiser {
  readonly name: string;
  /** What it remembers from step to step. */
  readonly memory: readonly string[];
  /** The scalars that its update reads. */
  readonly settings: readonly string[];
  /** Their values in a step, 1 being the first; worked out in float64 outside of the graph. */
  readonly settingsAt: (step: number, learningRate: number) => readonly number[];
  readonly update: (args: UpdateArguments) => {
    readonly parameters: Tensor;
    readonly memory: readonly Tensor[];
  };
}

/** Stochastic gradient descent with momentum (Polyak 1964): `v = μ v + g`, `p -= rate v`; with `nesterov`, `p -= rate (g + μ v)`. */
export function sgd({
  momentum = 0,
  nesterov = false,
}: {
  readonly momentum?: number;
  readonly nesterov?: boolean;
} = {}): Optimiser {
  inRange("sgd momentum", momentum, 0, 1);
  if (nesterov && momentum === 0)
    throw new PlatformError(
      "input",
      "MODEL_OPTION_INVALID",
      "sgd nesterov: expected a momentum above 0, received 0",
    );
  return {
    name: "sgd",
    memory: momentum === 0 ? [] : ["velocity"],
    settings: ["rate"],
    settingsAt: (_, learningRate) => [learningRate],
    update: ({ parameters, gradient, memory, settings: [rate] }) => {
      if (momentum === 0) return { parameters: sub(parameters, mul(gradient, rate)), memory };
      const velocity = add(mul(memory[0], momentum), gradient);
      const direction = nesterov ? add(gradient, mul(velocity, momentum)) : velocity;
      return { parameters: sub(parameters, mul(direction, rate)), memory: [velocity] };
    },
  };
}

/**
 * RMSprop (Tieleman and Hinton 2012): `s = α s + (1-α) g²`, `p -= rate g / (√s + ε)`.
 *
 * What is kept is `s / (1-α)`, which saves a pass over the vector; the scalars make up for it.
 */
export function rmsprop({
  alpha = 0.99,
  epsilon = 1e-8,
}: {
  readonly alpha?: number;
  readonly epsilon?: number;
} = {}): Optimiser {
  inRange("rmsprop alpha", alpha, 0, 1);
  positive("rmsprop epsilon", epsilon);
  const unit = Math.sqrt(1 - alpha);
  return {
    name: "rmsprop",
    memory: ["squares"],
    settings: ["rate"],
    settingsAt: (_, learningRate) => [learningRate / unit],
    update: ({ parameters, gradient, memory: [squares], settings: [rate] }) => {
      const next = add(mul(squares, alpha), mul(gradient, gradient));
      const move = div(gradient, add(sqrt(next), epsilon / unit));
      return { parameters: sub(parameters, mul(move, rate)), memory: [next] };
    },
  };
}

export interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/** Adam (Kingma and Ba 2015), with both bias corrections. */
export function adam(options: AdamOptions = {}): Optimiser {
  return adamLike("adam", options, 0);
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019): `p -= rate · decay · p` beside Adam's step. */
export function adamW({
  weightDecay = 0.01,
  ...options
}: AdamOptions & { readonly weightDecay?: number } = {}): Optimiser {
  inRange("adamW weightDecay", weightDecay, 0, Number.POSITIVE_INFINITY);
  return adamLike("adamW", options, weightDecay);
}

/**
 * `m = β₁ m + (1-β₁) g`, `v = β₂ v + (1-β₂) g²`, `p -= rate m̂ / (√v̂ + ε)` with `m̂ = m / (1-β₁ᵗ)` and `v̂ = v / (1-β₂ᵗ)`.
 *
 * What is kept is `m / (1-β₁)` and `v / (1-β₂)`, which saves two passes over the vector. The scalars make up for it, and hold both
 * corrections: with `c = √((1-β₂ᵗ) / (1-β₂))`, the step is `rate (1-β₁) / (1-β₁ᵗ) c · m' / (√v' + c ε)`.
 */
function adamLike(
  name: string,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions,
  weightDecay: number,
): Optimiser {
  inRange(`${name} beta1`, beta1, 0, 1);
  inRange(`${name} beta2`, beta2, 0, 1);
  positive(`${name} epsilon`, epsilon);
  const decays = weightDecay > 0;
  return {
    name,
    memory: ["mean", "squares"],
    settings: ["rate", "epsilon", ...(decays ? ["kept"] : [])],
    settingsAt: (step, learningRate) => {
      const correction = Math.sqrt((1 - beta2 ** step) / (1 - beta2));
      const rate = (learningRate * (1 - beta1) * correction) / (1 - beta1 ** step);
      return [rate, correction * epsilon, ...(decays ? [1 - learningRate * weightDecay] : [])];
    },
    update: ({ parameters, gradient, memory: [mean, squares], settings: [rate, smallest, kept] }) => {
      const nextMean = add(mul(mean, beta1), gradient);
      const nextSquares = add(mul(squares, beta2), mul(gradient, gradient));
      const move = mul(div(nextMean, add(sqrt(nextSquares), smallest)), rate);
      const decayed = decays ? mul(parameters, kept) : parameters;
      return { parameters: sub(decayed, move), memory: [nextMean, nextSquares] };
    },
  };
}

/** Scales a gradient down so that its Euclidean length is at most `limit` (Pascanu et al. 2013). Returns it with its length before. */
export function clipByNorm(
  gradient: Tensor,
  limit: number,
): { readonly gradient: Tensor; readonly norm: Tensor } {
  const norm = sqrt(sum(mul(gradient, gradient)));
  if (limit === Number.POSITIVE_INFINITY) return { gradient, norm };
  positive("gradient clipping limit", limit);
  return { gradient: mul(gradient, minimum(div(limit, add(norm, 1e-6)), 1)), norm };
}

function positive(what: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value)))
    throw new PlatformError(
      "input",
      "MODEL_OPTION_INVALID",
      `${what}: expected a number above 0, received ${value}`,
    );
}

function inRange(what: string, value: number, low: number, high: number): void {
  if (!(value >= low && value < high)) {
    throw new PlatformError(
      "input",
      "MODEL_OPTION_INVALID",
      `${what}: expected a number in [${low}, ${high}), received ${value}`,
    );
  }
}
