/**
 * Where a number stopped being finite. A training step that gave NaN or infinity is run again in a graph that also says of every
 * tensor whether all of it is finite; the first that is not, in the order of computation, has only finite inputs and is the cause.
 */
import { type Graph, type NamedParameter, traceGraph } from "../graph.ts";
import { toOnnx, trainingOpset } from "../onnx/model.ts";
import { mul, sum } from "../operations.ts";
import type { PrimitiveName } from "../primitives/table.ts";
import type { Runtime, TensorValue } from "../runtime/runtime.ts";
import { formatShape, isFloat } from "../shape.ts";
import { input, inputName, type Tensor } from "../tensor.ts";
import { graphNames } from "./names.ts";
import type { ShardPlan, TrainingProgram } from "./program.ts";
import type { TrainingState } from "./state.ts";
import type { StepBatches } from "./steps.ts";
import { wholeUpdate } from "./update.ts";

export interface DiagnoseOptions {
  readonly data: Readonly<Record<string, TensorValue>>;
  readonly seed: number;
  /** The state before the step. */
  readonly from: TrainingState;
  /** The one step. */
  readonly batch: StepBatches;
}

/** Values by input name; a text names a slot of the worker. */
type Feeds = Readonly<Record<string, TensorValue | string>>;

/**
 * The first tensor of a training step that holds a NaN or infinity, in words: `NaN in parameter layers.0.weight`, or
 * `Infinity in exp float32[16, 1] behind head.bias, in the forward pass`. Null when all of the step is finite.
 */
export async function diagnoseStep(
  runtime: Runtime,
  { spec, plan, size }: TrainingProgram,
  { data, seed, from, batch }: DiagnoseOptions,
): Promise<string | null> {
  const { optimiser, parameters } = spec;
  const settings = optimiser.settingsAt(from.step + 1, batch.learningRates[0]);
  const given: Record<string, TensorValue> = {
    parameters: float32(from.parameters, [size]),
    ...named(optimiser.memory, graphNames.memory, (name) =>
      float32(from.memory[name], [from.memory[name].length]),
    ),
    ...named(optimiser.settings, graphNames.setting, (_, i) => float32(Float32Array.of(settings[i]), [])),
    ...named(Object.keys(data), graphNames.data, (name) => data[name]),
  };
  const samples = (rank: number, rows: number): Record<string, TensorValue> => ({
    // A shard's seed, as the worker makes it.
    seed: {
      dtype: "uint32",
      shape: [],
      data: Uint32Array.of(seed + from.step + Math.imul(rank, 0x9e3779b9)),
    },
    indices: { dtype: "int64", shape: [rows], data: partOf(batch.indices, rank, new BigInt64Array(rows)) },
    weights: float32(partOf(batch.weights, rank, new Float32Array(rows)), [rows]),
  });
  if (plan.kind === "loop") {
    const feeds = { ...given, ...samples(0, spec.batchSize) };
    return firstNotFinite(runtime, plan.step.graph, parameters, feeds);
  }
  const shards = Array.from({ length: plan.shards }, (_, rank) => ({
    ...given,
    ...samples(rank, plan.rows),
  }));
  const hasWeight = ({ weights }: (typeof shards)[number]) => weights.data.some((weight) => weight !== 0);
  // A shard without weight counts for nothing, unless none has any: then all count the same.
  const counting = shards.some(hasWeight) ? shards.filter(hasWeight) : shards;
  for (const feeds of counting) {
    const found = await firstNotFinite(runtime, plan.gradient.graph, parameters, feeds);
    if (found) return found;
  }
  const joined = await joinShards(runtime, plan, size, counting);
  const update = traceGraph(wholeUpdate(spec, input("parameters", [size]), input("gradient", [size])));
  return firstNotFinite(runtime, update, parameters, { ...given, ...joined });
}

/** What the update of a sharded step reads: the mean of the shards' gradients, by the weight of their samples where they have any. */
async function joinShards(
  runtime: Runtime,
  { gradient }: ShardPlan,
  size: number,
  shards: readonly Readonly<Record<string, TensorValue>>[],
): Promise<Record<string, TensorValue>> {
  const parts: { weight: number; values: Float32Array }[] = [];
  for (const feeds of shards) {
    const outputs = await runOnce(runtime, gradient.graph, feeds);
    parts.push({ weight: Number(outputs.weight.data[0]), values: outputs.gradient.data as Float32Array });
  }
  const all = parts.reduce((sum, { weight }) => sum + weight, 0);
  const mean = new Float32Array(size);
  for (const { weight, values } of parts) {
    const share = all === 0 ? 1 / parts.length : weight / all;
    if (share === 0) continue; // its gradient may be anything
    for (let i = 0; i < size; i++) mean[i] += share * values[i];
  }
  return { gradient: float32(mean, [size]) };
}

/**
 * The first tensor of a graph, in the order of computation, that holds a NaN or infinity, in words; null when there is none. What
 * the graph is fed is named only where it is a parameter: a column of the data set may hold NaN in samples that this batch has not.
 *
 * @param parameters the model's arrays, which the graph may read as parts of one input `parameters`
 */
export async function firstNotFinite(
  runtime: Runtime,
  graph: Graph,
  parameters: readonly NamedParameter[],
  feeds: Feeds,
): Promise<string | null> {
  const replace = new Map<Tensor, Tensor>(
    parameters.map(({ parameter }) => [parameter, graph.resolve(parameter)]),
  );
  const views = new Map<Tensor, string>(
    parameters.map(({ name, parameter }) => [graph.resolve(parameter), `parameter ${name}`]),
  );
  const trace = (outputs: Readonly<Record<string, Tensor>>) => traceGraph(outputs, { replace });
  const forward = new Set("loss" in graph.outputs ? trace({ loss: graph.outputs.loss }).nodes : []);
  // What nothing reads is left out: a primitive may be emitted without it.
  const read = new Set<Tensor>([
    ...Object.values(graph.outputs).map(graph.resolve),
    ...graph.nodes.flatMap((node) => node.inputs.map(graph.resolve)),
  ]);
  // What the loss is made of comes first: a gradient without bound usually follows from it.
  const ordered = [forward, new Set(graph.nodes)].flatMap((nodes) => [...nodes]);
  const made = [...new Set(ordered)]
    .filter(({ primitive }) => !leaves.has(primitive))
    .flatMap(({ outputs }) => outputs);
  const watched = [...new Set([...views.keys(), ...made])].filter(
    (tensor) => isFloat(tensor.dtype) && read.has(tensor),
  );
  // 0 x is 0 where x is finite, and NaN where it is not.
  const checks = watched.map((tensor, i) => [`check_${i}`, sum(mul(tensor, 0))] as const);
  const sums = await runOnce(runtime, trace(Object.fromEntries(checks)), feeds);
  const first = watched.find((_, i) => Number(sums[`check_${i}`].data[0]) !== 0);
  if (!first) return null;
  const { value } = await runOnce(runtime, trace({ value: mul(first, 1) }), feeds);
  const held = (value.data as Float32Array).find((x) => !Number.isFinite(x));
  const view = views.get(first);
  if (view) return `${held} in ${view}`;
  const near = nearest(first, graph, views);
  const place = forward.has(first.node) ? "forward pass" : "backward pass or update";
  return `${held} in ${first.node.primitive} ${first.dtype}${formatShape(first.shape)}${near ? ` behind ${near}` : ""}, in the ${place}`;
}

const leaves: ReadonlySet<PrimitiveName> = new Set(["input", "constant", "parameter"]);

/** The parameter or data column that the fewest steps lead to, so that a person finds the place in the model. */
function nearest(tensor: Tensor, graph: Graph, views: ReadonlyMap<Tensor, string>): string | null {
  const queue: Tensor[] = [tensor];
  const seen = new Set<Tensor>(queue);
  for (const next of queue) {
    const name = views.get(next) ?? columnOf(next);
    if (name) return name;
    for (const input of next.node.inputs.map(graph.resolve)) {
      if (!seen.has(input)) queue.push(input);
      seen.add(input);
    }
  }
  return null;
}

function columnOf(tensor: Tensor): string | null {
  const prefix = graphNames.data("");
  if (tensor.node.primitive !== "input" || !inputName(tensor).startsWith(prefix)) return null;
  return `data column ${inputName(tensor).slice(prefix.length)}`;
}

async function runOnce(
  runtime: Runtime,
  graph: Graph,
  offered: Feeds,
): Promise<Readonly<Record<string, TensorValue>>> {
  const session = await runtime.load(toOnnx(graph, { opset: trainingOpset }));
  try {
    const feeds = Object.fromEntries(graph.inputs.map(inputName).map((name) => [name, offered[name]]));
    return (await session.run({ feeds, fetch: Object.keys(graph.outputs) })).outputs;
  } finally {
    await session.release();
  }
}

function float32(data: Float32Array, shape: readonly number[]): TensorValue {
  return { dtype: "float32", shape, data };
}

function named<Value>(
  names: readonly string[],
  nameOf: (name: string) => string,
  value: (name: string, i: number) => Value,
): Record<string, Value> {
  return Object.fromEntries(names.map((name, i) => [nameOf(name), value(name, i)]));
}

/** The samples of a shard; what is missing at the end of the batch stays 0. */
function partOf<Values extends Float32Array | BigInt64Array>(
  batch: Values,
  rank: number,
  rows: Values,
): Values {
  const from = rank * rows.length;
  for (let i = 0; i < rows.length && from + i < batch.length; i++) rows[i] = batch[from + i];
  return rows;
}
