/**
 * Writes ONNX nodes one by one. A rule of the primitive table asks for nodes and gets names; the emitter keeps names unique,
 * stores each constant once, and gives control-flow operators (Scan) their inner graphs.
 */
import { create } from "@bufbuild/protobuf";
import { coefficient, type DataType, isStatic, mismatch, type Shape, type TensorType } from "../shape.ts";
import { type TypedArray, toTyped } from "../tensor.ts";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./generated/onnx_pb.js";
import { type EmittedOperator, requireOperator } from "./operator-versions.ts";

/** An attribute: a whole number, several, a text, `{ float }`, or an inner graph. */
export type OnnxAttribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly graph: GraphProto };

/** ONNX's number of an element type. */
export const elementType: Record<DataType, TensorProto_DataType> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  int64: TensorProto_DataType.INT64,
  int32: TensorProto_DataType.INT32,
  uint32: TensorProto_DataType.UINT32,
  bool: TensorProto_DataType.BOOL,
};

/** What all graphs of one model share: names and constants. */
interface Shared {
  readonly initializers: Map<string, TensorProto>;
  readonly constants: Map<string, string>;
  readonly values: Map<string, { readonly shape: readonly number[]; readonly data: TypedArray }>;
  counter: number;
  /** A tensor from which the batch size can be read: its name, the axis, and how many times the batch that axis is. */
  batchSource: { readonly name: string; readonly axis: number; readonly times: number } | null;
  batchSize: string | null;
}

export class Emitter {
  readonly nodes: NodeProto[] = [];
  /** Version of ONNX's operator set that the rules write for. */
  readonly opset: number;
  readonly #shared: Shared;

  constructor(opset: number, shared?: Shared) {
    this.opset = opset;
    this.#shared = shared ?? {
      initializers: new Map(),
      constants: new Map(),
      values: new Map(),
      counter: 0,
      batchSource: null,
      batchSize: null,
    };
  }

  get initializers(): readonly TensorProto[] {
    return [...this.#shared.initializers.values()];
  }

  /** A node with one output; returns the output's name. */
  one(
    opType: EmittedOperator,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): string {
    return this.many(opType, inputs, attributes, 1)[0];
  }

  /** A node with several outputs; `wanted` may drop some of them. */
  many(
    opType: EmittedOperator,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>>,
    outputs: number | readonly boolean[],
  ): string[] {
    const wanted = typeof outputs === "number" ? Array.from({ length: outputs }, () => true) : outputs;
    requireOperator(opType, Object.keys(attributes), this.opset);
    const names = wanted.map((keep) => (keep ? this.name(opType.toLowerCase()) : ""));
    this.nodes.push(
      create(NodeProtoSchema, {
        opType,
        name: this.name(`${opType.toLowerCase()}_node`),
        input: [...inputs],
        output: names,
        attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
      }),
    );
    return names;
  }

  /** Gives a value a second, chosen name: how graph outputs get theirs. */
  rename(from: string, to: string): void {
    this.nodes.push(
      create(NodeProtoSchema, { opType: "Identity", name: `output_${to}`, input: [from], output: [to] }),
    );
  }

  name(stem: string): string {
    return `${stem}_${this.#shared.counter++}`;
  }

  /** A constant array, stored once however often it is asked for. */
  constant(
    values: TypedArray | readonly number[] | number,
    shape: readonly number[],
    dtype: DataType,
  ): string {
    const data = toTyped(typeof values === "number" ? [values] : values, dtype);
    const key = data.length <= 64 ? `${dtype}[${shape}]${data.join()}` : null;
    const known = key === null ? undefined : this.#shared.constants.get(key);
    if (known !== undefined) return known;
    const name = this.name("constant");
    this.initializer(name, data, shape, dtype);
    if (key !== null) this.#shared.constants.set(key, name);
    return name;
  }

  /** A constant array of one value. */
  filled(value: number, shape: readonly number[], dtype: DataType): string {
    const key = `${dtype}[${shape}]filled ${value}`;
    const known = this.#shared.constants.get(key);
    if (known !== undefined) return known;
    const size = shape.reduce((a, b) => a * b, 1);
    const name = this.constant(new Array<number>(size).fill(value), shape, dtype);
    this.#shared.constants.set(key, name);
    return name;
  }

  /** A constant vector of whole numbers: axes, sizes, positions. */
  ints(values: readonly number[]): string {
    return this.constant(values, [values.length], "int64");
  }

  /** A named constant array, such as a trained weight. */
  initializer(name: string, data: TypedArray, shape: readonly number[], dtype: DataType): void {
    this.#shared.values.set(name, { shape, data });
    this.#shared.initializers.set(
      name,
      create(TensorProtoSchema, {
        name,
        dims: shape.map(BigInt),
        dataType: elementType[dtype],
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      }),
    );
  }

  /** The value of a constant or a stored weight; undefined when it exists only at run time. */
  valueOf(name: string): { readonly shape: readonly number[]; readonly data: TypedArray } | undefined {
    return this.#shared.values.get(name);
  }

  /** Says which value the batch size can be read from. */
  batchFrom(name: string, shape: Shape): void {
    const axis = shape.findIndex((dimension) => typeof dimension !== "number");
    if (axis >= 0) this.#shared.batchSource ??= { name, axis, times: coefficient(shape[axis]) };
  }

  /** A shape as an int64 vector that exists at run time. */
  shape(shape: Shape): string {
    if (isStatic(shape)) return this.ints(shape);
    const parts = shape.map((dimension) => {
      if (typeof dimension === "number") return this.ints([dimension]);
      const times = coefficient(dimension);
      return times === 1 ? this.#batch() : this.one("Mul", [this.#batch(), this.ints([times])]);
    });
    return parts.length === 1 ? parts[0] : this.one("Concat", parts, { axis: 0 });
  }

  #batch(): string {
    const source = this.#shared.batchSource;
    if (!source)
      throw mismatch(
        "graph: expected an input with a batch axis, whose size the graph asks for, received none",
      );
    if (this.#shared.batchSize === null) {
      const shape = this.one("Shape", [source.name]);
      const size = this.one("Gather", [shape, this.ints([source.axis])]);
      this.#shared.batchSize = source.times === 1 ? size : this.one("Div", [size, this.ints([source.times])]);
    }
    return this.#shared.batchSize;
  }

  /** An inner graph. Names of the outer graph are visible inside it. */
  inner(
    inputs: readonly TensorType[],
    build: (to: Emitter, names: readonly string[]) => readonly string[],
    outputs: readonly TensorType[],
  ): GraphProto {
    const inner = new Emitter(this.opset, this.#shared);
    const names = inputs.map(() => this.name("inner"));
    const results = build(inner, names).map((result) => {
      // An inner graph's output must be made inside it.
      return inner.nodes.some((node) => node.output.includes(result))
        ? result
        : inner.one("Identity", [result]);
    });
    return create(GraphProtoSchema, {
      name: this.name("body"),
      node: inner.nodes,
      input: names.map((name, i) => valueInfo(name, inputs[i])),
      output: results.map((name, i) => valueInfo(name, outputs[i])),
    });
  }
}

/** The type of a graph's input or output; a text names an axis whose size is open. */
export interface DeclaredType {
  readonly dtype: DataType;
  readonly shape: readonly (number | string)[];
}

/** Declares an input or output of a graph. */
export function valueInfo(name: string, { dtype, shape }: DeclaredType): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "tensorType",
        value: {
          elemType: elementType[dtype],
          shape: {
            dim: shape.map((dimension) => ({
              value:
                typeof dimension === "number"
                  ? { case: "dimValue" as const, value: BigInt(dimension) }
                  : { case: "dimParam" as const, value: dimension },
            })),
          },
        },
      },
    },
  });
}

function attributeProto(name: string, value: OnnxAttribute): AttributeProto {
  const type = AttributeProto_AttributeType;
  if (typeof value === "number")
    return create(AttributeProtoSchema, { name, type: type.INT, i: BigInt(value) });
  if (typeof value === "string")
    return create(AttributeProtoSchema, { name, type: type.STRING, s: new TextEncoder().encode(value) });
  if ("float" in value) return create(AttributeProtoSchema, { name, type: type.FLOAT, f: value.float });
  if ("graph" in value) return create(AttributeProtoSchema, { name, type: type.GRAPH, g: value.graph });
  return create(AttributeProtoSchema, { name, type: type.INTS, ints: value.map(BigInt) });
}
