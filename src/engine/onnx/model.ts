/** From a traced graph to the bytes of an ONNX model. */
import { create, toBinary } from "@bufbuild/protobuf";
import { invariant } from "../../base/index.ts";
import type { Graph } from "../graph.ts";
import { onnxRules } from "../primitives/onnx-rules.ts";
import type { OnnxRule, PrimitiveName } from "../primitives/table.ts";
import type { TensorType } from "../shape.ts";
import { inputName, type Node, type Parameter, type Tensor } from "../tensor.ts";
import { verifyGraph } from "../verify.ts";
import { type DeclaredType, Emitter, valueInfo } from "./emitter.ts";
import { type GraphProto, GraphProtoSchema, ModelProtoSchema, type NodeProto } from "./generated/onnx_pb.js";
import { inferenceOpset, irVersionOf, requireWritable, trainingOpset } from "./operator-versions.ts";

export { inferenceOpset, trainingOpset } from "./operator-versions.ts";

export interface ModelOptions {
  /** Version of ONNX's operator set, 13 to 21. A graph with an operator that came later is refused. */
  readonly opset?: number;
  /** Names of the parameters' initializers in the file; their values are stored. */
  readonly parameterNames?: ReadonlyMap<Parameter, string>;
  /** Values that replace the initial ones of the parameters. */
  readonly parameterValues?: ReadonlyMap<Parameter, Float32Array>;
  readonly name?: string;
  readonly description?: string;
  /** Facts stored in the file beside the graph. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * A graph as an ONNX model: inputs keep their names, outputs get the names of `graph.outputs`. A batch axis stays open.
 *
 * @throws PlatformError `ONNX_OPSET` when an operator of the graph is not in the chosen operator set
 */
export function toOnnx(graph: Graph, options: ModelOptions = {}): Uint8Array {
  verifyGraph(graph);
  const opset = options.opset ?? inferenceOpset;
  requireWritable(opset);
  const emitter = new Emitter(opset);
  const names = emitNodes(emitter, graph, new Map(), options);
  for (const [name, tensor] of Object.entries(graph.outputs))
    emitter.rename(nameOf(names, graph, tensor), name);
  return modelBytes(
    emitter,
    graph.inputs.map((tensor) => [inputName(tensor), tensor]),
    Object.entries(graph.outputs),
    options,
  );
}

/** What is done with the values that the graph of one step makes. */
export interface StepsSpec {
  readonly body: Graph;
  /** Body inputs whose next value is a body output: they travel from step to step. */
  readonly carried: readonly { readonly input: string; readonly output: string }[];
  /** Body inputs that are read one row per step from an array with a first axis `steps`, the same for all; one of them at least. */
  readonly perStep: readonly string[];
  /** Body outputs collected over the steps, with a first axis `steps`. */
  readonly collected: readonly string[];
}

/**
 * A graph that runs several steps in one call, as an ONNX `Scan`, which hands each step its rows as views; a `Loop` has to gather them.
 * The model's inputs are the first values of what is carried, the arrays read per step, whose first axis says how many steps there
 * are, and everything else that the body reads, which stays the same in all steps. What the body does not read is no input.
 */
export function toOnnxSteps({ body, carried, perStep, collected }: StepsSpec): Uint8Array {
  verifyGraph(body);
  const emitter = new Emitter(trainingOpset);
  const byName = new Map(body.inputs.map((tensor) => [inputName(tensor), tensor]));
  const read = perStep.filter((name) => byName.has(name));
  invariant(read.length > 0, "a step reads something of its own");
  const typeOf = (name: string): TensorType => byName.get(name) as Tensor;

  const names = [...carried.map(({ input }) => input), ...read];
  const carriedTypes = carried.map(({ input }) => typeOf(input));
  const step = emitter.inner(
    names.map(typeOf),
    (inner, values) => {
      const given = new Map(names.map((name, i) => [name, values[i]]));
      const made = emitNodes(inner, body, given, {});
      const output = (name: string) => nameOf(made, body, body.outputs[name]);
      return [...carried.map((state) => output(state.output)), ...collected.map(output)];
    },
    [...carriedTypes, ...collected.map((name) => body.outputs[name])],
  );
  const results = emitter.many(
    "Scan",
    names,
    { body: { graph: step }, num_scan_inputs: read.length },
    carried.length + collected.length,
  );
  const outputNames = [...carried.map((state) => state.output), ...collected];
  outputNames.forEach((name, i) => {
    emitter.rename(results[i], name);
  });

  const inputs = [...byName].map(([name, { dtype, shape }]): [string, DeclaredType] => [
    name,
    { dtype, shape: read.includes(name) ? ["steps", ...shape] : shape },
  ]);
  const outputs = outputNames.map((name, i): [string, DeclaredType] => {
    const { dtype, shape } = body.outputs[name];
    return [name, { dtype, shape: i < carried.length ? shape : ["steps", ...shape] }];
  });
  return modelBytes(emitter, inputs, outputs, {});
}

/** Emits every node of a graph; returns the ONNX name of every tensor. */
function emitNodes(
  to: Emitter,
  graph: Graph,
  given: ReadonlyMap<string, string>,
  { parameterNames, parameterValues }: ModelOptions,
): Map<Tensor, string> {
  const names = new Map<Tensor, string>();
  const read = new Set<Tensor>([
    ...Object.values(graph.outputs).map(graph.resolve),
    ...graph.nodes.flatMap((node) => node.inputs.map(graph.resolve)),
  ]);
  for (const tensor of graph.inputs) {
    const name = given.get(inputName(tensor)) ?? inputName(tensor);
    names.set(tensor, name);
    to.batchFrom(name, tensor.shape);
  }
  graph.parameters.forEach((parameter, i) => {
    const name = parameterNames?.get(parameter) ?? `parameter_${i}`;
    to.initializer(
      name,
      parameterValues?.get(parameter) ?? parameter.value,
      parameter.shape as readonly number[],
      parameter.dtype,
    );
    names.set(parameter, name);
  });
  const early = to.opset === trainingOpset ? new Map<Node, Node>() : activationsBeforePools(graph);
  const late = new Map([...early].map(([pool, activation]) => [activation, pool]));
  for (const node of graph.nodes) {
    const [first] = node.outputs;
    if (late.has(node)) {
      names.set(first, nameOf(names, graph, node.inputs[0]));
      continue;
    }
    if (node.primitive === "input" || node.primitive === "parameter") continue;
    if (node.primitive === "constant") {
      names.set(
        first,
        to.constant(
          (node as Node<"constant">).attributes.data,
          first.shape as readonly number[],
          first.dtype,
        ),
      );
      continue;
    }
    const used = node.outputs.map((output) => read.has(output));
    let inputs = node.inputs.map((tensor) => nameOf(names, graph, tensor));
    const activation = early.get(node);
    if (activation) inputs = [...emitNode(to, activation, inputs, node.inputs.map(graph.resolve), [true])];
    const results = emitNode(to, node, inputs, node.inputs.map(graph.resolve), used);
    node.outputs.forEach((output, i) => {
      names.set(output, results[i]);
    });
  }
  return names;
}

/**
 * Activations of pooled values, by the first pool. Both orders give the same, because the activation rises: training takes the one
 * with less to compute (`maxPool`), and ONNX Runtime the one in which it can do convolution, activation and pool in one layout.
 */
function activationsBeforePools(graph: Graph): Map<Node, Node> {
  const readers = new Map<Node, number>();
  const read = (tensor: Tensor) => readers.set(tensor.node, (readers.get(tensor.node) ?? 0) + 1);
  for (const { inputs } of graph.nodes) for (const tensor of inputs) read(graph.resolve(tensor));
  for (const tensor of Object.values(graph.outputs)) read(graph.resolve(tensor));
  const found = new Map<Node, Node>();
  for (const node of graph.nodes) {
    if (!["relu", "leakyRelu", "tanh", "sigmoid"].includes(node.primitive)) continue;
    if (node.primitive === "leakyRelu" && !((node as Node<"leakyRelu">).attributes.slope > 0)) continue;
    let pool: Node | undefined;
    let before = graph.resolve(node.inputs[0]).node;
    while (before.primitive === "tileMax" && readers.get(before) === 1) {
      pool = before;
      before = graph.resolve(before.inputs[0]).node;
    }
    if (pool && before.primitive === "conv" && readers.get(before) === 1) found.set(pool, node);
  }
  return found;
}

function emitNode<P extends PrimitiveName>(
  to: Emitter,
  node: Node<P>,
  names: readonly string[],
  inputs: readonly TensorType[],
  used: readonly boolean[],
): readonly string[] {
  const rule: OnnxRule<P> = onnxRules[node.primitive];
  return rule(to, names, { attributes: node.attributes, inputs, outputs: node.outputs, used });
}

function nameOf(names: ReadonlyMap<Tensor, string>, graph: Graph, tensor: Tensor): string {
  return names.get(graph.resolve(tensor)) as string;
}

function modelBytes(
  emitter: Emitter,
  inputs: readonly (readonly [string, DeclaredType])[],
  outputs: readonly (readonly [string, DeclaredType])[],
  { name = "fathom", description = "", metadata = {} }: ModelOptions,
): Uint8Array {
  const read = namesReadBy(emitter.nodes);
  const model = create(ModelProtoSchema, {
    irVersion: irVersionOf(emitter.opset),
    opsetImport: [{ domain: "", version: BigInt(emitter.opset) }],
    producerName: "fathom",
    docString: description,
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: create(GraphProtoSchema, {
      name,
      node: emitter.nodes,
      // A rule may have repacked a weight; what nothing reads any more is left out.
      initializer: emitter.initializers.filter((tensor) => read.has(tensor.name ?? "")),
      input: inputs.map(([inputName, type]) => valueInfo(inputName, type)),
      output: outputs.map(([outputName, type]) => valueInfo(outputName, type)),
    }),
  });
  return toBinary(ModelProtoSchema, model);
}

function namesReadBy(nodes: readonly NodeProto[], into = new Set<string>()): Set<string> {
  for (const node of nodes) {
    for (const name of node.input) into.add(name);
    for (const attribute of node.attribute)
      if (attribute.g) namesReadBy((attribute.g as GraphProto).node, into);
  }
  return into;
}
