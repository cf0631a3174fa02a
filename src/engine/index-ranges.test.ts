import { afterAll, describe, expect, test } from "vitest";
import { keyFrom } from "../base/index.ts";
import {
  add,
  at,
  cast,
  concat,
  constant,
  createRuntime,
  Embedding,
  evaluate,
  gather,
  gatherAlong,
  input,
  joinedPlaces,
  minimise,
  mul,
  oneHot,
  parameter,
  reshape,
  slice,
  split,
  square,
  sum,
  type Tensor,
  type TensorValue,
  traceGraph,
} from "./index.ts";
import { indexRanges } from "./index-ranges.ts";

const runtime = createRuntime();
afterAll(() => runtime.close());

const whole = (shape: readonly number[], ...values: number[]): TensorValue => ({
  dtype: "int64",
  shape,
  data: BigInt64Array.from(values, BigInt),
});
const table = new Embedding(5, 2, keyFrom(1));
const pair = input("pair", ["batch", 2], "int64");

describe("a whole number that names nothing is refused by input, position, value and range", () => {
  test.each<[string, Tensor, TensorValue, string]>([
    [
      "a negative one",
      table.apply(pair),
      whole([2, 2], 0, 1, 2, -1),
      "pair[1, 1]: expected a whole number of 0 to 4, received -1",
    ],
    [
      "one too large",
      table.apply(pair),
      whole([1, 2], 5, 0),
      "pair[0, 0]: expected a whole number of 0 to 4, received 5",
    ],
    [
      "one beyond 32 bits",
      table.apply(pair),
      whole([1, 2], 2 ** 32, 0),
      "pair[0, 0]: expected a whole number of 0 to 4, received 4294967296",
    ],
    [
      "one in a column that is cut out",
      table.apply(at(pair, 1, 1)),
      whole([2, 2], 9, 1, -9, 6),
      "pair[1, 1]: expected a whole number of 0 to 4, received 6",
    ],
    [
      "one in a part",
      table.apply(split(pair, 1, [1, 1])[0]),
      whole([2, 2], 0, 9, 7, 9),
      "pair[1, 0]: expected a whole number of 0 to 4, received 7",
    ],
    [
      "one of another kind in a joint table",
      table.apply(joinedPlaces(pair, [2, 3])),
      whole([1, 2], 2, 0),
      "pair[0, 0]: expected a whole number of 0 to 1, received 2",
    ],
    [
      "a class",
      oneHot(pair, 3),
      whole([1, 2], 0, 3),
      "pair[0, 1]: expected a whole number of 0 to 2, received 3",
    ],
    [
      "a place along an axis",
      gatherAlong(constant([1, 2, 3, 4], [1, 4]), input("pair", [1, 2], "int64")),
      whole([1, 2], 3, 4),
      "pair[0, 1]: expected a whole number of 0 to 3, received 4",
    ],
    [
      "one that was joined to others",
      table.apply(concat([input("pair", [1, 2], "int64"), constant([0, 1], [1, 2], "int64")], 0)),
      whole([1, 2], 0, -2),
      "pair[0, 1]: expected a whole number of 0 to 4, received -2",
    ],
  ])("%s", async (_, tensor, pairs, message) => {
    await expect(evaluate([tensor], { pair: pairs }, runtime)).rejects.toMatchObject({
      code: "INDEX_OUT_OF_RANGE",
      message: `evaluate: ${message}`,
    });
  });

  test("one of another kind, where each kind has one number", async () => {
    const one = input("one", [2], "int64");
    const placesOf = (counts: number[], ...values: number[]) =>
      evaluate([joinedPlaces(one, counts)], { one: whole([2], ...values) }, runtime);
    expect((await placesOf([2, 5], 0, 4))[0].data).toEqual(BigInt64Array.of(0n, 6n));
    await expect(placesOf([5, 2], 0, 4)).rejects.toMatchObject({
      code: "INDEX_OUT_OF_RANGE",
      message: "evaluate: one[1]: expected a whole number of 0 to 1, received 4",
    });
  });

  test("a scalar, which has no position", async () => {
    const one = input("one", [], "int64");
    await expect(evaluate([table.apply(one)], { one: whole([], -1) }, runtime)).rejects.toThrow(
      "evaluate: one: expected a whole number of 0 to 4, received -1",
    );
  });

  test("a column that a training on all samples looks up", async () => {
    const weight = parameter({ shape: [2], data: Float32Array.of(1, 2) });
    const fitted = minimise({
      parameters: [{ name: "weight", parameter: weight }],
      data: { group: whole([3], 0, 2, 1) },
      loss: ({ group }) => sum(square(gather(weight, group))),
      runtime,
    });
    await expect(fitted).rejects.toMatchObject({
      code: "INDEX_OUT_OF_RANGE",
      message: "minimise: group[1]: expected a whole number of 0 to 1, received 2",
    });
  });
});

describe("what is not looked up as it is", () => {
  test("may be anything", async () => {
    const [value] = await evaluate(
      [gather(constant([10, 20, 30], [3]), add(input("i", [1], "int64"), constant([1], [1], "int64")))],
      { i: whole([1], -1) },
      runtime,
    );
    expect(value.data).toEqual(Float32Array.of(10));
  });

  test.each<[string, Tensor]>([
    ["a sum", table.apply(add(pair, pair))],
    ["a number that was rounded", table.apply(cast(input("pair", ["batch", 2]), "int64"))],
    [
      "kinds of numbers that were chosen one by one",
      joinedPlaces(gather(input("codes", [9], "int64"), constant([7, 3], [2], "int64")), [2, 3]),
    ],
    [
      "a part of what was reshaped",
      table.apply(slice(reshape(input("pair", [3, 2], "int64"), [6]), 0, 0, 1)),
    ],
  ])("asks nothing of its input: %s", (_, tensor) => {
    expect(indexRanges(traceGraph({ tensor }))).toEqual([]);
  });

  test("is asked for nothing where nothing is looked up", () => {
    expect(indexRanges(traceGraph({ y: mul(input("x", [2]), 2) }))).toEqual([]);
  });
});

test("says which input chooses the rows that count", () => {
  const codes = gather(input("codes", [10, 2], "int64"), input("indices", [4], "int64"));
  expect(indexRanges(traceGraph({ y: table.apply(at(codes, 1, 1)) }))).toEqual([
    { input: "indices", cuts: [], rowsBy: null, axes: "all", counts: 10 },
    { input: "codes", cuts: [{ axis: 1, start: 1, end: 2 }], rowsBy: "indices", axes: "other", counts: 5 },
  ]);
});

describe("evaluate", () => {
  const x = input("x", ["batch", 2]);
  test.each<[string, Record<string, TensorValue>, string]>([
    ["no value", {}, "none"],
    ["one of another type", { x: whole([1, 2], 1, 2) }, "int64[1, 2]"],
    [
      "one of another shape",
      { x: { dtype: "float32", shape: [2], data: new Float32Array(2) } },
      "float32[2]",
    ],
  ])("refuses an input with %s", async (_, feeds, received) => {
    await expect(evaluate([mul(x, 2)], feeds, runtime)).rejects.toMatchObject({
      code: "SHAPE_MISMATCH",
      message: `evaluate: x: expected float32[batch, 2], received ${received}`,
    });
  });
});

describe("a constant", () => {
  test("of whole numbers has no fractions", () => {
    expect(() => constant([1.5], [1], "int64")).toThrow(
      expect.objectContaining({
        code: "SHAPE_MISMATCH",
        message: "constant: expected whole numbers for int64, received 1.5",
      }),
    );
  });
  test("of real numbers is not given as BigInts", () => {
    expect(() => constant(BigInt64Array.of(1n), [1], "float32")).toThrow(
      "constant: expected numbers for float32, received a BigInt64Array",
    );
  });
});
