/** The nodes of an ONNX graph with what each makes, learned and costs: what a description or a drawing of a model is made of. */
import type { Shape } from "../shape.ts";
import { flopRules, isMeasured } from "./flop.ts";
import { inferTypes } from "./import/import.ts";
import { type OnnxModel, readOnnx } from "./read.ts";
import { elementCount, elementTypeName } from "./tensor-proto.ts";

/** A node of an ONNX graph. */
export interface OnnxNode {
  readonly opType: string;
  /** The exporter's name of the node. */
  readonly name: string;
  /** Values that it reads, stored arrays left out. */
  readonly reads: readonly string[];
  /**
   * Stored arrays that it reads, constants of a file that Fathom wrote left out. `array` is the one in the file: exporters store equal
   * arrays once, under one of their names.
   */
  readonly parameters: readonly { readonly name: string; readonly array: string; readonly size: number }[];
  /** What it makes; a shape is null where neither a rule nor the file tells it. */
  readonly outputs: readonly { readonly name: string; readonly shape: Shape | null }[];
  /** Floating-point operations for one sample; null where the operator or a shape is unknown. */
  readonly flop: number | null;
  /** Makes only sizes, constants and other forms of stored arrays, the same in every run but for the batch. */
  readonly bookkeeping: boolean;
}

const learnedTypes = ["float", "double", "float16", "bfloat16", "int8", "uint8"];

/**
 * Every node of a model, in the order of the file. An operator without an import rule is listed all the same, with the shape that
 * the file declares, or none.
 *
 * @param options sizes of open axes beside the batch, by name
 * @throws PlatformError `ONNX_INVALID`, `ONNX_UNSUPPORTED`
 * @example
 * const y = matmul(input("x", ["batch", 3]), parameter({ shape: [3, 2], data: new Float32Array(6) }));
 * describeOnnx(toOnnx(traceGraph({ y }))).map(({ opType, flop }) => [opType, flop]); // => [["Gemm", 12], ["Identity", 0]]
 */
export function describeOnnx(
  model: OnnxModel | Uint8Array,
  options: { readonly sizes?: Readonly<Record<string, number>> } = {},
): readonly OnnxNode[] {
  const read = model instanceof Uint8Array ? readOnnx(model) : model;
  const types = inferTypes(read, options);
  const { initializer } = read.graph;
  const stored = new Map(initializer.map((tensor) => [tensor.name ?? "", tensor]));
  const ours = read.producer.startsWith("fathom");
  const counts = new Map(
    initializer.flatMap((tensor) => {
      const name = tensor.name ?? "";
      const learned =
        learnedTypes.includes(elementTypeName(tensor.dataType)) && !(ours && /^constant_\d+$/.test(name));
      return learned ? [[name, elementCount(tensor)] as const] : [];
    }),
  );
  const arrays = arraysBehind(read, stored.keys(), types);
  const shapeOf = (name: string): Shape | null => types.get(name)?.shape ?? null;
  return read.graph.node.map((node) => {
    const { opType = "", name = "" } = node;
    const reads = node.input.filter((input) => input !== "");
    const outputs = node.output.flatMap((output) =>
      output ? [{ name: output, shape: shapeOf(output) }] : [],
    );
    const shapes = {
      inputs: node.input.map((input) => (input === "" ? null : shapeOf(input))),
      outputs: node.output.map((output) => (output === "" ? null : shapeOf(output))),
      transposed: node.attribute.some((attribute) => attribute.name === "transA" && attribute.i === 1n),
      kernel: node.attribute.find((attribute) => attribute.name === "kernel_shape")?.ints.map(Number) ?? [],
      equation: new TextDecoder().decode(node.attribute.find(({ name }) => name === "equation")?.s),
    };
    const complete = [...reads, ...outputs.map((output) => output.name)].every((value) => types.has(value));
    return {
      opType,
      name,
      reads: reads.filter((input) => !arrays.has(input)),
      parameters: reads.flatMap((input) =>
        (arrays.get(input) ?? []).flatMap((one) => {
          const size = counts.get(one.array);
          return size === undefined ? [] : [{ ...one, size }];
        }),
      ),
      outputs,
      flop: isMeasured(opType) && complete ? flopRules[opType](shapes) : null,
      bookkeeping: outputs.every(({ name: made }) => arrays.has(made) || types.get(made)?.fixed === true),
    };
  });
}

/**
 * The stored arrays that a value is made of, for values made of nothing else: a turned weight, or the one factor that a batch norm
 * makes of its scale and variance. They are the same in every run, and belong to whoever reads them.
 */
function arraysBehind(
  { graph }: OnnxModel,
  stored: Iterable<string>,
  types: ReadonlyMap<string, { readonly fixed: boolean }>,
): Map<string, readonly { readonly name: string; readonly array: string }[]> {
  const arrays = new Map([...stored].map((name) => [name, [{ name, array: name }]]));
  for (const { opType, input, output } of graph.node) {
    const reads = input.filter((name) => name !== "");
    const known = reads.every((name) => arrays.has(name) || types.get(name)?.fixed === true);
    const behind = reads.flatMap((name) => arrays.get(name) ?? []);
    if (!known || behind.length === 0) continue;
    // An exporter that stores equal arrays once gives them their own names by Identity.
    const renamed = opType === "Identity" ? [{ name: output[0], array: behind[0].array }] : behind;
    for (const name of output) if (name !== "") arrays.set(name, renamed);
  }
  return arrays;
}
