/**
 * How a model becomes a training graph.
 *
 * The model is traced once on a batch: forward pass, loss, gradients (`gradient.ts`), clipping and the optimiser's update are all
 * tensors of one graph, whose outputs are the next parameters. The parameters live in one vector `[size]` that the graph cuts into
 * the model's arrays and puts together again; the data set stays in the worker, and every step gathers its own batch by index.
 *
 * A small step is bound by calls rather than by arithmetic: `toOnnxSteps` wraps its graph in an ONNX `Scan`, so that one call of
 * ONNX Runtime runs many steps. A large step is cut into shards of its batch, one for each worker thread: one graph makes a shard's
 * gradient, the workers add the gradients up, and a second graph moves the parameters, each worker its blocks of them. Whole shards on
 * one thread each keep two cores twice as busy as one operator after the other on two threads.
 */
import { PlatformError } from "../../base/index.ts";
import { gradient } from "../gradient.ts";
import { type Graph, type NamedParameter, traceGraph } from "../graph.ts";
import type { Pass } from "../layers/layer.ts";
import { toOnnx, toOnnxSteps, trainingOpset } from "../onnx/model.ts";
import { concat, flatten, sum } from "../operations.ts";
import type { Optimiser } from "../optimisers.ts";
import { formatShape, isStatic, mismatch, staticSize, type TensorType } from "../shape.ts";
import { input, inputName, type Parameter, type Tensor } from "../tensor.ts";
import { verifyGraph } from "../verify.ts";
import { flopOf, threadsFor } from "../work.ts";
import { withFoldedNorms } from "./fold-norms.ts";
import { carriedNames, graphNames } from "./names.ts";
import { learned, packedSize, viewsOf } from "./packing.ts";
import { blockUpdate, wholeUpdate } from "./update.ts";
import { withFewerProducts } from "./winograd.ts";

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
  /** The scalar that training makes small: a mean over the batch, by weight. */
  readonly loss: (batch: BatchTensors) => Tensor;
  readonly optimiser: Optimiser;
  /**
   * Arrays that the loss reads and this training does not move, such as the other network of a pair that learns in turn. Each group
   * is a column of the data set that holds them behind each other (`packParameters`); `Training.replace` puts newer ones there.
   */
  readonly frozen?: Readonly<Record<string, readonly NamedParameter[]>>;
  /** Largest length of the gradient; infinite for no clipping. */
  readonly clipNorm?: number;
  /**
   * How many parts of the batch are worked on side by side, each with its own gradient. Without it small steps have one, and large ones
   * as many as there are threads for that have enough to do, or more by the memory that they take. The result depends on it by rounding.
   * It does not depend on how many threads there are to do the work, unless a large step has one part, by this number or because its batch
   * is one sample: that one uses all threads of its runtime, and depends on their number by rounding.
   */
  readonly shards?: number;
  /** The threads that shards are counted for; 2 unless there are more, so that one and two threads give the same bits. */
  readonly threads?: number;
}

/** A compiled training step. */
export interface TrainingProgram {
  readonly spec: TrainingSpec;
  /** Number of values of all parameters, and of those that the optimiser moves, which lie first. */
  readonly size: number;
  readonly learnedSize: number;
  /** Floating-point operations of one step's products. */
  readonly flop: number;
  readonly plan: LoopPlan | ShardPlan;
}

/** A graph with the ONNX model that it became. What it reads; a loss need not use everything that it is offered. */
export interface CompiledGraph {
  readonly graph: Graph;
  readonly model: Uint8Array;
  readonly inputs: ReadonlySet<string>;
  readonly outputs: readonly string[];
}

/** Many steps in one call. */
export interface LoopPlan {
  readonly kind: "loop";
  /** So small that to share its products between threads costs more than it saves. */
  readonly small: boolean;
  /** The graph of one step, which the loop repeats; `printGraph` shows it. */
  readonly step: CompiledGraph;
}

/** The batch in parts, one for each worker. */
export interface ShardPlan {
  readonly kind: "shards";
  readonly shards: number;
  /** Samples of one shard. */
  readonly rows: number;
  /** From one shard's samples to its gradient `[size]`, its loss and the sum of its weights. */
  readonly gradient: CompiledGraph;
  /** From a block of the mean of the shards' gradients, and the length of all of it, to the next values of the block. */
  readonly update: CompiledGraph;
  /** Learned values of a block, and what the update reads for each learned value, by input name; as `BlockUpdate` says. */
  readonly block: number;
  readonly perValue: Readonly<Record<string, Float32Array>>;
}

/**
 * Traces a training step and compiles it.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when the batch size is no whole number of 1 or more, the clip norm not above 0, or there is
 *   nothing to learn; when statistics stand before what is learned, which `parametersOf` puts in order
 * @throws PlatformError `SHAPE_MISMATCH` when the loss is no scalar
 */
export function compileTraining(spec: TrainingSpec): TrainingProgram {
  requireOptions(spec);
  const size = packedSize(spec.parameters);
  const learnedSize = packedSize(learned(spec.parameters));
  const whole = traceLoss(spec, spec.batchSize);
  const differentiated = traceGraph({ loss: whole.loss, gradient: whole.gradient });
  verifyGraph(differentiated);
  const flop = flopOf(differentiated);
  const small = threadsFor(flop, 2) === 1;
  const shards = spec.shards ?? (small ? 1 : shardsFor(differentiated, flop, spec));
  if (!(Number.isSafeInteger(shards) && shards >= 1 && shards <= spec.batchSize)) {
    throw mismatch(`training: expected 1 to ${spec.batchSize} shards of the batch, received ${shards}`);
  }
  const plan = shards === 1 ? loopPlan(spec, size, whole, small) : shardPlan(spec, size, shards);
  return { spec, size, learnedSize, flop, plan };
}

function requireOptions({ batchSize, clipNorm = Number.POSITIVE_INFINITY, parameters }: TrainingSpec): void {
  const roles = parameters.map(({ parameter }) => parameter.role);
  const checks: readonly [holds: boolean, expected: string, received: unknown][] = [
    [Number.isSafeInteger(batchSize) && batchSize >= 1, "batchSize of 1 or more", batchSize],
    [clipNorm > 0, "clipNorm above 0", clipNorm],
    [roles.includes("learned"), "at least one learned parameter", "none"],
    [
      roles.lastIndexOf("learned") < (roles.indexOf("statistic") + 1 || Number.POSITIVE_INFINITY),
      "learned parameters before statistics",
      "one after them",
    ],
  ];
  const broken = checks.find(([holds]) => !holds);
  if (!broken) return;
  const message = `training: expected ${broken[1]}, received ${broken[2]}`;
  throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
}

/** The graph that reads the samples: of a whole step, or of a shard's gradient. */
export function samplesGraph({ plan }: Pick<TrainingProgram, "plan">): Graph {
  return plan.kind === "loop" ? plan.step.graph : plan.gradient.graph;
}

/** What the tensors of one shard may take together: a few times what the processor keeps near. */
const shardBytes = 128 * 2 ** 20;
/** Operations of a shard below which meeting the others costs more than it saves. */
const shardFlop = 2.5e7;

/**
 * A shard for each thread that has enough to do, two at least, or as many more as keep what one of them computes near the processor: a
 * worker does its shards one after the other, so that more of them take less memory.
 */
function shardsFor({ nodes }: Graph, flop: number, { batchSize, threads = 2 }: TrainingSpec): number {
  const elements = nodes
    .flatMap(({ outputs }) => outputs)
    .reduce((total, { shape }) => total + (isStatic(shape) ? staticSize(shape) : 0), 0);
  let shards = Math.max(2, Math.min(threads, Math.floor(flop / shardFlop)));
  while (
    shards < 8 &&
    (elements * Float32Array.BYTES_PER_ELEMENT) / shards > shardBytes &&
    batchSize >= 8 * shards
  )
    shards *= 2;
  // No shard without a sample: 64 samples for 12 threads are 11 times 6.
  return Math.ceil(batchSize / Math.ceil(batchSize / Math.min(shards, batchSize)));
}

interface TracedLoss {
  readonly loss: Tensor;
  /** `[size]`: the gradient by what is learned, then the next values of the statistics. */
  readonly gradient: Tensor;
  readonly weights: Tensor;
}

function traceLoss({ parameters, data, loss: lossOf }: TrainingSpec, rows: number): TracedLoss {
  const columns = Object.entries(data).map(
    ([name, { shape, dtype }]) => [name, input(graphNames.data(name), shape, dtype)] as const,
  );
  const weights = input("weights", [rows]);
  const tracked = new Map<Parameter, Tensor>();
  const loss = lossOf({
    data: Object.fromEntries(columns),
    indices: input("indices", [rows], "int64"),
    weights,
    pass: {
      mode: "training",
      seed: input("seed", [], "uint32"),
      track: (statistic, next) => tracked.set(statistic, next),
    },
  });
  if (loss.shape.length !== 0)
    throw mismatch(`training: expected a scalar loss, received shape ${formatShape(loss.shape)}`);
  verifyGraph(traceGraph({ loss }));
  const [quicker, ...statisticsNext] = withFoldedNorms(withFewerProducts([loss, ...tracked.values()]));
  const next = new Map([...tracked.keys()].map((statistic, i) => [statistic, statisticsNext[i]]));
  const gradients = gradient(
    quicker,
    learned(parameters).map(({ parameter }) => parameter),
  );
  const statistics = parameters.flatMap(({ parameter }) =>
    parameter.role === "statistic" ? [next.get(parameter) ?? parameter] : [],
  );
  return { loss: quicker, weights, gradient: concat([...gradients, ...statistics].map(flatten)) };
}

function loopPlan(
  spec: TrainingSpec,
  size: number,
  { loss, gradient }: TracedLoss,
  small: boolean,
): LoopPlan {
  const { optimiser } = spec;
  const flat = input("parameters", [size]);
  const graph = traceOnViews({ ...wholeUpdate(spec, flat, gradient), loss }, spec, flat);
  const model = toOnnxSteps({
    body: graph,
    carried: carriedNames(optimiser).map((name) => ({ input: name, output: graphNames.next(name) })),
    perStep: ["seed", "indices", "weights", ...optimiser.settings.map(graphNames.setting)],
    collected: ["loss", "gradient_norm"],
  });
  return {
    kind: "loop",
    small,
    step: {
      graph,
      model,
      inputs: inputsOf(graph),
      outputs: Object.keys(graph.outputs),
    },
  };
}

function shardPlan(spec: TrainingSpec, size: number, shards: number): ShardPlan {
  const rows = Math.ceil(spec.batchSize / shards);
  const part = traceLoss(spec, rows);
  const outputs = { gradient: part.gradient, loss: part.loss, weight: sum(part.weights) };
  const gradient = compiled(traceOnViews(outputs, spec, input("parameters", [size])));
  const { graph, block, perValue } = blockUpdate(spec, shards);
  return { kind: "shards", shards, rows, gradient, update: compiled(graph), block, perValue };
}

/** Traces outputs with the model's arrays cut out of the vector of all parameters, and frozen ones out of their columns. */
function traceOnViews(
  outputs: Readonly<Record<string, Tensor>>,
  { parameters, frozen = {} }: TrainingSpec,
  flat: Tensor,
): Graph {
  const views = (vector: Tensor, named: readonly NamedParameter[]) => [
    ...viewsOf(
      vector,
      named.map(({ parameter }) => parameter),
    ),
  ];
  const columns = Object.entries(frozen).flatMap(([name, named]) =>
    views(input(graphNames.data(name), [packedSize(named)]), named),
  );
  return traceGraph(outputs, { replace: new Map([...views(flat, parameters), ...columns]) });
}

function compiled(graph: Graph): CompiledGraph {
  return {
    graph,
    model: toOnnx(graph, { opset: trainingOpset }),
    inputs: inputsOf(graph),
    outputs: Object.keys(graph.outputs),
  };
}

function inputsOf(graph: Graph): ReadonlySet<string> {
  return new Set(graph.inputs.map(inputName));
}
