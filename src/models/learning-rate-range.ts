/** Which learning rate to begin with: the loss is watched while the rate grows from far too small to far too large. */
import { foldIn, type Key, PlatformError, permutation, throwIfAborted } from "../base/index.ts";
import {
  type BatchTensors,
  compileTraining,
  type NamedParameter,
  type Optimiser,
  type Runtime,
  requireSamples,
  startTraining,
  type Tensor,
  type TensorValue,
} from "../engine/index.ts";
import { batches } from "./batches.ts";

export interface LearningRateRangeOptions {
  readonly parameters: readonly NamedParameter[];
  readonly data: Readonly<Record<string, TensorValue>>;
  /** Sample numbers to learn from. */
  readonly train: Int32Array;
  readonly loss: (batch: BatchTensors) => Tensor;
  readonly optimiser: Optimiser;
  readonly batchSize: number;
  readonly clipNorm?: number;
  readonly shards?: number;
  readonly from?: number;
  readonly to?: number;
  readonly steps?: number;
  readonly key: Key;
  readonly runtime: Runtime;
  readonly signal?: AbortSignal;
}

export interface LearningRateRange {
  /** One row per step, up to the step where the loss was four times its smallest, or no number. `loss` is smoothed. */
  readonly curve: readonly { readonly rate: number; readonly loss: number }[];
  /** Where the loss fell most steeply against the logarithm of the rate; null when it never fell. */
  readonly suggested: number | null;
}

/** Weight of the loss so far in the smoothed one, and the rise that ends the test; both as fastai has them. */
const smoothing = 0.98;
const largestRise = 4;

/**
 * Learning-rate range test (Smith 2017, "Cyclical learning rates for training neural networks"): a short training whose rate grows from
 * `from` to `to` by the same factor in every step. The model's parameters stay as they are.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when rates or steps are out of range; `INDEX_OUT_OF_RANGE` as `fit`; `INTERRUPTED` when the signal fires
 */
export async function learningRateRange(options: LearningRateRangeOptions): Promise<LearningRateRange> {
  const { train, batchSize, from = 1e-6, to = 1, steps = 100, key, runtime, signal } = options;
  if (!(from > 0 && from < to && Number.isFinite(to))) throw invalid("0 < from < to", `${from} and ${to}`);
  if (!(Number.isSafeInteger(steps) && steps >= 5)) throw invalid("5 steps or more", steps);
  if (train.length === 0) throw invalid("at least one train sample", "none");
  const rates = Float64Array.from({ length: steps }, (_, i) => from * (to / from) ** (i / (steps - 1)));
  const perEpoch = Math.ceil(train.length / batchSize);
  const types = Object.entries(options.data).map(([name, { dtype, shape }]) => [name, { dtype, shape }]);
  const program = compileTraining({ ...options, data: Object.fromEntries(types), threads: runtime.threads });
  requireSamples(program, options.data, { train });
  const seed = foldIn(key, "graph").low >>> 0;
  const training = await startTraining(runtime, program, { data: options.data, seed });
  const curve: { rate: number; loss: number }[] = [];
  try {
    let [average, lowest] = [0, Number.POSITIVE_INFINITY];
    let order = train;
    for (const [step, rate] of rates.entries()) {
      throwIfAborted(signal, "learning-rate range test");
      const place = step % perEpoch;
      if (place === 0)
        order = permutation(foldIn(foldIn(key, "shuffle"), step), train.length).map((i) => train[i]);
      const { losses } = await training.run({
        learningRates: Float32Array.of(rate),
        ...batches(order, place * batchSize, batchSize),
      });
      average = smoothing * average + (1 - smoothing) * losses[0];
      const loss = average / (1 - smoothing ** (step + 1)); // as Adam corrects its means for their start
      if (!Number.isFinite(loss)) break;
      curve.push({ rate, loss });
      lowest = Math.min(lowest, loss);
      if (loss > lowest + (largestRise - 1) * Math.abs(lowest)) break;
    }
  } finally {
    await training.release();
  }
  return { curve, suggested: steepest(curve, steps) };
}

/**
 * The rate in the middle of the stretch, a tenth of the steps long, over which the loss fell most; the rates are even on a logarithmic
 * scale. The first tenth is left out, where the smoothed loss is a mean of few batches and moves with each of them.
 */
function steepest(curve: LearningRateRange["curve"], steps: number): number | null {
  const stretch = Math.max(2, Math.round(steps / 10));
  const known = curve.slice(Math.floor(steps / 10));
  const falls = known.slice(stretch).map(({ loss }, i) => known[i].loss - loss);
  const most = Math.max(0, ...falls);
  const rounding = 1e-9 * Math.abs(curve[0]?.loss ?? 0);
  return most <= rounding ? null : known[falls.indexOf(most) + Math.floor(stretch / 2)].rate;
}

function invalid(expected: string, received: unknown): PlatformError {
  return new PlatformError(
    "input",
    "MODEL_OPTION_INVALID",
    `learning-rate range test: expected ${expected}, received ${received}`,
  );
}
