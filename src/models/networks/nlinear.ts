import { foldIn, type Key } from "../../base/index.ts";
import { add, type Layer, Linear, slice, sub, type Tensor } from "../../engine/index.ts";
import {
  architecture,
  channelsFirst,
  ForecastReadout,
  stepsAhead,
  type WindowShape,
} from "./architecture.ts";

export const nlinear = architecture({
  paper: "Zeng et al. (2023), Are Transformers effective for time series forecasting?",
  defaults: () => ({}),
  make: (window: WindowShape, key) => new NormalizedLinear(window, key),
});

/** Each channel less its last value, forecast by one linear layer that all channels share; the last value is given back. */
class NormalizedLinear implements Layer {
  readonly linear: Linear;
  readonly readout: ForecastReadout;

  constructor({ lookback, features, outputs }: WindowShape, key: Key) {
    const steps = stepsAhead(lookback);
    this.linear = new Linear(lookback, steps, foldIn(key, "linear"));
    this.readout = new ForecastReadout(features, steps, outputs, foldIn(key, "readout"));
  }

  apply(x: Tensor): Tensor {
    const series = channelsFirst(x);
    const last = slice(series, 2, -1); // [batch, features, 1]
    return this.readout.apply(add(this.linear.apply(sub(series, last)), last));
  }
}
