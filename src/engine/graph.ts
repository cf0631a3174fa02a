import { invariant } from "../base/index.ts";
import { type Node, Parameter, type ParameterRole, Tensor } from "./tensor.ts";

/** Named values to compute, and everything they are made of. */
export interface Graph {
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** In an order in which every node follows the nodes it reads. */
  readonly nodes: readonly Node[];
  readonly inputs: readonly Tensor[];
  readonly parameters: readonly Parameter[];
  /** What stands for a tensor in this graph: the tensor itself, or its replacement. */
  readonly resolve: (tensor: Tensor) => Tensor;
}

export interface GraphOptions {
  /** Tensors that stand for others: how a training graph feeds parameters that it also updates. */
  readonly replace?: ReadonlyMap<Tensor, Tensor>;
}

/** Collects the nodes behind some outputs. A node that is reached by no output is not in the graph. */
export function traceGraph(outputs: Readonly<Record<string, Tensor>>, { replace }: GraphOptions = {}): Graph {
  const resolve = (tensor: Tensor): Tensor => replace?.get(tensor) ?? tensor;
  const nodes: Node[] = [];
  const state = new Map<Node, "open" | "done">();
  // An explicit stack: a graph may be deeper than the call stack.
  const stack = Object.values(outputs).map((tensor) => resolve(tensor).node);
  while (stack.length > 0) {
    const node = stack[stack.length - 1];
    const seen = state.get(node);
    if (seen === undefined) {
      state.set(node, "open");
      for (const input of node.inputs) {
        const next = resolve(input).node;
        invariant(state.get(next) !== "open", "a graph has no cycle");
        if (!state.has(next)) stack.push(next);
      }
    } else {
      stack.pop();
      if (seen === "open") {
        state.set(node, "done");
        nodes.push(node);
      }
    }
  }
  const leaves = nodes.map((node) => node.outputs[0]);
  return {
    outputs,
    nodes,
    inputs: leaves.filter((tensor) => tensor.node.primitive === "input"),
    parameters: leaves.filter((tensor) => tensor instanceof Parameter),
    resolve,
  };
}

/** An array of a model and its place, such as `layers.0.weight`. */
export interface NamedParameter {
  readonly name: string;
  readonly parameter: Parameter;
}

/**
 * The parameters of a model, which is a plain tree of objects and arrays: each is named by its path, in the order in which the
 * fields were set, the learned ones before the statistics. A parameter that stands in two places is listed once.
 */
export function parametersOf(model: unknown): NamedParameter[] {
  const found: NamedParameter[] = [];
  const seen = new Set<unknown>();
  const visit = (value: unknown, path: string): void => {
    if (value === null || typeof value !== "object" || seen.has(value) || ArrayBuffer.isView(value)) return;
    seen.add(value);
    if (value instanceof Parameter) found.push({ name: path, parameter: value });
    if (value instanceof Tensor) return;
    for (const [field, child] of Object.entries(value))
      visit(child, path === "" ? field : `${path}.${field}`);
  };
  visit(model, "");
  const withRole = (role: ParameterRole) => found.filter(({ parameter }) => parameter.role === role);
  return [...withRole("learned"), ...withRole("statistic")];
}
