import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normal } from "../../base/index.ts";
import {
  concat,
  createRuntime,
  evaluate,
  gradient,
  input,
  MultiHeadAttention,
  rotate,
  rotateAt,
  sum,
  type TensorValue,
} from "../index.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const floats = (shape: readonly number[], data: Float32Array): TensorValue => ({
  dtype: "float32",
  shape,
  data,
});
const draw = (seed: number, ...shape: number[]) =>
  Float32Array.from(
    normal(
      keyFrom(seed),
      shape.reduce((a, b) => a * b, 1),
    ),
  );

describe("an open axis joined with a fixed one", () => {
  const joined = concat([input("past", [2, "batch", 3]), input("next", [2, 1, 3])], 1);

  test.each([0, 1, 4])("holds %i steps and one more", async (past) => {
    expect(joined.shape).toEqual([2, "batch+1", 3]);
    const [before, next] = [draw(1, 2, past, 3), draw(2, 2, 1, 3)];
    const feeds = { past: floats([2, past, 3], before), next: floats([2, 1, 3], next) };
    const [{ shape, data }] = await evaluate([joined], feeds, runtime);
    expect(shape).toEqual([2, past + 1, 3]);
    const rows = [0, 1].flatMap((head) => [
      ...before.slice(head * past * 3, (head + 1) * past * 3),
      ...next.slice(head * 3, (head + 1) * 3),
    ]);
    expect([...data]).toEqual(rows);
  });

  test("has no gradient, which would have to cut it", () => {
    const past = input("past", [2, "batch", 3]);
    expect(() => gradient(sum(concat([past, past, input("next", [2, 1, 3])], 1)), [past])).toThrow(
      "concat: expected the batch itself beside fixed sizes, received batch, batch, 1",
    );
    expect(() => gradient(sum(concat([past, input("next", [2, 1, 3])], 1)), [past])).toThrow(
      "gradient of concat: expected a fixed size at axis 1, received [2, batch, 3]",
    );
  });
});

test("rotary positions at run time are those of a fixed offset", async () => {
  const x = input("x", [2, 3, 4]);
  const positions = input("positions", [3], "int64");
  const feeds = {
    x: floats([2, 3, 4], draw(1, 2, 3, 4)),
    positions: { dtype: "int64" as const, shape: [3], data: BigInt64Array.of(5n, 6n, 7n) },
  };
  const [fixed, given] = await evaluate([rotate(x, 5), rotateAt(x, positions, 8)], feeds, runtime);
  expect(given.data).toEqual(fixed.data);
});

test.each([false, true])(
  "attention step by step answers what causal attention answers at once (rotary %s)",
  async (rotary) => {
    const [time, features, numHeads] = [5, 8, 2];
    const attention = new MultiHeadAttention(features, { numHeads, causal: true, rotary }, keyFrom(1));
    const rows = draw(2, time, features);
    const [whole] = await evaluate(
      [attention.apply(input("x", ["batch", time, features]))],
      { x: floats([1, time, features], rows) },
      runtime,
    );
    const size = [numHeads, "batch", features / numHeads] as const;
    const { y, present } = attention.step(
      input("x", [1, features]),
      { key: input("key", size), value: input("value", size) },
      { position: input("position", [1], "int64"), length: time },
    );
    let [key, value] = [floats([numHeads, 0, 4], draw(1, 0)), floats([numHeads, 0, 4], draw(1, 0))];
    for (let t = 0; t < time; t++) {
      const x = floats([1, features], rows.slice(t * features, (t + 1) * features));
      const position: TensorValue = { dtype: "int64", shape: [1], data: BigInt64Array.of(BigInt(t)) };
      const given = { x, key, value, ...(rotary ? { position } : {}) };
      const [row, ...next] = await evaluate([y, present.key, present.value], given, runtime);
      [key, value] = next;
      (row.data as Float32Array).forEach((number, i) => {
        expect(number).toBeCloseTo(Number(whole.data[t * features + i]), 5);
      });
    }
    expect(key.shape).toEqual([numHeads, time, 4]);
  },
);
