/**
 * How parameters follow their gradients. All parameters of a model lie behind each other in one vector, and so do the gradients
 * and whatever an optimiser remembers: an update is a handful of operations on whole vectors, however many layers there are.
 */
import { PlatformError } from "../base/index.ts";
import { add, div, exp, minimum, mul, sqrt, sub, sum } from "./operations.ts";
import type { Tensor } from "./tensor.ts";

export interface UpdateArguments {
  /** `[size]`, all parameters of the model. */
  readonly parameters: Tensor;
  readonly gradient: Tensor;
  /** One `[size]` vector per name in `memory`; zero at the start. */
  readonly memory: readonly Tensor[];
  /** Scalar. */
  readonly learningRate: Tensor;
  /** Scalar: 1 in the first step. */
  readonly step: Tensor;
}

export interface Optimiser {
  readonly name: string;
  /** What it remembers from step to step. */
  readonly memory: readonly string[];
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
    update: ({ parameters, gradient, memory, learningRate }) => {
      if (momentum === 0) return { parameters: sub(parameters, mul(gradient, learningRate)), memory };
      const velocity = add(mul(memory[0], momentum), gradient);
      const direction = nesterov ? add(gradient, mul(velocity, momentum)) : velocity;
      return { parameters: sub(parameters, mul(direction, learningRate)), memory: [velocity] };
    },
  };
}

/** RMSprop (Tieleman and Hinton 2012): `s = α s + (1-α) g²`, `p -= rate g / (√s + ε)`. */
export function rmsprop({
  alpha = 0.99,
  epsilon = 1e-8,
}: {
  readonly alpha?: number;
  readonly epsilon?: number;
} = {}): Optimiser {
  inRange("rmsprop alpha", alpha, 0, 1);
  positive("rmsprop epsilon", epsilon);
  return {
    name: "rmsprop",
    memory: ["squares"],
    update: ({ parameters, gradient, memory: [squares], learningRate }) => {
      const next = add(mul(squares, alpha), mul(mul(gradient, gradient), 1 - alpha));
      return {
        parameters: sub(parameters, mul(div(gradient, add(sqrt(next), epsilon)), learningRate)),
        memory: [next],
      };
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

function adamLike(
  name: string,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions,
  weightDecay: number,
): Optimiser {
  inRange(`${name} beta1`, beta1, 0, 1);
  inRange(`${name} beta2`, beta2, 0, 1);
  positive(`${name} epsilon`, epsilon);
  return {
    name,
    memory: ["mean", "squares"],
    update: ({ parameters, gradient, memory: [mean, squares], learningRate, step }) => {
      const nextMean = add(mul(mean, beta1), mul(gradient, 1 - beta1));
      const nextSquares = add(mul(squares, beta2), mul(mul(gradient, gradient), 1 - beta2));
      // β^step = exp(step ln β); the corrections are scalars, so they are folded into the rate and ε.
      const correction1 = sub(1, power(beta1, step));
      const correction2 = sqrt(sub(1, power(beta2, step)));
      const rate = div(mul(learningRate, correction2), correction1);
      const move = div(mul(nextMean, rate), add(sqrt(nextSquares), mul(correction2, epsilon)));
      const decayed =
        weightDecay === 0 ? parameters : mul(parameters, sub(1, mul(learningRate, weightDecay)));
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

function power(base: number, exponent: Tensor): Tensor {
  return exp(mul(exponent, Math.log(base)));
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
