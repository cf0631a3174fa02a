/** A compiled training in worker threads: the parameters, what the optimiser remembers and the data set live there. */
import { invariant, PlatformError } from "../../base/index.ts";
import { countFor, indexRanges, outside, wholeNumbers } from "../index-ranges.ts";
import { averageName } from "../optimisers.ts";
import type { Runtime, Session, ShardRun, SharedTraining, TensorValue } from "../runtime/runtime.ts";
import { formatShape, mismatch, sameShape } from "../shape.ts";
import { carriedNames, graphNames } from "./names.ts";
import { packParameters } from "./packing.ts";
import { samplesGraph, type TrainingProgram } from "./program.ts";

/** Everything that changes in training: enough to go on bit for bit. */
export interface TrainingState {
  /** `[size]`. */
  readonly parameters: Float32Array;
  /** By the optimiser's names, one value for each learned one. */
  readonly memory: Readonly<Record<string, Float32Array>>;
  /** Steps done. */
  readonly step: number;
}

/** Several steps to run in one call. */
export interface StepBatches {
  readonly learningRates: Float32Array;
  /** `[steps * batchSize]`. */
  readonly indices: BigInt64Array;
  readonly weights: Float32Array;
}

export interface StepResults {
  readonly losses: Float32Array;
  readonly gradientNorms: Float32Array;
  /** Time inside the worker, for all steps. */
  readonly milliseconds: number;
}

/** A training run: data set, parameters and the optimiser's memory stay in its worker until they are asked for. */
export interface Training {
  /** Slots of the runtime's worker: `parameters` as they are now, and `data_...` for each column of the data set. */
  readonly slots: Readonly<Record<string, string>>;
  /**
   * @throws PlatformError `INDEX_OUT_OF_RANGE` when an index names a row that a column which it is looked up in does not have
   * @throws PlatformError `MODEL_OPTION_INVALID` when a learning rate is not a number of 0 or more
   */
  run(batches: StepBatches): Promise<StepResults>;
  /** Puts another value of the same type in the place of a column of the data set, from the next step on. */
  replace(column: string, value: TensorValue): Promise<void>;
  state(): Promise<TrainingState>;
  /** The parameters only, `[size]`. */
  parameters(): Promise<Float32Array>;
  release(): Promise<void>;
}

/** The state before the first step. */
export function initialState({ spec, learnedSize }: TrainingProgram): TrainingState {
  return {
    parameters: packParameters(spec.parameters),
    memory: Object.fromEntries(spec.optimiser.memory.map((name) => [name, new Float32Array(learnedSize)])),
    step: 0,
  };
}

export interface StartOptions {
  /** One value per column of the spec; copied into the worker. */
  readonly data: Readonly<Record<string, TensorValue>>;
  /** uint32: everything random in the graph follows from it and the step. */
  readonly seed: number;
  readonly from?: TrainingState;
}

/** The values that one call of `run` needs beside what the worker holds. */
interface Call extends StepBatches {
  readonly steps: number;
  /** By name, one value per step. */
  readonly settings: Readonly<Record<string, Float32Array>>;
  /** uint32, one per step. */
  readonly seeds: Uint32Array;
}

interface Engine {
  readonly slots: Readonly<Record<string, string>>;
  /** A copy of what travels from step to step, by the name of its input. */
  read(name: string): Promise<Float32Array>;
  run(call: Call): Promise<StepResults>;
  /** Stores a value in the slot of that name of every worker that takes part. */
  put(name: string, value: TensorValue): Promise<void>;
  release(): Promise<void>;
}

/** Loads a program into the runtime's workers and starts it from a state. */
export async function startTraining(
  runtime: Runtime,
  program: TrainingProgram,
  options: StartOptions,
): Promise<Training> {
  const { optimiser } = program.spec;
  const from = options.from ?? initialState(program);
  const engine = await (program.plan.kind === "loop" ? startLoop : startShards)(runtime, program, {
    ...options,
    from,
  });
  const rows = countFor(indexRanges(samplesGraph(program)), "indices");
  let done = from.step;
  return {
    slots: engine.slots,
    async run(batches) {
      requireRates(batches.learningRates);
      if (Number.isFinite(rows)) requireRows(batches.indices, rows);
      const steps = batches.learningRates.length;
      const first = done;
      const values = Array.from(batches.learningRates, (rate, i) =>
        optimiser.settingsAt(first + i + 1, rate),
      );
      const settings = Object.fromEntries(
        optimiser.settings.map((name, place) => [
          graphNames.setting(name),
          Float32Array.from(values, (row) => row[place]),
        ]),
      );
      const seeds = Uint32Array.from({ length: steps }, (_, i) => options.seed + first + i);
      const results = await engine.run({ ...batches, steps, settings, seeds });
      done = first + steps;
      return results;
    },
    async replace(column, value) {
      const type = program.spec.data[column];
      if (!type || type.dtype !== value.dtype || !sameShape(type.shape, value.shape)) {
        const expected = type
          ? `${type.dtype}${formatShape(type.shape)}`
          : Object.keys(program.spec.data).join(" or ");
        throw mismatch(
          `training: ${column}: expected ${expected}, received ${value.dtype}${formatShape(value.shape)}`,
        );
      }
      await engine.put(graphNames.data(column), value);
    },
    async state() {
      const remembered = optimiser.memory.map(
        async (name) => [name, await engine.read(graphNames.memory(name))] as const,
      );
      return {
        parameters: await engine.read("parameters"),
        memory: Object.fromEntries(await Promise.all(remembered)),
        step: done,
      };
    },
    parameters: () => engine.read("parameters"),
    release: () => engine.release(),
  };
}

function requireRates(rates: Float32Array): void {
  const wrong = rates.findIndex((rate) => !(rate >= 0 && Number.isFinite(rate)));
  if (wrong < 0) return;
  const message = `training: learningRates[${wrong}]: expected a finite number of 0 or more, received ${rates[wrong]}`;
  throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
}

function requireRows(indices: BigInt64Array, rows: number): void {
  const numbers = wholeNumbers(indices);
  for (let i = 0; i < indices.length; i++)
    if (!numbers.isBelow(i, rows)) throw outside("training", `indices[${i}]`, rows, indices[i]);
}

async function startLoop(
  runtime: Runtime,
  program: TrainingProgram,
  options: Required<StartOptions>,
): Promise<Engine> {
  const { spec, plan } = program;
  invariant(plan.kind === "loop", "a loop is started from its plan");
  const { model, inputs } = plan.step;
  const session = await runtime.load(model, plan.small ? { threads: 1 } : {});
  const slots = await fillSlots(runtime, program, options);
  const keep = Object.fromEntries(
    carriedNames(spec.optimiser).map((name) => [graphNames.next(name), slots[name]]),
  );
  return {
    slots,
    async run({ steps, settings, seeds, indices, weights }) {
      const perStep = (
        data: Float32Array | Uint32Array | BigInt64Array,
        ...shape: number[]
      ): TensorValue => ({
        dtype: data instanceof Float32Array ? "float32" : data instanceof Uint32Array ? "uint32" : "int64",
        shape: [steps, ...shape],
        data,
      });
      const offered: Record<string, TensorValue | string> = {
        ...slots,
        seed: perStep(seeds),
        indices: perStep(indices, spec.batchSize),
        weights: perStep(weights, spec.batchSize),
        ...Object.fromEntries(Object.entries(settings).map(([name, values]) => [name, perStep(values)])),
      };
      const { outputs, milliseconds } = await session.run({
        feeds: Object.fromEntries(Object.entries(offered).filter(([name]) => inputs.has(name))),
        keep,
        fetch: ["loss", "gradient_norm"],
      });
      return {
        losses: outputs.loss.data as Float32Array,
        gradientNorms: outputs.gradient_norm.data as Float32Array,
        milliseconds: milliseconds[0],
      };
    },
    read: async (name) => (await runtime.get(slots[name])).data as Float32Array,
    put: (name, value) => runtime.put(slots[name], value, { copy: true }),
    async release() {
      await session.release();
      await runtime.drop(...Object.values(slots));
    },
  };
}

/** One worker's part of a sharded training. */
interface Participant {
  readonly runtime: Runtime;
  readonly gradient: Session;
  readonly update: Session;
  readonly slots: Readonly<Record<string, string>>;
  /** The shards that it works on, and the blocks of parameters that it moves. */
  readonly ranks: readonly number[];
  readonly blocks: readonly number[];
  readonly mirrored: readonly string[];
}

async function startShards(
  runtime: Runtime,
  program: TrainingProgram,
  options: Required<StartOptions>,
): Promise<Engine> {
  const { spec, size, learnedSize, plan } = program;
  invariant(plan.kind === "shards", "shards are started from their plan");
  const { shards, rows, gradient, update, block, perValue } = plan;
  const workers = [runtime, ...runtime.peers(Math.min(shards, runtime.threads) - 1)];
  const threads = Math.max(1, Math.floor(runtime.threads / workers.length));
  const blocks = Math.ceil(learnedSize / block);
  const carried = carriedNames(spec.optimiser);
  // What a judge of the training reads, in the worker that it uses.
  const mirrored = [graphNames.memory(averageName)].filter((name) => carried.includes(name));
  const turns = (count: number, place: number) =>
    Array.from({ length: count }, (_, i) => i).filter((i) => i % workers.length === place);
  const participants = await Promise.all(
    workers.map(
      async (worker, place): Promise<Participant> => ({
        runtime: worker,
        gradient: await worker.load(gradient.model, { threads }),
        update: await worker.load(update.model, { threads: 1 }),
        slots: await fillSlots(worker, program, options, ["parameters", ...(place === 0 ? mirrored : [])]),
        ranks: turns(shards, place),
        blocks: turns(blocks, place),
        mirrored: place === 0 ? mirrored : [],
      }),
    ),
  );
  const shared: SharedTraining = {
    gradients: new SharedArrayBuffer(shards * size * Float32Array.BYTES_PER_ELEMENT),
    totals: new SharedArrayBuffer(shards * 2 * Float32Array.BYTES_PER_ELEMENT),
    squares: new SharedArrayBuffer(blocks * Float64Array.BYTES_PER_ELEMENT),
    carried: carried.map((name) => sharedBlocks(carriedFrom(options.from, name), blocks * block)),
    perValue: Object.fromEntries(
      Object.entries(perValue).map(([name, values]) => [name, sharedBlocks(values, blocks * block)]),
    ),
    meeting: new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT),
  };
  const meeting = new Int32Array(shared.meeting);
  const inputs = { gradient: [...gradient.inputs], update: [...update.inputs] };
  return {
    slots: participants[0].slots,
    async read(name) {
      // Statistics are in every worker alike, behind what is learned.
      if (name === "parameters")
        return (await runtime.get(participants[0].slots["parameters"])).data as Float32Array;
      return new Float32Array(shared.carried[carried.indexOf(name)]).slice(0, learnedSize);
    },
    async run({ steps, settings, seeds, indices, weights }) {
      meeting.fill(0);
      const cut = cutBatches({ steps, indices, weights }, spec.batchSize, shards * rows);
      const calls = participants.map((participant) => {
        const { runtime: worker, ...part } = participant;
        const sizes = { size, learnedSize, shards, rows, steps, workers: workers.length, block };
        const given = { inputs, carried, shared, settings, seeds };
        const call: ShardRun = { ...part, ...sizes, ...cut, ...given };
        return worker.runShards(call).catch((error: unknown) => {
          // The others wait for this one; let them go.
          Atomics.store(meeting, 1, 1);
          Atomics.notify(meeting, 0);
          throw error;
        });
      });
      const outcomes = await Promise.allSettled(calls);
      const failures = outcomes.flatMap((o) => (o.status === "rejected" ? [o.reason as Error] : []));
      // The first to fail says why; the others only say that they were left.
      if (failures.length > 0)
        throw failures.find(({ message }) => !message.includes(leftAlone)) ?? failures[0];
      const [first] = outcomes;
      if (first.status === "rejected") throw first.reason;
      return first.value;
    },
    async put(name, value) {
      for (const { runtime: worker, slots } of participants)
        await worker.put(slots[name], value, { copy: true });
    },
    async release() {
      for (const { runtime: worker, gradient: one, update: other, slots } of participants) {
        await one.release();
        await other.release();
        await worker.drop(...Object.values(slots));
      }
    },
  };
}

/** What a worker says when another one of the same step has failed. */
const leftAlone = "another shard of this step failed";

/** The first values of a state vector, with room for whole blocks. */
function sharedBlocks(values: Float32Array, length: number): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT);
  new Float32Array(shared).set(values.subarray(0, length));
  return shared;
}

/** What a state has of an input that travels from step to step. */
function carriedFrom({ parameters, memory }: TrainingState, name: string): Float32Array {
  return name === "parameters" ? parameters : memory[name.slice(graphNames.memory("").length)];
}

/**
 * Stores the state and the data set in a worker. Slots have names of their own, so that one worker can hold several trainings.
 *
 * @param carried what is stored of the state; all of it unless given
 */
export async function fillSlots(
  runtime: Runtime,
  { spec }: TrainingProgram,
  { data, from }: Required<StartOptions>,
  carried: readonly string[] = carriedNames(spec.optimiser),
): Promise<Record<string, string>> {
  const values: [string, TensorValue][] = [
    ...carried.map((name): [string, TensorValue] => {
      const vector = carriedFrom(from, name);
      return [name, { dtype: "float32", shape: [vector.length], data: vector }];
    }),
    ...Object.keys(spec.data).map((name): [string, TensorValue] => [graphNames.data(name), data[name]]),
  ];
  const slots = Object.fromEntries(values.map(([name]) => [name, runtime.slot(name)]));
  for (const [name, value] of values) await runtime.put(slots[name], value, { copy: true });
  return slots;
}

/** Every step's samples with room for whole shards; what is added has weight 0. */
function cutBatches(
  { steps, indices, weights }: { steps: number; indices: BigInt64Array; weights: Float32Array },
  batchSize: number,
  padded: number,
): { indices: BigInt64Array; weights: Float32Array } {
  if (padded === batchSize) return { indices, weights };
  const cut = { indices: new BigInt64Array(steps * padded), weights: new Float32Array(steps * padded) };
  for (let step = 0; step < steps; step++) {
    const [from, end] = [step * batchSize, (step + 1) * batchSize];
    cut.indices.set(indices.subarray(from, end), step * padded);
    cut.weights.set(weights.subarray(from, end), step * padded);
  }
  return cut;
}
