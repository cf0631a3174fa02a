import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Datatype, sizeOf } from "../../../platform/inference/index.ts";
import { fromHalf, toHalf } from "./half.ts";
import { JsonReader } from "./json-reader.ts";
import { readTensorData } from "./tensor-json.ts";

function read(json: string, datatype: Datatype, shape: readonly number[]) {
  const reader = new JsonReader(Buffer.from(json));
  const data = readTensorData(reader, "x", datatype, shape);
  reader.end();
  return data;
}

describe("numbers", () => {
  const spelled = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toExponential()),
    fc.float({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.tuple(fc.bigInt(0n, 10n ** 25n), fc.integer({ min: -40, max: 20 })).map(([n, e]) => `-${n}e${e}`),
    fc
      .tuple(fc.bigInt(0n, 10n ** 6n), fc.stringMatching(/^[0-9]{1,25}$/))
      .map(([whole, fraction]) => `${whole}.${fraction}`),
  );

  test("are those that JSON.parse reads, to the last bit", () => {
    fc.assert(
      fc.property(fc.array(spelled, { minLength: 1 }), (words) => {
        const json = `[${words.join(" , ")}]`;
        const expected = JSON.parse(json) as number[];
        expect([...read(json, "FP64", [words.length])]).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test("are rounded to FP32 as an array of JavaScript rounds what JSON.parse reads", () => {
    const halfway = fc
      .float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(1e-20), max: Math.fround(1e20) })
      .chain((value) => {
        const next = new Float32Array(
          new Uint32Array([new Uint32Array(Float32Array.of(value).buffer)[0] + 1]).buffer,
        )[0];
        return fc
          .integer({ min: -3, max: 3 })
          .map((steps) => String(((value + next) / 2) * (1 + steps * 2 ** -52)));
      });
    fc.assert(
      fc.property(fc.array(fc.oneof(spelled, halfway), { minLength: 1 }), (words) => {
        const fits = words.filter((word) => Number.isFinite(Math.fround(Number(word))));
        const json = `[${fits.join(",")}]`;
        expect([...read(json, "FP32", [fits.length])]).toEqual([
          ...Float32Array.from(JSON.parse(json) as number[]),
        ]);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    "01",
    "1.",
    ".5",
    "1e",
    "+1",
    "--1",
    "0x10",
    "NaN",
    "Infinity",
    "1_0",
    "null",
    '"1"',
    "1 2",
    "",
  ])("are refused where JSON refuses them: %s", (word) => {
    expect(() => JSON.parse(`[${word},1]`)).toSatisfy((parse: () => unknown) => {
      try {
        return typeof (parse() as unknown[])[0] !== "number";
      } catch {
        return true;
      }
    });
    expect(() => read(`[${word},1]`, "FP32", [2])).toThrow(
      expect.objectContaining({ code: "INPUT_INVALID" }),
    );
  });

  test.each([
    ["FP32", "1e39"],
    ["FP64", "1e309"],
    ["FP16", "65520"],
    ["UINT8", "256"],
    ["INT8", "-129"],
    ["INT32", "2147483648"],
    ["UINT16", "0.5"],
    ["UINT64", "-1"],
    ["INT64", "9223372036854775808"],
    ["INT64", "0.5"],
    ["BOOL", "2"],
    ["BYTES", "1"],
  ] as const)("are refused where %s does not hold them: %s", (datatype, word) => {
    expect(() => read(`[${word}]`, datatype, [1])).toThrow(/^x: data, value 0: expected /);
  });

  test.each([
    ["INT64", "[9007199254740993, -9223372036854775808, 1e3]", [9007199254740993n, -(2n ** 63n), 1000n]],
    ["UINT64", "[18446744073709551615, 0, 1]", [2n ** 64n - 1n, 0n, 1n]],
    ["BOOL", "[true, false, 1]", [1, 0, 1]],
    ["BYTES", '["plain", "\\u00e4 \\"quoted\\"", ""]', ["plain", 'ä "quoted"', ""]],
    ["INT8", "[-128, 127, -0]", [-128, 127, 0]],
  ] as const)("are exact: %s %s", (datatype, json, expected) => {
    expect([...read(json, datatype, [3])]).toEqual(expected);
  });
});

describe("lists", () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
  const nest = (values: readonly number[], [size, ...inner]: readonly number[]): unknown => {
    if (inner.length === 0) return values;
    const step = sizeOf(inner);
    return Array.from({ length: size }, (_, i) => nest(values.slice(i * step, (i + 1) * step), inner));
  };

  test("may be flat or nested as the shape", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const values = Array.from({ length: sizeOf(shape) }, (_, i) => i);
        expect([...read(JSON.stringify(values), "INT32", shape)]).toEqual(values);
        expect([...read(JSON.stringify(nest(values, shape)), "INT32", shape)]).toEqual(values);
      }),
    );
  });

  test("nested as any other shape are refused", () => {
    fc.assert(
      fc.property(shapes, shapes, (shape, other) => {
        fc.pre(other.length > 1 && String(shape) !== String(other));
        const json = JSON.stringify(
          nest(
            Array.from({ length: sizeOf(other) }, (_, i) => i),
            other,
          ),
        );
        expect(() => read(json, "INT32", shape)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
      }),
    );
  });

  test.each([
    ["[1, 2]", [3], "x: data: expected 3 values for shape [3], received 2"],
    ["[1, 2]", [1], "x: data: expected 1 values for shape [1], received more"],
    [
      "[[1, 2], [3]]",
      [2, 2],
      "x: data: expected lists nested as the shape [2, 2], received 1 items along axis 1",
    ],
    ["[[1], 2]", [2, 1], 'body, byte 6: expected [, received "2]"'],
    ["7", [1], "x: data: expected a list of values"],
    ["[1", [1], 'body, byte 2: expected "]", received the end of the body'],
    ["[1,]", [2], 'body, byte 3: expected a number, received "]"'],
    ["[]", [99], "x: data: expected 99 values for shape [99], received a body that cannot hold as many"],
  ] as const)("that are wrong are refused with their place: %s", (json, shape, message) => {
    expect(() => read(json, "FP32", shape)).toThrow(message);
  });

  test("may be empty", () => {
    expect(read("[]", "FP32", [0]).length).toBe(0);
    expect(read("[[],[]]", "FP32", [2, 0]).length).toBe(0);
  });
});

describe("half precision", () => {
  test("is exact for every half there is", () => {
    for (let half = 0; half < 0x10000; half++) {
      const value = fromHalf(half);
      if (Number.isNaN(value)) expect(toHalf(value)).toBe(0x7e00);
      else expect(toHalf(value)).toBe(half);
    }
  });

  test("rounds to the nearest, ties to even", () => {
    const finite = fc.integer({ min: 0, max: 0x7bfe });
    fc.assert(
      fc.property(finite, fc.double({ min: 0, max: 1, noNaN: true }), (half, part) => {
        const [low, high] = [fromHalf(half), fromHalf(half + 1)];
        const value = low + (high - low) * part;
        const [below, above] = [value - low, high - value];
        const expected = below < above || (below === above && half % 2 === 0) ? half : half + 1;
        expect(toHalf(value)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [2 ** -24, 1],
    [Number.POSITIVE_INFINITY, 0x7c00],
  ])("has the bits of IEEE 754: %s", (value, half) => {
    expect(toHalf(value)).toBe(half);
  });
});
