import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyAll } from "./apply.ts";
import {
  add,
  at,
  broadcastTo,
  concat,
  constant,
  flatten,
  gather,
  input,
  layerNormalize,
  matmul,
  mean,
  parameter,
  reshape,
  type Shape,
  slice,
  softmax,
  split,
  sum,
  transpose,
  where,
} from "./index.ts";
import {
  broadcastShapes,
  coefficient,
  type Dimension,
  formatShape,
  isStatic,
  normalizeAxis,
  sameShape,
  sizeOf,
  staticSize,
} from "./shape.ts";

const x = (...shape: Dimension[]) => input("x", shape);
const mismatch = (message: string) => expect.objectContaining({ code: "SHAPE_MISMATCH", message });

describe("broadcasting", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });
  /** Every element of the result reads one element of each side: the rule by its effect. */
  const plain = (a: number[], b: number[]): number[] | null => {
    const rank = Math.max(a.length, b.length);
    const pad = (shape: number[]) => [...new Array(rank - shape.length).fill(1), ...shape];
    const [left, right] = [pad(a), pad(b)];
    if (left.some((size, axis) => size !== right[axis] && size !== 1 && right[axis] !== 1)) return null;
    return left.map((size, axis) => Math.max(size, right[axis]));
  };

  test("follows NumPy's rule", () => {
    fc.assert(
      fc.property(sizes, sizes, (a, b) => {
        const expected = plain(a, b);
        if (expected === null) expect(() => broadcastShapes(a, b, "add")).toThrow("do not fit together");
        else expect(broadcastShapes(a, b, "add")).toEqual(expected);
      }),
    );
  });

  test("is the same from both sides, and leaves a shape alone with itself and with a scalar", () => {
    fc.assert(
      fc.property(sizes, sizes, (a, b) => {
        fc.pre(plain(a, b) !== null);
        expect(broadcastShapes(a, b, "add")).toEqual(broadcastShapes(b, a, "add"));
        expect(broadcastShapes(a, a, "add")).toEqual(a);
        expect(broadcastShapes(a, [], "add")).toEqual(a);
      }),
    );
  });

  test.each<[Shape, Shape, Shape]>([
    [["batch", 3], [3], ["batch", 3]],
    [
      ["batch", 1],
      [1, 4],
      ["batch", 4],
    ],
    [[1], ["60*batch"], ["60*batch"]],
    [
      ["batch", 1],
      ["batch", 2],
      ["batch", 2],
    ],
    [[0, 2], [1], [0, 2]],
  ])("stretches %j and %j to %j", (a, b, expected) => {
    expect(broadcastShapes(a, b, "add")).toEqual(expected);
  });

  test.each<[Shape, Shape]>([
    [["batch"], [8]],
    [["batch"], ["2*batch"]],
  ])("does not guess that %j and %j are equal", (a, b) => {
    expect(() => add(x(...a), x(...b))).toThrow(
      mismatch(`add: shapes [${a}] and [${b}] do not fit together at axis 0`),
    );
  });
});

describe("sizes", () => {
  test("multiply numbers with the batch", () => {
    expect(sizeOf([])).toBe(1);
    expect(sizeOf([2, 3, 0])).toBe(0);
    expect(sizeOf(["batch"])).toBe("batch");
    expect(sizeOf([1, "batch", 1])).toBe("batch");
    expect(sizeOf([60, "batch"])).toBe("60*batch");
    expect(sizeOf(["60*batch", 2])).toBe("120*batch");
    expect(["batch", "60*batch", 7].map((d) => coefficient(d as Dimension))).toEqual([1, 60, 7]);
  });

  test("hold the batch axis once", () => {
    expect(() => sizeOf(["batch", "batch"])).toThrow(
      mismatch("a shape can hold the batch axis once, received batch and batch"),
    );
  });

  test("are numbers only without a batch axis", () => {
    expect(staticSize([2, 3])).toBe(6);
    expect(() => staticSize(["batch", 3])).toThrow(
      "expected a shape without a batch axis, received [batch, 3]",
    );
    expect([isStatic([1, 2]), isStatic([1, "batch"])]).toEqual([true, false]);
    expect(sameShape(["batch", 2], ["batch", 2])).toBe(true);
    expect(sameShape(["batch", 2], ["batch"])).toBe(false);
    expect(formatShape(["60*batch", 2])).toBe("[60*batch, 2]");
  });

  test("keep the batch through reshape, transpose, reductions, products and gather", () => {
    const windows = x("batch", 60, 8);
    expect(flatten(windows).shape).toEqual(["480*batch"]);
    expect(reshape(windows, ["60*batch", 8]).shape).toEqual(["60*batch", 8]);
    expect(reshape(reshape(windows, ["60*batch", 8]), ["batch", 480]).shape).toEqual(["batch", 480]);
    expect(transpose(windows, [1, 0, 2]).shape).toEqual([60, "batch", 8]);
    expect(transpose(windows).shape).toEqual(["batch", 8, 60]);
    expect(matmul(windows, x(8, 4)).shape).toEqual(["batch", 60, 4]);
    expect(matmul(windows, windows, { transposeB: true }).shape).toEqual(["batch", 60, 60]);
    expect(sum(windows, [0, 2]).shape).toEqual([60]);
    expect(mean(windows, -1, { keepDims: true }).shape).toEqual(["batch", 60, 1]);
    expect(concat([x("batch", 2), x("2*batch", 2)]).shape).toEqual(["3*batch", 2]);
    expect(concat([x("batch", 2), x(1, 2), x(2, 2)]).shape).toEqual(["batch+3", 2]);
    expect(gather(x(9, 4), input("i", ["batch", 3], "int64")).shape).toEqual(["batch", 3, 4]);
    expect(at(windows, 1, -1).shape).toEqual(["batch", 8]);
    expect(broadcastTo(x(8), ["batch", 8]).shape).toEqual(["batch", 8]);
  });
});

describe("axes", () => {
  test("count from either end", () => {
    expect([0, 2, -1, -3].map((axis) => normalizeAxis(axis, 3, "sum"))).toEqual([0, 2, 2, 0]);
  });

  test.each([3, -4, 0.5, Number.NaN])("refuses %d of three", (axis) => {
    expect(() => normalizeAxis(axis, 3, "sum")).toThrow(
      mismatch(`sum: expected an axis of a tensor with 3 axes, received ${axis}`),
    );
  });
});

describe("the message names the operation and the shapes for", () => {
  const indices = input("i", [3], "int64");
  const recurrent = (...shapes: Shape[]) => shapes.map((shape, i) => input(`x${i}`, shape));
  test.each<[string, () => unknown]>([
    ["add: shapes [2, 3] and [4] do not fit together at axis 1", () => add(x(2, 3), x(4))],
    ["add: expected equal element types, received float32 and int64", () => add(x(3), indices)],
    [
      "where: shapes [2] and [3] do not fit together at axis 0",
      () => where(input("c", [2], "bool"), x(3), x(3)),
    ],
    ["matmul: expected two matrices, received [3] and [3, 2]", () => matmul(x(3), x(3, 2))],
    ["matmul: expected equal inner sizes, received [2, 3] and [4, 5]", () => matmul(x(2, 3), x(4, 5))],
    [
      "matmul: expected equal inner sizes, received [batch, 7, 3] and [4, 5]",
      () => matmul(x("batch", 7, 3), x(4, 5)),
    ],
    ["matmul: shapes [2] and [3] do not fit together at axis 0", () => matmul(x(2, 4, 5), x(3, 5, 4))],
    ["concat: shapes [2, 3] and [2] do not join at axis 0", () => concat([x(2, 3), x(2)])],
    ["concat: shapes [2, 3] and [3, 3] do not join at axis 1", () => concat([x(2, 3), x(3, 3)], 1)],
    [
      "concat: expected the batch itself beside fixed sizes, received 2*batch, 8",
      () => concat([x("2*batch", 3), x(8, 3)]),
    ],
    [
      "expected a multiple of the batch size, received batch+8",
      () => concat([concat([x("batch", 3), x(8, 3)]), x(1, 3)]),
    ],
    ["concat: expected at least one tensor, received none", () => concat([])],
    ["reshape: [2, 3] and [4] do not hold the same number of elements", () => reshape(x(2, 3), [4])],
    [
      "reshape: [batch, 3] and [3] do not hold the same number of elements",
      () => reshape(x("batch", 3), [3]),
    ],
    ["transpose: expected an order of all axes of [2, 3], received [0, 0]", () => transpose(x(2, 3), [0, 0])],
    ["transpose: expected an order of all axes of [2, 3], received [1]", () => transpose(x(2, 3), [1])],
    ["broadcastTo: [2, 3] does not stretch to [3]", () => broadcastTo(x(2, 3), [3])],
    ["broadcastTo: [2] does not stretch to [1]", () => broadcastTo(x(2), [1])],
    ["slice: expected a range inside axis 1 of [2, 3], received 2 to 5", () => slice(x(2, 3), 1, 2, 5)],
    ["slice: expected a range inside axis 0 of [2], received 1 to 1", () => slice(x(2), 0, 1, 1)],
    ["slice: axis 0 of [batch, 3] has no fixed size", () => slice(x("batch", 3), 0, 0, 1)],
    ["split: parts of 1 + 1 do not fill axis 0 of [3]", () => split(x(3), 0, [1, 1])],
    ["split: parts of 2 do not fill axis 0 of [3]", () => split(x(3), 0, [2])],
    ["softmax: expected an axis of a tensor with 1 axes, received 1", () => softmax(x(3), 1)],
    ["sum: expected each axis once, received 0, 0", () => sum(x(2, 3), [0, -2])],
    ["gather: expected int64 indices, received float32", () => gather(x(3), x(1))],
    [
      "layerNorm: expected shift of shape [3] for [2, 3], received [2]",
      () => layerNormalize(x(2, 3), x(3), x(2), 1e-5),
    ],
    [
      "lstm: expected a sequence of shape [time, batch, features], received [2, 3]",
      () => applyAll("lstm", recurrent([2, 3], [8, 3], [8, 2], [8], [8]), {}),
    ],
    [
      "lstm: expected weightHidden of shape [4 * hidden, hidden], received [8]",
      () => applyAll("lstm", recurrent([5, 2, 3], [8, 3], [8], [8], [8]), {}),
    ],
    [
      "gru: expected weightInput of shape [6, 3] for [5, 2, 3], received [8, 3]",
      () => applyAll("gru", recurrent([5, 2, 3], [8, 3], [6, 2], [6], [6]), {}),
    ],
    [
      "lstm: expected 2 initial states or none, received 1",
      () => applyAll("lstm", recurrent([5, 2, 3], [8, 3], [8, 2], [8], [8], [2, 2]), {}),
    ],
    [
      "rnn: expected initial state of shape [2, 4] for [5, 2, 3], received [2, 2]",
      () => applyAll("rnn", recurrent([5, 2, 3], [4, 3], [4, 4], [4], [4], [2, 2]), {}),
    ],
    ["constant: expected 4 values for [2, 2], received 3", () => constant([1, 2, 3], [2, 2])],
    [
      "parameter: expected 2 values for [2], received 1",
      () => parameter({ shape: [2], data: Float32Array.of(1) }),
    ],
  ])("%s", (message, make) => {
    expect(make).toThrow(mismatch(message));
  });
});
