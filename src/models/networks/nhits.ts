import { foldIn, type Key } from "../../base/index.ts";
import { constant, Linear, matmul, maxPool, relu, split, type Tensor } from "../../engine/index.ts";
import { type ArchitectureSizes, architecture, stepsAhead, type WindowShape } from "./architecture.ts";
import { type BlockAnswer, DoublyResidualNetwork, type ForecastBlock } from "./nbeats.ts";

type Sizes = WindowShape & Pick<ArchitectureSizes, "hiddenSize" | "numLayers">;

export const nhits = architecture({
  paper: "Challu et al. (2023), N-HiTS: neural hierarchical interpolation for time series forecasting",
  defaults: () => ({ hiddenSize: 64, numLayers: 3 }),
  make: (sizes: Sizes, key) => {
    // From coarse to fine: pooled over 4, 2 and 1 steps, and forecast at every 4th, 2nd and each step.
    const blocks = Array.from({ length: sizes.numLayers }, (_, i) => {
      const own = foldIn(key, `block ${i}`);
      return new InterpolationBlock(sizes, 2 ** (sizes.numLayers - 1 - i), own);
    });
    return new DoublyResidualNetwork(blocks, sizes, key);
  },
});

/** A block of N-BEATS that sees the largest value of every `rate` steps, and forecasts few points, between which it draws lines. */
class InterpolationBlock implements ForecastBlock {
  readonly layers: readonly Linear[];
  readonly coefficients: Linear;
  readonly rate: number;
  readonly steps: number;

  constructor({ lookback, hiddenSize }: Sizes, rate: number, key: Key) {
    this.steps = stepsAhead(lookback);
    this.rate = Math.min(rate, lookback);
    const pooled = Math.ceil(lookback / this.rate);
    const points = Math.max(1, Math.floor(this.steps / rate));
    this.layers = [pooled, hiddenSize].map(
      (size, i) => new Linear(size, hiddenSize, foldIn(key, `layer ${i}`)),
    );
    this.coefficients = new Linear(hiddenSize, lookback + points, foldIn(key, "coefficients"));
  }

  run(x: Tensor): BlockAnswer {
    const lookback = Number(x.shape[2]);
    const missing = (this.rate - (lookback % this.rate)) % this.rate; // of the last window
    const pooled = this.rate === 1 ? x : maxPool(x, this.rate, { padding: [[0, missing]] });
    const hidden = this.layers.reduce((h, layer) => relu(layer.apply(h)), pooled);
    const answer = this.coefficients.apply(hidden);
    const points = Number(answer.shape[2]) - lookback;
    const [backcast, knots] = split(answer, 2, [lookback, points]);
    return { backcast, forecast: matmul(knots, interpolation(points, this.steps)) };
  }
}

/** `[points, steps]`: lines between points that stand in the middles of equal parts of the steps, flat beyond the outer ones. */
function interpolation(points: number, steps: number): Tensor {
  const weights = new Float32Array(points * steps);
  for (let step = 0; step < steps; step++) {
    const place = Math.max(0, Math.min(points - 1, ((step + 0.5) * points) / steps - 0.5));
    const left = Math.floor(place);
    const right = Math.min(points - 1, left + 1);
    weights[left * steps + step] += 1 - (place - left);
    weights[right * steps + step] += place - left;
  }
  return constant(weights, [points, steps]);
}
