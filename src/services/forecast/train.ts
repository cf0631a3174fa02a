/** Training of a forecasting model, from prices to an artifact on the disk. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Context, dayMs, foldIn, formatTime, keyFrom, PlatformError } from "../../base/index.ts";
import { type CleaningReport, type Split, simulatedMarket, splitByTime } from "../../data/index.ts";
import { adamW, cosineRate, createRuntime, type Runtime } from "../../engine/index.ts";
import {
  type CheckpointStore,
  type FitResult,
  fileLog,
  fit,
  folderCheckpoints,
  noCheckpoints,
  type TrainingLog,
  type TrainingRecord,
} from "../../models/index.ts";
import { readForecastArtifact, writeForecastArtifact } from "./artifact.ts";
import { withNotes } from "./continuation.ts";
import { Forecaster, type ForecasterSpec, type Normalisation } from "./forecaster.ts";
import { type Training, trainingDifferences } from "./identity.ts";
import { driftReferenceOf, testSetOf } from "./monitored.ts";
import { fitNormalisation } from "./normalise.ts";
import { loadPredictor, type Predictions } from "./predictor.ts";
import { cleaningCounts, readClean, warnOfShortSymbols } from "./prepare.ts";
import { renderReport } from "./report/page.ts";
import { fitLinear } from "./ridge.ts";
import { cutSamples, type SampleSet } from "./samples.ts";
import type { HorizonScore, TrainInput, TrainOutput } from "./schema.ts";
import { scoreForecasts, type TrainingFacts, trainingFacts } from "./score.ts";
import { fitShrinkage } from "./shrinkage.ts";
import { sizesOf } from "./sizes.ts";
import { summarise } from "./summary.ts";

/** A trained model before it is written down. */
export interface TrainedModel {
  readonly forecaster: Forecaster;
  readonly fitted: FitResult;
  /** Per horizon: the share of the network's forecast that the validation part bears out. */
  readonly shrinkage: readonly number[];
  readonly facts: TrainingFacts;
  /** Where the training can be taken up again, until the model is safe elsewhere. */
  readonly checkpoints: CheckpointStore;
  /** How the network's training went, step by step. */
  readonly log: readonly TrainingRecord[];
  /** The deployed graph, and the linear baseline's. */
  readonly model: Uint8Array;
  readonly linear: Uint8Array;
  readonly penalty: number | null;
}

/** What the report shows beside the result. */
export interface TrainingView {
  readonly input: TrainInput;
  readonly output: TrainOutput;
  readonly log: readonly TrainingRecord[];
  readonly cleaning: CleaningReport;
  readonly set: SampleSet;
  readonly split: Split;
  readonly model: Predictions;
  readonly linear: Predictions;
  /** Per horizon: share of rises in the training part, which the naive forecast of a direction repeats. */
  readonly riseShare: readonly number[];
  readonly simulation: string | null;
}

type Ports = Pick<Context, "models" | "progress" | "clock" | "logger" | "signal">;

/** @param lineage digest of the manifest of the model that this one is to succeed */
export async function train(
  { replace = false, ...asked }: TrainInput,
  context: Context,
  lineage: { readonly parent?: string } = {},
): Promise<TrainOutput> {
  const horizon = [...new Set(asked.horizon)];
  const { signal, clock, ledger } = context;
  // Opening the ledger takes a moment of another thread, while this one reads the prices.
  const recorded = ledger.check();
  recorded.catch(() => {}); // said below, unless the prices fail first
  const { prices, report: cleaning } = await readClean(asked, asked.cleaning, context);
  const set = cutSamples(prices, { lookback: asked.lookback, horizons: horizon, which: "known" });
  // Whatever the network was by default is written down, so that a later training is of the same one.
  const input = { ...asked, horizon, ...sizesOf(asked, set.columns) };
  warnOfShortSymbols(set, context.logger);
  const split = splitSamples(set, input);
  const run = runName(input, set.frame, split);
  const reference = input.out ?? `forecast-${run}`;
  const { replaces } = await context.models.prepare(reference);
  if (replaces && !replace) await requireSame(reference, { input, fingerprint: prices.fingerprint }, context);
  await recorded;
  if (replaces) context.logger.info(`the model ${reference} will be replaced when the new one is ready`);
  const runtime = createRuntime(context.compute);
  try {
    const trained = await trainOn(set, split, specOf(input, set), input, context, runtime);
    const judged = await stage(context, "judge", () =>
      judge(trained, set, split.test, input, runtime, signal),
    );
    const scores = judged.scores;
    const facts = {
      target: input.target,
      parameters: trained.forecaster.parameters.reduce(
        (total, { parameter }) => total + parameter.value.length,
        0,
      ),
      epochs: trained.fitted.history.length,
      bestEpoch: trained.fitted.bestEpoch,
      seconds: trained.fitted.seconds,
      resumedFrom: trained.fitted.resumedFrom,
      cleaning: cleaningCounts(cleaning),
      samples: { train: split.train.length, validation: split.validation.length, test: split.test.length },
      periods: {
        train: periodOf(set, split.train),
        validation: periodOf(set, split.validation),
        test: periodOf(set, split.test),
      },
      history: [...trained.fitted.history],
      test: { ...withoutHorizon(scores[0]), horizons: scores },
      shrinkage: [...trained.shrinkage],
      summary: summarise(input, scores, trained.shrinkage),
    };
    const folder = await context.models.create(reference, async (staging) => {
      const output = { ...facts, artifact: reference, report: "report.html" };
      const page = renderReport({
        input,
        output,
        log: trained.log,
        cleaning,
        set,
        split,
        ...judged,
        riseShare: trained.facts.riseShare,
        simulation: simulationOf(input)?.description ?? null,
      });
      await writeForecastArtifact(staging, {
        trained,
        input,
        prices,
        set,
        split,
        output,
        page,
        reference: driftReferenceOf(set, split, judged.model),
        testSet: testSetOf(set, split.test, input.target),
        run,
        parent: lineage.parent,
        createdAt: clock.now(),
      });
    });
    await trained.checkpoints.clear();
    const output: TrainOutput = { artifact: folder, report: `${folder}/report.html`, ...facts };
    await ledger.append({
      action: "forecast.train",
      subject: folder,
      payload: { data: prices.fingerprint, seed: input.seed, target: input.target, skill: scores[0].skill },
    });
    return output;
  } finally {
    await runtime.close();
  }
}

/** Reports the beginning and the end of a piece of work that has no steps to count. */
async function stage<Result>(
  { progress }: Pick<Context, "progress">,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  progress.report({ stage: name, done: 0, total: 1 });
  const result = await work();
  progress.report({ stage: name, done: 1, total: 1 });
  return result;
}

/**
 * Splits samples in time, with the same borders for all symbols; labels that reach over a border are purged.
 *
 * @throws PlatformError `DATA_TOO_SHORT` naming the source, when a part has no samples
 */
export function splitSamples(
  { windows }: SampleSet,
  { data, validationShare, testShare, embargoDays }: TrainInput,
): Split {
  const trainShare = 1 - validationShare - testShare;
  try {
    return splitByTime(windows, {
      fractions: { train: trainShare, validation: validationShare, test: testShare },
      embargoMs: embargoDays * dayMs,
    });
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== "DATA_TOO_SHORT") throw error;
    const { code, message } = error; // a split knows no file
    throw new PlatformError("input", code, `${data}: ${message}`, { file: data, cause: error });
  }
}

export function specOf(input: TrainInput, set: SampleSet): ForecasterSpec {
  const { target, lookback, horizon, model, loss } = input;
  return {
    target,
    columns: set.columns,
    lookback,
    horizons: horizon,
    quantiles: target === "direction" ? [] : [...new Set(input.quantiles)].sort((a, b) => a - b),
    network: model,
    sizes: sizesOf(input, set.columns),
    loss,
  };
}

/** Fits normalisation, linear baseline and network on the training part; the validation part decides when to stop. */
export async function trainOn(
  set: SampleSet,
  split: Pick<Split, "train" | "validation">,
  spec: ForecasterSpec,
  input: TrainInput,
  ports: Ports,
  runtime: Runtime,
): Promise<TrainedModel> {
  const key = keyFrom(input.seed);
  const normalisation = await stage(ports, "normalise", () =>
    fitNormalisation(set, split.train, spec.target, runtime),
  );
  const forecaster = new Forecaster(spec, normalisation, key); // sizes that do not fit are refused before more work is done
  const linear = await stage(ports, "linear", () =>
    fitBaseline(set, split, spec, normalisation, input, ports, runtime),
  );

  const run = runName(input, set.frame, split);
  const folder = await ports.models.checkpoints(run);
  const checkpoints = withNotes(folderCheckpoints(folder, run), ports);
  const log = fileLog(join(folder, "training.jsonl")); // goes with the checkpoint when that is cleared
  const fitted = await fitNetwork(forecaster, set, split, input, ports, runtime, checkpoints, log);
  const shrinkage = await fitShrinkage(forecaster, fitted.parameters, set, split.validation, {
    runtime,
    signal: ports.signal,
  });
  return {
    forecaster,
    fitted,
    checkpoints,
    log: await log.records(),
    shrinkage,
    facts: trainingFacts(set, split.train, spec.target, spec.quantiles),
    model: forecaster.export(fitted.parameters, { shrinkage }),
    linear: linear.forecaster.export(linear.parameters),
    penalty: linear.penalty,
  };
}

/** Ridge regression; for directions, logistic regression, which has no closed form and is trained like a network. */
async function fitBaseline(
  set: SampleSet,
  split: Pick<Split, "train" | "validation">,
  spec: ForecasterSpec,
  normalisation: Normalisation,
  input: TrainInput,
  ports: Ports,
  runtime: Runtime,
): Promise<{
  readonly forecaster: Forecaster;
  readonly parameters: Float32Array;
  readonly penalty: number | null;
}> {
  const key = foldIn(keyFrom(input.seed), "linear");
  if (spec.target !== "direction")
    return fitLinear(spec, normalisation, set, split, {
      runtime,
      key,
      signal: ports.signal,
      progress: ports.progress,
    });
  const forecaster = new Forecaster({ ...spec, network: "linear", sizes: {} }, normalisation, key);
  const silent = { ...ports, progress: { report() {} } };
  const fitted = await fitNetwork(
    forecaster,
    set,
    split,
    { ...input, epochs: 10 },
    silent,
    runtime,
    noCheckpoints,
  );
  return { forecaster, parameters: fitted.parameters, penalty: null };
}

function fitNetwork(
  forecaster: Forecaster,
  set: SampleSet,
  { train: samples, validation }: Pick<Split, "train" | "validation">,
  { learningRate, weightDecay, batchSize, epochs, patience, clipNorm, seed }: TrainInput,
  { progress, signal, clock }: Ports,
  runtime: Runtime,
  checkpoints: CheckpointStore,
  log?: TrainingLog,
): Promise<FitResult> {
  return fit({
    parameters: forecaster.parameters,
    data: forecaster.data(set),
    train: samples,
    validation,
    loss: (batch) => forecaster.loss(batch),
    optimiser: adamW({ weightDecay }),
    schedule: (steps) =>
      cosineRate({
        rate: learningRate,
        steps,
        warmUpSteps: Math.min(100, Math.ceil(steps / 20)),
        finalRate: learningRate / 20,
      }),
    batchSize: Math.min(batchSize, samples.length),
    epochs,
    patience,
    clipNorm,
    key: foldIn(keyFrom(seed), "fit"),
    runtime,
    clock,
    progress,
    signal,
    checkpoints,
    ...(log ? { log } : {}),
  });
}

/** Forecasts of the deployed graphs for some samples, and their scores. */
export async function judge(
  trained: Pick<TrainedModel, "model" | "linear" | "facts"> & {
    readonly forecaster: { readonly spec: ForecasterSpec };
  },
  set: SampleSet,
  samples: Int32Array,
  input: Pick<TrainInput, "data" | "seed">,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<{ readonly model: Predictions; readonly linear: Predictions; readonly scores: HorizonScore[] }> {
  const { spec } = trained.forecaster;
  const run = async (bytes: Uint8Array, quantiles: number) => {
    const predictor = await loadPredictor(runtime, bytes, quantiles);
    const predictions = await predictor.predict(set, samples, signal);
    await predictor.release();
    return predictions;
  };
  const model = await run(trained.model, spec.quantiles.length);
  const linear = await run(trained.linear, 0);
  const simulation = simulationOf(input);
  const scores = scoreForecasts({
    set,
    samples,
    target: spec.target,
    levels: spec.quantiles,
    model,
    linear,
    factsAt: () => trained.facts,
    ...(simulation ? { conditionalMean: simulation.conditionalMean } : {}),
  });
  return { model, linear, scores };
}

/** The law of the market, where it is ours; only a judge and a reader of the report see it. */
export function simulationOf({ data, seed }: Pick<TrainInput, "data" | "seed">) {
  return data === "simulated" ? simulatedMarket({ seed }) : undefined;
}

/** @throws PlatformError `ARTIFACT_DIFFERS` when the model of this name is not the one that the training would give again */
async function requireSame(reference: string, training: Training, { models }: Context): Promise<void> {
  const made = await readForecastArtifact(await models.locate(reference));
  const fields = trainingDifferences(made, training).map(({ field }) => field);
  if (fields.length === 0) return;
  const message = `out: expected a new name, or a model of the same training, found ${reference}, which is of another (${fields.join(", ")}); replace puts the new one in its place`;
  throw new PlatformError("conflict", "ARTIFACT_DIFFERS", message, { field: "out" });
}

/**
 * Names a run by everything that decides its result, so that an interrupted one finds its checkpoint and no other. The folds of a
 * walk-forward judgement share input and prices, and differ in their samples.
 */
function runName(
  { out, ...deciding }: TrainInput,
  { values, offsets }: SampleSet["frame"],
  { train, validation }: Pick<Split, "train" | "validation">,
): string {
  const hash = createHash("sha256").update(JSON.stringify(deciding));
  for (const part of [values, offsets, train, validation]) hash.update(part).update(";");
  return hash.digest("hex").slice(0, 16);
}

function periodOf({ windows }: SampleSet, samples: Int32Array): [string, string] {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const sample of samples) {
    first = Math.min(first, windows.asOf[sample]);
    last = Math.max(last, windows.asOf[sample]);
  }
  return [formatTime(first), formatTime(last)];
}

function withoutHorizon({ horizon, ...score }: HorizonScore): Omit<HorizonScore, "horizon"> {
  return score;
}
