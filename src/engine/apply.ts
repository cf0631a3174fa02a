import type { PrimitiveAttributes, PrimitiveName, TypeRule } from "./primitives/table.ts";
import { typeRules } from "./primitives/type-rules.ts";
import { type Node, Tensor } from "./tensor.ts";

/** Applies a primitive: its shape rule decides the types of the outputs, and nothing is computed yet. */
export function applyAll<P extends PrimitiveName>(
  primitive: P,
  inputs: readonly Tensor[],
  attributes: PrimitiveAttributes[P],
): readonly Tensor[] {
  const typesOf: TypeRule<P> = typeRules[primitive];
  const outputs: Tensor[] = [];
  const node: Node<P> = { primitive, inputs, attributes, outputs };
  for (const type of typesOf(inputs, attributes)) {
    outputs.push(new Tensor(node as unknown as Node, outputs.length, type));
  }
  return outputs;
}

/** Applies a primitive with one output. */
export function apply<P extends PrimitiveName>(
  primitive: P,
  inputs: readonly Tensor[],
  attributes: PrimitiveAttributes[P],
): Tensor {
  return applyAll(primitive, inputs, attributes)[0];
}
