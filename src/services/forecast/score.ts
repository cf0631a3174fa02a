/** How good a forecast was: every measure of the model beside the same measure of its baselines. */
import { quantile } from "../../base/index.ts";
import {
  areaUnderRoc,
  calibrationTable,
  dieboldMariano,
  directionAccuracy,
  informationCoefficient,
  intervalCoverage,
  logLoss,
  lossDifferencesPerDate,
  meanAbsoluteError,
  meanSquaredError,
  pearson,
  rankInformationCoefficient,
  rootMeanSquaredError,
  skill,
  spearman,
} from "../../models/index.ts";
import type { Predictions } from "./predictor.ts";
import { outcomes, pickRows, type SampleSet } from "./samples.ts";
import type { HorizonScore, Target } from "./schema.ts";

/** What the naive forecast needs to know of the training part. */
export interface TrainingFacts {
  /** Per horizon: share of rises, and outcomes at the outer quantile levels of the naive band. */
  readonly riseShare: readonly number[];
  readonly band: readonly { readonly lower: number; readonly upper: number }[];
}

export interface ScoreInput {
  readonly set: SampleSet;
  readonly samples: Int32Array;
  readonly target: Target;
  readonly levels: readonly number[];
  readonly model: Predictions;
  readonly linear: Predictions;
  /** Facts of the training that forecast the sample at a place of `samples`; folds of a walk-forward differ. */
  readonly factsAt: (place: number) => TrainingFacts;
  /** True conditional mean of the log return, where the market is simulated. */
  readonly conditionalMean?: (symbol: string, asOf: number, horizon: number) => number | undefined;
}

/** The forecast that needs no model, `[samples, horizons]`: no change, the window's volatility, or the share of rises. */
export function naiveForecast(
  set: SampleSet,
  samples: Int32Array,
  target: Target,
  factsAt: ScoreInput["factsAt"],
): Float64Array {
  const width = set.horizons.length;
  const of: Record<Target, (place: number, h: number) => number> = {
    return: () => 0,
    "log-return": () => 0,
    direction: (place, h) => factsAt(place).riseShare[h],
    volatility: (place) => set.windowVolatility[samples[place]],
    level: (place) => set.lastClose[samples[place]],
  };
  return Float64Array.from({ length: samples.length * width }, (_, i) =>
    of[target](Math.floor(i / width), i % width),
  );
}

/** Facts of the training part for the naive forecasts. */
export function trainingFacts(
  set: SampleSet,
  train: Int32Array,
  target: Target,
  levels: readonly number[],
): TrainingFacts {
  const width = set.horizons.length;
  const rises = pickRows(outcomes(set, "direction"), width, train);
  const relative = relativeOutcomes(set, train, target);
  const column = (values: Float64Array, h: number) => values.filter((_, i) => i % width === h);
  return {
    riseShare: set.horizons.map((_, h) => column(rises, h).reduce((a, b) => a + b, 0) / train.length),
    band: set.horizons.map((_, h) => {
      if (levels.length < 2) return { lower: Number.NaN, upper: Number.NaN };
      const values = column(relative, h);
      return { lower: quantile(values, levels[0]), upper: quantile(values, levels[levels.length - 1]) };
    }),
  };
}

/** Outcomes against the naive forecast, so that a band of training outcomes means something for prices too. */
function relativeOutcomes(set: SampleSet, samples: Int32Array, target: Target): Float64Array {
  return pickRows(target === "level" ? set.logReturn : outcomes(set, target), set.horizons.length, samples);
}

/** One score per horizon. */
export function scoreForecasts(input: ScoreInput): HorizonScore[] {
  return input.set.horizons.map((horizon, h) => ({ horizon, ...scoreHorizon(input, horizon, h) }));
}

function scoreHorizon(input: ScoreInput, horizon: number, h: number): Omit<HorizonScore, "horizon"> {
  const { set, samples, target, factsAt } = input;
  const width = set.horizons.length;
  const column = (values: Float64Array) => Float64Array.from(samples, (_, i) => values[i * width + h]);
  const outcome = column(pickRows(outcomes(set, target), width, samples));
  const model = column(input.model.forecast);
  const linear = column(input.linear.forecast);
  const naive = column(naiveForecast(set, samples, target, factsAt));
  const date = Float64Array.from(samples, (sample) => set.windows.asOf[sample]);
  const direction = directionMeasure(input, h);
  const squared = (forecast: Float64Array) => forecast.map((value, i) => (value - outcome[i]) ** 2);
  const naiveRises = outcome.map((_, i) => (factsAt(i).riseShare[h] >= 0.5 ? 1 : -1));
  // Prices of different symbols correlate whatever the forecast is worth; their changes do not.
  const change = (values: Float64Array) =>
    target === "level" ? values.map((price, i) => price / set.lastClose[samples[i]] - 1) : values;
  const probabilities = target === "direction";

  return {
    n: samples.length,
    model: {
      mse: meanSquaredError(outcome, model),
      mae: meanAbsoluteError(outcome, model),
      rmse: rootMeanSquaredError(outcome, model),
      directionAccuracy: direction(model),
      ...correlations(date, change(model), change(outcome)),
      auc: probabilities ? finite(areaUnderRoc(outcome, model)) : null,
      logLoss: probabilities ? finite(logLoss(outcome, model)) : null,
    },
    naive: {
      mse: meanSquaredError(outcome, naive),
      mae: meanAbsoluteError(outcome, naive),
      directionAccuracy: direction(naiveRises, "sign"),
      logLoss: probabilities ? finite(logLoss(outcome, naive)) : null,
    },
    linear: {
      mse: meanSquaredError(outcome, linear),
      mae: meanAbsoluteError(outcome, linear),
      directionAccuracy: direction(linear),
      ic: correlations(date, change(linear), change(outcome)).ic,
    },
    skill: finite(skillOver(outcome, model, naive)),
    linearSkill: finite(skillOver(outcome, linear, naive)),
    pValue: finite(lossDifference(date, squared(naive), squared(model), horizon)?.pValue ?? Number.NaN),
    ...trueMean(input, horizon, { date, outcome, naive }),
    ...calibration(input, h, outcome),
  };
}

/** Share of samples whose direction a forecast got right; null for volatility, which has none. */
function directionMeasure({ set, samples, target }: ScoreInput, h: number) {
  const width = set.horizons.length;
  const moved = Float64Array.from(samples, (sample) => set.logReturn[sample * width + h]);
  return (forecast: Float64Array, scale: "target" | "sign" = "target"): number | null => {
    if (target === "volatility") return null;
    const against = (i: number) =>
      target === "direction" ? 0.5 : target === "level" ? set.lastClose[samples[i]] : 0;
    const signed = scale === "sign" ? forecast : forecast.map((value, i) => value - against(i));
    return finite(directionAccuracy(moved, signed));
  };
}

/** IC and rank IC across symbols per date; over time when there are fewer than three symbols. */
function correlations(
  date: Float64Array,
  forecast: Float64Array,
  outcome: Float64Array,
): { ic: number | null; rankIc: number | null } {
  const panel = { date, forecast, outcome };
  const across = informationCoefficient(panel).mean;
  if (Number.isFinite(across)) return { ic: across, rankIc: finite(rankInformationCoefficient(panel).mean) };
  return { ic: finite(pearson(forecast, outcome)), rankIc: finite(spearman(forecast, outcome)) };
}

/** Null on a handful of dates. */
function lossDifference(date: Float64Array, first: Float64Array, second: Float64Array, horizon: number) {
  const differences = lossDifferencesPerDate(date, first, second);
  // A difference that never varies is no sample of anything: constant prices make it so.
  if (differences.length <= Math.max(10, 2 * horizon) || differences.every((d) => d === differences[0]))
    return null;
  return dieboldMariano(differences, horizon);
}

/**
 * Skill of the true conditional mean on the same samples, with the standard error that the test of Diebold and Mariano goes by; only for
 * targets that are the log return, or nearly.
 */
function trueMean(
  { set, samples, target, conditionalMean }: ScoreInput,
  horizon: number,
  { date, outcome, naive }: Readonly<Record<"date" | "outcome" | "naive", Float64Array>>,
): Pick<HorizonScore, "trueMeanSkill" | "trueMeanSkillError"> {
  const unknown = { trueMeanSkill: null, trueMeanSkillError: null };
  if (!conditionalMean || (target !== "log-return" && target !== "return" && target !== "level"))
    return unknown;
  const expected = Float64Array.from(samples, (sample) => {
    const logReturn =
      conditionalMean(set.frame.symbols[set.windows.symbol[sample]], set.windows.asOf[sample], horizon) ??
      Number.NaN;
    return target === "level"
      ? set.lastClose[sample] * Math.exp(logReturn)
      : target === "return"
        ? Math.expm1(logReturn)
        : logReturn;
  });
  const known = samples.map((_, i) => i).filter((i) => Number.isFinite(expected[i]));
  if (known.length === 0) return unknown;
  const at = (values: Float64Array) => Float64Array.from(known, (i) => values[i]);
  const [first, second] = [at(naive), at(expected)].map((forecast) =>
    forecast.map((value, i) => (value - outcome[known[i]]) ** 2),
  );
  const difference = lossDifference(at(date), first, second, horizon);
  return {
    trueMeanSkill: finite(skillOver(at(outcome), at(expected), at(naive))),
    trueMeanSkillError:
      difference &&
      finite(difference.meanDifference / difference.statistic / meanSquaredError(at(outcome), at(naive))),
  };
}

function calibration(
  { set, samples, target, levels, model, factsAt }: ScoreInput,
  h: number,
  outcome: Float64Array,
): Pick<HorizonScore, "coverage" | "interval"> {
  if (!model.quantiles || levels.length === 0) return { coverage: [], interval: null };
  const width = set.horizons.length * levels.length;
  const quantiles = Float64Array.from({ length: samples.length * levels.length }, (_, i) => {
    const sample = Math.floor(i / levels.length);
    return (model.quantiles as Float64Array)[sample * width + h * levels.length + (i % levels.length)];
  });
  const coverage = calibrationTable(outcome, quantiles, levels).map(({ level, observed }) => ({
    level,
    observed,
  }));
  if (levels.length < 2) return { coverage, interval: null };
  const bound = (place: number) => outcome.map((_, i) => quantiles[i * levels.length + place]);
  const naive = (side: "lower" | "upper") =>
    outcome.map((_, i) => {
      const bound = factsAt(i).band[h][side];
      return target === "level" ? set.lastClose[samples[i]] * Math.exp(bound) : bound;
    });
  const [lower, upper] = [levels[0], levels[levels.length - 1]];
  return {
    coverage,
    interval: {
      lower,
      upper,
      expected: upper - lower,
      coverage: intervalCoverage(outcome, bound(0), bound(levels.length - 1)).coverage,
      naiveCoverage: intervalCoverage(outcome, naive("lower"), naive("upper")).coverage,
    },
  };
}

function skillOver(outcome: Float64Array, forecast: Float64Array, naive: Float64Array): number {
  return skill(meanSquaredError(outcome, forecast), meanSquaredError(outcome, naive));
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
