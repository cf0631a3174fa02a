/** The `data` of a tensor in JSON: flat, or nested as its shape, row by row either way. */
import { PlatformError } from "../../../base/index.ts";
import { type Datatype, datatypes, sizeOf, type TensorData } from "../../../platform/inference/index.ts";
import { toHalf } from "./half.ts";
import { code, type JsonReader } from "./json-reader.ts";
import { messages } from "./messages.ts";
import { readFloats, readNumber } from "./numbers.ts";

interface Sink {
  readonly data: TensorData;
  /** Takes the value at the reader and puts it at a place. */
  put(reader: JsonReader, at: number): void;
  /** Takes all values up to the end of their list at once; answers how many, or one more than there is room for. */
  run?(reader: JsonReader, at: number): number;
}

/**
 * Reads the data of a tensor.
 *
 * @param where what to call it in a message
 * @throws PlatformError `INPUT_INVALID` for a value that is not of the datatype, for more or fewer than the shape promises, and for
 * nesting that is not that of the shape
 */
export function readTensorData(
  reader: JsonReader,
  where: string,
  datatype: Datatype,
  shape: readonly number[],
): TensorData {
  const size = sizeOf(shape);
  const refuse = (message: string): never => {
    throw new PlatformError("input", "INPUT_INVALID", `${where}: ${message}`);
  };
  // A value takes two bytes at least, so that a body cannot ask for more memory than it has bytes for.
  if (size > reader.bytes.length) refuse(messages.tooFewValues(size, shape));
  const sink = sinkOf(datatype, size, where);
  let at = 0;
  const list = (depth: number): void => {
    reader.take(code.openArray);
    const before = at;
    let items = 0;
    if (reader.peek() !== code.closeArray) {
      const nested = reader.peek() === code.openArray;
      if (nested && depth + 1 >= shape.length) refuse(messages.nestedTooDeep(shape));
      if (sink.run !== undefined && !nested) {
        items = sink.run(reader, at);
        at += items;
        if (at > size) refuse(messages.tooManyValues(size, shape));
      } else
        do {
          items++;
          if (nested) {
            if (reader.peek() !== code.openArray) reader.fail("[");
            list(depth + 1);
          } else {
            if (at === size) refuse(messages.tooManyValues(size, shape));
            sink.put(reader, at++);
          }
        } while (reader.takes(code.comma));
      const flat = depth === 0 && !nested;
      if (!flat && (items !== shape[depth] || (!nested && depth !== shape.length - 1)))
        refuse(messages.nestedOtherwise(shape, depth, items));
    } else if (size > 0 && depth > 0 && before !== at) reader.fail("a value");
    reader.take(code.closeArray);
  };
  if (reader.peek() !== code.openArray) refuse(messages.dataNotArray);
  list(0);
  if (at !== size) refuse(messages.otherCount(size, shape, at));
  return sink.data;
}

const integerRanges = {
  UINT8: [0, 255],
  UINT16: [0, 65535],
  UINT32: [0, 4294967295],
  INT8: [-128, 127],
  INT16: [-32768, 32767],
  INT32: [-2147483648, 2147483647],
} as const;
const wideRanges = {
  UINT64: [0n, 2n ** 64n - 1n],
  INT64: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

function sinkOf(datatype: Datatype, size: number, where: string): Sink {
  const data = datatypes[datatype].make(size);
  const refuse = (at: number, received: string): never => {
    const message = messages.otherValue(where, at, datatype, received);
    throw new PlatformError("input", "INPUT_INVALID", message);
  };
  switch (datatype) {
    case "FP32":
    case "FP64": {
      const values = data as Float32Array | Float64Array;
      const single = datatype === "FP32";
      const tooLarge = (at: number) => refuse(at, messages.tooLarge);
      const run = (reader: JsonReader, at: number) => readFloats(reader, values, at, single, tooLarge);
      return { data, run, put: run };
    }
    case "FP16": {
      const values = data as Uint16Array;
      return {
        data,
        put(reader, at) {
          values[at] = toHalf(readNumber(reader));
          if ((values[at] & 0x7c00) === 0x7c00) refuse(at, messages.tooLarge);
        },
      };
    }
    case "BOOL": {
      const values = data as Uint8Array;
      return {
        data,
        put(reader, at) {
          const value = reader.value();
          if (typeof value !== "boolean" && value !== 0 && value !== 1) refuse(at, JSON.stringify(value));
          values[at] = Number(value);
        },
      };
    }
    case "BYTES": {
      const values = data as string[];
      return {
        data: values,
        put(reader, at) {
          if (reader.peek() !== code.quote) refuse(at, JSON.stringify(reader.value()));
          values[at] = reader.string();
        },
      };
    }
    case "INT64":
    case "UINT64": {
      const values = data as BigInt64Array;
      const [low, high] = wideRanges[datatype];
      return {
        data,
        put(reader, at) {
          const word = numberWord(reader);
          const value = /^-?\d+$/.test(word) ? BigInt(word) : wholeBigInt(word);
          if (value === undefined || value < low || value > high) return refuse(at, word);
          values[at] = value;
        },
      };
    }
    default: {
      const values = data as Int32Array;
      const [low, high] = integerRanges[datatype];
      return {
        data,
        put(reader, at) {
          const value = readNumber(reader);
          if (!Number.isInteger(value) || value < low || value > high) refuse(at, String(value));
          values[at] = value;
        },
      };
    }
  }
}

/** A whole number that is written with a fraction or an exponent, such as 1e3. */
function wholeBigInt(word: string): bigint | undefined {
  const value = Number(word);
  return Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function numberWord(reader: JsonReader): string {
  reader.peek();
  const from = reader.at;
  readNumber(reader);
  return reader.bytes.toString("latin1", from, reader.at);
}
