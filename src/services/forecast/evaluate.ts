/** Walk-forward judgement of a trained model on what came after its training, with or without training again. */
import {
  type Context,
  dayMs,
  type ErrorCode,
  formatTime,
  type JobFailure,
  type JobHandle,
  modelReference,
  PlatformError,
  startOfDay,
} from "../../base/index.ts";
import { createRuntime, type Runtime } from "../../engine/index.ts";
import { type ForecastArtifact, openForecastArtifact } from "./artifact.ts";
import type { Predictions } from "./predictor.ts";
import { readForModel, warnOfShortSymbols } from "./prepare.ts";
import { cutSamples, type SampleSet } from "./samples.ts";
import {
  type EvaluateInput,
  type EvaluateOutput,
  type FoldInput,
  FoldOutput,
  type HorizonScore,
  type TrainInput,
} from "./schema.ts";
import { scoreForecasts, type TrainingFacts } from "./score.ts";
import { summarise } from "./summary.ts";
import { judge, simulationOf, specOf, trainOn } from "./train.ts";

/** Which market is judged; the simulated one has a seed. */
type Market = Pick<TrainInput, "data" | "seed">;

interface JudgedFold {
  readonly from: string;
  readonly to: string;
  readonly samples: Int32Array;
  readonly facts: TrainingFacts;
  /** Per horizon: the share of the network's forecast that was kept. */
  readonly shrinkage: readonly number[];
  readonly model: Predictions;
  readonly linear: Predictions;
  readonly scores: readonly HorizonScore[];
}

/** What a walk-forward works on. */
interface Walk {
  readonly loaded: ForecastArtifact;
  readonly set: SampleSet;
  /** The samples of each fold. */
  readonly parts: readonly Int32Array[];
  readonly market: Market;
}

/** As a job that trains anew for each fold it hands the folds to the queue, where every worker takes part. */
export async function evaluateForecast(input: EvaluateInput, context: Context): Promise<EvaluateOutput> {
  const walk = await prepare(input, context);
  const { configuration, artifact } = walk.loaded;
  const isShared = context.job !== undefined && input.refit && walk.parts.length > 1;
  const folds = isShared
    ? await foldsByJobs(input, walk, context.job)
    : await foldsInTurn(input, walk, context);
  const { target } = configuration.input;
  const total = totalOf(folds, walk.set, target, configuration.quantiles, walk.market);
  return {
    artifact: input.artifact,
    digest: artifact.digest,
    target,
    refit: input.refit,
    folds: folds.map(({ from, to, scores }) => ({ from, to, horizons: [...scores] })),
    total,
    summary: summarise(configuration.input, total, sharedShrinkage(folds)),
  };
}

/** That of all folds where they have the same, as they have without training anew or where none believed its network; else nothing is said. */
function sharedShrinkage(folds: readonly JudgedFold[]): readonly number[] {
  const [first, ...others] = folds.map(({ shrinkage }) => shrinkage);
  return first.map((share, h) => (others.every((other) => other[h] === share) ? share : 1));
}

/** One fold alone, with its forecasts, as another process needs it to put all folds together. */
export async function evaluateFold(input: FoldInput, context: Context): Promise<FoldOutput> {
  const walk = await prepare(input, context);
  const samples = walk.parts[input.fold];
  if (samples === undefined)
    throw new PlatformError(
      "input",
      "INPUT_INVALID",
      `fold: expected 0 to ${walk.parts.length - 1}, received ${input.fold}`,
      { field: "fold" },
    );
  const runtime = createRuntime(context.compute);
  try {
    const { from, to, facts, shrinkage, model, linear, scores } = await judgeFold(
      walk,
      samples,
      input,
      context,
      runtime,
    );
    return {
      ...{ from, to, horizons: [...scores] },
      facts: {
        riseShare: [...facts.riseShare],
        band: facts.band.map(({ lower, upper }) => ({ lower: orNull(lower), upper: orNull(upper) })),
      },
      shrinkage: [...shrinkage],
      forecast: [...model.forecast],
      quantiles: model.quantiles && [...model.quantiles],
      linear: [...linear.forecast],
    };
  } finally {
    await runtime.close();
  }
}

async function prepare(input: EvaluateInput, context: Context): Promise<Walk> {
  const loaded = await openForecastArtifact(input.artifact, context.models);
  const { configuration } = loaded;
  const { lookback, horizon, seed } = configuration.input;
  const market = { data: input.data, seed: input.seed ?? seed };
  const prices = await readForModel(input, loaded, context);
  const set = cutSamples(prices, {
    lookback,
    horizons: horizon,
    columns: configuration.columns,
    which: "known",
  });
  warnOfShortSymbols(set, context.logger);
  const parts = foldsAfter(set, beginOf(input, configuration.knownUntil), input.folds);
  return { loaded, set, parts, market };
}

async function foldsInTurn(input: EvaluateInput, walk: Walk, context: Context): Promise<JudgedFold[]> {
  const runtime = createRuntime(context.compute);
  const total = walk.parts.length;
  const report = (done: number) => context.progress.report({ stage: "fold", done, total, unit: "folds" });
  try {
    const folds: JudgedFold[] = [];
    for (const samples of walk.parts) {
      report(folds.length);
      folds.push(await judgeFold(walk, samples, input, context, runtime));
    }
    report(total);
    return folds;
  } finally {
    await runtime.close();
  }
}

/** @throws PlatformError of the first fold that failed */
async function foldsByJobs(
  input: EvaluateInput,
  { loaded, parts }: Walk,
  job: JobHandle,
): Promise<JudgedFold[]> {
  const reference = modelReference(input.artifact);
  // By its digest: an alias may move between one fold and the next.
  const artifact = reference ? `${reference.model}@sha256:${loaded.artifact.digest}` : input.artifact;
  const outcomes = await job.runParts(
    parts.map((_, fold) => ({ capability: "forecast.fold", input: { ...input, artifact, fold } })),
  );
  for (const [fold, { failure }] of outcomes.entries())
    if (failure !== null) throw failureOfFold(fold, failure);
  return outcomes.map(({ output }, fold) => {
    const { from, to, horizons, facts, shrinkage, forecast, quantiles, linear } = FoldOutput.parse(output);
    return {
      ...{ from, to, samples: parts[fold], scores: horizons, facts: factsOf(facts), shrinkage },
      model: { forecast: Float64Array.from(forecast), quantiles: quantiles && Float64Array.from(quantiles) },
      linear: { forecast: Float64Array.from(linear), quantiles: null },
    };
  });
}

function failureOfFold(fold: number, { kind, code, message, details }: JobFailure): Error {
  const text = `fold ${fold}: ${message}`;
  return kind === "bug" ? new Error(text) : new PlatformError(kind, code as ErrorCode, text, details);
}

const orNull = (value: number) => (Number.isNaN(value) ? null : value);

/** As they are written down, where a bound that there is not is null. */
function factsOf({ riseShare, band }: FoldOutput["facts"]): TrainingFacts {
  const bound = (value: number | null) => value ?? Number.NaN;
  return { riseShare, band: band.map(({ lower, upper }) => ({ lower: bound(lower), upper: bound(upper) })) };
}

/**
 * The first moment to judge.
 *
 * @throws PlatformError `INPUT_INVALID` when a model is to be judged, as it is, by what it was trained on
 */
function beginOf({ start, refit }: EvaluateInput, knownUntil: number): number {
  if (start === undefined) return knownUntil;
  const begin = startOfDay(start);
  if (refit || begin >= knownUntil) return begin;
  throw new PlatformError(
    "input",
    "INPUT_INVALID",
    `start: expected ${formatTime(knownUntil)} or later, since the model was trained on what came before (or refit, to train anew for each fold), received ${start}`,
    { field: "start" },
  );
}

/** Samples from a moment on, cut into parts of equal numbers of dates. */
function foldsAfter({ windows }: SampleSet, begin: number, folds: number): Int32Array[] {
  const dates = [...new Set(windows.asOf)].filter((time) => time >= begin).sort((a, b) => a - b);
  if (dates.length < folds) {
    throw new PlatformError(
      "input",
      "FORECAST_NOTHING_NEW",
      `evaluation: expected at least ${folds} dates with known outcomes from ${formatTime(begin)} on, received ${dates.length}`,
    );
  }
  const border = (fold: number) =>
    dates[Math.floor((fold * dates.length) / folds)] ?? Number.POSITIVE_INFINITY;
  return Array.from({ length: folds }, (_, fold) =>
    Int32Array.from(windows.asOf.keys()).filter(
      (i) => windows.asOf[i] >= border(fold) && windows.asOf[i] < border(fold + 1),
    ),
  );
}

async function judgeFold(
  { loaded, set, market }: Walk,
  samples: Int32Array,
  { refit }: EvaluateInput,
  context: Context,
  runtime: Runtime,
): Promise<JudgedFold> {
  const { configuration } = loaded;
  const times = Float64Array.from(samples, (sample) => set.windows.asOf[sample]).sort();
  const [from, to] = [times[0], times[times.length - 1]];
  const spec = {
    ...specOf(configuration.input, set),
    columns: configuration.columns,
    quantiles: configuration.quantiles,
  };
  const facts = factsOf(configuration.facts);
  const trained = refit
    ? await trainOn(
        set,
        beforeMoment(set, from, configuration.input),
        spec,
        configuration.input,
        context,
        runtime,
      )
    : {
        ...{ model: loaded.model, linear: loaded.linear, facts, forecaster: { spec } },
        shrinkage: configuration.shrinkage ?? configuration.input.horizon.map(() => 1),
      };
  if ("checkpoints" in trained) await trained.checkpoints.clear();
  const judged = await judge(trained, set, samples, market, runtime, context.signal);
  const { facts: factsThen, shrinkage } = trained;
  return { from: formatTime(from), to: formatTime(to), samples, facts: factsThen, shrinkage, ...judged };
}

/** Everything whose labels were known before a moment; the last share of it is for stopping. */
function beforeMoment(
  { windows }: SampleSet,
  moment: number,
  { validationShare, embargoDays }: Pick<TrainInput, "validationShare" | "embargoDays">,
): { train: Int32Array; validation: Int32Array } {
  const labelEnd = (i: number) => windows.labelTime[i] + embargoDays * dayMs;
  const known = Int32Array.from(windows.asOf.keys()).filter((i) => labelEnd(i) < moment);
  const dates = [...new Set(Array.from(known, (i) => windows.asOf[i]))].sort((a, b) => a - b);
  const border = dates[Math.floor(dates.length * (1 - validationShare))] ?? Number.POSITIVE_INFINITY;
  const train = known.filter((i) => labelEnd(i) < border);
  const validation = known.filter((i) => windows.asOf[i] >= border);
  if (train.length === 0 || validation.length === 0) {
    throw new PlatformError(
      "input",
      "FORECAST_NOTHING_NEW",
      `evaluation: expected samples to train on before ${formatTime(moment)}, received none; the data has to hold the past too, not only what is new`,
    );
  }
  return { train, validation };
}

/** All folds as one: every sample was forecast by the model of its fold. */
function totalOf(
  folds: readonly JudgedFold[],
  set: SampleSet,
  target: EvaluateOutput["target"],
  levels: readonly number[],
  market: Market,
): HorizonScore[] {
  const samples = new Int32Array(folds.reduce((total, fold) => total + fold.samples.length, 0));
  const factsAt: TrainingFacts[] = [];
  for (const fold of folds) {
    samples.set(fold.samples, factsAt.length);
    for (let i = 0; i < fold.samples.length; i++) factsAt.push(fold.facts);
  }
  const simulation = simulationOf(market);
  const quantiles = folds.map((fold) => fold.model.quantiles);
  return scoreForecasts({
    set,
    samples,
    target,
    levels,
    model: {
      forecast: join(folds.map((fold) => fold.model.forecast)),
      quantiles: quantiles.every((values) => values !== null) ? join(quantiles) : null,
    },
    linear: { forecast: join(folds.map((fold) => fold.linear.forecast)), quantiles: null },
    factsAt: (place) => factsAt[place],
    ...(simulation ? { conditionalMean: simulation.conditionalMean } : {}),
  });
}

function join(arrays: readonly Float64Array[]): Float64Array {
  const joined = new Float64Array(arrays.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const values of arrays) {
    joined.set(values, at);
    at += values.length;
  }
  return joined;
}
