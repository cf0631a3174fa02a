/**
 * Two networks that learn against each other (Goodfellow et al. 2014): one makes samples from noise, the other tells them from real
 * ones. Each has an optimiser and a compiled training program of its own; in the other's program its parameters are frozen and put
 * there anew in every round.
 */
import {
  foldIn,
  type Key,
  PlatformError,
  type ProgressPort,
  throwIfAborted,
  uniform,
} from "../../base/index.ts";
import {
  adam,
  add,
  type BatchTensors,
  compileTraining,
  gather,
  initialState,
  type NamedParameter,
  neg,
  type Optimiser,
  type Pass,
  type Runtime,
  randomNormal,
  softplus,
  startTraining,
  type Tensor,
  type TensorValue,
  type Training,
  type TrainingProgram,
  type TrainingState,
  weightedMean,
} from "../../engine/index.ts";
import { requireSizes } from "../options.ts";

/** A network of the pair: from noise `[batch, ...noiseShape]` to samples, or from samples to logits of being real, `[batch]`. */
export interface GanNetwork {
  readonly parameters: readonly NamedParameter[];
  readonly apply: (x: Tensor, pass: Pass) => Tensor;
}

export interface GanOptions {
  readonly generator: GanNetwork;
  readonly discriminator: GanNetwork;
  /** Shape of one sample's noise. */
  readonly noiseShape: readonly number[];
  /** Real samples, float32 `[samples, ...]`. */
  readonly real: TensorValue;
  readonly batchSize: number;
  readonly rounds: number;
  /** Steps of the discriminator before each of the generator; 1 by default. */
  readonly discriminatorSteps?: number;
  /** Adam with beta1 0.5 for both by default (Radford et al. 2016). */
  readonly optimisers?: { readonly generator: Optimiser; readonly discriminator: Optimiser };
  /** 2e-4 for both by default (Radford et al. 2016). */
  readonly learningRates?: { readonly generator: number; readonly discriminator: number };
  /** Share of the averaged generator that a round keeps; 0.99 by default, 0 for the last generator itself. */
  readonly averageDecay?: number;
  /** Draws of samples and of noise follow from it. */
  readonly key: Key;
  readonly runtime: Runtime;
  /** Continues there. */
  readonly from?: GanState;
  /** Is given the state after every so many rounds, and after the last one. */
  readonly checkpoint?: { readonly every: number; readonly save: (state: GanState) => Promise<void> | void };
  readonly progress?: ProgressPort;
  readonly signal?: AbortSignal;
}

/** Everything that changes: enough to go on bit for bit. */
export interface GanState {
  /** Rounds done. */
  readonly round: number;
  readonly generator: TrainingState;
  readonly discriminator: TrainingState;
  /**
   * The generator's parameters averaged over the rounds: two networks that chase each other circle around what they look for, and the
   * average lies inside (Yazıcı et al. 2019). What samples are made with.
   */
  readonly average: Float32Array;
}

export interface GanResult {
  readonly state: GanState;
  /** One row per round of this call: mean loss of the discriminator's steps, loss of the generator's. */
  readonly history: readonly { readonly discriminatorLoss: number; readonly generatorLoss: number }[];
}

/**
 * Trains a pair of networks: the discriminator to make `log(1 + e^-D(x)) + log(1 + e^D(G(z)))` small, the generator `log(1 + e^-D(G(z)))`,
 * which does not saturate when it loses.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when a count is not a whole number of 1 or more
 * @throws PlatformError `ARTIFACT_CORRUPT` when the state to continue from is not one of these networks
 * @throws PlatformError `TRAINING_DIVERGED` when a loss is not finite any more
 * @throws PlatformError `INTERRUPTED` when the signal fires
 */
export async function trainGan(options: GanOptions): Promise<GanResult> {
  const { batchSize, rounds, discriminatorSteps = 1, key, runtime } = options;
  const { learningRates = { generator: 2e-4, discriminator: 2e-4 }, checkpoint, signal } = options;
  const { averageDecay = 0.99 } = options;
  if (!(averageDecay >= 0 && averageDecay < 1)) {
    const message = `gan: expected an averageDecay in [0, 1), received ${averageDecay}`;
    throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
  }
  requireSizes("gan", { batchSize, rounds, discriminatorSteps, every: checkpoint?.every ?? 1 });
  const programs = compileGan(options);
  const from = options.from ?? {
    round: 0,
    generator: initialState(programs.generator),
    discriminator: initialState(programs.discriminator),
    average: initialState(programs.generator).parameters,
  };
  requireSameNetworks(from, programs);
  const vector = (data: Float32Array): TensorValue => ({ dtype: "float32", shape: [data.length], data });
  const seedOf = (name: string) => foldIn(key, name).low >>> 0;
  const judging = await startTraining(runtime, programs.discriminator, {
    data: { real: options.real, generator: vector(from.generator.parameters) },
    seed: seedOf("discriminator"),
    from: from.discriminator,
  });
  let making: Training | undefined;
  const history: { discriminatorLoss: number; generatorLoss: number }[] = [];
  let round = from.round;
  const average = Float32Array.from(from.average);
  const state = async (): Promise<GanState> => ({
    round,
    generator: await (making as Training).state(),
    discriminator: await judging.state(),
    average: average.slice(),
  });
  try {
    making = await startTraining(runtime, programs.generator, {
      data: { discriminator: vector(from.discriminator.parameters) },
      seed: seedOf("generator"),
      from: from.generator,
    });
    const samples = options.real.shape[0];
    while (round < rounds) {
      throwIfAborted(signal, "training");
      const drawn = uniform(
        foldIn(foldIn(key, "samples"), round),
        discriminatorSteps * batchSize,
        0,
        samples,
      );
      const judged = await judging.run({
        learningRates: new Float32Array(discriminatorSteps).fill(learningRates.discriminator),
        indices: BigInt64Array.from(drawn, (place) => BigInt(Math.floor(place))),
        weights: new Float32Array(drawn.length).fill(1),
      });
      await making.replace("discriminator", vector(await judging.parameters()));
      const made = await making.run({
        learningRates: Float32Array.of(learningRates.generator),
        indices: new BigInt64Array(batchSize),
        weights: new Float32Array(batchSize).fill(1),
      });
      const next = await making.parameters();
      await judging.replace("generator", vector(next));
      next.forEach((value, i) => {
        average[i] = averageDecay * average[i] + (1 - averageDecay) * value;
      });
      round++;
      const record = {
        discriminatorLoss: judged.losses.reduce((a, b) => a + b, 0) / discriminatorSteps,
        generatorLoss: made.losses[0],
      };
      if (!Number.isFinite(record.discriminatorLoss + record.generatorLoss)) throw diverged(round, record);
      history.push(record);
      options.progress?.report({
        stage: "train",
        done: round,
        total: rounds,
        unit: "rounds",
        message: "two networks against each other",
        values: record,
      });
      if (checkpoint && (round % checkpoint.every === 0 || round === rounds))
        await checkpoint.save(await state());
    }
    return { state: await state(), history };
  } finally {
    await making?.release();
    await judging.release();
  }
}

function compileGan({
  generator,
  discriminator,
  noiseShape,
  real,
  batchSize,
  optimisers,
  runtime,
}: GanOptions): {
  readonly generator: TrainingProgram;
  readonly discriminator: TrainingProgram;
} {
  const draw = ({ indices, pass }: BatchTensors): Tensor => {
    if (!pass.seed) throw new Error("broken rule: a training pass has a seed");
    return generator.apply(randomNormal(pass.seed, [indices.shape[0], ...noiseShape], noiseSalt), pass);
  };
  const packed = ({ parameters }: GanNetwork) => {
    const size = parameters.reduce((total, { parameter }) => total + parameter.value.length, 0);
    return { dtype: "float32" as const, shape: [size] };
  };
  return {
    generator: compileTraining({
      parameters: generator.parameters,
      frozen: { discriminator: discriminator.parameters },
      data: { discriminator: packed(discriminator) },
      batchSize,
      threads: runtime.threads,
      optimiser: optimisers?.generator ?? adam({ beta1: 0.5 }),
      loss: (batch) =>
        weightedMean(softplus(neg(discriminator.apply(draw(batch), batch.pass))), batch.weights),
    }),
    discriminator: compileTraining({
      parameters: discriminator.parameters,
      frozen: { generator: generator.parameters },
      data: { real: { dtype: real.dtype, shape: real.shape }, generator: packed(generator) },
      batchSize,
      threads: runtime.threads,
      optimiser: optimisers?.discriminator ?? adam({ beta1: 0.5 }),
      loss: (batch) => {
        const ofReal = discriminator.apply(gather(batch.data.real, batch.indices), batch.pass);
        const ofMade = discriminator.apply(draw(batch), batch.pass);
        return weightedMean(add(softplus(neg(ofReal)), softplus(ofMade)), batch.weights);
      },
    }),
  };
}

/** Far from the salts of the networks' own layers. */
const noiseSalt = 2 ** 21;

/** A state of other networks, or of other optimisers, cannot be continued. */
function requireSameNetworks(from: GanState, programs: ReturnType<typeof compileGan>): void {
  for (const name of ["generator", "discriminator"] as const) {
    const sizes = ({ parameters, memory }: TrainingState) =>
      Object.entries({ parameters, ...memory })
        .map(([field, { length }]) => `${field}[${length}]`)
        .join(", ");
    const [expected, received] = [sizes(initialState(programs[name])), sizes(from[name])];
    if (expected === received) continue;
    const message = `gan: expected a state whose ${name} has ${expected}, received ${received}`;
    throw new PlatformError("conflict", "ARTIFACT_CORRUPT", message);
  }
}

function diverged(
  round: number,
  { discriminatorLoss, generatorLoss }: { discriminatorLoss: number; generatorLoss: number },
): PlatformError {
  return new PlatformError(
    "conflict",
    "TRAINING_DIVERGED",
    `gan: expected finite losses, received ${discriminatorLoss} of the discriminator and ${generatorLoss} of the generator in round ${round}`,
  );
}
