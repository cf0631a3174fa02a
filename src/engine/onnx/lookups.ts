/** Which inputs of an ONNX file name rows of its stored tables: tokens, categories, positions. */
import type { IndexRange } from "../index-ranges.ts";
import type { GraphProto } from "./generated/onnx_pb.js";

/** Operators behind which whole numbers are still those of their first input. */
const unchanged: ReadonlySet<string> = new Set([
  "Identity",
  "Cast",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Flatten",
]);

/**
 * The range of each input that is looked up in a stored table as it is. ONNX would count a negative number from the end; nobody means
 * that by a token.
 */
export function lookupsOf({ node, initializer }: GraphProto, inputs: readonly string[]): IndexRange[] {
  const rows = new Map(initializer.map(({ name, dims }) => [name, dims] as const));
  const from = new Map<string, string>(inputs.map((name) => [name, name]));
  // A file lists every node behind those that it reads.
  return node.flatMap((one): IndexRange[] => {
    const [first = "", second = ""] = one.input;
    const origin = from.get(first);
    if (origin !== undefined && unchanged.has(one.opType ?? "")) from.set(one.output[0], origin);
    const table = rows.get(first);
    const input = from.get(second);
    if (one.opType !== "Gather" || table === undefined || input === undefined) return [];
    const axis = Number(one.attribute.find(({ name }) => name === "axis")?.i ?? 0n);
    const counts = Number(table[axis < 0 ? axis + table.length : axis]);
    return [{ input, cuts: [], rowsBy: null, axes: "other", counts }];
  });
}
