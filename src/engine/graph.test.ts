import { expect, test } from "vitest";
import { keyFrom } from "../base/index.ts";
import { add, Dropout, input, Linear, mul, parametersOf, sum, type Tensor, traceGraph } from "./index.ts";

test("puts every node behind those it reads, once, and leaves out what no output needs", () => {
  const x = input("x", [2]);
  const shared = mul(x, x);
  const unused = add(shared, 7);
  const graph = traceGraph({ a: add(shared, x), b: sum(shared) });
  expect(graph.nodes).not.toContain(unused.node);
  expect(new Set(graph.nodes).size).toBe(graph.nodes.length);
  graph.nodes.forEach((node, place) => {
    for (const { node: read } of node.inputs) expect(graph.nodes.indexOf(read)).toBeLessThan(place);
  });
  expect(graph.nodes.map(({ primitive }) => primitive).sort()).toEqual(["add", "input", "mul", "sum"]);
  expect(graph.inputs).toEqual([x]);
});

test("traces graphs deeper than the call stack", () => {
  let deep: Tensor = input("x", []);
  for (let i = 0; i < 50_000; i++) deep = add(deep, deep);
  expect(traceGraph({ deep }).nodes).toHaveLength(50_001);
});

test("follows replacements instead of what they stand for", () => {
  const [x, y] = [input("x", [2]), input("y", [2])];
  const middle = mul(x, 2);
  const graph = traceGraph({ out: add(middle, 1) }, { replace: new Map([[middle, y]]) });
  expect(graph.inputs).toEqual([y]);
  expect(graph.resolve(middle)).toBe(y);
});

test("finds a cycle that replacements make", () => {
  const x = input("x", [2]);
  const y = mul(x, 2);
  const z = add(y, 1);
  expect(() => traceGraph({ z }, { replace: new Map([[x, z]]) })).toThrow(
    "broken rule: a graph has no cycle",
  );
});

test("names parameters by their place, in the order of the fields, shared ones once", () => {
  const shared = new Linear(2, 2, keyFrom(1));
  const model = {
    layers: [new Linear(3, 2, keyFrom(2)), shared],
    dropout: new Dropout(0.5, 0),
    notes: { text: "x", none: null, list: new Float32Array(3) },
    tied: shared,
  };
  expect(parametersOf(model).map(({ name }) => name)).toEqual([
    "layers.0.weight",
    "layers.0.bias",
    "layers.1.weight",
    "layers.1.bias",
  ]);
  expect(parametersOf(shared.weight)).toEqual([{ name: "", parameter: shared.weight }]);
});
