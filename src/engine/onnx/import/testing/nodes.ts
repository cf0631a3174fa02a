/** ONNX nodes and the models around them, as the tests of the import write them down. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { keyFrom, normal } from "../../../../base/index.ts";
import { input, relu, toOnnx, traceGraph } from "../../../index.ts";
import { valueInfo } from "../../emitter.ts";
import {
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProtoSchema,
} from "../../generated/onnx_pb.js";

export interface Given {
  readonly nodes: readonly Partial<NodeProto>[];
  /** Stored arrays by name, of float32 or of whole numbers. */
  readonly stored?: Readonly<
    Record<
      string,
      { readonly shape: readonly number[]; readonly data: ArrayLike<number>; readonly whole?: true }
    >
  >;
  /** Shape of x, of which the first axis stays open unless `open` names another. */
  readonly shape?: readonly number[];
  readonly open?: number;
  readonly positive?: boolean;
  readonly opset?: number;
}

// ONNX numbers the kinds of attributes.
export const float = (name: string, f: number) => ({ name, type: 1, f });
export const int = (name: string, i: number) => ({ name, type: 2, i: BigInt(i) });
export const text = (name: string, s: string) => ({ name, type: 3, s: new TextEncoder().encode(s) });
export const floats = (name: string, list: number[]) => ({ name, type: 6, floats: list });
export const ints = (name: string, list: number[]) => ({ name, type: 7, ints: list.map(BigInt) });
export const node = (opType: string, inputs: string[], attribute: object[] = [], output = ["y"]) =>
  ({
    opType,
    name: `${opType}_${output[0]}`,
    input: inputs,
    output,
    attribute,
  }) as unknown as Partial<NodeProto>;
export const whole = (output: string, list: number[]) =>
  node("Constant", [], [ints("value_ints", list)], [output]);
export const real = (output: string, list: number[]) =>
  node("Constant", [], [floats("value_floats", list)], [output]);
export const real1 = (output: string, value: number) =>
  node("Constant", [], [float("value_float", value)], [output]);
export const drawn = (seed: number, ...shape: number[]) => ({
  shape,
  data: normal(
    keyFrom(seed),
    shape.reduce((a, b) => a * b, 1),
  ),
});

export const unary = (
  opType: string,
  more: Partial<Given> & { attributes?: object[] } = {},
): [string, Given] => [opType, { nodes: [node(opType, ["x"], more.attributes)], ...more }];
export const binary = (opType: string): [string, Given] => [
  opType,
  { nodes: [node(opType, ["x", "b"])], stored: { b: { shape: [4], data: [1, -2, 0.5, 3] } } },
];
export const compared = (opType: string): [string, Given] => [
  opType,
  {
    nodes: [node(opType, ["x", "b"], [], ["c"]), node("Where", ["c", "x", "b"])],
    stored: { b: { shape: [1], data: [0.25] } },
  },
];
/** The model, made by editing one of ours. */
export function modelOf({ nodes, stored = {}, shape = [2, 4], open = 0, opset = 17 }: Given): Uint8Array {
  const model = fromBinary(ModelProtoSchema, toOnnx(traceGraph({ y: relu(input("x", [1])) })));
  model.opsetImport[0].version = BigInt(opset);
  const graph = model.graph!;
  graph.node = nodes.map((one) => create(NodeProtoSchema, one as object));
  graph.initializer = Object.entries(stored).map(([name, { shape: dims, data, whole: isWhole }]) =>
    create(TensorProtoSchema, {
      name,
      dims: dims.map(BigInt),
      ...(isWhole
        ? { dataType: 7, int64Data: Array.from(data, BigInt) }
        : { dataType: 1, floatData: Array.from(data) }),
    }),
  );
  const axes = shape.map((size, axis) => (axis === open ? "batch" : size));
  graph.input = [valueInfo("x", { dtype: "float32", shape: axes })];
  graph.output = [valueInfo("y", { dtype: "float32", shape: [] })];
  // The shape of y is what the test is about: it is left open.
  const declared = graph.output[0].type!.value;
  if (declared.case === "tensorType") delete declared.value.shape;
  return toBinary(ModelProtoSchema, model);
}
