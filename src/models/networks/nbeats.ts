/** N-BEATS (Oreshkin et al. 2020): blocks that each explain a part of the window and forecast from what they explained. */
import { foldIn, type Key, splitKey } from "../../base/index.ts";
import {
  add,
  constant,
  type Layer,
  Linear,
  matmul,
  relu,
  split,
  sub,
  type Tensor,
} from "../../engine/index.ts";
import {
  type ArchitectureSizes,
  architecture,
  channelsFirst,
  ForecastReadout,
  stepsAhead,
  type WindowShape,
} from "./architecture.ts";

type Sizes = WindowShape & Pick<ArchitectureSizes, "hiddenSize" | "numLayers">;

const paper = "Oreshkin et al. (2020), N-BEATS: neural basis expansion analysis for time series forecasting";

/** The generic form: each block learns its own basis. The paper's 30 blocks of 512 are for tens of thousands of series. */
export const nbeats = architecture({
  paper,
  defaults: () => ({ hiddenSize: 64, numLayers: 3 }),
  make: (sizes: Sizes, key) => {
    const { lookback, hiddenSize, numLayers } = sizes;
    const whole = lookback + stepsAhead(lookback);
    const blocks = splitKey(foldIn(key, "blocks"), numLayers).map(
      (blockKey) => new BasisBlock(lookback, { hiddenSize, coefficients: whole }, blockKey),
    );
    return new DoublyResidualNetwork(blocks, sizes, key);
  },
});

/** The interpretable form: a stack of trends, then a stack of seasons; the `numLayers` blocks of a stack share their weights. */
export const nbeatsInterpretable = architecture({
  paper,
  defaults: () => ({ hiddenSize: 64, numLayers: 3 }),
  make: (sizes: Sizes, key) => {
    const { lookback, hiddenSize, numLayers } = sizes;
    const bases = [trendBasis(lookback), seasonBasis(lookback)];
    const stacks = bases.map((basis, i) => {
      const coefficients = basis.backcast.rows + basis.forecast.rows;
      return new BasisBlock(lookback, { hiddenSize, coefficients, basis }, foldIn(key, `stack ${i}`));
    });
    const blocks = stacks.flatMap((block) => Array.from({ length: numLayers }, () => block));
    return new DoublyResidualNetwork(blocks, sizes, key);
  },
});

/** What a block says of the window, and what follows from it. */
export interface BlockAnswer {
  /** `[batch, channels, lookback]`. */
  readonly backcast: Tensor;
  /** `[batch, channels, steps]`. */
  readonly forecast: Tensor;
}

export interface ForecastBlock {
  run(x: Tensor): BlockAnswer;
}

/** Each block sees what those before it left unexplained, and the forecasts add up; every channel by itself, with shared weights. */
export class DoublyResidualNetwork implements Layer {
  readonly blocks: readonly ForecastBlock[];
  readonly readout: ForecastReadout;

  constructor(blocks: readonly ForecastBlock[], { lookback, features, outputs }: WindowShape, key: Key) {
    this.blocks = blocks;
    this.readout = new ForecastReadout(features, stepsAhead(lookback), outputs, foldIn(key, "readout"));
  }

  apply(x: Tensor): Tensor {
    let rest = channelsFirst(x);
    const forecasts = this.blocks.map((block) => {
      const { backcast, forecast } = block.run(rest);
      rest = sub(rest, backcast);
      return forecast;
    });
    return this.readout.apply(forecasts.reduce((total, forecast) => add(total, forecast)));
  }
}

/** Waves or powers of time, one a row: `[rows, steps]`. */
interface Waves {
  readonly rows: number;
  readonly table: Tensor;
}

interface Basis {
  readonly backcast: Waves;
  readonly forecast: Waves;
}

/** Four dense layers with relu, and one whose answer is the coefficients of a basis; without a basis, window and forecast themselves. */
class BasisBlock implements ForecastBlock {
  readonly layers: readonly Linear[];
  readonly coefficients: Linear;
  readonly basis: Basis | null;
  readonly lookback: number;

  constructor(
    lookback: number,
    {
      hiddenSize,
      coefficients,
      basis = null,
    }: { readonly hiddenSize: number; readonly coefficients: number; readonly basis?: Basis | null },
    key: Key,
  ) {
    const keys = splitKey(foldIn(key, "layers"), 4);
    this.layers = keys.map((own, i) => new Linear(i === 0 ? lookback : hiddenSize, hiddenSize, own));
    this.coefficients = new Linear(hiddenSize, coefficients, foldIn(key, "coefficients"));
    this.basis = basis;
    this.lookback = lookback;
  }

  run(x: Tensor): BlockAnswer {
    const hidden = this.layers.reduce((h, layer) => relu(layer.apply(h)), x);
    const answer = this.coefficients.apply(hidden);
    const { basis } = this;
    const whole = Number(answer.shape[2]);
    const first = basis ? basis.backcast.rows : this.lookback;
    const [backcast, forecast] = split(answer, 2, [first, whole - first]);
    if (!basis) return { backcast, forecast };
    return {
      backcast: matmul(backcast, basis.backcast.table),
      forecast: matmul(forecast, basis.forecast.table),
    };
  }
}

/** Powers 0 to 2 of time from 0 to 1: a trend that is slow and bends once. */
function trendBasis(lookback: number): Basis {
  const powers = (steps: number) => waves(3, steps, (power, t) => (t / steps) ** power);
  return { backcast: powers(lookback), forecast: powers(stepsAhead(lookback)) };
}

/** Cosines, then sines, of 0, 1, ... cycles over the steps ahead, up to half of their number; the window lies before time 0. */
function seasonBasis(lookback: number): Basis {
  const steps = stepsAhead(lookback);
  const cycles = Math.ceil(steps / 2);
  const turn = (direction: 1 | -1) => (row: number, t: number) => {
    const angle = (direction * 2 * Math.PI * (row % cycles) * t) / steps;
    return row < cycles ? Math.cos(angle) : Math.sin(angle);
  };
  return {
    backcast: waves(2 * cycles, lookback, turn(-1)),
    forecast: waves(2 * cycles, steps, turn(1)),
  };
}

function waves(rows: number, steps: number, value: (row: number, t: number) => number): Waves {
  const table = Float32Array.from({ length: rows * steps }, (_, i) =>
    value(Math.floor(i / steps), i % steps),
  );
  return { rows, table: constant(table, [rows, steps]) };
}
