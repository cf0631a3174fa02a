/**
 * Shapes of operators that the engine cannot compute but a description should know: those of quantised models, which work on element
 * types that the engine does not have. Every value of such a type is stood for by a float32 one of its shape.
 */
import { input, type Tensor } from "../../tensor.ts";
import type { ImportedNode } from "./node.ts";
import { type ImportRule, importRules } from "./rules.ts";

export const standInRules = {
  DynamicQuantizeLinear: (node) => [node.tensor(0), standIn("scale", []), standIn("zero", [])],
  MatMulInteger: (node) => importRules.MatMul(node),
  /** Weights are `[directions, in, 4 hidden]` and `[directions, hidden, 4 hidden]`, unlike those of ONNX's own LSTM. */
  DynamicQuantizeLSTM: (node: ImportedNode) => {
    const [time, batch] = node.tensor(0).shape;
    const [directions, hidden] = node.tensor(2).shape;
    const state = standIn("state", [directions, batch, hidden]);
    return [standIn("sequence", [time, directions, batch, hidden]), state, state];
  },
} as const satisfies Readonly<Record<string, ImportRule>>;

export type StandInOperator = keyof typeof standInRules;

export function isStandIn(opType: string): opType is StandInOperator {
  return Object.hasOwn(standInRules, opType);
}

/** A value of which only the shape is known. */
export function standIn(name: string, shape: Tensor["shape"]): Tensor {
  return input(name, shape);
}
