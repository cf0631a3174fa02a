/**
 * How parameters follow their gradients. All parameters of a model lie behind each other in one vector, and so do the gradients
 * and whatever an optimiser remembers: an update is a handful of operations on vectors, however many layers there are. One that treats
 * each value by itself, as all of these do, is run on blocks of the vectors, which several threads share.
 */
import { PlatformError } from "../base/index.ts";
import type { NamedParameter } from "./graph.ts";
import { add, div, minimum, mul, sign, sqrt, sub, sum } from "./operations.ts";
import type { Tensor } from "./tensor.ts";

/**
 * What an update is made from. In a large step it is traced on one block of the parameters and run on all blocks, so that it may not close
 * over a constant `[size]`, which belongs to all parameters or to one block only: what belongs to each value comes from `perValue`.
 */
export interface UpdateArguments {
  /** `[size]`: all parameters of the model, or a block of them. */
  readonly parameters: Tensor;
  readonly gradient: Tensor;
  /** One `[size]` vector per name in `memory`; zero at the start. */
  readonly memory: readonly Tensor[];
  /** One scalar per name in `settings`: their values in this step. */
  readonly settings: readonly Tensor[];
  /** `[size]`: for each value what a function says of the parameter that it belongs to. */
  readonly perValue: (of: (parameter: NamedParameter) => number) => Tensor;
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

/**
 * Adagrad (Duchi et al. 2011): `s = s + g²`, `p -= rate g / (√s + ε)`. The step of a parameter shrinks with what it has moved, which
 * suits features that are seldom seen.
 */
export function adagrad({ epsilon = 1e-10 }: { readonly epsilon?: number } = {}): Optimiser {
  positive("adagrad epsilon", epsilon);
  return {
    name: "adagrad",
    memory: ["squares"],
    settings: ["rate"],
    settingsAt: (_, learningRate) => [learningRate],
    update: ({ parameters, gradient, memory: [squares], settings: [rate] }) => {
      const next = add(squares, mul(gradient, gradient));
      const move = div(gradient, add(sqrt(next), epsilon));
      return { parameters: sub(parameters, mul(move, rate)), memory: [next] };
    },
  };
}

/** Which parameters weight decay shrinks, and by what share of the decay: 1 for all of it, 0 for none. */
export type DecayFactor = (parameter: NamedParameter) => number;

/**
 * Decay for matrices alone: biases, the gains of normalisation and everything else of one axis keep their size, since to shrink
 * them forbids functions rather than preferring smooth ones (the groups of GPT-2's training, Radford et al. 2019).
 *
 * @example
 * decayMatrices({ name: "head.weight", parameter: new Linear(2, 1, keyFrom(1)).weight }); // => 1
 * decayMatrices({ name: "head.bias", parameter: new Linear(2, 1, keyFrom(1)).bias }); // => 0
 */
export const decayMatrices: DecayFactor = ({ parameter }) => (parameter.shape.length > 1 ? 1 : 0);

export interface WeightDecayOptions {
  readonly weightDecay?: number;
  /** All parameters alike unless given. */
  readonly decayFactor?: DecayFactor;
}

export interface LionOptions extends WeightDecayOptions {
  readonly beta1?: number;
  readonly beta2?: number;
}

/**
 * Lion (Chen et al. 2023): `p -= rate (sign(β₁ m + (1-β₁) g) + decay p)`, `m = β₂ m + (1-β₂) g`. Every step is as long as the rate in
 * each parameter, so it wants a rate 3 to 10 times smaller than Adam's, and a decay as much larger.
 *
 * What is kept is `m / (1-β₂)`, which saves a pass over the vector.
 */
export function lion({
  beta1 = 0.9,
  beta2 = 0.99,
  weightDecay = 0,
  decayFactor,
}: LionOptions = {}): Optimiser {
  inRange("lion beta1", beta1, 0, 1);
  inRange("lion beta2", beta2, 0, 1);
  const decay = decoupledDecay("lion", weightDecay, decayFactor);
  return {
    name: "lion",
    memory: ["mean"],
    settings: ["rate", ...decay.settings],
    settingsAt: (_, learningRate) => [learningRate, ...decay.settingsAt(learningRate)],
    update: ({ parameters, gradient, memory: [mean], settings: [rate, kept], perValue }) => {
      const direction = sign(add(mul(mean, beta1 * (1 - beta2)), mul(gradient, 1 - beta1)));
      return {
        parameters: sub(decay.apply(parameters, kept, perValue), mul(direction, rate)),
        memory: [add(mul(mean, beta2), gradient)],
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
  return adamLike("adam", options, decoupledDecay("adam", 0));
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019): `p -= rate · decay · p` beside Adam's step. */
export function adamW({
  weightDecay = 0.01,
  decayFactor,
  ...options
}: AdamOptions & WeightDecayOptions = {}): Optimiser {
  return adamLike("adamW", options, decoupledDecay("adamW", weightDecay, decayFactor));
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
  decay: DecoupledDecay,
): Optimiser {
  inRange(`${name} beta1`, beta1, 0, 1);
  inRange(`${name} beta2`, beta2, 0, 1);
  positive(`${name} epsilon`, epsilon);
  return {
    name,
    memory: ["mean", "squares"],
    settings: ["rate", "epsilon", ...decay.settings],
    settingsAt: (step, learningRate) => {
      const correction = Math.sqrt((1 - beta2 ** step) / (1 - beta2));
      const rate = (learningRate * (1 - beta1) * correction) / (1 - beta1 ** step);
      return [rate, correction * epsilon, ...decay.settingsAt(learningRate)];
    },
    update: ({ parameters, gradient, memory: [mean, squares], settings, perValue }) => {
      const [rate, smallest, decayed] = settings;
      const nextMean = add(mul(mean, beta1), gradient);
      const nextSquares = add(mul(squares, beta2), mul(gradient, gradient));
      const move = mul(div(nextMean, add(sqrt(nextSquares), smallest)), rate);
      return {
        parameters: sub(decay.apply(parameters, decayed, perValue), move),
        memory: [nextMean, nextSquares],
      };
    },
  };
}

/** Weight decay beside an optimiser's own step. Without groups it is one scalar, `1 - rate · decay`. */
interface DecoupledDecay {
  readonly settings: readonly string[];
  readonly settingsAt: (learningRate: number) => readonly number[];
  readonly apply: (parameters: Tensor, setting: Tensor, perValue: UpdateArguments["perValue"]) => Tensor;
}

function decoupledDecay(name: string, weightDecay: number, decayFactor?: DecayFactor): DecoupledDecay {
  inRange(`${name} weightDecay`, weightDecay, 0, Number.POSITIVE_INFINITY);
  if (weightDecay === 0) return { settings: [], settingsAt: () => [], apply: (parameters) => parameters };
  if (!decayFactor) {
    return {
      settings: ["kept"],
      settingsAt: (learningRate) => [1 - learningRate * weightDecay],
      apply: (parameters, kept) => mul(parameters, kept),
    };
  }
  const factorOf: DecayFactor = (named) => {
    const factor = decayFactor(named);
    inRange(`decay factor of ${named.name}`, factor, 0, Number.POSITIVE_INFINITY);
    return factor;
  };
  return {
    settings: ["decay"],
    settingsAt: (learningRate) => [learningRate * weightDecay],
    apply: (parameters, decay, perValue) => sub(parameters, mul(parameters, mul(perValue(factorOf), decay))),
  };
}

/** What an optimiser of `withAverage` remembers beside its own: the averaged parameters. */
export const averageName = "average";

/**
 * An optimiser that also keeps an exponential moving average of the parameters it reaches, `decay · average + (1 - decay) · p`
 * (Polyak and Juditsky 1992), which often generalises better than the last of them. It is part of what the optimiser remembers, and so
 * stays in the worker and travels with a checkpoint.
 *
 * The average is corrected for its start as Adam's means are: after step t the parameters of step i have the weight `decayᵗ⁻ⁱ` over the
 * sum of these weights. The first average is the first step's parameters.
 */
export function withAverage(optimiser: Optimiser, decay: number): Optimiser {
  inRange("average decay", decay, 0, 1);
  return {
    name: optimiser.name,
    memory: [...optimiser.memory, averageName],
    settings: [...optimiser.settings, "average_share"],
    settingsAt: (step, learningRate) => [
      ...optimiser.settingsAt(step, learningRate),
      (1 - decay) / (1 - decay ** step),
    ],
    update: ({ memory, settings, ...args }) => {
      const [average, share] = [memory[memory.length - 1], settings[settings.length - 1]];
      const own = { memory: memory.slice(0, -1), settings: settings.slice(0, -1) };
      const next = optimiser.update({ ...args, ...own });
      const averaged = add(average, mul(sub(next.parameters, average), share));
      return { parameters: next.parameters, memory: [...next.memory, averaged] };
    },
  };
}

/**
 * Scales a gradient down so that its Euclidean length is at most `limit` (Pascanu et al. 2013). Returns it with its length before.
 *
 * @param norm the length, where `gradient` is a part of the whole
 */
export function clipByNorm(
  gradient: Tensor,
  limit: number,
  norm: Tensor = sqrt(sum(mul(gradient, gradient))),
): { readonly gradient: Tensor; readonly norm: Tensor } {
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
