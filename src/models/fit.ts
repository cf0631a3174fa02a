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
  type BatchTensors,
  compileTraining,
  initialState,
  input,
  type NamedParameter,
  type Optimiser,
  type Runtime,
  type Schedule,
  startTraining,
  type Tensor,
  type TensorValue,
  type Training,
  type TrainingProgram,
  toOnnx,
  traceGraph,
  viewsOf,
} from "../engine/index.ts";
import { type CheckpointStore, type EpochRecord, type FitState, noCheckpoints } from "./checkpoint.ts";

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
  readonly batchSize: number;
  readonly epochs: number;
  /** Epochs without a better validation loss after which training stops. */
  readonly patience: number;
  readonly clipNorm?: number;
  /** Order of samples and everything random in the model follow from it. */
  readonly key: Key;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly progress?: ProgressPort;
  readonly signal?: AbortSignal;
  readonly checkpoints?: CheckpointStore;
}

export interface FitResult {
  /** The parameters of the best epoch by validation loss, packed. */
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
 * Trains until the validation loss stops falling, and returns the parameters of the best epoch.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when there is nothing to learn from or to stop by, or a count is not 1 or more
 * @throws PlatformError `TRAINING_DIVERGED` when the loss or the gradient is not finite any more; the last checkpoint is kept
 * @throws PlatformError `ARTIFACT_CORRUPT` when the checkpoint is not one of this model
 * @throws PlatformError `INTERRUPTED` when the signal fires; the last checkpoint is kept
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  const { train, validation, batchSize, epochs, patience, key, runtime, clock, signal } = options;
  for (const [name, value] of Object.entries({ batchSize, epochs, patience })) {
    if (!(Number.isSafeInteger(value) && value >= 1)) throw invalid(`${name} of 1 or more`, value);
  }
  for (const [name, samples] of Object.entries({ train, validation })) {
    if (samples.length === 0) throw invalid(`at least one ${name} sample`, "none");
  }
  const checkpoints = options.checkpoints ?? noCheckpoints;
  const started = clock.elapsed();
  const program = compileTraining({ ...options, data: typesOf(options.data) });
  const stored = await checkpoints.load();
  if (stored) requireSameModel(stored, program);
  let state: FitState = stored ?? {
    training: initialState(program),
    best: initialState(program).parameters,
    bestEpoch: 0,
    history: [],
  };

  const training = await startTraining(runtime, program, {
    data: options.data,
    seed: foldIn(key, "graph").low >>> 0,
    from: state.training,
  });
  let judge: Judge | undefined;
  const stepsPerEpoch = Math.ceil(train.length / batchSize);
  const rateOf = options.schedule(stepsPerEpoch * epochs);
  const pace = new Pace();

  try {
    judge = await loadJudge(options, training);
    while (state.history.length < epochs && !outOfPatience(state, patience)) {
      const epoch = state.history.length + 1;
      const order = permutation(foldIn(foldIn(key, "shuffle"), epoch), train.length).map(
        (place) => train[place],
      );
      let lossTotal = 0;
      let normTotal = 0;
      for (let step = 0; step < stepsPerEpoch; ) {
        throwIfAborted(signal, "training");
        const count = Math.min(pace.steps, stepsPerEpoch - step);
        const first = (epoch - 1) * stepsPerEpoch + step;
        const learningRates = Float32Array.from({ length: count }, (_, i) => rateOf(first + i));
        const { losses, gradientNorms, milliseconds } = await training.run({
          learningRates,
          ...batches(order, step * batchSize, count * batchSize),
        });
        pace.measured(milliseconds / count);
        for (let i = 0; i < count; i++) {
          const place = { epoch, step: first + i + 1, rate: learningRates[i] };
          if (!Number.isFinite(losses[i])) throw diverged("loss", losses[i], place);
          if (!Number.isFinite(gradientNorms[i])) throw diverged("gradient norm", gradientNorms[i], place);
          lossTotal += losses[i];
          normTotal += gradientNorms[i];
        }
        step += count;
        options.progress?.report({
          stage: "train",
          done: (epoch - 1) * stepsPerEpoch + step,
          total: epochs * stepsPerEpoch,
          unit: "steps",
          message: `epoch ${epoch} of at most ${epochs}`,
          values: { loss: lossTotal / step, ...(state.bestEpoch > 0 ? { validation: bestLoss(state) } : {}) },
        });
      }
      const record: EpochRecord = {
        epoch,
        trainLoss: lossTotal / stepsPerEpoch,
        validationLoss: await judge(validation),
        learningRate: rateOf(epoch * stepsPerEpoch - 1),
        gradientNorm: normTotal / stepsPerEpoch,
      };
      if (!Number.isFinite(record.validationLoss)) {
        const place = { epoch, step: epoch * stepsPerEpoch, rate: record.learningRate };
        throw diverged("validation loss", record.validationLoss, place);
      }
      state = await nextState(state, record, training);
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

async function nextState(state: FitState, record: EpochRecord, training: Training): Promise<FitState> {
  const reached = await training.state();
  const better = state.bestEpoch === 0 || record.validationLoss < bestLoss(state);
  return {
    training: reached,
    best: better ? reached.parameters : state.best,
    bestEpoch: better ? record.epoch : state.bestEpoch,
    history: [...state.history, record],
  };
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
): PlatformError {
  return new PlatformError(
    "conflict",
    "TRAINING_DIVERGED",
    `training: expected a finite ${what}, received ${received} in epoch ${epoch}, step ${step}, at learning rate ${rate.toPrecision(3)}`,
  );
}

function invalid(expected: string, received: unknown): PlatformError {
  return new PlatformError(
    "input",
    "MODEL_OPTION_INVALID",
    `training: expected ${expected}, received ${received}`,
  );
}

/** A state of another model, or of another optimiser, cannot be continued. */
function requireSameModel({ training, best }: FitState, { spec, size, learnedSize }: TrainingProgram): void {
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
  if (fits) return;
  const received = Object.entries(vectors).map(([name, { length }]) => `${name}[${length}]`);
  throw new PlatformError(
    "conflict",
    "ARTIFACT_CORRUPT",
    `checkpoint: expected ${names.map((name) => `${name}[${expected[name]}]`).join(", ")}, received ${received.join(", ")}`,
  );
}

/** Sample numbers `from` to `from + count` of an order; past its end, samples of weight 0 fill the last batch. */
function batches(
  order: Int32Array,
  from: number,
  count: number,
): { indices: BigInt64Array; weights: Float32Array } {
  const indices = new BigInt64Array(count);
  const weights = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const real = from + i < order.length;
    indices[i] = BigInt(order[real ? from + i : 0]);
    weights[i] = real ? 1 : 0;
  }
  return { indices, weights };
}

/** How many steps to run in one call: about 100 ms of work, so that progress moves and an interruption is heard. */
class Pace {
  steps = 1;

  measured(millisecondsPerStep: number): void {
    this.steps = Math.max(1, Math.min(256, Math.round(100 / millisecondsPerStep)));
  }
}

type Judge = ((samples: Int32Array) => Promise<number>) & { release(): Promise<void> };

/** The loss without dropout over given samples, at the parameters that the worker holds now. */
async function loadJudge(
  { parameters, data, loss, runtime }: FitOptions,
  training: Training,
): Promise<Judge> {
  const batchSize = 256;
  const size = parameters.reduce((total, { parameter }) => total + parameter.value.length, 0);
  const columns = Object.entries(typesOf(data)).map(
    ([name, { dtype, shape }]) => [name, input(`data_${name}`, shape, dtype)] as const,
  );
  const value = loss({
    data: Object.fromEntries(columns),
    indices: input("indices", [batchSize], "int64"),
    weights: input("weights", [batchSize]),
    pass: { mode: "inference", seed: null },
  });
  const graph = traceGraph(
    { loss: value },
    {
      replace: viewsOf(
        input("parameters", [size]),
        parameters.map(({ parameter }) => parameter),
      ),
    },
  );
  const session = await runtime.load(toOnnx(graph));
  const judge = async (samples: Int32Array): Promise<number> => {
    let total = 0;
    for (let from = 0; from < samples.length; from += batchSize) {
      const { indices, weights } = batches(samples, from, batchSize);
      const { outputs } = await session.run({
        feeds: {
          ...training.slots,
          indices: { dtype: "int64", shape: [batchSize], data: indices },
          weights: { dtype: "float32", shape: [batchSize], data: weights },
        },
        fetch: ["loss"],
      });
      total += (outputs.loss.data[0] as number) * Math.min(batchSize, samples.length - from);
    }
    return total / samples.length;
  };
  return Object.assign(judge, { release: () => session.release() });
}

function typesOf(data: Readonly<Record<string, TensorValue>>) {
  return Object.fromEntries(Object.entries(data).map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
}
