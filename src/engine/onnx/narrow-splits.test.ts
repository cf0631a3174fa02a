import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, expect, test } from "vitest";
import { traceGraph } from "../graph.ts";
import { add, mul, split, sum } from "../operations.ts";
import { createRuntime } from "../runtime/runtime.ts";
import { input } from "../tensor.ts";
import { ModelProtoSchema, type NodeProto } from "./generated/onnx_pb.js";
import { toOnnx, toOnnxSteps } from "./model.ts";
import { withNarrowSplits } from "./narrow-splits.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const sizes = Array.from({ length: 60 }, (_, i) => 1 + (i % 5));
const length = sizes.reduce((sum, size) => sum + size, 0);
const x = Float32Array.from({ length }, (_, i) => Math.sin(i));

/** Nodes of a model and of the graphs inside of it. */
function nodesOf(bytes: Uint8Array): NodeProto[] {
  const of = (nodes: readonly NodeProto[]): NodeProto[] =>
    nodes.flatMap((node) => [node, ...node.attribute.flatMap(({ g }) => of(g?.node ?? []))]);
  return of(fromBinary(ModelProtoSchema, bytes).graph?.node ?? []);
}
const widest = (bytes: Uint8Array) =>
  Math.max(...nodesOf(bytes).flatMap(({ opType, output }) => (opType === "Split" ? [output.length] : [])));

test("cuts into at most seven parts at once, and into the same parts", async () => {
  const parts = split(input("x", [length]), 0, sizes);
  const model = toOnnx(traceGraph(Object.fromEntries(parts.map((part, i) => [`part_${i}`, mul(part, 2)]))));
  const narrow = withNarrowSplits(model);
  expect([widest(model), widest(narrow)]).toEqual([60, 7]);
  const answer = async (bytes: Uint8Array) => {
    const session = await runtime.load(bytes);
    const feeds = { x: { dtype: "float32", shape: [length], data: x.slice() } as const };
    const { outputs } = await session.run({ feeds, fetch: parts.map((_, i) => `part_${i}`) });
    return Object.values(outputs).flatMap(({ data }) => [...data]);
  };
  expect(await answer(narrow)).toEqual(await answer(model));
});

test("does so inside of a loop too, and leaves narrow ones alone", () => {
  const state = input("state", [length]);
  const total = split(state, 0, sizes).reduce((joined, part) => add(joined, sum(part)), state);
  const three = split(total, 0, [1, 1, length - 2]);
  const model = toOnnxSteps({
    body: traceGraph({ next: add(total, mul(sum(three[0]), input("rate", []))), loss: sum(three[1]) }),
    carried: [{ input: "state", output: "next" }],
    perStep: ["rate"],
    collected: ["loss"],
  });
  const narrow = nodesOf(withNarrowSplits(model)).filter(({ opType }) => opType === "Split");
  expect(Math.max(...narrow.map(({ output }) => output.length))).toBe(7);
  expect(narrow.filter(({ output }) => output.length === 3)).toHaveLength(1);
});
