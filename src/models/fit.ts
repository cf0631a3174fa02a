/** Training: mini-batches in random order, validation, early stopping, checkpoints that continue bit for bit. */
import {
  type Clock,
  foldIn,
  type Key,
  PlatformError,
  type ProgressPort,
  permutation,
  throwIfAborted,
} from "../base/index.ts";
import {
  averageName,
  type BatchTensors,
  compileTraining,
  diagnoseStep,
  initialState,
  type NamedParameter,
  type Optimiser,
  type Plateau,
  type Runtime,
  requireSamples,
  type Schedule,
  type StepBatches,
  type StepResults,
  startTraining,
  type Tensor,
  type TensorValue,
  type Training,
  type TrainingProgram,
  type TrainingState,
  withAverage,
} from "../engine/index.ts";
import { batches } from "./batches.ts";
import { type CheckpointStore, type EpochRecord, type FitState, noCheckpoints } from "./checkpoint.ts";
import { type Judge, loadJudge, type ValidationMetric } from "./judge.ts";
import { stepsPerCall } from "./pace.ts";
import { StepGatherer, type TrainingLog, type TrainingRecord } from "./training-log.ts";

export interface FitOptions {
  readonly parameters: readonly NamedParameter[];
  /** The data set by column; the first axis of every column is up to the loss, which gathers by sample number. */
  readonly data: Readonly<Record<string, TensorValue>>;
  /** Sample numbers to learn from, and sample numbers to stop by. */
  readonly train: Int32Array;
  readonly validation: Int32Array;
  /** The scalar that training makes small. */
  readonly loss: (batch: BatchTensors) => Tensor;
  readonly optimiser: Optimiser;
  /** From the number of steps in the whole training to the learning rate of each. */
  readonly schedule: (steps: number) => Schedule;
  /** What the rate is multiplied by, from the score after each epoch so far: the metric, or the validation loss. */
  readonly plateau?: Plateau;
  readonly batchSize: number;
  /**
   * Gradient accumulation: the batch is worked on in so many parts, whose gradients are averaged before the one update, so that memory
   * is needed for the parts that are under way only. Two for large steps and one for small ones unless given.
   */
  readonly shards?: number;
  readonly epochs: number;
  /** Epochs without a better score after which training stops. */
  readonly patience: number;
  /** What tells the best epoch, in place of the validation loss. */
  readonly metric?: ValidationMetric;
  readonly clipNorm?: number;
  /**
   * Decay per step of an exponential moving average of the parameters, such as 0.999. With it, validation judges the average, and the
   * average is what the training returns.
   */
  readonly averageDecay?: number;
  /** Order of samples and everything random in the model follow from it. */
  readonly key: Key;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly progress?: ProgressPort;
  readonly signal?: AbortSignal;
  readonly checkpoints?: CheckpointStore;
  readonly log?: TrainingLog;
  /** Steps of one record of the log; a tenth of an epoch unless given. */
  readonly logEvery?: number;
}

export interface FitResult {
  /** The parameters of the best epoch, packed. */
  readonly parameters: Float32Array;
  readonly bestEpoch: number;
  readonly history: readonly EpochRecord[];
  readonly stopped: "epochs" | "patience";
  readonly steps: number;
  readonly seconds: number;
  /** Epoch from which a checkpoint was continued; 0 for a fresh start. */
  readonly resumedFrom: number;
}

/**
 * Trains until the score on the validation samples gets no better, and returns the parameters of the best epoch.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when there is nothing to learn from or to stop by, a count is not 1 or more, or the
 *   metric is not finite
 * @throws PlatformError `INDEX_OUT_OF_RANGE` when a sample number, or what a column of its samples looks up, is negative or too large
 * @throws PlatformError `TRAINING_DIVERGED` when the loss or the gradient is not finite any more, naming the first tensor that held a
 *   NaN or infinity; the last checkpoint is kept
 * @throws PlatformError `ARTIFACT_CORRUPT` when the checkpoint is not one of this model
 * @throws PlatformError `INTERRUPTED` when the signal fires; the last checkpoint is kept
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  const { train, validation, batchSize, epochs, patience, metric, key, runtime, clock } = options;
  const stepsPerEpoch = Math.ceil(train.length / batchSize);
  const { logEvery = Math.ceil(stepsPerEpoch / 10) } = options;
  for (const [name, samples] of Object.entries({ train, validation })) {
    if (samples.length === 0) throw invalid(`at least one ${name} sample`, "none");
  }
  for (const [name, value] of Object.entries({ batchSize, epochs, patience, logEvery })) {
    if (!(Number.isSafeInteger(value) && value >= 1)) throw invalid(`${name} of 1 or more`, value);
  }
  const checkpoints = options.checkpoints ?? noCheckpoints;
  const started = clock.elapsed();
  const program = compileTraining({
    ...options,
    optimiser: optimiserOf(options),
    data: typesOf(options.data),
    threads: runtime.threads,
  });
  requireSamples(program, options.data, { train, validation });
  const stored = await checkpoints.load();
  if (stored) requireSameModel(stored, program, metric);
  let state: FitState = stored ?? {
    training: initialState(program),
    best: initialState(program).parameters,
    bestEpoch: 0,
    history: [],
  };
  await options.log?.begin(state.training.step);

  const seed = foldIn(key, "graph").low >>> 0;
  const start = (from: TrainingState) => startTraining(runtime, program, { data: options.data, seed, from });
  const training = await start(state.training);
  let judge: Judge | undefined;
  const rateOf = options.schedule(stepsPerEpoch * epochs);
  const pace = new Pace();

  try {
    judge = await loadJudge(options, training);
    while (state.history.length < epochs && !outOfPatience(state, patience)) {
      const epoch = state.history.length + 1;
      const order = permutation(foldIn(foldIn(key, "shuffle"), epoch), train.length).map(
        (place) => train[place],
      );
      const before = (epoch - 1) * stepsPerEpoch;
      const reduced = options.plateau?.(scoresOf(state, metric)) ?? 1;
      const batchesOf = (step: number, count: number): StepBatches => ({
        learningRates: Float32Array.from({ length: count }, (_, i) => reduced * rateOf(before + step + i)),
        ...batches(order, step * batchSize, count * batchSize),
      });
      /** Why a step of this epoch went wrong: from the epoch's beginning, which was good, to the step before, and then with a lens. */
      const causeOf = async (step: number): Promise<string | null> => {
        const again = await start(state.training);
        try {
          await advance(again, step, batchesOf, pace, options.signal);
          const from = await again.state();
          return await diagnoseStep(runtime, program, {
            data: options.data,
            seed,
            from,
            batch: batchesOf(step, 1),
          });
        } finally {
          await again.release();
        }
      };
      const gatherer = new StepGatherer(logEvery);
      let lossTotal = 0;
      let normTotal = 0;
      await advance(training, stepsPerEpoch, batchesOf, pace, options.signal, async (step, results) => {
        const { losses, gradientNorms, learningRates } = results;
        const records: TrainingRecord[] = [];
        for (const [i, loss] of losses.entries()) {
          const place = { epoch, step: before + step + i + 1, rate: learningRates[i] };
          const gradientNorm = gradientNorms[i];
          for (const [what, value] of Object.entries({ loss, "gradient norm": gradientNorm })) {
            if (Number.isFinite(value)) continue;
            await options.log?.write([...records, ...gatherer.flush()]); // the way to it is worth seeing
            throw diverged(what, value, place, await causeOf(step + i));
          }
          lossTotal += loss;
          normTotal += gradientNorm;
          records.push(
            ...gatherer.add({ step: place.step, epoch, loss, learningRate: place.rate, gradientNorm }),
          );
        }
        await options.log?.write(records);
        const done = step + losses.length;
        options.progress?.report({
          stage: "train",
          done: before + done,
          total: epochs * stepsPerEpoch,
          unit: "steps",
          message: `epoch ${epoch} of at most ${epochs}`,
          values: { loss: lossTotal / done, ...(state.bestEpoch > 0 ? { validation: bestLoss(state) } : {}) },
        });
      });
      await options.log?.write(gatherer.flush());
      const judged = await judge.judge(validation);
      const record: EpochRecord = {
        epoch,
        trainLoss: lossTotal / stepsPerEpoch,
        validationLoss: judged.loss,
        learningRate: reduced * rateOf(epoch * stepsPerEpoch - 1),
        gradientNorm: normTotal / stepsPerEpoch,
        ...(judged.metric === undefined ? {} : { metric: judged.metric }),
      };
      if (!Number.isFinite(judged.loss)) {
        const place = { epoch, step: epoch * stepsPerEpoch, rate: record.learningRate };
        throw diverged("validation loss", judged.loss, place, await judge.diagnose(validation));
      }
      if (judged.metric !== undefined && !Number.isFinite(judged.metric))
        throw invalid(`a finite ${metric?.name} of the validation samples`, judged.metric);
      state = await nextState(state, record, training, metric);
      await checkpoints.save(state);
    }
  } finally {
    await judge?.release();
    await training.release();
  }
  return {
    parameters: state.best,
    bestEpoch: state.bestEpoch,
    history: state.history,
    stopped: state.history.length < epochs ? "patience" : "epochs",
    steps: state.history.length * stepsPerEpoch,
    seconds: (clock.elapsed() - started) / 1000,
    resumedFrom: stored?.history.length ?? 0,
  };
}

function optimiserOf({ optimiser, averageDecay }: FitOptions): Optimiser {
  return averageDecay === undefined ? optimiser : withAverage(optimiser, averageDecay);
}

/** Runs steps 0 to `steps` of an epoch, several in a call, and hands over what each call brought. */
async function advance(
  training: Training,
  steps: number,
  batchesOf: (step: number, count: number) => StepBatches,
  pace: Pace,
  signal: AbortSignal | undefined,
  heard: (
    step: number,
    results: StepResults & Pick<StepBatches, "learningRates">,
  ) => Promise<void> = async () => {},
): Promise<void> {
  for (let step = 0; step < steps; ) {
    throwIfAborted(signal, "training");
    const count = Math.min(pace.steps, steps - step);
    const given = batchesOf(step, count);
    const { learningRates } = given;
    const results = await training.run(given);
    pace.measured(results.milliseconds / count);
    await heard(step, { ...results, learningRates });
    step += count;
  }
}

async function nextState(
  state: FitState,
  record: EpochRecord,
  training: Training,
  metric: ValidationMetric | undefined,
): Promise<FitState> {
  const reached = await training.state();
  const history = [...state.history, record];
  const scores = scoresOf({ history }, metric);
  const better = state.bestEpoch === 0 || scores[scores.length - 1] < scores[state.bestEpoch - 1];
  return {
    training: reached,
    best: better ? judgedParameters(reached) : state.best,
    bestEpoch: better ? record.epoch : state.bestEpoch,
    history,
  };
}

/** The parameters that validation saw: the average of what is learned where there is one, and the statistics behind it. */
function judgedParameters({ parameters, memory }: TrainingState): Float32Array {
  const average = memory[averageName];
  if (average === undefined) return parameters;
  const judged = parameters.slice();
  judged.set(average);
  return judged;
}

/** What epochs are compared by; lower is better. */
function scoresOf({ history }: Pick<FitState, "history">, metric: ValidationMetric | undefined): number[] {
  if (!metric) return history.map(({ validationLoss }) => validationLoss);
  const sign = metric.better === "higher" ? -1 : 1;
  return history.map((record) => sign * (record.metric ?? Number.NaN));
}

function bestLoss({ history, bestEpoch }: FitState): number {
  return history[bestEpoch - 1].validationLoss;
}

function outOfPatience({ history, bestEpoch }: FitState, patience: number): boolean {
  return history.length - bestEpoch >= patience && history.length > 0;
}

function diverged(
  what: string,
  received: number,
  { epoch, step, rate }: { readonly epoch: number; readonly step: number; readonly rate: number },
  cause: string | null,
): PlatformError {
  return new PlatformError(
    "conflict",
    "TRAINING_DIVERGED",
    `training: expected a finite ${what}, received ${received} in epoch ${epoch}, step ${step}, at learning rate ${rate.toPrecision(3)}${cause === null ? "" : `; first of all ${cause}`}`,
  );
}

function invalid(expected: string, received: unknown): PlatformError {
  return new PlatformError(
    "input",
    "MODEL_OPTION_INVALID",
    `training: expected ${expected}, received ${received}`,
  );
}

/** A state of another model, of another optimiser, or judged by something else, cannot be continued. */
function requireSameModel(
  { training, best, history }: FitState,
  { spec, size, learnedSize }: TrainingProgram,
  metric: ValidationMetric | undefined,
): void {
  const vectors: Record<string, Float32Array> = {
    parameters: training.parameters,
    best,
    ...training.memory,
  };
  const expected: Record<string, number> = {
    parameters: size,
    best: size,
    ...Object.fromEntries(spec.optimiser.memory.map((name) => [name, learnedSize])),
  };
  const names = Object.keys(expected);
  const fits =
    names.every((name) => vectors[name]?.length === expected[name]) &&
    Object.keys(vectors).length === names.length;
  if (!fits) {
    const received = Object.entries(vectors).map(([name, { length }]) => `${name}[${length}]`);
    throw foreign(names.map((name) => `${name}[${expected[name]}]`).join(", "), received.join(", "));
  }
  const judged = history.every((record) => (record.metric === undefined) === (metric === undefined));
  if (!judged)
    throw foreign(
      metric ? `epochs judged by ${metric.name}` : "epochs judged by the validation loss",
      "others",
    );
}

function foreign(expected: string, received: string): PlatformError {
  return new PlatformError(
    "conflict",
    "ARTIFACT_CORRUPT",
    `checkpoint: expected ${expected}, received ${received}`,
  );
}

/** How many steps to run in one call: about 100 ms of work, so that progress moves and an interruption is heard. */
class Pace {
  steps = 1;

  measured(millisecondsPerStep: number): void {
    this.steps = stepsPerCall(millisecondsPerStep);
  }
}

function typesOf(data: Readonly<Record<string, TensorValue>>) {
  return Object.fromEntries(Object.entries(data).map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
}
