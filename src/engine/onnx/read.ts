/**
 * Reads an ONNX file, from anywhere: nothing of it is believed before it was checked, and what cannot be used is refused with
 * the reason. Reading runs nothing; `load.ts` hands a model to ONNX Runtime, `import/` makes engine tensors of it.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { PlatformError } from "../../base/index.ts";
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  type ValueInfoProto,
} from "./generated/onnx_pb.js";
import { elementTypeName } from "./tensor-proto.ts";

/** The file versions and standard operator sets that ONNX Runtime of this installation reads. */
export const readableIrVersions = { from: 3, to: 13 } as const;
export const readableOpsets = { from: 7, to: 26 } as const;

/** An input or output of a model. An axis is a size, or the name of a size that stays open; null where the file names no shape. */
export interface OnnxValue {
  readonly name: string;
  /** ONNX's name of the element type, such as `float` or `int64`. */
  readonly elementType: string;
  readonly shape: readonly (number | string)[] | null;
}

/** A checked ONNX model. */
export interface OnnxModel {
  /** What to call the file in a message. */
  readonly source: string;
  readonly bytes: Uint8Array;
  readonly irVersion: number;
  /** Version of the standard operator set. */
  readonly opset: number;
  /** Operator sets beside the standard one, such as `com.microsoft`. */
  readonly otherDomains: readonly string[];
  readonly producer: string;
  /** What has to be fed; an initializer that is listed as an input too has a value already. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly graph: GraphProto;
}

/**
 * Reads and checks an ONNX model.
 *
 * @param source what to call the file in a message
 * @throws PlatformError `ONNX_INVALID` when the bytes are no whole ONNX model; `ONNX_UNSUPPORTED` when its values lie in other
 * files, or its version or operator set is outside of what can be run
 * @example
 * const bytes = toOnnx(traceGraph({ y: relu(input("x", ["batch", 3])) }));
 * readOnnx(bytes, "relu.onnx").inputs; // => [{ name: "x", elementType: "float", shape: ["batch", 3] }]
 */
export function readOnnx(bytes: Uint8Array, source = "model.onnx"): OnnxModel {
  const model = parse(bytes, source);
  const invalid = (message: string) =>
    new PlatformError("input", "ONNX_INVALID", `${source}: ${message}`, { file: source });
  const unsupported = (message: string) =>
    new PlatformError("input", "ONNX_UNSUPPORTED", `${source}: ${message}`, { file: source });
  const { graph } = model;
  const irVersion = Number(model.irVersion ?? 0n);
  if (!graph || irVersion < 1)
    throw invalid("expected an ONNX model with a version and a graph, received bytes that hold neither");
  const standard = model.opsetImport.find(({ domain }) => isStandard(domain));
  if (!standard)
    throw invalid("expected the version of ONNX's operator set, found none: the file may be cut off");
  if (graph.output.length === 0) throw invalid("expected a graph with an output, found none");
  const opset = Number(standard.version ?? 0n);
  if (irVersion < readableIrVersions.from || irVersion > readableIrVersions.to) {
    throw unsupported(
      `expected ONNX file version ${readableIrVersions.from} to ${readableIrVersions.to}, received ${irVersion}`,
    );
  }
  if (opset < readableOpsets.from || opset > readableOpsets.to) {
    throw unsupported(
      `expected operator set ${readableOpsets.from} to ${readableOpsets.to}, received ${opset}: export the model again with another one`,
    );
  }
  const elsewhere = tensorsOf(graph).filter(
    ({ dataLocation, externalData }) =>
      dataLocation === TensorProto_DataLocation.EXTERNAL || externalData.length > 0,
  );
  if (elsewhere.length > 0) {
    const names = elsewhere.slice(0, 3).map(({ name }) => name);
    throw unsupported(
      `expected all values inside the file, received ${elsewhere.length} tensors in other files (${names.join(", ")}${elsewhere.length > 3 ? ", ..." : ""}): save the model with its data embedded`,
    );
  }
  const stored = new Set(graph.initializer.map(({ name }) => name));
  return {
    source,
    bytes,
    irVersion,
    opset,
    otherDomains: model.opsetImport.flatMap(({ domain }) => (isStandard(domain) ? [] : [domain ?? ""])),
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(" "),
    inputs: graph.input.filter(({ name }) => !stored.has(name)).map((value) => declaredValue(value, invalid)),
    outputs: graph.output.map((value) => declaredValue(value, invalid)),
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key ?? "", value ?? ""])),
    graph,
  };
}

/** Whether a node or an operator set is of ONNX's own operators. */
export function isStandard(domain: string | undefined): boolean {
  return domain === undefined || domain === "" || domain === "ai.onnx";
}

/** Every node of a graph and of the graphs inside its nodes. */
export function allNodes(graph: GraphProto): NodeProto[] {
  return graph.node.flatMap((node) => [
    node,
    ...node.attribute.flatMap(({ g, graphs }) => [...(g ? [g] : []), ...graphs].flatMap(allNodes)),
  ]);
}

/** A declared type, as far as the file declares it. */
export function declaredValue(value: ValueInfoProto, invalid: (message: string) => PlatformError): OnnxValue {
  const { name = "", type } = value;
  if (type?.value.case !== "tensorType")
    throw invalid(`expected a tensor as "${name}", received another kind of value`);
  const { elemType, shape } = type.value.value;
  const axes = shape?.dim.map(({ value: size }, axis) => {
    if (size.case === "dimValue") return Number(size.value);
    return size.case === "dimParam" && size.value !== "" ? size.value : `${name}_${axis}`;
  });
  return { name, elementType: elementTypeName(elemType), shape: axes ?? null };
}

function tensorsOf(graph: GraphProto): TensorProto[] {
  const attributes = allNodes(graph).flatMap((node) => node.attribute);
  const inner = attributes.flatMap(({ g, graphs }) => [...(g ? [g] : []), ...graphs]);
  return [
    ...graph.initializer,
    ...inner.flatMap((one) => one.initializer),
    ...attributes.flatMap(({ t, tensors }) => [...(t ? [t] : []), ...tensors]),
  ];
}

function parse(bytes: Uint8Array, source: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new PlatformError(
      "input",
      "ONNX_INVALID",
      `${source}: expected a whole ONNX model, received ${bytes.length} bytes that are none or are cut off`,
      { file: source, cause },
    );
  }
}
