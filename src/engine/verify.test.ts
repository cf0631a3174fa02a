import { describe, expect, test } from "vitest";
import { keyFrom } from "../base/index.ts";
import { applyAll } from "./apply.ts";
import {
  add,
  type DataType,
  type Graph,
  gradient,
  input,
  Lstm,
  mul,
  Parameter,
  parameter,
  type Shape,
  sum,
  Tensor,
  traceGraph,
  verifyGraph,
} from "./index.ts";
import type { PrimitiveName } from "./primitives/table.ts";
import { leaf, type Node } from "./tensor.ts";

/** A node whose types are claimed, not derived. */
function forged(
  primitive: PrimitiveName,
  inputs: readonly Tensor[],
  shape: Shape,
  dtype: DataType = "float32",
): Tensor {
  const outputs: Tensor[] = [];
  outputs.push(new Tensor({ primitive, inputs, attributes: {}, outputs } as Node, 0, { shape, dtype }));
  return outputs[0];
}

const x = input("x", ["batch", 3]);
const good = traceGraph({ y: add(mul(x, 2), x) });
const change = (changes: Partial<Graph>): Graph => ({ ...good, ...changes });

test("passes what the engine traces, gradients and several outputs included", () => {
  const lstm = new Lstm(3, 2, keyFrom(1));
  const loss = sum(lstm.run(input("sequence", [4, 5, 3])).sequence);
  verifyGraph(good);
  verifyGraph(traceGraph({ loss, dx: gradient(loss, [lstm.weightHidden])[0] }));
  verifyGraph(traceGraph({}));
});

describe("refuses", () => {
  const wrongPlace = () => {
    const outputs: Tensor[] = [];
    const [a, b] = applyAll("split", [input("s", [4])], { axis: 0, sizes: [2, 2] });
    const node = { ...a.node, outputs } as Node;
    outputs.push(new Tensor(node, 1, b), new Tensor(node, 0, a));
    return traceGraph({ y: outputs[0] });
  };
  const moved = new Map<Tensor, Tensor>([[x, input("other", ["batch", 4])]]);
  const retyped = new Map<Tensor, Tensor>([[x, input("other", ["batch", 3], "float64")]]);

  test.each<[string, () => Graph, string]>([
    [
      "a node before what it reads",
      () => change({ nodes: [...good.nodes].reverse() }),
      "add reads only what was made before",
    ],
    [
      "an output that nothing makes",
      () => change({ outputs: { y: input("elsewhere", []) } }),
      'output "y" is made in the graph',
    ],
    [
      "a shape that does not follow",
      () => traceGraph({ y: forged("neg", [x], ["batch", 4]) }),
      "neg makes float32[batch, 3], not float32[batch, 4]",
    ],
    [
      "an element type that does not follow",
      () => traceGraph({ y: forged("less", [x, x], ["batch", 3]) }),
      "less makes bool[batch, 3], not float32[batch, 3]",
    ],
    [
      "a missing output",
      () => traceGraph({ y: forged("lstm", recurrentInputs(), [5, 4, 2]) }),
      "lstm has 11 outputs",
    ],
    ["outputs in each other's place", wrongPlace, "outputs of split know their place"],
    [
      "a constant with too few values",
      () =>
        traceGraph({ y: leaf("constant", { data: Float32Array.of(1) }, { dtype: "float32", shape: [2] }) }),
      "a constant has one value per element",
    ],
    [
      "a constant with an open axis",
      () =>
        traceGraph({
          y: leaf("constant", { data: Float32Array.of(1) }, { dtype: "float32", shape: ["batch"] }),
        }),
      "a constant has one value per element",
    ],
    ["a parameter with an open axis", openParameter, "a parameter has a fixed shape"],
    [
      "a replacement of another shape",
      () => traceGraph({ y: mul(x, 2) }, { replace: moved }),
      "a replacement of mul's input keeps its type",
    ],
    [
      "a replacement of another element type",
      () => traceGraph({ y: mul(x, 2) }, { replace: retyped }),
      "a replacement of mul's input keeps its type",
    ],
  ])("%s", (_, make, rule) => {
    expect(() => verifyGraph(make())).toThrow(`broken rule: ${rule}`);
  });

  test.each<[string, () => Graph, string]>([
    [
      "an output with the name of an input",
      () => traceGraph({ x: mul(x, 2) }),
      'graph: expected names of outputs that no input has, received "x"',
    ],
    [
      "two inputs of one name",
      () => traceGraph({ y: add(x, input("x", [3])) }),
      'graph: expected each input once, received two with the name "x"',
    ],
  ])("%s, as the caller's mistake", (_, make, message) => {
    expect(() => verifyGraph(make())).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH", message }));
  });
});

function recurrentInputs(): Tensor[] {
  return [[5, 4, 3], [8, 3], [8, 2], [8], [8]].map((shape, i) => input(`x${i}`, shape));
}

function openParameter(): Graph {
  const p = parameter({ shape: [1], data: Float32Array.of(1) });
  expect(p).toBeInstanceOf(Parameter);
  Object.defineProperty(p, "shape", { value: ["batch"] });
  return traceGraph({ y: p });
}
