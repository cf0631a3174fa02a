/** Element types of tensors by their names in the Open Inference Protocol, and what carries their values here. */

import { PlatformError } from "../../base/index.ts";
import type { OnnxValue } from "../../engine/index.ts";

/** Values of a tensor, row by row. BYTES are texts; FP16 are the bits of IEEE 754 half precision; BOOL are 0 and 1. */
export type TensorData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | readonly string[];

/** What a datatype is in an ONNX file, in ONNX Runtime, and in memory. */
export const datatypes = {
  BOOL: { onnx: "bool", runtime: "bool", bytes: 1, make: (n: number) => new Uint8Array(n) },
  UINT8: { onnx: "uint8", runtime: "uint8", bytes: 1, make: (n: number) => new Uint8Array(n) },
  UINT16: { onnx: "uint16", runtime: "uint16", bytes: 2, make: (n: number) => new Uint16Array(n) },
  UINT32: { onnx: "uint32", runtime: "uint32", bytes: 4, make: (n: number) => new Uint32Array(n) },
  UINT64: { onnx: "uint64", runtime: "uint64", bytes: 8, make: (n: number) => new BigUint64Array(n) },
  INT8: { onnx: "int8", runtime: "int8", bytes: 1, make: (n: number) => new Int8Array(n) },
  INT16: { onnx: "int16", runtime: "int16", bytes: 2, make: (n: number) => new Int16Array(n) },
  INT32: { onnx: "int32", runtime: "int32", bytes: 4, make: (n: number) => new Int32Array(n) },
  INT64: { onnx: "int64", runtime: "int64", bytes: 8, make: (n: number) => new BigInt64Array(n) },
  FP16: { onnx: "float16", runtime: "float16", bytes: 2, make: (n: number) => new Uint16Array(n) },
  FP32: { onnx: "float", runtime: "float32", bytes: 4, make: (n: number) => new Float32Array(n) },
  FP64: { onnx: "double", runtime: "float64", bytes: 8, make: (n: number) => new Float64Array(n) },
  /** `bytes` is 0: every value has a size of its own. */
  BYTES: { onnx: "string", runtime: "string", bytes: 0, make: (n: number) => new Array<string>(n).fill("") },
} as const;

export type Datatype = keyof typeof datatypes;

export const datatypeNames = Object.keys(datatypes) as readonly Datatype[];

export function isDatatype(name: unknown): name is Datatype {
  return typeof name === "string" && Object.hasOwn(datatypes, name);
}

/** A tensor with its values. `data` has as many values as the shape promises. */
export interface InferenceTensor {
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** An input or output as a model declares it. An axis is a size, or the name of a size that stays open. */
export interface TensorSignature {
  readonly name: string;
  readonly datatype: Datatype;
  /** Null where the model declares no shape. */
  readonly shape: readonly (number | string)[] | null;
}

const byOnnxName = new Map<string, Datatype>(datatypeNames.map((name) => [datatypes[name].onnx, name]));

/**
 * The inputs or outputs of an ONNX model.
 *
 * @throws PlatformError `ONNX_UNSUPPORTED` naming every one whose element type the protocol does not have
 */
export function signatureOf(values: readonly OnnxValue[], source: string): TensorSignature[] {
  const odd = values.filter(({ elementType }) => !byOnnxName.has(elementType));
  if (odd.length > 0) {
    const names = odd.map(({ name, elementType }) => `"${name}" (${elementType})`).join(", ");
    const message = `${source}: expected inputs and outputs of ${[...byOnnxName.keys()].join(", ")}, received ${names}`;
    throw new PlatformError("input", "ONNX_UNSUPPORTED", message, { file: source });
  }
  return values.map(({ name, elementType, shape }) => ({
    name,
    datatype: byOnnxName.get(elementType) as Datatype,
    shape,
  }));
}

/** Number of values of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
