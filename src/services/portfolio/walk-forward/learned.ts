/**
 * The learned allocator: a small network scores every asset from its past returns, softmax makes weights of the scores, and what is
 * trained is the end itself, quadratic utility of the return after costs. Scores lie within ±1, so that no asset gets more than e²
 * times the weight of another: a few hundred days cannot justify more. No return is forecast and no covariance inverted (as in
 * Zhang, Zohren and Roberts 2020, "Deep learning for portfolio optimization", which maximises the Sharpe ratio).
 */
import {
  foldIn,
  type Key,
  type Matrix,
  mean,
  permutation,
  splitKey,
  standardDeviation,
} from "../../../base/index.ts";
import {
  abs,
  adamW,
  compileTraining,
  div,
  gather,
  Linear,
  mul,
  parametersOf,
  type Runtime,
  reshape,
  softmax,
  square,
  startTraining,
  sub,
  sum,
  type Tensor,
  tanh,
  unpackParameters,
  weightedMean,
} from "../../../engine/index.ts";

export interface LearnedOptions {
  readonly costBps: number;
  /** Of quadratic utility of one holding time. */
  readonly riskAversion: number;
}

export interface Learned {
  /** Weights decided before each test period that is a multiple of `holdPeriods`, `[decisions][assets]`. */
  readonly decisions: readonly { readonly period: number; readonly weights: Float64Array }[];
  /** Whether the network beat equal weight on the validation part by more than a standard error; if not, equal weight is held. */
  readonly trusted: boolean;
}

/** Periods between two decisions: a trading week. */
export const holdPeriods = 5;
const lookback = 63;
const features = 6;
const hidden = 12;
const steps = 160;
const batchSize = 64;

/** The fewest training periods that leave samples to learn from and to judge by. */
export const leastTraining = lookback + 12 * holdPeriods;

/**
 * Trains on the first periods and decides for those after them, seeing each only when it has passed. The last fifth of the
 * training part, behind a gap of one holding time, judges whether the network is worth following.
 *
 * @param returns simple, `[assets, periods]`, training part and then test part, without gaps
 * @param test periods of the test part
 */
export async function learnAndDecide(
  returns: Matrix,
  test: number,
  { costBps, riskAversion }: LearnedOptions,
  key: Key,
  runtime: Runtime,
): Promise<Learned> {
  const { rows: n, columns } = returns;
  const train = columns - test;
  const samples = range(lookback + holdPeriods, train - holdPeriods + 1);
  const cut = Math.floor(samples.length * 0.8);
  const [learn, judge] = [samples.slice(0, cut), samples.slice(cut + holdPeriods)];
  const network = await trainNetwork(returns, learn, costBps / 10_000, riskAversion, key, runtime);
  // Judged as it would be held: one decision after the other, none of them overlapping.
  const apart = judge.filter((_, k) => k % holdPeriods === 0);
  const equal = new Float64Array(n).fill(1 / n);
  const utilities = (weightsAt: (t: number) => Float64Array) => {
    let held = equal;
    return apart.map((t) => {
      const weights = weightsAt(t);
      const grown = growthOver(returns, t, t + holdPeriods);
      const traded = weights.reduce((changed, weight, i) => changed + Math.abs(weight - held[i]), 0);
      const gross = weights.reduce((sum, weight, i) => sum + weight * grown[i], 0);
      const gain = gross - 1 - (costBps / 10_000) * traded;
      held = weights.map((weight, i) => (weight * grown[i]) / gross);
      return gain - (riskAversion / 2) * gain * gain;
    });
  };
  const decide = (t: number) => softmaxOf(network(featuresAt(returns, t)));
  const still = utilities(() => equal);
  const ahead = utilities(decide).map((utility, k) => utility - still[k]);
  const trusted = ahead.length > 1 && mean(ahead) > standardDeviation(ahead) / Math.sqrt(ahead.length);
  return {
    trusted,
    decisions: range(0, test)
      .filter((t) => t % holdPeriods === 0)
      .map((period) => ({ period, weights: trusted ? decide(train + period) : equal })),
  };
}

/** Scores `[assets]` of features `[assets, features]`, by what training found. */
type Scores = (x: Float64Array) => Float64Array;

async function trainNetwork(
  returns: Matrix,
  samples: readonly number[],
  cost: number,
  riskAversion: number,
  key: Key,
  runtime: Runtime,
): Promise<Scores> {
  const n = returns.rows;
  const [firstKey, secondKey, orderKey] = splitKey(key, 3);
  const model = { inner: new Linear(features, hidden, firstKey), outer: new Linear(hidden, 1, secondKey) };
  const weightsOf = (x: Tensor) =>
    softmax(reshape(tanh(model.outer.apply(tanh(model.inner.apply(x)))), [batchSize, n]));
  const stacked = (width: number, valuesAt: (t: number) => Float64Array) => {
    const out = new Float32Array(samples.length * width);
    samples.forEach((t, s) => {
      out.set(valuesAt(t), s * width);
    });
    return out;
  };
  const table = (data: Float32Array, shape: readonly number[]) => ({
    dtype: "float32" as const,
    shape,
    data,
  });
  const data = {
    now: table(
      stacked(n * features, (t) => featuresAt(returns, t)),
      [samples.length, n, features],
    ),
    before: table(
      stacked(n * features, (t) => featuresAt(returns, t - holdPeriods)),
      [samples.length, n, features],
    ),
    since: table(
      stacked(n, (t) => growthOver(returns, t - holdPeriods, t)),
      [samples.length, n],
    ),
    next: table(
      stacked(n, (t) => growthOver(returns, t, t + holdPeriods)),
      [samples.length, n],
    ),
  };
  const program = compileTraining({
    parameters: parametersOf(model),
    data,
    batchSize,
    optimiser: adamW({ weightDecay: 0.05 }),
    clipNorm: 1,
    shards: 1,
    loss: ({ data: columns, indices, weights }) => {
      const wanted = weightsOf(gather(columns.now, indices));
      // What was decided a holding time ago has drifted with prices since; the difference is traded.
      const drifted = mul(weightsOf(gather(columns.before, indices)), gather(columns.since, indices));
      const held = div(drifted, sum(drifted, -1, { keepDims: true }));
      const traded = sum(abs(sub(wanted, held)), -1);
      const gain = sub(sub(sum(mul(wanted, gather(columns.next, indices)), -1), 1), mul(traded, cost));
      return weightedMean(sub(mul(square(gain), riskAversion / 2), gain), weights);
    },
  });
  const training = await startTraining(runtime, program, { data, seed: 1 });
  try {
    const indices = new BigInt64Array(steps * batchSize);
    for (let at = 0, epoch = 0; at < indices.length; epoch++) {
      for (const sample of permutation(foldIn(orderKey, epoch), samples.length)) {
        if (at === indices.length) break;
        indices[at++] = BigInt(sample);
      }
    }
    await training.run({
      learningRates: Float32Array.from({ length: steps }, (_, s) => 0.01 * (1 - s / steps)),
      indices,
      weights: new Float32Array(indices.length).fill(1),
    });
    const values = unpackParameters(parametersOf(model), await training.parameters());
    const of = (parameter: unknown) =>
      (values.find((one) => one.parameter === parameter) as (typeof values)[number]).values.slice();
    const [w1, b1] = [of(model.inner.weight), of(model.inner.bias)];
    const [w2, b2] = [of(model.outer.weight), of(model.outer.bias)];
    return (x) =>
      Float64Array.from({ length: n }, (_, i) => {
        let score = b2[0];
        for (let h = 0; h < hidden; h++) {
          let inner = b1[h];
          for (let f = 0; f < features; f++) inner += w1[h * features + f] * x[i * features + f];
          score += w2[h] * Math.tanh(inner);
        }
        return Math.tanh(score);
      });
  } finally {
    await training.release();
  }
}

/**
 * What is known of each asset before period `t`, `[assets, features]`: returns over a week, a month and a quarter in units of their
 * own deviation, volatility of the month over that of the quarter, volatility against the other assets, distance from the highest price.
 */
function featuresAt({ rows: n, columns, data }: Matrix, t: number): Float64Array {
  const out = new Float64Array(n * features);
  const deviations = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const at = i * columns;
    const deviation = (window: number) => {
      let squares = 0;
      for (let k = t - window; k < t; k++) squares += data[at + k] ** 2;
      return Math.sqrt(squares / window) + 1e-8;
    };
    const long = deviation(lookback);
    deviations[i] = long;
    [5, 21, lookback].forEach((window, f) => {
      let total = 0;
      for (let k = t - window; k < t; k++) total += data[at + k];
      out[i * features + f] = total / (long * Math.sqrt(window));
    });
    out[i * features + 3] = Math.log(deviation(21) / long);
    let [wealth, high] = [0, 0];
    for (let k = t - lookback; k < t; k++) {
      wealth += data[at + k];
      high = Math.max(high, wealth);
    }
    out[i * features + 5] = (wealth - high) / (long * Math.sqrt(lookback));
  }
  const mean = deviations.reduce((total, value) => total + value, 0) / n;
  for (let i = 0; i < n; i++) out[i * features + 4] = Math.log(deviations[i] / mean);
  return out;
}

/** `Π (1 + r)` of each asset over `[from, to)`. */
function growthOver({ rows: n, columns, data }: Matrix, from: number, to: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => {
    let growth = 1;
    for (let t = from; t < to; t++) growth *= 1 + data[i * columns + t];
    return growth;
  });
}

function softmaxOf(scores: Float64Array): Float64Array {
  const top = scores.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const raw = scores.map((value) => Math.exp(value - top));
  const total = raw.reduce((all, value) => all + value, 0);
  return raw.map((value) => value / total);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k);
}
