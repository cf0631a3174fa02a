/** All parameters of a model behind each other in one vector, and the way back. */
import type { NamedParameter } from "../graph.ts";
import { reshape, split } from "../operations.ts";
import { staticSize } from "../shape.ts";
import type { Parameter, Tensor } from "../tensor.ts";

/** Those that the optimiser moves; they lie before the statistics. */
export function learned(parameters: readonly NamedParameter[]): readonly NamedParameter[] {
  return parameters.filter(({ parameter }) => parameter.role === "learned");
}

/** Number of values. */
export function packedSize(parameters: readonly NamedParameter[]): number {
  return parameters.reduce((total, { parameter }) => total + parameter.value.length, 0);
}

/** The model's arrays as views of one vector: what stands for each parameter in a graph that is fed all of them at once. */
export function viewsOf(flat: Tensor, parameters: readonly Parameter[]): Map<Tensor, Tensor> {
  const parts = split(
    flat,
    0,
    parameters.map((parameter) => staticSize(parameter.shape)),
  );
  return new Map(parameters.map((parameter, i) => [parameter, reshape(parts[i], parameter.shape)]));
}

/** The initial values of a model's parameters behind each other. */
export function packParameters(parameters: readonly NamedParameter[]): Float32Array {
  const packed = new Float32Array(packedSize(parameters));
  let offset = 0;
  for (const { parameter } of parameters) {
    packed.set(parameter.value, offset);
    offset += parameter.value.length;
  }
  return packed;
}

/** For each value of the packed vector what `of` says of the parameter that it belongs to. */
export function packEach(
  parameters: readonly NamedParameter[],
  of: (parameter: NamedParameter) => number,
): Float32Array {
  const packed = new Float32Array(packedSize(parameters));
  let offset = 0;
  for (const named of parameters) {
    const end = offset + named.parameter.value.length;
    packed.fill(of(named), offset, end);
    offset = end;
  }
  return packed;
}

/** The arrays of a packed vector, by name; each shares the vector's memory. */
export function unpackParameters(
  parameters: readonly NamedParameter[],
  packed: Float32Array,
): { readonly name: string; readonly parameter: Parameter; readonly values: Float32Array }[] {
  let offset = 0;
  return parameters.map(({ name, parameter }) => {
    const values = packed.subarray(offset, offset + parameter.value.length);
    offset += parameter.value.length;
    return { name, parameter, values };
  });
}
