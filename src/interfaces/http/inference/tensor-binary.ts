/** Tensors as bytes: little-endian, row by row, without padding. A value of BYTES stands behind its length in 4 bytes. */
import { isUtf8 } from "node:buffer";
import { PlatformError } from "../../../base/index.ts";
import {
  type Datatype,
  datatypes,
  type InferenceTensor,
  sizeOf,
  type TensorData,
} from "../../../platform/inference/index.ts";
import { messages } from "./messages.ts";

/**
 * @param where what to call the tensor in a message
 * @throws PlatformError `INPUT_INVALID` when the bytes are not as many as the shape promises, or no texts of UTF-8
 */
export function readBinaryTensor(
  bytes: Buffer,
  where: string,
  datatype: Datatype,
  shape: readonly number[],
): TensorData {
  const size = sizeOf(shape);
  if (datatype === "BYTES") return readTexts(bytes, where, size, shape);
  const expected = size * datatypes[datatype].bytes;
  if (bytes.length !== expected)
    throw invalid(messages.binarySize(where, datatype, shape, expected, bytes.length));
  const data = datatypes[datatype].make(size);
  // A copy: the bytes lie anywhere in the body, whose memory belongs to the connection.
  new Uint8Array(data.buffer).set(bytes);
  if (datatype === "BOOL") for (let i = 0; i < size; i++) if (data[i] !== 0) (data as Uint8Array)[i] = 1;
  return data;
}

/** The bytes of a tensor. */
export function binaryOf({ datatype, data }: InferenceTensor): Buffer {
  if (datatype !== "BYTES") {
    const { buffer, byteOffset, byteLength } = data as Uint8Array<ArrayBuffer>;
    return Buffer.from(buffer, byteOffset, byteLength);
  }
  return Buffer.concat(
    (data as readonly string[]).flatMap((text) => {
      const value = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(value.length);
      return [length, value];
    }),
  );
}

function readTexts(bytes: Buffer, where: string, size: number, shape: readonly number[]): string[] {
  const texts: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw invalid(messages.binaryText(where));
    const end = at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length) throw invalid(messages.binaryText(where));
    const text = bytes.subarray(at + 4, end);
    if (!isUtf8(text)) throw invalid(messages.binaryNotUtf8(where, texts.length));
    texts.push(text.toString("utf8"));
    at = end;
  }
  if (texts.length !== size) throw invalid(`${where}: ${messages.otherCount(size, shape, texts.length)}`);
  return texts;
}

function invalid(message: string): PlatformError {
  return new PlatformError("input", "INPUT_INVALID", message);
}
