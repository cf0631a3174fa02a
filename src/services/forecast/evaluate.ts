/** Walk-forward judgement of a trained model on what came after its training, with or without training again. */
import { type Context, dayMs, formatTime, PlatformError, startOfDay } from "../../base/index.ts";
import { createRuntime, type Runtime } from "../../engine/index.ts";
import { type ForecastArtifact, openForecastArtifact } from "./artifact.ts";
import type { Predictions } from "./predictor.ts";
import { readClean, warnOfShortSymbols } from "./prepare.ts";
import { cutSamples, type SampleSet } from "./samples.ts";
import type { EvaluateInput, EvaluateOutput, HorizonScore, TrainInput } from "./schema.ts";
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
  readonly model: Predictions;
  readonly linear: Predictions;
  readonly scores: readonly HorizonScore[];
}

export async function evaluateForecast(input: EvaluateInput, context: Context): Promise<EvaluateOutput> {
  const loaded = await openForecastArtifact(input.artifact, context.models);
  const { configuration, artifact } = loaded;
  const trainInput = {
    ...configuration.input,
    data: input.data,
    seed: configuration.input.seed,
  };
  const market = { data: input.data, seed: input.seed ?? trainInput.seed };
  const { prices } = await readClean({ ...input, ...market }, trainInput.cleaning, context);
  const set = cutSamples(prices, {
    lookback: trainInput.lookback,
    horizons: trainInput.horizon,
    columns: configuration.columns,
    which: "known",
  });
  warnOfShortSymbols(set, context.logger);
  const parts = foldsAfter(set, beginOf(input, configuration.knownUntil), input.folds);
  const runtime = createRuntime(context.compute);
  try {
    const folds: JudgedFold[] = [];
    for (const [i, samples] of parts.entries()) {
      context.progress.report({ stage: "fold", done: i, total: parts.length, unit: "folds" });
      folds.push(await judgeFold(loaded, set, samples, { refit: input.refit, market }, context, runtime));
    }
    context.progress.report({ stage: "fold", done: parts.length, total: parts.length, unit: "folds" });
    const total = totalOf(folds, set, trainInput.target, configuration.quantiles, market);
    return {
      artifact: artifact.folder,
      target: trainInput.target,
      refit: input.refit,
      folds: folds.map(({ from, to, scores }) => ({ from, to, horizons: [...scores] })),
      total,
      summary: summarise(trainInput, total),
    };
  } finally {
    await runtime.close();
  }
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
  loaded: ForecastArtifact,
  set: SampleSet,
  samples: Int32Array,
  { refit, market }: { readonly refit: boolean; readonly market: Market },
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
  const facts = {
    riseShare: configuration.facts.riseShare,
    band: configuration.facts.band.map(({ lower, upper }) => ({
      lower: lower ?? Number.NaN,
      upper: upper ?? Number.NaN,
    })),
  };
  const trained = refit
    ? await trainOn(
        set,
        beforeMoment(set, from, configuration.input),
        spec,
        configuration.input,
        context,
        runtime,
      )
    : { model: loaded.model, linear: loaded.linear, facts, forecaster: { spec } };
  if ("checkpoints" in trained) await trained.checkpoints.clear();
  const judged = await judge(trained, set, samples, market, runtime, context.signal);
  return { from: formatTime(from), to: formatTime(to), samples, facts: trained.facts, ...judged };
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
      `evaluation: expected samples to train on before ${formatTime(moment)}, received none`,
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
