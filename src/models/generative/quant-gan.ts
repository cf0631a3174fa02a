/** The two networks of a Quant GAN (Wiese et al. 2020, "Quant GANs: deep generation of financial time series"). */
import { foldIn, type Key } from "../../base/index.ts";
import {
  add,
  Conv1d,
  inference,
  type Layer,
  Linear,
  leakyRelu,
  mean,
  mul,
  type Pass,
  parametersOf,
  reshape,
  slice,
  softplus,
  split,
  type Tensor,
} from "../../engine/index.ts";
import { requireSizes } from "../options.ts";

export interface QuantGanOptions {
  /** Steps of a series. */
  readonly length: number;
  /** Random numbers for each step; 3 as published. */
  readonly noiseSize?: number;
  /** 80 as published. */
  readonly hiddenSize?: number;
  /** Blocks with dilations 1, 2, 4, ...; 6 as published, beside a first one without a skip. */
  readonly numLayers?: number;
}

/**
 * Dilated convolutions of width 2 over time, without padding: the output is shorter by the steps that it looks back.
 *
 * Shapes: x `[batch, in, time]`, y `[batch, hidden, time - lookback]`.
 */
class TemporalStack implements Layer {
  readonly convolutions: readonly Conv1d[];
  readonly lookback: number;

  constructor(inChannels: number, hiddenSize: number, numLayers: number, key: Key) {
    const dilations = [1, ...Array.from({ length: numLayers }, (_, i) => 2 ** i)];
    this.convolutions = dilations.map(
      (dilation, i) =>
        new Conv1d(i === 0 ? inChannels : hiddenSize, hiddenSize, 2, { dilation }, foldIn(key, i)),
    );
    this.lookback = dilations.reduce((a, b) => a + b, 0);
  }

  apply(x: Tensor): Tensor {
    return this.convolutions.reduce((hidden, convolution, i) => {
      const next = leakyRelu(convolution.apply(hidden), slope);
      return i === 0 ? next : add(next, slice(hidden, 2, Number(hidden.shape[2]) - Number(next.shape[2])));
    }, x);
  }
}

/** Slope below 0 of all activations, where the paper learns one for each. */
const slope = 0.2;

/**
 * Series out of noise, by the paper's constrained stochastic-volatility network: a temporal convolution network reads the noise of the
 * past and says drift and volatility, and the noise of the present is the innovation: `return = drift + volatility · noise`.
 *
 * Shapes: noise `[batch, noiseSize, length + lookback]`, y `[batch, length]`. Each block has one convolution and a skip, where the
 * paper has two and a skip. Initial values are those of its layers, but for a tenth of them in the last one: an untrained generator
 * makes nearly white noise of deviation log 2.
 */
export class QuantGanGenerator implements Layer {
  readonly past: TemporalStack;
  readonly head: Conv1d;
  readonly noiseShape: readonly [channels: number, steps: number];
  readonly length: number;

  constructor({ length, noiseSize = 3, hiddenSize = 80, numLayers = 6 }: QuantGanOptions, key: Key) {
    requireSizes("quantGan", { length, noiseSize, hiddenSize, numLayers });
    this.past = new TemporalStack(noiseSize, hiddenSize, numLayers, foldIn(key, "past"));
    this.head = new Conv1d(hiddenSize, 2, 1, {}, foldIn(key, "head"));
    for (const { parameter } of parametersOf(this.head))
      parameter.value.forEach((value, i, values) => {
        values[i] = 0.1 * value;
      });
    this.noiseShape = [noiseSize, length + this.past.lookback + 1];
    this.length = length;
  }

  apply(noise: Tensor): Tensor {
    const steps = this.noiseShape[1];
    const past = this.past.apply(slice(noise, 2, 0, steps - 1)); // [batch, hidden, length]
    const [drift, volatility] = split(this.head.apply(past), 1, [1, 1]);
    const present = slice(slice(noise, 1, 0, 1), 2, steps - this.length);
    const series = add(drift, mul(softplus(volatility), present)); // [batch, 1, length]
    return reshape(series, [noise.shape[0], this.length]);
  }
}

/**
 * Tells real series from made ones: a temporal convolution network, the mean over time, a dense layer. The paper reads the last step,
 * whose lookback is the whole series; the mean sees every step with fewer layers.
 *
 * Shapes: x `[batch, length]`, y `[batch]`: logits of being real.
 */
export class QuantGanDiscriminator implements Layer {
  readonly stack: TemporalStack;
  readonly head: Linear;

  constructor({ hiddenSize = 80, numLayers = 6 }: Omit<QuantGanOptions, "noiseSize">, key: Key) {
    requireSizes("quantGan", { hiddenSize, numLayers });
    this.stack = new TemporalStack(1, hiddenSize, numLayers, foldIn(key, "stack"));
    this.head = new Linear(hiddenSize, 1, foldIn(key, "head"));
  }

  apply(x: Tensor, _pass: Pass = inference): Tensor {
    const [batch, length] = x.shape;
    const features = mean(this.stack.apply(reshape(x, [batch, 1, length])), 2); // [batch, hidden]
    return reshape(this.head.apply(features), [batch]);
  }
}
