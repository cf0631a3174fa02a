import { PlatformError } from "../../base/index.ts";
import { type InferenceTensor, sizeOf, type TensorSignature } from "./datatypes.ts";

/**
 * Holds the inputs of a request to what the model declares. An axis that is named twice has one size.
 *
 * @throws PlatformError `SHAPE_MISMATCH` naming every input that is missing, unknown, or not of the declared type and shape
 */
export function checkInputs(
  signature: readonly TensorSignature[],
  inputs: Readonly<Record<string, InferenceTensor>>,
  model: string,
): void {
  const problems: string[] = [];
  const open = new Map<string, number>();
  for (const { name, datatype, shape } of signature) {
    const declared = `${datatype}${shape === null ? "" : shown(shape)}`;
    if (!Object.hasOwn(inputs, name)) {
      problems.push(`expected input "${name}" of ${declared}, received none`);
      continue;
    }
    const value = inputs[name];
    if (value.datatype !== datatype || !fits(shape, value.shape, open))
      problems.push(
        `expected input "${name}" of ${declared}, received ${value.datatype}${shown(value.shape)}`,
      );
    else if (value.data.length !== sizeOf(value.shape))
      problems.push(
        `input "${name}": expected ${sizeOf(value.shape)} values for shape ${shown(value.shape)}, received ${value.data.length}`,
      );
  }
  for (const name of Object.keys(inputs)) {
    if (!signature.some((input) => input.name === name)) {
      const known = signature.map((input) => `"${input.name}"`).join(", ");
      problems.push(`expected input ${known}, received "${name}"`);
    }
  }
  if (problems.length > 0)
    throw new PlatformError("input", "SHAPE_MISMATCH", `${model}: ${problems.join("; ")}`);
}

function fits(
  declared: TensorSignature["shape"],
  received: readonly number[],
  open: Map<string, number>,
): boolean {
  if (declared === null) return true;
  if (declared.length !== received.length) return false;
  return declared.every((size, axis) => {
    if (typeof size === "number") return size === received[axis];
    const known = open.get(size);
    if (known === undefined) open.set(size, received[axis]);
    return known === undefined || known === received[axis];
  });
}

const shown = (shape: readonly (number | string)[]) => `[${shape.join(", ")}]`;
