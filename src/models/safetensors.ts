/**
 * The safetensors format: named tensors as plain bytes, with nothing in it that could run. A file is the length of the
 * header (8 bytes, little-endian), the header (JSON: name -> type, shape, place), then the data without gaps.
 *
 * A file may come from anywhere, so `decode` trusts no number in it: every tensor's bytes must lie inside the file, fit its
 * shape, and follow each other without overlap or hole, so that two readers can never see different tensors.
 *
 * @see https://huggingface.co/docs/safetensors, format section
 */
import { PlatformError } from "../base/index.ts";

/**
 * Element types that are read and written, by the array that holds them. BOOL is 0 or 1 in a byte; F16 and BF16 are kept as their
 * bits, which `float32Of` turns into numbers.
 */
export interface TensorArrays {
  readonly F64: Float64Array;
  readonly F32: Float32Array;
  readonly I64: BigInt64Array;
  readonly I32: Int32Array;
  readonly F16: Uint16Array;
  readonly BF16: Uint16Array;
  readonly U8: Uint8Array;
  readonly BOOL: Uint8Array;
}

export type TensorType = keyof TensorArrays;

/** One tensor, its values row by row. */
export type StoredTensor = {
  [T in TensorType]: {
    readonly type: T;
    readonly shape: readonly number[];
    readonly data: TensorArrays[T];
  };
}[TensorType];

/** What a file holds: tensors by name, and texts by name. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The reference implementation refuses longer headers too. */
export const maximumHeaderBytes = 100_000_000;

/** Bytes of one element. The order of the rows is the order in the file: wide types first, so that all lie aligned. */
const elementBytes = {
  F64: 8,
  I64: 8,
  F32: 4,
  I32: 4,
  F16: 2,
  BF16: 2,
  BOOL: 1,
  U8: 1,
} as const satisfies Record<TensorType, number>;
const types = Object.keys(elementBytes) as TensorType[];

/**
 * The bytes of a file with these tensors. The same tensors and metadata give the same bytes, whatever their order: tensors
 * are sorted by type, widest first, then by name. The data begins at a multiple of 8, as the format asks.
 *
 * @throws PlatformError `SHAPE_MISMATCH` when a tensor's values do not fit its shape
 * @example
 * decode(encode(new Map([["w", { type: "F32", shape: [2], data: Float32Array.of(1, 2) }]])), "w").tensors.size; // => 1
 */
export function encode(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].sort(
    ([a, first], [b, second]) => types.indexOf(first.type) - types.indexOf(second.type) || (a < b ? -1 : 1),
  );
  const entries: [string, unknown][] = [];
  if (metadata.size > 0) entries.push(["__metadata__", Object.fromEntries([...metadata].sort())]);
  let end = 0;
  for (const [name, tensor] of sorted) {
    requireStorable(name, tensor);
    const start = end;
    end += tensor.data.byteLength;
    entries.push([name, { dtype: tensor.type, shape: tensor.shape, data_offsets: [start, end] }]);
  }
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const dataStart = 8 + 8 * Math.ceil(header.length / 8);
  const file = new Uint8Array(dataStart + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(dataStart - 8), true);
  file.fill(0x20, 8, dataStart); // the header is padded with spaces
  file.set(header, 8);
  let position = dataStart;
  for (const [, { data }] of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return file;
}

/**
 * The tensors and metadata of a file. The values are copies: they do not keep `bytes` alive.
 *
 * @param name what to call the file in a message
 * @throws PlatformError `ARTIFACT_CORRUPT` naming the file and the rule it breaks, when it breaks any
 */
export function decode(bytes: Uint8Array, name: string): TensorFile {
  const corrupt = (message: string, cause?: unknown) =>
    new PlatformError("conflict", "ARTIFACT_CORRUPT", `${name}: not a valid safetensors file: ${message}`, {
      file: name,
      cause,
    });
  if (bytes.length < 8) throw corrupt(`expected at least 8 bytes, received ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getBigUint64(0, true);
  const room = Math.min(bytes.length - 8, maximumHeaderBytes);
  if (headerBytes > BigInt(room)) {
    throw corrupt(`expected a header of at most ${room} bytes, received a length of ${headerBytes}`);
  }
  const dataStart = 8 + Number(headerBytes);
  const text = decodeText(bytes.subarray(8, dataStart), corrupt);
  const header = parseHeader(text, corrupt);
  const dataBytes = bytes.length - dataStart;

  const metadata = new Map<string, string>();
  const places: { name: string; type: TensorType; shape: number[]; start: number; end: number }[] = [];
  for (const [key, entry] of Object.entries(header)) {
    if (key === "__metadata__") {
      for (const [label, value] of Object.entries(record(entry, key, corrupt))) {
        if (typeof value !== "string") throw corrupt(`expected metadata "${label}" to be a text`);
        metadata.set(label, value);
      }
      continue;
    }
    const { dtype, shape, data_offsets: offsets, ...rest } = record(entry, key, corrupt);
    const type = types.find((known) => known === dtype);
    if (!type)
      throw corrupt(`tensor "${key}": expected a type of ${types.join(", ")}, received ${show(dtype)}`);
    if (!isCounts(shape))
      throw corrupt(`tensor "${key}": expected a shape of whole numbers, received ${show(shape)}`);
    if (!isCounts(offsets) || offsets.length !== 2) {
      throw corrupt(`tensor "${key}": expected data_offsets [start, end], received ${show(offsets)}`);
    }
    if (Object.keys(rest).length > 0) throw corrupt(`tensor "${key}": unknown field ${Object.keys(rest)[0]}`);
    const [start, end] = offsets;
    if (start > end || end > dataBytes) {
      throw corrupt(
        `tensor "${key}": expected offsets inside the ${dataBytes} data bytes, received ${show(offsets)}`,
      );
    }
    const size = byteCount(type, shape);
    if (end - start !== size) {
      throw corrupt(
        `tensor "${key}": expected ${size} bytes for ${type} [${shape.join(", ")}], received ${end - start}`,
      );
    }
    places.push({ name: key, type, shape, start, end });
  }

  places.sort((a, b) => a.start - b.start || a.end - b.end);
  let covered = 0;
  for (const { name: tensor, start, end } of places) {
    if (start !== covered) {
      const fault = start < covered ? "overlaps the tensor before it" : "leaves unused bytes before it";
      throw corrupt(`tensor "${tensor}" ${fault}: expected start ${covered}, received ${start}`);
    }
    covered = end;
  }
  if (covered !== dataBytes) throw corrupt(`expected ${covered} data bytes, received ${dataBytes}`);

  const tensors = new Map<string, StoredTensor>();
  for (const { name: tensor, type, shape, start, end } of places) {
    // A copy lies aligned, whatever its place in the file. A Buffer's own `slice` would be no copy.
    const data = Uint8Array.prototype.slice.call(bytes, dataStart + start, dataStart + end);
    if (type === "BOOL" && data.some((value) => value > 1)) {
      throw corrupt(`tensor "${tensor}": expected BOOL bytes 0 or 1`);
    }
    tensors.set(tensor, { type, shape, data: arrayOf(type, data) } as StoredTensor);
  }
  return { tensors, metadata };
}

/**
 * The values of a tensor of real numbers as float32; undefined for whole numbers and truth values. F16 and BF16 become float32 without
 * loss, F64 is rounded.
 *
 * @example
 * float32Of({ type: "F16", shape: [3], data: Uint16Array.of(0x3c00, 0xc000, 0x0001) }); // => [1, -2, 2 ** -24]
 * float32Of({ type: "BF16", shape: [2], data: Uint16Array.of(0x3f80, 0xc040) }); // => [1, -3]
 */
export function float32Of({ type, data }: StoredTensor): Float32Array | undefined {
  switch (type) {
    case "F32":
      return data;
    case "F64":
      return Float32Array.from(data);
    case "F16":
      return Float32Array.from(data, halfValue);
    case "BF16":
      // The upper half of a float32.
      return new Float32Array(Uint32Array.from(data, (bits) => bits << 16).buffer);
    default:
      return undefined;
  }
}

/** IEEE 754 binary16: a sign, five bits of exponent, ten of fraction. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

type Corrupt = (message: string, cause?: unknown) => PlatformError;

function arrayOf(type: TensorType, { buffer }: Uint8Array<ArrayBuffer>): TensorArrays[TensorType] {
  const make = {
    F64: () => new Float64Array(buffer),
    F32: () => new Float32Array(buffer),
    I64: () => new BigInt64Array(buffer),
    I32: () => new Int32Array(buffer),
    F16: () => new Uint16Array(buffer),
    BF16: () => new Uint16Array(buffer),
    U8: () => new Uint8Array(buffer),
    BOOL: () => new Uint8Array(buffer),
  } as const satisfies { [T in TensorType]: () => TensorArrays[T] };
  return make[type]();
}

function decodeText(bytes: Uint8Array, corrupt: Corrupt): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw corrupt("expected a header in UTF-8", cause);
  }
}

/** The header as an object. JSON.parse keeps the last of two equal names; here the second is an error. */
function parseHeader(text: string, corrupt: Corrupt): Record<string, unknown> {
  if (!text.startsWith("{")) throw corrupt("expected a JSON object as header");
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw corrupt("expected a header in JSON", cause);
  }
  const repeated = repeatedName(text);
  if (repeated !== undefined) throw corrupt(`the name "${repeated}" occurs twice in the header`);
  return record(header, "header", corrupt);
}

/** The first name that occurs twice in one object of a valid JSON text. */
function repeatedName(json: string): string | undefined {
  const open: (Set<string> | null)[] = []; // names of each open object; null for an array
  for (const [token, colon] of json.matchAll(/[{}[\]]|"(?:[^"\\]|\\.)*"(\s*:)?/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(token.slice(0, -colon.length)) as string;
      const names = open[open.length - 1];
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return undefined;
}

function record(value: unknown, name: string, corrupt: Corrupt): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw corrupt(`expected "${name}" to be an object, received ${show(value)}`);
  }
  return value as Record<string, unknown>;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** Exact, or past every file size: a product beyond 2^53 cannot equal a difference of two offsets. */
function byteCount(type: TensorType, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, elementBytes[type]);
}

/** A value in a message, cut short: a hostile header may be long. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function requireStorable(name: string, { type, shape, data }: StoredTensor): void {
  if (name === "__metadata__") {
    throw new PlatformError(
      "input",
      "SHAPE_MISMATCH",
      'encode: "__metadata__" cannot be the name of a tensor',
    );
  }
  if (!isCounts(shape) || byteCount(type, shape) !== data.byteLength) {
    throw new PlatformError(
      "input",
      "SHAPE_MISMATCH",
      `encode: tensor "${name}": expected ${type} values for shape [${shape.join(", ")}], received ${data.length} values`,
    );
  }
}
