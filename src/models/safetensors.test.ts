import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError } from "../base/index.ts";
import { decode, encode, maximumHeaderBytes, type StoredTensor, type TensorType } from "./safetensors.ts";

const arrays: { [T in TensorType]: (values: bigint[]) => StoredTensor["data"] } = {
  F64: (values) => Float64Array.from(values, (v) => Number(v) / 7),
  F32: (values) => Float32Array.from(values, (v) => Number(v) / 7),
  I64: (values) => BigInt64Array.from(values),
  I32: (values) => Int32Array.from(values, (v) => Number(v & 0x7fffffffn)),
  F16: (values: bigint[]) => Uint16Array.from(values, (value) => Number(BigInt.asUintN(16, value))),
  BF16: (values: bigint[]) => Uint16Array.from(values, (value) => Number(BigInt.asUintN(16, value))),
  U8: (values) => Uint8Array.from(values, (v) => Number(v & 0xffn)),
  BOOL: (values) => Uint8Array.from(values, (v) => Number(v & 1n)),
};

const tensor: fc.Arbitrary<StoredTensor> = fc
  .record({
    type: fc.constantFrom(...(Object.keys(arrays) as TensorType[])),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
    seed: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  })
  .map(({ type, shape, seed }) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const data = arrays[type](Array.from({ length: count }, (_, i) => seed + 977n * BigInt(i)));
    return { type, shape, data } as StoredTensor;
  });
const names = fc.string({ unit: "grapheme", maxLength: 12 }).filter((name) => name !== "__metadata__");

test("reads back what was written, at any place in memory", () => {
  const files = fc.tuple(
    fc.dictionary(names, tensor, { maxKeys: 6 }),
    fc.dictionary(names, fc.string(), { maxKeys: 3 }),
  );
  fc.assert(
    fc.property(files, fc.integer({ min: 0, max: 7 }), ([tensors, metadata], shift) => {
      const bytes = encode(new Map(Object.entries(tensors)), new Map(Object.entries(metadata)));
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      const found = decode(moved.subarray(shift), "memory");
      expect(Object.fromEntries(found.metadata)).toEqual(metadata);
      expect(new Map([...found.tensors].sort())).toEqual(new Map(Object.entries(tensors).sort()));
    }),
  );
});

test("writes the layout of the format", () => {
  const bytes = encode(
    new Map<string, StoredTensor>([
      ["flag", { type: "BOOL", shape: [], data: Uint8Array.of(1) }],
      ["w", { type: "F32", shape: [1, 2], data: Float32Array.of(1, -2) }],
    ]),
    new Map([["format", "pt"]]),
  );
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  expect(length % 8).toBe(0);
  expect(new TextDecoder().decode(bytes.subarray(8, 8 + length)).trimEnd()).toBe(
    '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},' +
      '"flag":{"dtype":"BOOL","shape":[],"data_offsets":[8,9]}}',
  );
  expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 1]);
});

test("gives the same bytes for the same tensors in another order", () => {
  const a: [string, StoredTensor] = ["a", { type: "U8", shape: [1], data: Uint8Array.of(1) }];
  const b: [string, StoredTensor] = ["b", { type: "U8", shape: [1], data: Uint8Array.of(2) }];
  expect(encode(new Map([a, b]))).toEqual(encode(new Map([b, a])));
});

test("refuses to write values that do not fit their shape", () => {
  const short: StoredTensor = { type: "F32", shape: [3], data: Float32Array.of(1) };
  expect(() => encode(new Map([["w", short]]))).toThrow(
    "expected F32 values for shape [3], received 1 values",
  );
  expect(() => encode(new Map([["__metadata__", short]]))).toThrow("cannot be the name");
});

describe("refuses a malformed file: it", () => {
  const u8 = (offsets: number[], shape = [offsets[1] - offsets[0]]) =>
    JSON.stringify({ dtype: "U8", shape, data_offsets: offsets });
  test.each<[string, Uint8Array, string]>([
    ["is shorter than the length", Uint8Array.of(1, 2, 3), "expected at least 8 bytes, received 3"],
    ["has a header longer than the file", file("{}", 0, 500n), "at most 2 bytes, received a length of 500"],
    ["claims a header of 2^63 bytes", file("{}", 0, 2n ** 63n), "received a length of 9223372036854775808"],
    ["has a header that is not JSON", file("{oops}", 0), "expected a header in JSON"],
    ["has a header that is not an object", file("[1]", 0), "expected a JSON object as header"],
    [
      "has a header that is not UTF-8",
      Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff),
      "expected a header in UTF-8",
    ],
    [
      "has tensors that overlap",
      file(`{"a":${u8([0, 4])},"b":${u8([2, 6])}}`, 6),
      '"b" overlaps the tensor before it',
    ],
    ["has one place for two tensors", file(`{"a":${u8([0, 4])},"b":${u8([0, 4])}}`, 4), '"b" overlaps'],
    [
      "has a hole between tensors",
      file(`{"a":${u8([0, 2])},"b":${u8([3, 4])}}`, 4),
      '"b" leaves unused bytes',
    ],
    ["has bytes behind the last tensor", file(`{"a":${u8([0, 2])}}`, 5), "expected 2 data bytes, received 5"],
    [
      "reaches past its end",
      file(`{"a":${u8([0, 9])}}`, 4),
      "offsets inside the 4 data bytes, received [0,9]",
    ],
    ["has offsets that run backwards", file(`{"a":${u8([4, 0], [4])}}`, 4), "received [4,0]"],
    ["has a negative offset", file(`{"a":${u8([-4, 0])}}`, 4), "expected data_offsets [start, end]"],
    [
      "has too few bytes for a shape",
      file(`{"a":${u8([0, 4], [5])}}`, 4),
      "expected 5 bytes for U8 [5], received 4",
    ],
    ["has a shape that overflows", file(`{"a":${u8([0, 4], [2 ** 52, 2 ** 52])}}`, 4), "received 4"],
    [
      "has a shape that is no whole number",
      file(`{"a":${u8([0, 4], [0.5])}}`, 4),
      "a shape of whole numbers",
    ],
    ["has an unknown type", file('{"a":{"dtype":"F8","shape":[],"data_offsets":[0,1]}}', 1), 'received "F8"'],
    [
      "has an unknown field",
      file('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1}}', 1),
      "unknown field x",
    ],
    ["names two tensors alike", file(`{"a":${u8([0, 1])},"\\u0061":${u8([1, 2])}}`, 2), '"a" occurs twice'],
    [
      "gives a field twice",
      file('{"a":{"dtype":"U8","dtype":"I64","shape":[],"data_offsets":[0,8]}}', 8),
      '"dtype" occurs twice',
    ],
    [
      "has metadata that is no text",
      file('{"__metadata__":{"n":1}}', 0),
      'expected metadata "n" to be a text',
    ],
    [
      "has a BOOL of 2",
      file('{"a":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}}', 1, undefined, 2),
      "BOOL bytes 0 or 1",
    ],
  ])("%s", (_, bytes, message) => {
    let caught: unknown;
    try {
      decode(bytes, "weights.safetensors");
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(PlatformError);
    const failure = caught as PlatformError;
    expect(failure.code).toBe("ARTIFACT_CORRUPT");
    expect(failure.details.file).toBe("weights.safetensors");
    expect(failure.message).toMatch(/^weights\.safetensors: not a valid safetensors file: /);
    expect(failure.message).toContain(message);
  });
});

test("never throws anything but ARTIFACT_CORRUPT, whatever the bytes", () => {
  const valid = encode(new Map([["w", { type: "F32", shape: [3], data: Float32Array.of(1, 2, 3) }]]));
  fc.assert(
    fc.property(
      fc.nat({ max: valid.length - 1 }),
      fc.integer({ min: 0, max: 255 }),
      fc.nat({ max: 90 }),
      (at, byte, cut) => {
        const broken = valid.slice(0, Math.max(0, valid.length - cut + 45));
        if (at < broken.length) broken[at] = byte;
        try {
          expect(decode(broken, "w").tensors.size).toBeLessThanOrEqual(1);
        } catch (error) {
          expect(error).toMatchObject({ code: "ARTIFACT_CORRUPT" });
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("holds a name such as __proto__ as a name", () => {
  const tensors = new Map<string, StoredTensor>([
    ["__proto__", { type: "U8", shape: [1], data: Uint8Array.of(7) }],
  ]);
  expect([...decode(encode(tensors), "p").tensors.keys()]).toEqual(["__proto__"]);
  expect(maximumHeaderBytes).toBe(1e8);
});

/** A file with this header and `dataBytes` bytes of `fill`, whatever the header says. */
function file(header: string, dataBytes: number, length?: bigint, fill = 0): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes).fill(fill, 8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

test("reads from a Buffer, whose slices share their memory, as from any bytes", () => {
  const bytes = encode(
    new Map([
      ["a", { type: "F32", shape: [2], data: Float32Array.of(1, 2) }],
      ["b", { type: "F32", shape: [1], data: Float32Array.of(3) }],
    ]),
  );
  const { tensors } = decode(Buffer.from(bytes), "buffer");
  expect(tensors.get("a")?.data).toEqual(Float32Array.of(1, 2));
  expect(tensors.get("b")?.data).toEqual(Float32Array.of(3));
});
