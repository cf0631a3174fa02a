/** Which operator sets a graph may be written in, and which operators came late. */
import { PlatformError } from "../../base/index.ts";

/** Operator sets that `toOnnx` writes: the rules use forms that came with 13. */
export const writableOpsets = { from: 13, to: 21 } as const;

/**
 * The operator set in which an operator appeared, or got the form that the rules write, where that is later than 13. `+` names
 * a form by its attribute.
 *
 * @see https://github.com/onnx/onnx/blob/main/docs/Changelog.md
 */
const firstOpset: Readonly<Record<string, number>> = {
  CumSum: 14,
  HardSwish: 14,
  Trilu: 14,
  BatchNormalization: 15,
  "ScatterND+reduction": 16,
  "ScatterElements+reduction": 16,
  LayerNormalization: 17,
  BitwiseAnd: 18,
  BitwiseOr: 18,
  BitwiseXor: 18,
  BitwiseNot: 18,
  Mish: 18,
  Gelu: 20,
  GroupNormalization: 21,
};

/**
 * Refuses a node that its operator set does not have.
 *
 * @throws PlatformError `ONNX_OPSET` naming the operator and the set that it needs
 */
export function requireOperator(opType: string, attributes: readonly string[], opset: number): void {
  for (const form of [opType, ...attributes.map((attribute) => `${opType}+${attribute}`)]) {
    const first = firstOpset[form];
    if (first === undefined || opset >= first) continue;
    const words = form.replace("+", " with ");
    throw new PlatformError(
      "input",
      "ONNX_OPSET",
      `toOnnx: ${words} needs operator set ${first}, received ${opset}`,
      {
        field: "opset",
      },
    );
  }
}

/** @throws PlatformError `ONNX_OPSET` when no rule was written for an operator set */
export function requireWritable(opset: number): void {
  const { from, to } = writableOpsets;
  if (Number.isInteger(opset) && opset >= from && opset <= to) return;
  throw new PlatformError(
    "input",
    "ONNX_OPSET",
    `toOnnx: expected an operator set from ${from} to ${to}, received ${opset}`,
    {
      field: "opset",
    },
  );
}

/** The file version that came with an operator set; an older one would promise to readers what they cannot read. */
export function irVersionOf(opset: number): bigint {
  if (opset <= 18) return 8n;
  return opset <= 20 ? 9n : 10n;
}
