import { invariant } from "../base/index.ts";
import type { Graph } from "./graph.ts";
import type { PrimitiveName, TypeRule } from "./primitives/table.ts";
import { typeRules } from "./primitives/type-rules.ts";
import { formatShape, isStatic, mismatch, sameShape, staticSize } from "./shape.ts";
import type { Node, Tensor } from "./tensor.ts";

/**
 * Checks a graph against what every stage relies on. It runs between stages: after tracing, after differentiation, before
 * emission. A violation is a bug of the stage before, so it is stated as a broken rule; only names are a matter of who made the graph.
 *
 * @throws PlatformError `SHAPE_MISMATCH` when two inputs, or an input and an output, share a name
 */
export function verifyGraph(graph: Graph): void {
  const made = new Set<Tensor>();
  const inputNames = new Set<string>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(graph.resolve);
    for (const input of inputs)
      invariant(made.has(input), `${node.primitive} reads only what was made before`);
    node.inputs.forEach((input, i) => {
      invariant(
        sameShape(input.shape, inputs[i].shape) && input.dtype === inputs[i].dtype,
        `a replacement of ${node.primitive}'s input keeps its type`,
      );
    });
    verifyNode(node, inputNames);
    node.outputs.forEach((output, i) => {
      invariant(output.node === node && output.output === i, `outputs of ${node.primitive} know their place`);
      made.add(output);
    });
  }
  for (const [name, tensor] of Object.entries(graph.outputs)) {
    invariant(made.has(graph.resolve(tensor)), `output "${name}" is made in the graph`);
    if (inputNames.has(name))
      throw mismatch(`graph: expected names of outputs that no input has, received "${name}"`);
  }
}

function verifyNode(node: Node, inputNames: Set<string>): void {
  const [first] = node.outputs;
  switch (node.primitive) {
    case "input": {
      const { name } = (node as Node<"input">).attributes;
      if (inputNames.has(name))
        throw mismatch(`graph: expected each input once, received two with the name "${name}"`);
      inputNames.add(name);
      return;
    }
    case "constant": {
      const { data } = (node as Node<"constant">).attributes;
      invariant(
        isStatic(first.shape) && data.length === staticSize(first.shape),
        "a constant has one value per element",
      );
      return;
    }
    case "parameter":
      invariant(isStatic(first.shape), "a parameter has a fixed shape");
      return;
    default:
      verifyTypes(node);
  }
}

function verifyTypes<P extends PrimitiveName>(node: Node<P>): void {
  const typesOf: TypeRule<P> = typeRules[node.primitive];
  const expected = typesOf(node.inputs, node.attributes);
  invariant(expected.length === node.outputs.length, `${node.primitive} has ${expected.length} outputs`);
  node.outputs.forEach((output, i) => {
    const fits = sameShape(output.shape, expected[i].shape) && output.dtype === expected[i].dtype;
    invariant(
      fits,
      `${node.primitive} makes ${expected[i].dtype}${formatShape(expected[i].shape)}, not ${output.dtype}${formatShape(output.shape)}`,
    );
  });
}
