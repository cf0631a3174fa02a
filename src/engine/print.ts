import type { Graph, NamedParameter } from "./graph.ts";
import { formatShape, type TensorType } from "./shape.ts";
import { type Node, Parameter, type Tensor } from "./tensor.ts";

/**
 * A graph as text, one line per node: what tests compare and what a person reads.
 *
 *     graph(x: float32[batch, 3]) {
 *       %0 = matmul(x, weight) {"transposeA":false,"transposeB":true} : float32[batch, 2]
 *       return y = %0
 *     }
 */
export function printGraph(graph: Graph, parameters: readonly NamedParameter[] = []): string {
  const parameterNames = new Map(parameters.map(({ name, parameter }) => [parameter, name]));
  const names = new Map<Tensor, string>();
  let counter = 0;
  const nameOf = (tensor: Tensor): string => names.get(graph.resolve(tensor)) ?? "?";
  const lines: string[] = [];
  for (const node of graph.nodes) {
    const [first] = node.outputs;
    if (node.primitive === "input") {
      names.set(first, (node as Node<"input">).attributes.name);
    } else if (first instanceof Parameter) {
      names.set(first, parameterNames.get(first) ?? `parameter${formatShape(first.shape)}`);
    } else if (node.primitive === "constant") {
      names.set(first, printConstant(node as Node<"constant">));
    } else {
      for (const output of node.outputs) names.set(output, `%${counter++}`);
      const attributes = Object.keys(node.attributes).length > 0 ? ` ${JSON.stringify(node.attributes)}` : "";
      const results = node.outputs.map((output) => names.get(output)).join(", ");
      const types = node.outputs.map(printType).join(", ");
      lines.push(
        `  ${results} = ${node.primitive}(${node.inputs.map(nameOf).join(", ")})${attributes} : ${types}`,
      );
    }
  }
  const inputs = graph.inputs.map((tensor) => `${nameOf(tensor)}: ${printType(tensor)}`).join(", ");
  const outputs = Object.entries(graph.outputs)
    .map(([name, tensor]) => `${name} = ${nameOf(tensor)}`)
    .join(", ");
  return [`graph(${inputs}) {`, ...lines, `  return ${outputs}`, "}"].join("\n");
}

function printType({ dtype, shape }: TensorType): string {
  return `${dtype}${formatShape(shape)}`;
}

function printConstant({ attributes: { data }, outputs: [tensor] }: Node<"constant">): string {
  return data.length === 1 ? String(data[0]) : `constant${formatShape(tensor.shape)}`;
}
