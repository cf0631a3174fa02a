import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyFrom, normal } from "../../base/index.ts";
import { traceGraph } from "../graph.ts";
import { MultiHeadAttention } from "../layers/attention.ts";
import { applyBlocks, TransformerEncoderBlock } from "../layers/transformer.ts";
import { createRuntime, type Runtime } from "../runtime/runtime.ts";
import { input, type Tensor } from "../tensor.ts";
import { fuseAttention } from "./fuse-attention.ts";
import { toOnnx } from "./model.ts";
import { readOnnx } from "./read.ts";

let runtime: Runtime;
beforeAll(() => {
  runtime = createRuntime();
});
afterAll(() => runtime.close());

const x = input("x", ["batch", 6, 8]);
const kindsOf = (bytes: Uint8Array) => readOnnx(bytes).graph.node.map(({ opType }) => opType);

async function answers(bytes: Uint8Array, batch: number): Promise<Float32Array> {
  const session = await runtime.load(bytes);
  const data = Float32Array.from(normal(keyFrom(3), batch * 6 * 8));
  const feeds = { x: { dtype: "float32" as const, shape: [batch, 6, 8], data } };
  const { outputs } = await session.run({ feeds, fetch: ["y"] });
  await session.release();
  return outputs.y.data as Float32Array;
}

const blocks = (options: object, count = 2) =>
  Array.from({ length: count }, (_, i) => {
    const all = { numHeads: 2, feedForwardSize: 16, ...options };
    return new TransformerEncoderBlock(8, all, keyFrom(i));
  });

describe.each<[string, (x: Tensor) => Tensor, number]>([
  ["one attention", (h) => new MultiHeadAttention(8, { numHeads: 2 }, keyFrom(1)).apply(h), 1],
  ["a causal one", (h) => new MultiHeadAttention(8, { numHeads: 4, causal: true }, keyFrom(2)).apply(h), 1],
  ["blocks of an encoder", (h) => applyBlocks(blocks({}), h), 2],
  ["blocks of a GPT", (h) => applyBlocks(blocks({ causal: true, activation: "gelu" }), h), 2],
])("%s", (_, apply, count) => {
  const bytes = toOnnx(traceGraph({ y: apply(x) }));
  const fused = fuseAttention(bytes);

  test("is one node for each attention", () => {
    expect(kindsOf(fused).filter((kind) => kind === "Attention")).toHaveLength(count);
    expect(kindsOf(fused)).not.toContain("Softmax");
    expect(kindsOf(bytes)).not.toContain("Attention"); // what was stored is left alone
  });

  test.each([1, 3])("answers as before, for a batch of %i", async (batch) => {
    const [before, after] = [await answers(bytes, batch), await answers(fused, batch)];
    expect(after).toHaveLength(before.length);
    for (const [i, value] of before.entries()) expect(after[i]).toBeCloseTo(value, 5);
  });
});

test.each<[string, (h: Tensor) => Record<string, Tensor>]>([
  [
    "rotary positions",
    (h) => ({ y: new MultiHeadAttention(8, { numHeads: 2, rotary: true }, keyFrom(1)).apply(h) }),
  ],
  [
    "a sequence that is looked at from another one",
    (h) => ({
      y: new MultiHeadAttention(8, { numHeads: 2 }, keyFrom(1)).apply(h, undefined, {
        memory: input("memory", ["batch", 4, 8]),
      }),
    }),
  ],
  [
    "padding that is hidden",
    (h) => ({
      y: new MultiHeadAttention(8, { numHeads: 2 }, keyFrom(1)).apply(h, undefined, {
        visible: input("visible", ["batch", 6]),
      }),
    }),
  ],
])("leaves %s as it is", (_, outputs) => {
  const bytes = toOnnx(traceGraph(outputs(x)));
  expect(fuseAttention(bytes)).toBe(bytes);
});
