import { traceGraph } from "./graph.ts";
import { add, broadcastTo } from "./operations.ts";
import { gradientRules } from "./primitives/gradient-rules.ts";
import type { GradientArguments, GradientRule, PrimitiveName } from "./primitives/table.ts";
import { formatShape, mismatch } from "./shape.ts";
import { constant, type Node, type Tensor } from "./tensor.ts";

/**
 * Reverse-mode differentiation: the gradient of a scalar by each of `targets`, as new tensors of the same graph.
 *
 * The nodes behind the loss are visited last to first; each node's rule turns the gradient by its outputs into gradients by
 * its inputs, and what reaches a tensor along several ways is added up. A target that the loss does not depend on has a
 * gradient of zero.
 *
 * @param loss scalar `[]`
 * @returns one tensor per target, of the target's shape
 * @throws PlatformError `SHAPE_MISMATCH` when `loss` is not a scalar
 */
export function gradient(loss: Tensor, targets: readonly Tensor[]): Tensor[] {
  if (loss.shape.length !== 0)
    throw mismatch(`gradient: expected a scalar loss, received shape ${formatShape(loss.shape)}`);
  const { nodes } = traceGraph({ loss });
  const needed = nodesOnTheWay(nodes, targets);
  const arrived = new Map<Tensor, Tensor>([[loss, constant(1, [], loss.dtype)]]);

  for (const node of [...nodes].reverse()) {
    const dys = node.outputs.map((output) => arrived.get(output) ?? null);
    if (!needed.has(node) || dys.every((dy) => dy === null) || node.inputs.length === 0) continue;
    const flowing = gradientsOf(node, dys);
    node.inputs.forEach((input, i) => {
      const dx = flowing[i];
      if (!dx || !needed.has(input.node)) return;
      const before = arrived.get(input);
      arrived.set(input, before ? add(before, dx) : dx);
    });
  }
  return targets.map(
    (target) => arrived.get(target) ?? broadcastTo(constant(0, [], target.dtype), target.shape),
  );
}

function gradientsOf<P extends PrimitiveName>(
  node: Node<P>,
  dys: readonly (Tensor | null)[],
): readonly (Tensor | null)[] {
  const rule: GradientRule<P> = gradientRules[node.primitive];
  const [y] = node.outputs;
  // A node with one output is visited only when its gradient arrived; rules of several outputs look at `dys`.
  const args: GradientArguments<P> = {
    dy: dys[0] as Tensor,
    dys,
    inputs: node.inputs,
    y,
    outputs: node.outputs,
    attributes: node.attributes,
  };
  return rule(args);
}

/** The nodes through which a gradient can reach a target. */
function nodesOnTheWay(nodes: readonly Node[], targets: readonly Tensor[]): Set<Node> {
  const needed = new Set<Node>(targets.map((target) => target.node));
  for (const node of nodes) if (node.inputs.some((input) => needed.has(input.node))) needed.add(node);
  return needed;
}
