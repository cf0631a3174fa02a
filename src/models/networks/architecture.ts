/** What a row of the table of architectures is, and what the rows share. */
import { type Key, PlatformError } from "../../base/index.ts";
import { type Layer, Linear, reshape, type Tensor, transpose } from "../../engine/index.ts";

/** What goes in and how many numbers come out: windows `[batch, lookback, features]` to `[batch, outputs]`. */
export interface WindowShape {
  /** Steps of the window. */
  readonly lookback: number;
  /** Numbers per step. */
  readonly features: number;
  readonly outputs: number;
}

/** What the architectures can be asked for. Each reads some of these; the others mean nothing to it. */
export interface ArchitectureSizes {
  /** Width of the hidden layers, channels of the convolutions, or size of a token. */
  readonly hiddenSize: number;
  /** Hidden layers, blocks or stacks. */
  readonly numLayers: number;
  /** Heads of each attention; they divide the hidden size. */
  readonly numHeads: number;
  /** Steps of a patch, which is one token. */
  readonly patchLength: number;
  /** Steps of a convolution's kernel, or of a moving average. */
  readonly kernelSize: number;
  /** Share of hidden values that training drops. */
  readonly dropout: number;
}

/** One row of the table. */
export interface Architecture {
  /** Who described it, where, when. */
  readonly paper: string;
  /** The options that it reads, each with its own default. */
  readonly defaults: (window: WindowShape) => Partial<ArchitectureSizes>;
  /** Smallest values of whole-number options, where that is not 1. */
  readonly least?: Partial<ArchitectureSizes>;
  readonly make: (sizes: WindowShape & ArchitectureSizes, key: Key) => Layer;
}

/** Declares a row; the type says that whatever `make` reads has a default. */
export function architecture<Option extends keyof ArchitectureSizes = never>(
  row: Omit<Architecture, "defaults" | "make"> & {
    readonly defaults: (window: WindowShape) => Pick<ArchitectureSizes, Option>;
    readonly make: (sizes: WindowShape & Pick<ArchitectureSizes, Option>, key: Key) => Layer;
  },
): Architecture {
  return row;
}

/** An option that a network cannot have. It comes first and as the error's field, so that an edge can write it as it was given. */
export function optionInvalid(
  network: string,
  option: keyof (ArchitectureSizes & WindowShape),
  expected: string,
  received: number,
): PlatformError {
  const message = `${option}: expected ${expected}, for network ${network}, received ${received}`;
  return new PlatformError("input", "MODEL_OPTION_INVALID", message, { field: option });
}

/** A dense layer that starts small, so that an untrained network answers close to zero, the mean of a normalised target. */
export function smallHead(inFeatures: number, outputs: number, key: Key): Linear {
  const head = new Linear(inFeatures, outputs, key);
  head.weight.value.forEach((value, i, values) => {
    values[i] = 0.1 * value;
  });
  head.bias.value.fill(0);
  return head;
}

/** `[batch, lookback, features]` to `[batch, features, lookback]`, as convolutions and all that works on each channel have it. */
export const channelsFirst = (x: Tensor): Tensor => transpose(x, [0, 2, 1]);

/** How many steps ahead the networks below forecast every channel: a quarter of what they see, as their papers advise. */
export const stepsAhead = (lookback: number): number => Math.max(1, Math.floor(lookback / 4));

/**
 * The answer of a network whose paper forecasts the coming steps of every channel: those forecasts `[batch, channels, steps]`, read by a
 * small dense layer, because what is asked for here (returns over several horizons, quantiles) is not a channel's next step.
 */
export class ForecastReadout implements Layer {
  readonly head: Linear;

  constructor(channels: number, steps: number, outputs: number, key: Key) {
    this.head = smallHead(channels * steps, outputs, key);
  }

  apply(forecasts: Tensor): Tensor {
    const [batch, channels, steps] = forecasts.shape;
    return this.head.apply(reshape(forecasts, [batch, Number(channels) * Number(steps)]));
  }
}
