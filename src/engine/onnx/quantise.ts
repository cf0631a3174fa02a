/**
 * Dynamic quantisation to whole numbers of eight bits: weights once, for each column a scale of its own; activations while the graph
 * runs, by their range. Products are then computed on whole numbers, which is smaller and on most processors faster.
 *
 * @see Jacob et al. (2018), "Quantization and training of neural networks for efficient integer-arithmetic-only inference"
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { PlatformError } from "../../base/index.ts";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
} from "./generated/onnx_pb.js";
import { isStandard, readOnnx } from "./read.ts";
import { elementCount, storedArray } from "./tensor-proto.ts";

export interface QuantizeOptions {
  /**
   * Bits of a weight. Processors without VNNI add two products in 16 bits, which 8-bit weights can overflow; with 7 bits the result
   * is the same everywhere, and that is the default.
   */
  readonly bits?: 7 | 8;
  /** LSTMs too, with `com.microsoft.DynamicQuantizeLSTM`: such a file runs in ONNX Runtime and nowhere else. */
  readonly recurrent?: boolean;
  /** Weights with fewer numbers stay as they are: the nodes around them would be larger than what is saved. 256 by default. */
  readonly minimumSize?: number;
}

export interface QuantizedModel {
  readonly bytes: Uint8Array;
  /** Names of the nodes that now run on whole numbers. */
  readonly quantized: readonly string[];
  /** Products, convolutions and recurrent nodes that stayed as they are, with the reason. */
  readonly kept: readonly string[];
}

/**
 * Quantises the products (`MatMul`, `Gemm`) of a model whose weights are stored in it, with ONNX's own `DynamicQuantizeLinear` and
 * `MatMulInteger`. Weights are symmetric around zero, with a scale for each output.
 *
 * @throws PlatformError `ONNX_INVALID`, `ONNX_UNSUPPORTED` (also for an operator set before 11, which lacks the operators)
 * @example
 * const layer = new Linear(64, 64, keyFrom(1));
 * const bytes = toOnnx(traceGraph({ y: layer.apply(input("x", ["batch", 64])) }));
 * quantize(bytes).bytes.length < 0.4 * bytes.length; // => true
 */
export function quantize(
  bytes: Uint8Array,
  { bits = 7, recurrent = false, minimumSize = 256 }: QuantizeOptions = {},
): QuantizedModel {
  const { opset, source } = readOnnx(bytes);
  if (opset < 11) {
    throw new PlatformError(
      "input",
      "ONNX_UNSUPPORTED",
      `${source}: expected operator set 11 or later, which can quantise, received ${opset}`,
    );
  }
  const model = fromBinary(ModelProtoSchema, bytes);
  const graph = model.graph as GraphProto;
  const writer = new Writer(graph, bits, minimumSize);
  const quantized: string[] = [];
  const kept: string[] = [];
  const nodes = graph.node.flatMap((node) => {
    if (!isStandard(node.domain) || !candidates.includes(node.opType ?? "")) return [node];
    const name = node.name || node.output[0];
    const reason = node.opType === "LSTM" ? writer.lstmReason(node, recurrent) : writer.productReason(node);
    if (reason !== null) {
      kept.push(`${name}: ${reason}`);
      return [node];
    }
    quantized.push(name);
    return node.opType === "LSTM" ? writer.lstm(node) : writer.product(node);
  });
  graph.node = nodes;
  const used = new Set(nodes.flatMap((node) => node.input));
  for (const { g } of nodes.flatMap((node) => node.attribute)) if (g) namesIn(g, used);
  for (const { name } of graph.output) used.add(name ?? "");
  graph.initializer = [...graph.initializer, ...writer.initializers].filter(({ name }) =>
    used.has(name ?? ""),
  );
  const replaced = new Set(writer.replaced);
  graph.input = graph.input.filter(({ name }) => used.has(name ?? "") || !replaced.has(name ?? ""));
  if (
    nodes.some(({ domain }) => domain === microsoft) &&
    !model.opsetImport.some(({ domain }) => domain === microsoft)
  )
    model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: microsoft, version: 1n }));
  return { bytes: toBinary(ModelProtoSchema, model), quantized, kept };
}

/** What is not quantised however large it is, and is said to stay. */
const staysFloat: Readonly<Record<string, string | undefined>> = {
  Conv: "convolutions stay in float",
  ConvTranspose: "convolutions stay in float",
  GRU: "of recurrent networks only LSTMs can be quantised",
  RNN: "of recurrent networks only LSTMs can be quantised",
};
const candidates = ["MatMul", "Gemm", "LSTM", ...Object.keys(staysFloat)];
const microsoft = "com.microsoft";

class Writer {
  readonly initializers: TensorProto[] = [];
  /** Float arrays that got a quantised twin. */
  readonly replaced: string[] = [];
  readonly #stored: ReadonlyMap<string, TensorProto>;
  readonly #largest: number;
  readonly #minimumSize: number;
  /** Quantised activations and weights, so that what is read twice is quantised once. */
  readonly #activations = new Map<string, readonly [string, string, string]>();
  readonly #weights = new Map<string, readonly [string, string]>();

  constructor(graph: GraphProto, bits: 7 | 8, minimumSize: number) {
    this.#minimumSize = minimumSize;
    this.#stored = new Map(graph.initializer.map((tensor) => [tensor.name ?? "", tensor]));
    this.#largest = bits === 7 ? 63 : 127;
  }

  /** Why a product cannot be quantised; null when it can. */
  productReason(node: NodeProto): string | null {
    const never = staysFloat[node.opType ?? ""];
    if (never) return never;
    const weight = this.#stored.get(node.input[1]);
    if (!weight) return "its second factor is computed, not stored";
    if (weight.dims.length !== 2) return `its weight has ${weight.dims.length} axes`;
    const size = elementCount(weight);
    if (size < this.#minimumSize) return `its weight has only ${size} numbers`;
    if (weight.dataType !== TensorProto_DataType.FLOAT) return "its weight is not float32";
    if (this.#stored.has(node.input[0])) return "its first factor is stored too";
    if (numberOf(node, "transA", 0) !== 0) return "its first factor stands transposed";
    if (numberOf(node, "alpha", 1) !== 1 || numberOf(node, "beta", 1) !== 1) return "its result is scaled";
    return null;
  }

  lstmReason(node: NodeProto, wanted: boolean): string | null {
    if (!wanted) return "LSTMs are quantised only when asked for (recurrent)";
    if (!this.#stored.has(node.input[1]) || !this.#stored.has(node.input[2]))
      return "its weights are computed, not stored";
    return null;
  }

  /** `x W + b` as `scale(x) scale(W) (q(x) q(W)) + b`. */
  product(node: NodeProto): NodeProto[] {
    const transposed = numberOf(node, "transB", 0) === 1;
    const [weight, weightScale] = this.#weight(node.input[1], transposed);
    const known = this.#activations.get(node.input[0]);
    const [x, scale, zero] = known ?? [
      `${node.input[0]}_quantized`,
      `${node.input[0]}_scale`,
      `${node.input[0]}_zero`,
    ];
    const quantizing = known ? [] : [nodeOf("DynamicQuantizeLinear", [node.input[0]], [x, scale, zero])];
    this.#activations.set(node.input[0], [x, scale, zero]);
    const out = node.output[0];
    const bias = node.input[2];
    const names = {
      whole: `${out}_int32`,
      real: `${out}_float`,
      scale: `${out}_scales`,
      scaled: bias ? `${out}_scaled` : out,
    };
    return [
      ...quantizing,
      nodeOf("MatMulInteger", [x, weight, zero], [names.whole], node.name),
      castToFloat(names.whole, names.real),
      nodeOf("Mul", [scale, weightScale], [names.scale]),
      nodeOf("Mul", [names.real, names.scale], [names.scaled]),
      ...(bias ? [nodeOf("Add", [names.scaled, bias], [out])] : []),
    ];
  }

  /** Weights `[directions, 4 hidden, in]` become `[directions, in, 4 hidden]` with a scale for each gate's column. */
  lstm(node: NodeProto): NodeProto[] {
    const [x, weightInput, weightHidden, ...rest] = node.input;
    const [w, wScale, wZero] = this.#gates(weightInput);
    const [r, rScale, rZero] = this.#gates(weightHidden);
    const inputs = [
      x,
      w,
      r,
      ...Array.from({ length: 5 }, (_, i) => rest[i] ?? ""),
      wScale,
      wZero,
      rScale,
      rZero,
    ];
    return [
      create(NodeProtoSchema, {
        opType: "DynamicQuantizeLSTM",
        domain: microsoft,
        name: node.name ?? "",
        input: inputs,
        output: node.output,
        attribute: node.attribute.filter(({ name }) => name !== "layout"),
      }),
    ];
  }

  /** A weight `[in, out]` in whole numbers, and its scales `[out]`. */
  #weight(name: string, transposed: boolean): readonly [string, string] {
    const key = `${name} ${transposed}`;
    const known = this.#weights.get(key);
    if (known) return known;
    const { shape, data } = storedArray(this.#stored.get(name) as TensorProto, name);
    const [rows, columns] = transposed ? [shape[1], shape[0]] : [shape[0], shape[1]];
    const at = (row: number, column: number) =>
      Number(data[transposed ? column * rows + row : row * columns + column]);
    const { values, scales } = this.#columns(rows, columns, at);
    const stem = transposed ? `${name}_t` : name;
    const names = [`${stem}_quantized`, `${stem}_scale`] as const;
    this.#store(names[0], [rows, columns], TensorProto_DataType.INT8, values);
    this.#store(names[1], [columns], TensorProto_DataType.FLOAT, scales);
    this.#weights.set(key, names);
    this.replaced.push(name);
    return names;
  }

  #gates(name: string): readonly [string, string, string] {
    const { shape, data } = storedArray(this.#stored.get(name) as TensorProto, name);
    const [directions, gates, features] = shape;
    const values = new Int8Array(data.length);
    const scales = new Float32Array(directions * gates);
    for (let direction = 0; direction < directions; direction++) {
      const offset = direction * gates * features;
      const part = this.#columns(features, gates, (row, column) =>
        Number(data[offset + column * features + row]),
      );
      values.set(part.values, offset);
      scales.set(part.scales, direction * gates);
    }
    const names = [`${name}_quantized`, `${name}_scale`, `${name}_zero`] as const;
    this.#store(names[0], [directions, features, gates], TensorProto_DataType.INT8, values);
    this.#store(names[1], [directions, gates], TensorProto_DataType.FLOAT, scales);
    this.#store(names[2], [directions, gates], TensorProto_DataType.INT8, new Int8Array(directions * gates));
    this.replaced.push(name);
    return names;
  }

  /** Every column divided by its scale, which maps its largest size to the largest whole number. */
  #columns(rows: number, columns: number, at: (row: number, column: number) => number) {
    const values = new Int8Array(rows * columns);
    const scales = new Float32Array(columns);
    for (let column = 0; column < columns; column++) {
      let largest = 0;
      for (let row = 0; row < rows; row++) largest = Math.max(largest, Math.abs(at(row, column)));
      scales[column] = largest === 0 ? 1 : largest / this.#largest;
      for (let row = 0; row < rows; row++)
        values[row * columns + column] = Math.round(at(row, column) / scales[column]);
    }
    return { values, scales };
  }

  #store(
    name: string,
    shape: readonly number[],
    dataType: TensorProto_DataType,
    data: Int8Array | Float32Array,
  ): void {
    this.initializers.push(
      create(TensorProtoSchema, {
        name,
        dims: shape.map(BigInt),
        dataType,
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      }),
    );
  }
}

function nodeOf(opType: string, input: string[], output: string[], name?: string): NodeProto {
  return create(NodeProtoSchema, { opType, name: name || `${output[0]}_node`, input, output });
}

function castToFloat(from: string, to: string): NodeProto {
  const type = AttributeProto_AttributeType.INT;
  const attribute = create(AttributeProtoSchema, { name: "to", type, i: BigInt(TensorProto_DataType.FLOAT) });
  return create(NodeProtoSchema, {
    opType: "Cast",
    name: `${to}_node`,
    input: [from],
    output: [to],
    attribute: [attribute],
  });
}

function numberOf(node: NodeProto, name: string, otherwise: number): number {
  const found = node.attribute.find((attribute) => attribute.name === name);
  if (found === undefined) return otherwise;
  return found.type === AttributeProto_AttributeType.FLOAT
    ? (found.f ?? otherwise)
    : Number(found.i ?? otherwise);
}

function namesIn(graph: GraphProto, into: Set<string>): void {
  for (const { input, attribute } of graph.node) {
    for (const name of input) into.add(name);
    for (const { g } of attribute) if (g) namesIn(g, into);
  }
}
