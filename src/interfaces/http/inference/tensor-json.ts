/** The `data` of a tensor in JSON: flat, or nested as its shape, row by row either way. */
import { PlatformError } from "../../../base/index.ts";
import { type Datatype, datatypes, sizeOf, type TensorData } from "../../../platform/inference/index.ts";
import { toHalf } from "./half.ts";
import { code, type JsonReader } from "./json-reader.ts";
import { messages } from "./messages.ts";

interface Sink {
  readonly data: TensorData;
  /** Takes the value at the reader and puts it at a place. */
  put(reader: JsonReader, at: number): void;
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
    case "FP32": {
      const values = data as Float32Array;
      return {
        data,
        put(reader, at) {
          values[at] = readFloat(reader, true);
          if (values[at] - values[at] !== 0) refuse(at, messages.tooLarge); // infinite
        },
      };
    }
    case "FP64": {
      const values = data as Float64Array;
      return {
        data,
        put(reader, at) {
          values[at] = readFloat(reader, false);
          if (values[at] - values[at] !== 0) refuse(at, messages.tooLarge);
        },
      };
    }
    case "FP16": {
      const values = data as Uint16Array;
      return {
        data,
        put(reader, at) {
          values[at] = toHalf(readFloat(reader, false));
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
          const value = readFloat(reader, false);
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

/** Powers of ten that a double holds exactly. */
const powers = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** Digits that a double holds exactly, whatever they are. */
const exactDigits = 15;

/**
 * The number at the reader. Where digits and exponent are small, one multiplication or division of two exact doubles rounds once and is
 * therefore right (Clinger 1990, "How to read floating point numbers accurately"). Of longer numbers that become FP32, the first 15
 * digits leave a narrow interval; where both its ends round to the same float, so does what lies between. Everything else is read by
 * the language itself.
 */
function readFloat(reader: JsonReader, single: boolean): number {
  reader.peek();
  const { bytes } = reader;
  const from = reader.at;
  let i = from;
  const negative = bytes[i] === code.minus;
  if (negative) i++;
  const first = bytes[i];
  let mantissa = 0;
  let digits = 0;
  let exponent = 0;
  let cut = false;
  let byte = first;
  while (byte >= code.zero && byte <= code.nine) {
    if (digits < exactDigits) {
      mantissa = mantissa * 10 + (byte - code.zero);
      if (mantissa !== 0) digits++;
    } else {
      cut = true;
      exponent++;
    }
    byte = bytes[++i];
  }
  const wholeDigits = i - from - (negative ? 1 : 0);
  if (wholeDigits === 0 || (first === code.zero && wholeDigits > 1)) reader.fail("a number");
  if (byte === code.point) {
    const start = i + 1;
    byte = bytes[++i];
    while (byte >= code.zero && byte <= code.nine) {
      if (digits < exactDigits) {
        mantissa = mantissa * 10 + (byte - code.zero);
        exponent--;
        if (mantissa !== 0) digits++;
      } else cut = true;
      byte = bytes[++i];
    }
    if (i === start) reader.fail("a number");
  }
  if (byte === 0x65 || byte === 0x45) {
    byte = bytes[++i];
    const below = byte === code.minus;
    if (below || byte === 0x2b) byte = bytes[++i];
    const start = i;
    let written = 0;
    while (byte >= code.zero && byte <= code.nine) {
      written = Math.min(100_000, written * 10 + (byte - code.zero));
      byte = bytes[++i];
    }
    if (i === start) reader.fail("a number");
    exponent += below ? -written : written;
  }
  reader.at = i;
  if (exponent >= -22 && exponent <= 22) {
    const scale = (value: number) => (exponent < 0 ? value / powers[-exponent] : value * powers[exponent]);
    const value = scale(mantissa);
    if (!cut) return negative ? -value : value;
    if (single && Math.fround(value) === Math.fround(scale(mantissa + 1))) return negative ? -value : value;
  }
  return Number(bytes.toString("latin1", from, i));
}

function numberWord(reader: JsonReader): string {
  reader.peek();
  const from = reader.at;
  readFloat(reader, false);
  return reader.bytes.toString("latin1", from, reader.at);
}
