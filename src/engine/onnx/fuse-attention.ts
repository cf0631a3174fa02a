/**
 * Self-attention as one node of ONNX Runtime's own (`com.microsoft.Attention`) where it is to run, and not where it is stored: a file stays
 * standard ONNX that every runtime reads, and the twenty nodes that it spends on one attention take half as long when they are one.
 * What the layer `MultiHeadAttention` writes is known here node by node; anything else is left as it is.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
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
import { isStandard } from "./read.ts";
import { type StoredArray, storedArray } from "./tensor-proto.ts";

const microsoft = "com.microsoft";

/**
 * The same model with each self-attention in one node. Bytes come back as they are when there is none.
 *
 * @example
 * const attention = new MultiHeadAttention(8, { numHeads: 2, causal: true }, keyFrom(1));
 * const bytes = toOnnx(traceGraph({ y: attention.apply(input("x", ["batch", 5, 8])) }));
 * readOnnx(fuseAttention(bytes)).otherDomains; // => ["com.microsoft"]
 */
export function fuseAttention(bytes: Uint8Array): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  const { graph } = model;
  if (!graph?.node.some(({ opType }) => opType === "Softmax")) return bytes;
  const reader = new Reader(graph);
  const found = graph.node.flatMap((node) => reader.attentionOf(node) ?? []);
  if (found.length === 0) return bytes;

  const replaced = new Set(found.flatMap(({ nodes }) => nodes));
  const firstOf = new Map(found.map((attention) => [attention.nodes[0], attention]));
  const added: TensorProto[] = [];
  graph.node = graph.node.flatMap((node) => {
    const attention = firstOf.get(node);
    if (attention) return fusedNodes(attention, added);
    return replaced.has(node) ? [] : [node];
  });
  const read = new Set(graph.node.flatMap(({ input }) => input));
  for (const { name } of graph.output) read.add(name ?? "");
  // What nodes inside of nodes read is not looked through, so only what the fused nodes had for themselves is dropped.
  const dropped = new Set([...replaced].flatMap(({ input }) => input).filter((name) => !read.has(name)));
  graph.initializer = [...graph.initializer, ...added].filter(({ name }) => !dropped.has(name ?? ""));
  if (!model.opsetImport.some(({ domain }) => domain === microsoft))
    model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: microsoft, version: 1n }));
  return toBinary(ModelProtoSchema, model);
}

interface FoundAttention {
  /** All of its nodes; the first is its product of query, key and value. */
  readonly nodes: readonly NodeProto[];
  readonly x: string;
  readonly y: string;
  /** `[3 features, features]` and `[3 features]`. */
  readonly weight: StoredArray;
  readonly bias: StoredArray;
  readonly time: number;
  readonly numHeads: number;
  readonly scale: number;
  readonly causal: boolean;
}

/** Finds nodes by what they make and what they are read by. */
class Reader {
  readonly #makers = new Map<string, NodeProto>();
  readonly #readers = new Map<string, NodeProto[]>();
  readonly #stored: ReadonlyMap<string, TensorProto>;
  readonly #outputs: ReadonlySet<string>;

  constructor({ node: nodes, initializer, input, output }: GraphProto) {
    for (const node of nodes) {
      for (const name of node.output) this.#makers.set(name, node);
      for (const name of new Set(node.input))
        this.#readers.set(name, [...(this.#readers.get(name) ?? []), node]);
    }
    const fed = new Set(input.map(({ name }) => name));
    // An initializer that is an input too may be fed another value.
    this.#stored = new Map(
      initializer.flatMap((tensor) => (fed.has(tensor.name) ? [] : [[tensor.name ?? "", tensor] as const])),
    );
    this.#outputs = new Set(output.map(({ name }) => name ?? ""));
  }

  /** The attention around a softmax; undefined when something about it is not as the layer writes it. */
  attentionOf(softmax: NodeProto): FoundAttention | undefined {
    if (softmax.opType !== "Softmax" || !isStandard(softmax.domain)) return undefined;
    // Backwards: scores, with a mask or without, times a scale, of queries and keys.
    let scores = this.#maker(softmax.input[0]);
    const mask = scores?.opType === "Add" ? scores : undefined;
    const hidden = mask && this.#value(mask.input[1]);
    if (mask) scores = hidden && this.#maker(mask.input[0]);
    const scaled = scores?.opType === "Mul" ? scores : undefined;
    const scale = scaled && this.#value(scaled.input[1]);
    const product = scaled && this.#maker(scaled.input[0], "MatMul");
    const turned = product && this.#maker(product.input[1], "Transpose");
    // Forwards: times the values, heads beside each other again.
    const mixed = this.#reader(softmax.output[0], "MatMul");
    const together = mixed && this.#reader(mixed.output[0], "Transpose");
    const rows = together && this.#reader(together.output[0], "Reshape");
    if (!scaled || !product || !turned || !mixed || !together || !rows) return undefined;
    if (scale?.data.length !== 1 || mixed.input[0] !== softmax.output[0]) return undefined;
    if (!isPermutation(turned, [0, 1, 3, 2]) || !isPermutation(together, [0, 2, 1, 3])) return undefined;
    // Query, key and value are the three parts of one product.
    const parts = [product.input[0], turned.input[0], mixed.input[1]].map((name) =>
      this.#maker(name, "Reshape"),
    );
    const split = parts[0] && this.#makers.get(parts[0].input[0]);
    if (split?.opType !== "Split" || split.output.length !== 3) return undefined;
    if (!parts.every((part, i) => part?.input[0] === split.output[i] && this.#sole(split.output[i])))
      return undefined;
    const heads = this.#maker(split.input[0], "Transpose");
    const apart = heads && this.#maker(heads.input[0], "Reshape");
    const projection = apart && this.#maker(apart.input[0], "Gemm");
    if (!heads || !apart || !projection || !isPermutation(heads, [2, 0, 3, 1, 4])) return undefined;
    const shape = this.#value(apart.input[1]);
    const [weight, bias] = projection.input.slice(1).map((name) => this.#value(name));
    if (shape?.data.length !== 5 || !weight || !bias || attribute(projection, "transB") !== 1)
      return undefined;
    if (attribute(projection, "transA") === 1) return undefined;
    const [, time, count, numHeads, size] = Array.from(shape.data as BigInt64Array, Number);
    const features = numHeads * size;
    if (count !== 3 || weight.shape.join() !== [3 * features, features].join()) return undefined;
    const causal = hidden !== undefined;
    if (hidden && !isCausal(hidden, time)) return undefined;
    const lastAxis = attribute(softmax, "axis") ?? -1;
    if (lastAxis !== 3 && lastAxis !== -1) return undefined;
    return {
      nodes: [
        ...[projection, apart, heads, split, ...(parts as NodeProto[]), turned, product, scaled],
        ...(mask ? [mask] : []),
        ...[softmax, mixed, together, rows],
      ],
      ...{ x: projection.input[0], y: rows.output[0], weight, bias, time, numHeads, causal },
      scale: Number(scale.data[0]),
    };
  }

  /** What makes a value that nothing else reads. */
  #maker(name: string, opType?: string): NodeProto | undefined {
    const node = this.#makers.get(name);
    if (!node || !isStandard(node.domain) || !this.#sole(name)) return undefined;
    return opType === undefined || node.opType === opType ? node : undefined;
  }

  /** The only one that reads a value. */
  #reader(name: string, opType: string): NodeProto | undefined {
    const [node] = this.#readers.get(name) ?? [];
    return this.#sole(name) && node.opType === opType && isStandard(node.domain) ? node : undefined;
  }

  #sole(name: string): boolean {
    return this.#readers.get(name)?.length === 1 && !this.#outputs.has(name);
  }

  #value(name: string | undefined): StoredArray | undefined {
    const tensor = this.#stored.get(name ?? "");
    return tensor && storedArray(tensor, name ?? "");
  }
}

/** The attention in three nodes, the outer two of which only say where a sequence ends. */
function fusedNodes(found: FoundAttention, added: TensorProto[]): NodeProto[] {
  const { x, y, weight, bias, time, numHeads, scale, causal } = found;
  const features = bias.data.length / 3;
  const name = (what: string) => `${y}_${what}`;
  const floats = (what: string, data: Float32Array, dims: readonly number[]) => {
    added.push(tensorProto(name(what), TensorProto_DataType.FLOAT, data, dims));
    return name(what);
  };
  const sizes = (what: string, values: readonly number[]) => {
    const data = BigInt64Array.from(values, BigInt);
    added.push(tensorProto(name(what), TensorProto_DataType.INT64, data, [values.length]));
    return name(what);
  };
  const turned = transposed(weight.data as Float32Array, 3 * features, features);
  const type = AttributeProto_AttributeType;
  return [
    create(NodeProtoSchema, {
      opType: "Reshape",
      name: name("sequences_node"),
      input: [x, sizes("sequences_shape", [-1, time, features])],
      output: [name("sequences")],
    }),
    create(NodeProtoSchema, {
      opType: "Attention",
      domain: microsoft,
      name: name("attention_node"),
      input: [
        name("sequences"),
        floats("weight", turned, [features, 3 * features]),
        floats("bias", bias.data as Float32Array, [3 * features]),
      ],
      output: [name("attended")],
      attribute: [
        create(AttributeProtoSchema, { name: "num_heads", type: type.INT, i: BigInt(numHeads) }),
        create(AttributeProtoSchema, { name: "unidirectional", type: type.INT, i: causal ? 1n : 0n }),
        create(AttributeProtoSchema, { name: "scale", type: type.FLOAT, f: scale }),
      ],
    }),
    create(NodeProtoSchema, {
      opType: "Reshape",
      name: name("rows_node"),
      input: [name("attended"), sizes("rows_shape", [-1, features])],
      output: [y],
    }),
  ];
}

function tensorProto(
  name: string,
  dataType: TensorProto_DataType,
  data: Float32Array | BigInt64Array,
  dims: readonly number[],
): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: dims.map(BigInt),
    dataType,
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  });
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
}

/** 0 up to the diagonal, and so far below that nothing is left of it behind. */
function isCausal({ data, shape }: StoredArray, time: number): boolean {
  const values = data as Float32Array;
  return (
    shape.join() === `${time},${time}` &&
    values.every((value, i) => (i % time <= Math.floor(i / time) ? value === 0 : value <= -1e8))
  );
}

function isPermutation(node: NodeProto, order: readonly number[]): boolean {
  return node.attribute.find(({ name }) => name === "perm")?.ints.join() === order.join();
}

function attribute(node: NodeProto, name: string): number | undefined {
  const found = node.attribute.find((one) => one.name === name);
  return found && Number(found.i);
}
