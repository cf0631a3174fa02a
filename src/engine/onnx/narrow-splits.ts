/**
 * `Split` for graphics cards. One WebGPU program may bind eight buffers, of which one is what is split; ONNX Runtime refuses a Split into
 * more parts when it runs. All parameters of a model are cut out of one vector, so nearly every training has such a Split.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
} from "./generated/onnx_pb.js";

const mostParts = 7;

/** The same model with every Split into more than seven parts, of constant sizes, made of smaller ones: first into groups, then each of these. */
export function withNarrowSplits(bytes: Uint8Array): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  if (model.graph) narrow(model.graph, model.graph, new Map());
  return toBinary(ModelProtoSchema, model);
}

/** @param outer sizes that graphs around this one hold, by name */
function narrow(graph: GraphProto, main: GraphProto, outer: ReadonlyMap<string, readonly bigint[]>): void {
  const known = new Map(outer);
  for (const tensor of graph.initializer)
    if (tensor.dataType === TensorProto_DataType.INT64) known.set(tensor.name, integersOf(tensor));
  graph.node = graph.node.flatMap((node) => {
    for (const { g } of node.attribute) if (g) narrow(g, main, known);
    const sizes = node.opType === "Split" ? known.get(node.input[1]) : undefined;
    if (sizes === undefined || node.output.length <= mostParts) return [node];
    const axis = node.attribute.filter(({ name }) => name === "axis");
    return splits({ name: node.name, input: node.input[0], outputs: node.output, sizes }, axis, main);
  });
}

/** What is cut, and into which parts. */
interface Cut {
  readonly name: string;
  readonly input: string;
  readonly outputs: readonly string[];
  readonly sizes: readonly bigint[];
}

/** The nodes that take the place of a Split; constants go into the main graph, which every inner one sees. */
function splits({ name, input, outputs, sizes }: Cut, axis: AttributeProto[], main: GraphProto): NodeProto[] {
  if (outputs.length <= mostParts) return [split({ name, input, outputs, sizes }, axis, main)];
  const each = Math.ceil(outputs.length / mostParts);
  const groups = Array.from({ length: Math.ceil(outputs.length / each) }, (_, i): Cut => {
    const part = <T>(all: readonly T[]) => all.slice(i * each, (i + 1) * each);
    const own = `${name}_group_${i}`;
    return { name: own, input: own, outputs: part(outputs), sizes: part(sizes) };
  });
  const first = {
    ...{ name, input },
    outputs: groups.map((group) => (group.outputs.length === 1 ? group.outputs[0] : group.name)),
    sizes: groups.map((group) => group.sizes.reduce((sum, size) => sum + size, 0n)),
  };
  const wide = groups.filter((group) => group.outputs.length > 1);
  return [split(first, axis, main), ...wide.flatMap((group) => splits(group, axis, main))];
}

function split({ name, input, outputs, sizes }: Cut, axis: AttributeProto[], main: GraphProto): NodeProto {
  const constant = `${name}_sizes`;
  main.initializer.push(
    create(TensorProtoSchema, {
      name: constant,
      dataType: TensorProto_DataType.INT64,
      dims: [BigInt(sizes.length)],
      int64Data: [...sizes],
    }),
  );
  return create(NodeProtoSchema, {
    opType: "Split",
    ...{ name, input: [input, constant], output: [...outputs], attribute: axis },
  });
}

function integersOf({ rawData, int64Data }: { rawData: Uint8Array; int64Data: bigint[] }): bigint[] {
  if (rawData.length === 0) return int64Data;
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
  return Array.from({ length: rawData.length / 8 }, (_, i) => view.getBigInt64(8 * i, true));
}
