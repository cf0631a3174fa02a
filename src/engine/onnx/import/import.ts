/** An ONNX graph as engine tensors: what it learned can be trained further, and what it computes can be joined to other layers. */
import { invariant, PlatformError } from "../../../base/index.ts";
import {
  coefficient,
  type DataType,
  type Dimension,
  formatShape,
  type Shape,
  type TensorType,
} from "../../shape.ts";
import { constant, input, Parameter, type Tensor } from "../../tensor.ts";
import type { GraphProto, NodeProto } from "../generated/onnx_pb.js";
import { declaredValue, isStandard, type OnnxModel, type OnnxValue, readOnnx } from "../read.ts";
import { dataTypeOf, storedArray } from "../tensor-proto.ts";
import { fold } from "./fold.ts";
import { ImportedNode, type ImportScope } from "./node.ts";
import { importRules, isImported } from "./rules.ts";
import { asTensor, knownSizes, Sizes, type Value } from "./sizes.ts";
import { isStandIn, standIn, standInRules } from "./stand-ins.ts";

export interface ImportOptions {
  /** Sizes of open axes, by the names that the file gives them. At most one axis may stay open: it is the batch. */
  readonly sizes?: Readonly<Record<string, number>>;
  /**
   * Which stored float32 arrays are learned. All of them when left out, except numbers that are read while importing (an
   * exponent, a bound) and the constants of a file that Fathom wrote.
   */
  readonly trainable?: (name: string, shape: readonly number[]) => boolean;
}

/** A value to feed, with the type that `input` takes. */
export interface ImportedInput extends TensorType {
  readonly name: string;
}

/** A model that came from an ONNX file. */
export interface ImportedModel {
  /**
   * The learned arrays under their ONNX names; `parametersOf(model.parameters)` lists them for training and export. Means and variances
   * of batch norm are among them as statistics, which training keeps.
   */
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly inputs: readonly ImportedInput[];
  readonly outputs: readonly string[];
  /**
   * Traces the model on tensors, by the names of its inputs.
   *
   * @throws PlatformError `SHAPE_MISMATCH` when an input is missing or does not fit, naming the ONNX node
   */
  apply(inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>;
}

/**
 * Imports an ONNX model whose operators the engine knows (`importRules`), for fine-tuning or for use inside another model. Float32
 * initializers become parameters, everything else constants; arithmetic on shapes is done while importing.
 *
 * @param model the bytes of a file, or what `readOnnx` made of them
 * @throws PlatformError `ONNX_INVALID`; `ONNX_UNSUPPORTED` listing every node whose operator is unknown, or naming the node and
 * what of it is not covered, or the axes that need a size
 * @example
 * const w = parameter({ shape: [1, 2], data: Float32Array.of(3, 4) });
 * const bytes = toOnnx(traceGraph({ y: matmul(input("x", ["batch", 1]), w) }), { parameterNames: new Map([[w, "w"]]) });
 * const model = importOnnx(bytes);
 * parametersOf(model.parameters).map(({ name }) => name); // => ["w"]
 * (await evaluate([model.apply({ x: constant([2], [1, 1]) }).y]))[0].data; // => [6, 8]
 */
export function importOnnx(model: OnnxModel | Uint8Array, options: ImportOptions = {}): ImportedModel {
  const read = model instanceof Uint8Array ? readOnnx(model) : model;
  requireKnownOperators(read);
  const inputs = importedInputs(read, options);
  const stored = storedValues(read, options.trainable ?? learnedByDefault(read));
  const learned = new Set<Parameter>();
  const statistics = new Map<string, Parameter>();
  const scope: ImportScope = {
    source: read.source,
    opset: read.opset,
    learns: (one) => learned.add(one),
    statistic: (name, { shape, value, dtype }) => {
      // Exporters store equal arrays once: what is a mean here may be a bias, which is learned, elsewhere.
      const known =
        statistics.get(name) ?? new Parameter(shape as readonly number[], value, dtype, "statistic");
      statistics.set(name, known);
      return known;
    },
  };
  const trace = (given: Readonly<Record<string, Tensor>>) => walk(read, stored, given, scope, refuse);
  const apply: ImportedModel["apply"] = (given) => {
    const odd = inputs.filter(({ name }) => !Object.hasOwn(given, name));
    if (odd.length > 0) {
      const names = odd
        .map(({ name, dtype, shape }) => `"${name}" (${dtype}${formatShape(shape)})`)
        .join(", ");
      throw new PlatformError(
        "input",
        "SHAPE_MISMATCH",
        `${read.source}: expected inputs ${names}, received none of these names`,
      );
    }
    const values = trace(given);
    return Object.fromEntries(read.outputs.map(({ name }) => [name, outputOf(values.get(name), name, read)]));
  };
  // A first trace finds what cannot be imported now rather than at the first use, and which arrays are learned.
  apply(Object.fromEntries(inputs.map(({ name, shape, dtype }) => [name, input(name, shape, dtype)])));
  const parameters = [...stored].flatMap(([name, value]) =>
    value instanceof Parameter && learned.has(value) ? [[name, value] as const] : [],
  );
  const taken = new Set(parameters.map(([name]) => name));
  for (const [name, value] of statistics)
    parameters.push([taken.has(name) ? `${name}.statistic` : name, value]);
  return {
    parameters: Object.fromEntries(parameters),
    inputs,
    outputs: read.outputs.map(({ name }) => name),
    apply,
  };
}

/** What is known of a value inside a graph. */
export interface InferredType extends TensorType {
  /** A size or a constant: the same in every run but for the batch. */
  readonly fixed: boolean;
}

/**
 * The type of every value of a graph, as far as import rules or the file's own declarations tell it: what a description of a
 * model needs, which no unknown operator may keep from being written.
 *
 * @throws PlatformError `ONNX_UNSUPPORTED` naming the axes that need a size
 */
export function inferTypes(
  model: OnnxModel,
  options: Pick<ImportOptions, "sizes"> = {},
): ReadonlyMap<string, InferredType> {
  const shaped = model.inputs.flatMap((value) =>
    value.shape
      ? [{ ...value, elementType: value.elementType in dataTypes ? value.elementType : "float" }]
      : [],
  );
  const inputs = importedInputs({ ...model, inputs: shaped }, options);
  const stored = storedValues(model, learnedByDefault(model), "stand-ins");
  const given = Object.fromEntries(inputs.map(({ name, shape, dtype }) => [name, input(name, shape, dtype)]));
  const declared = declaredTypes(model, options.sizes ?? {});
  const scope: ImportScope = {
    source: model.source,
    opset: model.opset,
    learns: () => {},
    statistic: (_, one) => one,
  };
  const values = walk(model, stored, given, scope, (node, _, made) => {
    const { opType = "" } = node;
    const shapes = made && isStandIn(opType) ? standInRules[opType](made) : [];
    return node.output.map((name, i) => shapes[i] ?? declared.get(name));
  });
  const isFixed = fixedTensors();
  return new Map(
    [...values].map(([name, value]) => [
      name,
      {
        dtype: value instanceof Sizes ? ("int64" as const) : value.dtype,
        shape: value.shape,
        fixed: value instanceof Sizes || isFixed(value),
      },
    ]),
  );
}

/** Tells whether a tensor is the same in every run: made of constants alone. */
function fixedTensors(): (tensor: Tensor) => boolean {
  const known = new Map<Tensor, boolean>();
  const isFixed = (tensor: Tensor): boolean => {
    const { primitive, inputs } = tensor.node;
    const answer =
      known.get(tensor) ?? (primitive === "constant" || (inputs.length > 0 && inputs.every(isFixed)));
    known.set(tensor, answer);
    return answer;
  };
  return isFixed;
}

/** What to do with a node that cannot be imported; `made` is the node with its inputs, when all of them are known. */
type Unknown = (
  node: NodeProto,
  cause: unknown,
  made: ImportedNode | undefined,
) => readonly (Value | undefined)[];

/** Visits the nodes in the order of the file, which ONNX asks to be one in which every node follows what it reads. */
function walk(
  { graph, otherDomains: _, ...model }: OnnxModel,
  stored: ReadonlyMap<string, Value>,
  given: Readonly<Record<string, Tensor>>,
  scope: ImportScope,
  unknown: Unknown,
): Map<string, Value> {
  const values = new Map<string, Value>([...stored, ...Object.entries(given)]);
  for (const proto of graph.node) {
    const { opType = "", domain } = proto;
    const inputs = proto.input.map((name) => (name === "" ? undefined : values.get(name)));
    const complete = proto.input.every((name, i) => name === "" || inputs[i] !== undefined);
    const known = isStandard(domain) && isImported(opType);
    let results: readonly (Value | undefined)[];
    try {
      invariant(known, "an operator that is imported has a rule");
      if (!complete) throw missingInput(proto, values, model.source);
      const node = new ImportedNode(proto, inputs, scope);
      const folded = fold(node, inputs.map(knownSizes));
      results = folded ? [folded] : placed(node, importRules[opType]);
    } catch (error) {
      // A mistake in a rule of ours is not something that the file asks for and we lack.
      if (known && !(error instanceof PlatformError)) throw error;
      results = unknown(proto, error, complete ? new ImportedNode(proto, inputs, scope) : undefined);
    }
    proto.output.forEach((name, i) => {
      const result = results[i];
      if (name !== "" && result !== undefined) values.set(name, result);
    });
  }
  return values;
}

/** An input that comes later in the file, or an output of a node that the engine does not make. */
function missingInput(
  { opType, name, input: inputs, output }: NodeProto,
  values: ReadonlyMap<string, Value>,
  source: string,
): PlatformError {
  const missing = inputs.filter((one) => one !== "" && !values.has(one)).join(", ");
  return new PlatformError(
    "input",
    "ONNX_UNSUPPORTED",
    `${source}: ${opType} "${name || output[0]}": expected inputs that the nodes before it make, received ${missing}, which none makes here`,
    { file: source },
  );
}

/** Errors of the engine speak of its own operations; the ONNX node is what the reader knows. */
function placed(node: ImportedNode, rule: (node: ImportedNode) => readonly Value[]): readonly Value[] {
  try {
    return rule(node);
  } catch (error) {
    if (!(error instanceof PlatformError) || error.message.startsWith(node.where)) throw error;
    throw new PlatformError("input", "SHAPE_MISMATCH", `${node.where}: ${error.message}`, { cause: error });
  }
}

function refuse(_: NodeProto, cause: unknown): never {
  throw cause;
}

function outputOf(value: Value | undefined, name: string, { source }: OnnxModel): Tensor {
  const tensor = value instanceof Sizes ? asTensor(value) : value;
  if (tensor) return tensor;
  throw new PlatformError(
    "input",
    "ONNX_UNSUPPORTED",
    `${source}: output "${name}" is no tensor that the engine can make`,
  );
}

/** One error for all of them: whoever has to replace operators wants to see the whole list. */
function requireKnownOperators({ graph, source }: OnnxModel): void {
  const unknown = new Map<string, string[]>();
  for (const { opType = "", domain, name, output } of graph.node) {
    if (isStandard(domain) && isImported(opType)) continue;
    const operator = isStandard(domain) ? opType : `${domain}.${opType}`;
    unknown.set(operator, [...(unknown.get(operator) ?? []), name || output[0] || "?"]);
  }
  if (unknown.size === 0) return;
  const list = [...unknown].map(([operator, names]) => `${operator} (${names.join(", ")})`).join("; ");
  throw new PlatformError(
    "input",
    "ONNX_UNSUPPORTED",
    `${source}: expected operators that the engine can import, received ${list}`,
    { file: source },
  );
}

function learnedByDefault({ producer }: OnnxModel): (name: string) => boolean {
  return (name) => !(producer.startsWith("fathom") && /^constant_\d+$/.test(name));
}

/** @param which `stand-ins` puts a float32 value in the place of one whose element type the engine does not have */
function storedValues(
  { graph, source }: OnnxModel,
  trainable: (name: string, shape: readonly number[]) => boolean,
  which: "all" | "stand-ins" = "all",
): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const tensor of graph.initializer) {
    const { name = "" } = tensor;
    if (which === "stand-ins" && !dataTypeOf(tensor.dataType)) {
      values.set(name, standIn(name, tensor.dims.map(Number)));
      continue;
    }
    const { dtype, shape, data } = storedArray(tensor, `${source}: tensor "${name}"`);
    const learned = dtype === "float32" && trainable(name, shape);
    values.set(name, learned ? new Parameter(shape, data as Float32Array) : constant(data, shape, dtype));
  }
  return values;
}

function importedInputs({ inputs, source }: OnnxModel, { sizes = {} }: ImportOptions): ImportedInput[] {
  const open = new Set(inputs.flatMap(({ shape }) => (shape ?? []).flatMap((axis) => openName(axis, sizes))));
  if (open.size > 1) {
    throw new PlatformError(
      "input",
      "ONNX_UNSUPPORTED",
      `${source}: expected at most one open axis, the batch, received ${[...open].join(", ")}: give the others a size`,
      { file: source },
    );
  }
  return inputs.map((value) => {
    const type = typeOf(value, sizes);
    if (type) return { name: value.name, ...type };
    throw new PlatformError(
      "input",
      "ONNX_UNSUPPORTED",
      `${source}: expected input "${value.name}" with a shape and an element type of the engine, received ${value.elementType}${value.shape ? formatShape(value.shape as Shape) : ""}`,
      { file: source },
    );
  });
}

/** What a multiple such as `60*batch` is a multiple of; nothing for a size that is known. */
function openName(axis: number | string, sizes: Readonly<Record<string, number>>): string[] {
  if (typeof axis === "number" || Object.hasOwn(sizes, axis)) return [];
  return [axis.replace(/^\d+\*/, "")];
}

function typeOf(
  { shape, elementType }: OnnxValue,
  sizes: Readonly<Record<string, number>>,
): TensorType | undefined {
  const dtype = dataTypes[elementType];
  if (!shape || !dtype) return undefined;
  return { dtype, shape: shape.map((axis) => dimensionOf(axis, sizes)) };
}

const dataTypes: Readonly<Record<string, DataType>> = {
  float: "float32",
  double: "float64",
  int64: "int64",
  int32: "int32",
  uint32: "uint32",
  bool: "bool",
};

function dimensionOf(axis: number | string, sizes: Readonly<Record<string, number>>): Dimension {
  if (typeof axis === "number") return axis;
  if (Object.hasOwn(sizes, axis)) return sizes[axis];
  const times = /^\d+\*/.test(axis) ? coefficient(axis as `${number}*batch`) : 1;
  return times === 1 ? "batch" : `${times}*batch`;
}

/** What the file itself says of values inside the graph, as leaves that stand for them. */
function declaredTypes(model: OnnxModel, sizes: Readonly<Record<string, number>>): Map<string, Tensor> {
  const { graph }: { graph: GraphProto } = model;
  const batchNames = new Set(
    model.inputs.flatMap(({ shape }) => (shape ?? []).flatMap((axis) => openName(axis, sizes))),
  );
  const leaves = new Map<string, Tensor>();
  for (const info of [...graph.valueInfo, ...graph.output]) {
    if (info.type?.value.case !== "tensorType") continue;
    const value = declaredValue(
      info,
      (message) => new PlatformError("input", "ONNX_INVALID", `${model.source}: ${message}`),
    );
    const named = (value.shape ?? []).flatMap((axis) => openName(axis, sizes));
    const type =
      named.every((name) => batchNames.has(name)) && named.length <= 1 ? typeOf(value, sizes) : undefined;
    if (type) leaves.set(value.name, input(value.name, type.shape, type.dtype));
  }
  return leaves;
}
