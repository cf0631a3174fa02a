/** What an import rule sees of an ONNX node: its inputs as engine values, and its attributes by their documented types. */
import { PlatformError } from "../../../base/index.ts";
import { type Dimension, formatShape, isStatic } from "../../shape.ts";
import { type Node, Parameter, type Tensor, type TypedArray } from "../../tensor.ts";
import type { AttributeProto, NodeProto, TensorProto } from "../generated/onnx_pb.js";
import { asTensor, knownSizes, Sizes, type Value } from "./sizes.ts";

/** What a rule asks of the import around it. */
export interface ImportScope {
  readonly source: string;
  readonly opset: number;
  /** Called when a parameter is used as an array that is learned, not as a number that was read. */
  readonly learns: (parameter: Parameter) => void;
  /** The array that a name of the graph stands for, as one that no gradient moves. */
  readonly statistic: (name: string, parameter: Parameter) => Parameter;
}

export class ImportedNode {
  readonly opType: string;
  readonly opset: number;
  /** Names of the outputs; "" for one that is left out. */
  readonly outputs: readonly string[];
  readonly inputs: readonly (Value | undefined)[];
  readonly #scope: ImportScope;
  readonly #name: string;
  readonly #inputNames: readonly string[];
  readonly #attributes: ReadonlyMap<string, AttributeProto>;

  constructor(proto: NodeProto, inputs: readonly (Value | undefined)[], scope: ImportScope) {
    this.opType = proto.opType ?? "";
    this.opset = scope.opset;
    this.outputs = proto.output;
    this.inputs = inputs;
    this.#scope = scope;
    this.#inputNames = proto.input;
    this.#name = proto.name || proto.output[0] || "";
    this.#attributes = new Map(proto.attribute.map((attribute) => [attribute.name ?? "", attribute]));
  }

  /** The node in a message: `model.onnx: Conv "conv_1"`. */
  get where(): string {
    return `${this.#scope.source}: ${this.opType} "${this.#name}"`;
  }

  /** An input as a tensor. */
  tensor(position: number): Tensor {
    const found = this.optional(position);
    if (!found) throw this.unsupported(`expected an input ${position}, received none`);
    return found;
  }

  /** An input that may be left out. */
  optional(position: number): Tensor | undefined {
    const value = this.inputs[position];
    if (value instanceof Parameter) this.#scope.learns(value);
    if (!(value instanceof Sizes)) return value;
    const tensor = asTensor(value);
    if (!tensor) throw this.unsupported("the batch size is used as a number, which the engine leaves open");
    return tensor;
  }

  /** An input that training leaves to the layer: what it has seen, such as a running mean. */
  statistic(position: number): Tensor {
    const value = this.inputs[position];
    return value instanceof Parameter
      ? this.#scope.statistic(this.#inputNames[position], value)
      : this.tensor(position);
  }

  /** All inputs as tensors. */
  tensors(): Tensor[] {
    return this.inputs.map((_, position) => this.tensor(position));
  }

  /** An input of whole numbers that must be known now, of which some may be multiples of the batch. */
  dimensions(position: number): readonly Dimension[] {
    const known = knownSizes(this.inputs[position]);
    if (!known) throw this.unsupported(`expected input ${position} to be known before the graph runs`);
    return known.values;
  }

  /** An input of whole numbers that must be known now. */
  integers(position: number): readonly number[] {
    const values = this.dimensions(position);
    if (!isStatic(values)) throw this.unsupported(`expected fixed numbers, received ${formatShape(values)}`);
    return values;
  }

  /** An input of whole numbers, or undefined when it is left out. */
  optionalIntegers(position: number): readonly number[] | undefined {
    return this.inputs[position] === undefined ? undefined : this.integers(position);
  }

  /** The number that a scalar input holds; undefined when it is left out or exists only when the graph runs. */
  numberAt(position: number): number | undefined {
    const numbers = this.numbersAt(position);
    return numbers?.length === 1 ? numbers[0] : undefined;
  }

  /** The numbers that an input holds; undefined when it is left out or exists only when the graph runs. */
  numbersAt(position: number): readonly number[] | undefined {
    const value = this.inputs[position];
    if (value === undefined) return undefined;
    const data = value instanceof Sizes ? value.values : dataOf(value);
    return data && Array.from(data as ArrayLike<unknown>, Number);
  }

  has(attribute: string): boolean {
    return this.#attributes.has(attribute);
  }

  int(attribute: string, otherwise: number): number {
    const found = this.#attributes.get(attribute);
    return found?.i === undefined ? otherwise : Number(found.i);
  }

  float(attribute: string, otherwise: number): number {
    return this.#attributes.get(attribute)?.f ?? otherwise;
  }

  text(attribute: string, otherwise: string): string {
    const found = this.#attributes.get(attribute)?.s;
    return found ? new TextDecoder().decode(found) : otherwise;
  }

  texts(attribute: string): string[] {
    return (this.#attributes.get(attribute)?.strings ?? []).map((text) => new TextDecoder().decode(text));
  }

  ints(attribute: string): readonly number[] | undefined {
    return this.#attributes.get(attribute)?.ints.map(Number);
  }

  floats(attribute: string): readonly number[] | undefined {
    return this.#attributes.get(attribute)?.floats;
  }

  stored(attribute: string): TensorProto | undefined {
    return this.#attributes.get(attribute)?.t;
  }

  /** Numbers that were an attribute in older operator sets and are an input in newer ones. */
  listed(attribute: string, position: number): readonly number[] | undefined {
    return this.ints(attribute) ?? this.optionalIntegers(position);
  }

  unsupported(reason: string): PlatformError {
    return new PlatformError("input", "ONNX_UNSUPPORTED", `${this.where}: ${reason}`, {
      file: this.#scope.source,
    });
  }
}

function dataOf(tensor: Tensor): TypedArray | undefined {
  if (tensor instanceof Parameter) return tensor.value;
  return tensor.node.primitive === "constant" ? (tensor.node as Node<"constant">).attributes.data : undefined;
}
