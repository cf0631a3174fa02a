import { foldIn, type Key } from "../../base/index.ts";
import { add, constant, type Layer, Linear, matmul, sub, type Tensor } from "../../engine/index.ts";
import {
  type ArchitectureSizes,
  architecture,
  channelsFirst,
  ForecastReadout,
  optionInvalid,
  stepsAhead,
  type WindowShape,
} from "./architecture.ts";

type Sizes = WindowShape & Pick<ArchitectureSizes, "kernelSize">;

export const dlinear = architecture({
  paper: "Zeng et al. (2023), Are Transformers effective for time series forecasting?",
  defaults: () => ({ kernelSize: 25 }),
  make: (sizes: Sizes, key) => new DecompositionLinear(sizes, key),
});

/** Each channel as a moving average and the rest of it, each forecast by a linear layer that all channels share; their sum is read. */
class DecompositionLinear implements Layer {
  readonly seasonal: Linear;
  readonly trend: Linear;
  readonly readout: ForecastReadout;
  readonly kernelSize: number;

  constructor({ lookback, features, outputs, kernelSize }: Sizes, key: Key) {
    if (kernelSize % 2 === 0)
      throw optionInvalid("dlinear", "kernelSize", "an odd number, which has a middle", kernelSize);
    const steps = stepsAhead(lookback);
    this.seasonal = new Linear(lookback, steps, foldIn(key, "seasonal"));
    this.trend = new Linear(lookback, steps, foldIn(key, "trend"));
    this.readout = new ForecastReadout(features, steps, outputs, foldIn(key, "readout"));
    this.kernelSize = kernelSize;
  }

  apply(x: Tensor): Tensor {
    const series = channelsFirst(x);
    const trend = matmul(series, movingAverage(Number(x.shape[1]), this.kernelSize), { transposeB: true });
    const forecast = add(this.seasonal.apply(sub(series, trend)), this.trend.apply(trend));
    return this.readout.apply(forecast);
  }
}

/** `[time, time]`: each row the mean of the steps around its own, where the first and the last step stand for those beyond. */
function movingAverage(time: number, kernelSize: number): Tensor {
  const weights = new Float32Array(time * time);
  const reach = (kernelSize - 1) / 2;
  for (let row = 0; row < time; row++) {
    for (let step = row - reach; step <= row + reach; step++) {
      weights[row * time + Math.max(0, Math.min(time - 1, step))] += 1 / kernelSize;
    }
  }
  return constant(weights, [time, time]);
}
