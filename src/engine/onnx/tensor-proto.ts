/** The values of a tensor that an ONNX file stores, which come in two forms: raw little-endian bytes, or typed lists. */
import { PlatformError } from "../../base/index.ts";
import type { DataType } from "../shape.ts";
import { type TypedArray, toTyped } from "../tensor.ts";
import { elementType } from "./emitter.ts";
import { type TensorProto, TensorProto_DataType } from "./generated/onnx_pb.js";

/** A stored array, in an element type of the engine. */
export interface StoredArray {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

const dataTypes = new Map<number, DataType>(
  (Object.keys(elementType) as DataType[]).map((dtype) => [elementType[dtype], dtype]),
);

/** The engine's name of an ONNX element type; undefined for one that the engine does not have, such as float16. */
export function dataTypeOf(onnxType: number | undefined): DataType | undefined {
  return dataTypes.get(onnxType ?? 0);
}

/**
 * ONNX's own name of an element type, in lower case.
 *
 * @example
 * elementTypeName(1); // => "float"
 */
export function elementTypeName(onnxType: number | undefined): string {
  return (TensorProto_DataType[onnxType ?? 0] ?? `type ${onnxType}`).toLowerCase();
}

/** Number of elements that the dimensions of a stored tensor promise. */
export function elementCount(tensor: TensorProto): number {
  return tensor.dims.reduce((product, size) => product * Number(size), 1);
}

/**
 * The values of a stored tensor.
 *
 * @param where what to call the tensor in a message
 * @throws PlatformError `ONNX_UNSUPPORTED` for an element type that the engine does not have, `ONNX_INVALID` when the values do
 * not fill the shape
 */
export function storedArray(tensor: TensorProto, where: string): StoredArray {
  const dtype = dataTypeOf(tensor.dataType);
  if (!dtype) {
    throw new PlatformError(
      "input",
      "ONNX_UNSUPPORTED",
      `${where}: expected an element type of the engine (${[...dataTypes.values()].join(", ")}), received ${elementTypeName(tensor.dataType)}`,
    );
  }
  const data =
    tensor.rawData && tensor.rawData.length > 0
      ? fromRaw(tensor.rawData, dtype, where)
      : typed(tensor, dtype);
  const size = elementCount(tensor);
  if (data.length !== size) {
    throw new PlatformError(
      "input",
      "ONNX_INVALID",
      `${where}: expected ${size} values for [${tensor.dims.join(", ")}], received ${data.length}`,
    );
  }
  return { dtype, shape: tensor.dims.map(Number), data };
}

function fromRaw(raw: Uint8Array, dtype: DataType, where: string): TypedArray {
  const bytes = Uint8Array.prototype.slice.call(raw); // a copy lies aligned, wherever the bytes lie in the file
  const width = { float32: 4, float64: 8, int64: 8, int32: 4, uint32: 4, bool: 1 }[dtype];
  if (bytes.length % width !== 0) {
    throw new PlatformError(
      "input",
      "ONNX_INVALID",
      `${where}: expected whole elements of ${width} bytes, received ${bytes.length} bytes`,
    );
  }
  const make = {
    float32: () => new Float32Array(bytes.buffer),
    float64: () => new Float64Array(bytes.buffer),
    int64: () => new BigInt64Array(bytes.buffer),
    int32: () => new Int32Array(bytes.buffer),
    uint32: () => new Uint32Array(bytes.buffer),
    bool: () => bytes,
  } as const satisfies Record<DataType, () => TypedArray>;
  return make[dtype]();
}

function typed(tensor: TensorProto, dtype: DataType): TypedArray {
  switch (dtype) {
    case "float32":
      return Float32Array.from(tensor.floatData);
    case "float64":
      return Float64Array.from(tensor.doubleData);
    case "int64":
      return BigInt64Array.from(tensor.int64Data);
    case "uint32":
      return Uint32Array.from(tensor.uint64Data, Number);
    default:
      return toTyped(tensor.int32Data, dtype);
  }
}
