/**
 * How a model becomes a training graph.
 *
 * The model is traced once on a batch: forward pass, loss, gradients (`gradient.ts`), clipping and the optimiser's update are all
 * tensors of one graph, whose outputs are the next parameters. The parameters live in one vector `[size]` that the graph cuts into
 * the model's arrays and puts together again. `toOnnxLoop` wraps the graph in an ONNX `Loop`, so that one call of ONNX Runtime
 * runs many steps; the data set stays in the worker and every step gathers its own batch by index.
 */
import { gradient } from "./gradient.ts";
import { type Graph, type NamedParameter, traceGraph } from "./graph.ts";
import type { Pass } from "./layers/layer.ts";
import { toOnnxLoop } from "./onnx/model.ts";
import { add, cast, concat, flatten, reshape, split } from "./operations.ts";
import { clipByNorm, type Optimiser } from "./optimisers.ts";
import type { Runtime, TensorValue } from "./runtime/runtime.ts";
import { formatShape, mismatch, staticSize, type TensorType } from "./shape.ts";
import { input, inputName, type Parameter, type Tensor } from "./tensor.ts";

/** What the loss of one batch is made from. */
export interface BatchTensors {
  /** The whole data set by column, as it was put into the worker. */
  readonly data: Readonly<Record<string, Tensor>>;
  /** Which samples this batch holds, int64 `[batch]`. */
  readonly indices: Tensor;
  /** Weight of each sample, float32 `[batch]`; 0 for the padding of a last, smaller batch. */
  readonly weights: Tensor;
  readonly pass: Pass;
}

export interface TrainingSpec {
  readonly parameters: readonly NamedParameter[];
  readonly data: Readonly<Record<string, TensorType>>;
  readonly batchSize: number;
  /** The scalar that training makes small. */
  readonly loss: (batch: BatchTensors) => Tensor;
  readonly optimiser: Optimiser;
  /** Largest length of the gradient; infinite for no clipping. */
  readonly clipNorm?: number;
}

/** A compiled training graph. */
export interface TrainingProgram {
  /** The ONNX model of the loop. */
  readonly model: Uint8Array;
  /** The graph of one step, which the loop repeats; `printGraph` shows it. */
  readonly body: Graph;
  readonly spec: TrainingSpec;
  /** Number of learned values. */
  readonly size: number;
  /** What the graph reads; a loss need not use everything that it is offered. */
  readonly inputs: ReadonlySet<string>;
}

/** Everything that changes in training: enough to go on bit for bit. */
export interface TrainingState {
  /** `[size]`. */
  readonly parameters: Float32Array;
  /** By the optimiser's names, `[size]` each. */
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
  /** Time inside ONNX Runtime, for all steps. */
  readonly milliseconds: number;
}

/** Traces a training step and compiles it. */
export function compileTraining(spec: TrainingSpec): TrainingProgram {
  const { parameters, optimiser, batchSize } = spec;
  const size = parameters.reduce((total, { parameter }) => total + staticSize(parameter.shape), 0);
  const scalar = (name: string) => input(name, []);
  const data = Object.fromEntries(
    Object.entries(spec.data).map(([name, { shape, dtype }]) => [name, input(`data_${name}`, shape, dtype)]),
  );
  const seed = input("seed", [], "uint32");
  const step = scalar("step");
  const flat = input("parameters", [size]);
  const memory = optimiser.memory.map((name) => input(`memory_${name}`, [size]));

  const nextStep = add(step, 1);
  const loss = spec.loss({
    data,
    indices: input("indices", [batchSize], "int64"),
    weights: input("weights", [batchSize]),
    pass: { mode: "training", seed: add(seed, cast(step, "uint32")) },
  });
  if (loss.shape.length !== 0)
    throw mismatch(`training: expected a scalar loss, received shape ${formatShape(loss.shape)}`);

  const gradients = gradient(
    loss,
    parameters.map(({ parameter }) => parameter),
  );
  const { gradient: clipped, norm } = clipByNorm(
    concat(gradients.map(flatten)),
    spec.clipNorm ?? Number.POSITIVE_INFINITY,
  );
  const next = optimiser.update({
    parameters: flat,
    gradient: clipped,
    memory,
    learningRate: scalar("learning_rate"),
    step: nextStep,
  });

  const carriedMemory = optimiser.memory.map((name) => ({
    input: `memory_${name}`,
    output: `next_memory_${name}`,
  }));
  const body = traceGraph(
    {
      next_parameters: next.parameters,
      next_step: nextStep,
      loss,
      gradient_norm: norm,
      ...Object.fromEntries(carriedMemory.map(({ output }, i) => [output, next.memory[i]])),
    },
    {
      replace: viewsOf(
        flat,
        parameters.map(({ parameter }) => parameter),
      ),
    },
  );
  const model = toOnnxLoop({
    body,
    carried: [
      { input: "parameters", output: "next_parameters" },
      ...carriedMemory,
      { input: "step", output: "next_step" },
    ],
    perStep: ["learning_rate", "indices", "weights"],
    collected: ["loss", "gradient_norm"],
  });
  return { model, body, spec, size, inputs: new Set(["steps", ...body.inputs.map(inputName)]) };
}

/** The model's arrays as views of one vector: what stands for each parameter in a graph that is fed all of them at once. */
export function viewsOf(flat: Tensor, parameters: readonly Parameter[]): Map<Tensor, Tensor> {
  const parts = split(
    flat,
    0,
    parameters.map((parameter) => staticSize(parameter.shape)),
  );
  return new Map(parameters.map((parameter, i) => [parameter, reshape(parts[i], parameter.shape)]));
}

/** The initial values of a model's parameters behind each other. */
export function packParameters(parameters: readonly NamedParameter[]): Float32Array {
  const packed = new Float32Array(
    parameters.reduce((total, { parameter }) => total + parameter.value.length, 0),
  );
  let offset = 0;
  for (const { parameter } of parameters) {
    packed.set(parameter.value, offset);
    offset += parameter.value.length;
  }
  return packed;
}

/** The arrays of a packed vector, by name; each shares the vector's memory. */
export function unpackParameters(
  parameters: readonly NamedParameter[],
  packed: Float32Array,
): { readonly name: string; readonly parameter: Parameter; readonly values: Float32Array }[] {
  let offset = 0;
  return parameters.map(({ name, parameter }) => {
    const values = packed.subarray(offset, offset + parameter.value.length);
    offset += parameter.value.length;
    return { name, parameter, values };
  });
}

/** A training run in a worker: data set, parameters and the optimiser's memory live there until they are asked for. */
export interface Training {
  /** Slots of the worker: `parameters` as they are now, and `data_...` for each column of the data set. */
  readonly slots: Readonly<Record<string, string>>;
  run(batches: StepBatches): Promise<StepResults>;
  state(): Promise<TrainingState>;
  /** The parameters only, `[size]`. */
  parameters(): Promise<Float32Array>;
  release(): Promise<void>;
}

/** The state before the first step. */
export function initialState({ spec, size }: TrainingProgram): TrainingState {
  return {
    parameters: packParameters(spec.parameters),
    memory: Object.fromEntries(spec.optimiser.memory.map((name) => [name, new Float32Array(size)])),
    step: 0,
  };
}

/**
 * Loads a program into a worker and starts it from a state.
 *
 * @param data one value per column of the spec; copied into the worker
 * @param seed uint32: everything random in the graph follows from it and the step
 */
export async function startTraining(
  runtime: Runtime,
  program: TrainingProgram,
  options: {
    readonly data: Readonly<Record<string, TensorValue>>;
    readonly seed: number;
    readonly from?: TrainingState;
  },
): Promise<Training> {
  const { spec, size, model, inputs } = program;
  const { parameters, memory, step } = options.from ?? initialState(program);
  const session = await runtime.load(model);
  const vector = (data: Float32Array): TensorValue => ({ dtype: "float32", shape: [size], data });
  // Slots have names of their own, so that one worker can hold several trainings.
  const feeds: Record<string, string> = {};
  const store = async (name: string, value: TensorValue) => {
    feeds[name] = runtime.slot(name);
    await runtime.put(feeds[name], value, { copy: true });
  };
  await store("parameters", vector(parameters));
  await store("step", { dtype: "float32", shape: [], data: Float32Array.of(step) });
  await store("seed", { dtype: "uint32", shape: [], data: Uint32Array.of(options.seed) });
  for (const name of spec.optimiser.memory) await store(`memory_${name}`, vector(memory[name]));
  for (const name of Object.keys(spec.data)) await store(`data_${name}`, options.data[name]);
  const carried = ["parameters", "step", ...spec.optimiser.memory.map((name) => `memory_${name}`)];
  const keep = Object.fromEntries(carried.map((name) => [`next_${name}`, feeds[name]]));

  return {
    slots: feeds,
    async run({ learningRates, indices, weights }) {
      const steps = learningRates.length;
      const shape = [steps, spec.batchSize];
      const offered: Record<string, TensorValue | string> = {
        ...feeds,
        steps: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) },
        learning_rate: { dtype: "float32", shape: [steps], data: learningRates },
        indices: { dtype: "int64", shape, data: indices },
        weights: { dtype: "float32", shape, data: weights },
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
    async state() {
      const read = async (name: string) => (await runtime.get(feeds[name])).data as Float32Array;
      const remembered = spec.optimiser.memory.map(
        async (name) => [name, await read(`memory_${name}`)] as const,
      );
      return {
        parameters: await read("parameters"),
        memory: Object.fromEntries(await Promise.all(remembered)),
        step: (await read("step"))[0],
      };
    },
    parameters: async () => (await runtime.get(feeds.parameters)).data as Float32Array,
    async release() {
      await session.release();
      await runtime.drop(...Object.values(feeds));
    },
  };
}
