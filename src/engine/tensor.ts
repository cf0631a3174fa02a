/**
 * A tensor here is a value that will exist when the graph runs: the output of a primitive applied to other tensors. Nothing
 * is computed while a model is traced; the tensors only remember where they come from. `gradient.ts` walks these memories
 * backwards, `onnx/emitter.ts` writes them down as an ONNX graph, and ONNX Runtime computes.
 */
import type { PrimitiveAttributes, PrimitiveName } from "./primitives/table.ts";
import { type DataType, formatShape, mismatch, type Shape, staticSize, type TensorType } from "./shape.ts";

export type TypedArray = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint32Array | Uint8Array;

/** One application of a primitive. Most primitives have one output; recurrent ones have several. */
export interface Node<P extends PrimitiveName = PrimitiveName> {
  readonly primitive: P;
  readonly inputs: readonly Tensor[];
  readonly attributes: PrimitiveAttributes[P];
  readonly outputs: readonly Tensor[];
}

/** A value of the graph: shape, element type, and the node that makes it. */
export class Tensor implements TensorType {
  readonly node: Node;
  /** Which of the node's outputs this is. */
  readonly output: number;
  readonly shape: Shape;
  readonly dtype: DataType;

  constructor(node: Node, output: number, type: TensorType) {
    this.node = node;
    this.output = output;
    this.shape = type.shape;
    this.dtype = type.dtype;
  }
}

/** Who changes a parameter in training: the optimiser by its gradient, or the layer that keeps track of what it has seen. */
export type ParameterRole = "learned" | "statistic";

/** An array that belongs to a model: a leaf of the graph with an initial value. Its name is its place in the model. */
export class Parameter extends Tensor {
  readonly value: Float32Array;
  readonly role: ParameterRole;

  constructor(
    shape: readonly number[],
    value: Float32Array,
    dtype: DataType = "float32",
    role: ParameterRole = "learned",
  ) {
    const outputs: Tensor[] = [];
    super({ primitive: "parameter", inputs: [], attributes: {}, outputs }, 0, { dtype, shape });
    outputs.push(this);
    if (value.length !== staticSize(shape)) {
      throw mismatch(
        `parameter: expected ${staticSize(shape)} values for ${formatShape(shape)}, received ${value.length}`,
      );
    }
    this.value = value;
    this.role = role;
  }
}

/** An array with its shape, as initialisers make it. */
export interface ArrayValue {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A learned array with its initial value. */
export function parameter(initial: ArrayValue): Parameter {
  return new Parameter(initial.shape, initial.data);
}

/** An array that no gradient moves: its layer says in each training pass what it is next (`Pass.track`), such as a running mean. */
export function statistic(initial: ArrayValue): Parameter {
  return new Parameter(initial.shape, initial.data, "float32", "statistic");
}

/** A value given from outside each time the graph runs. */
export function input(name: string, shape: Shape, dtype: DataType = "float32"): Tensor {
  return leaf("input", { name }, { dtype, shape });
}

/** The name of an input leaf. */
export function inputName(tensor: Tensor): string {
  return (tensor.node as Node<"input">).attributes.name;
}

/** A value fixed when the graph is made. */
export function constant(
  data: TypedArray | readonly number[] | number,
  shape?: readonly number[],
  dtype: DataType = "float32",
): Tensor {
  const values = typeof data === "number" ? [data] : data;
  const target = shape ?? (typeof data === "number" ? [] : [values.length]);
  if (values.length !== staticSize(target)) {
    throw mismatch(
      `constant: expected ${staticSize(target)} values for ${formatShape(target)}, received ${values.length}`,
    );
  }
  return leaf("constant", { data: toTyped(values, dtype) }, { dtype, shape: target });
}

/** Makes a leaf: a node without inputs whose type is given, not derived. */
export function leaf<P extends "input" | "constant">(
  primitive: P,
  attributes: PrimitiveAttributes[P],
  type: TensorType,
): Tensor {
  const outputs: Tensor[] = [];
  const tensor = new Tensor({ primitive, inputs: [], attributes, outputs }, 0, type);
  outputs.push(tensor);
  return tensor;
}

const arrayTypes = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
} as const;

/** Numbers as the typed array of an element type. */
export function toTyped(values: TypedArray | readonly number[], dtype: DataType): TypedArray {
  if (dtype === "int64") {
    if (values instanceof BigInt64Array) return values;
    const odd = (values as readonly number[]).find((value) => !Number.isSafeInteger(value));
    if (odd !== undefined) throw mismatch(`constant: expected whole numbers for ${dtype}, received ${odd}`);
    return BigInt64Array.from(values as readonly number[], (v) => BigInt(v));
  }
  if (values instanceof BigInt64Array)
    throw mismatch(`constant: expected numbers for ${dtype}, received a BigInt64Array`);
  const type = arrayTypes[dtype];
  return values instanceof type ? values : type.from(values as readonly number[]);
}
