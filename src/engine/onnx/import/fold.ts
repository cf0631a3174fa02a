/** Arithmetic on sizes that are known while importing; leaves alone what it cannot do, which then becomes a tensor. */
import type { Dimension } from "../../shape.ts";
import type { ImportedNode } from "./node.ts";
import { over, plus, Sizes, times } from "./sizes.ts";

type Fold = (node: ImportedNode, inputs: readonly Sizes[]) => Sizes | undefined;
type Combine = (a: Dimension, b: Dimension) => Dimension | undefined;

/** How each operator acts on known whole numbers; undefined where the answer is none. */
export const foldRules: Readonly<Record<string, Fold | undefined>> = {
  Identity: (_, [x]) => x,
  Add: elementwise(plus),
  Sub: elementwise((a, b) => plus(a, times(b, -1) as Dimension)),
  Mul: elementwise(times),
  Div: elementwise(over),
  Max: elementwise((a, b) => numeric(a, b, Math.max)),
  Min: elementwise((a, b) => numeric(a, b, Math.min)),
  Equal: elementwise((a, b) => {
    if (typeof a === typeof b) return typeof a === "number" || a === b ? Number(a === b) : undefined;
    return Number(a) <= 0 || Number(b) <= 0 ? 0 : undefined; // exporters ask for -1, which no open size is
  }),
  Neg: (_, [x]) => mapped(x, (value) => times(value, -1)),
  Where: (_, [condition, a, b]) => {
    const size = Math.max(condition.values.length, a.values.length, b.values.length);
    const shape = [condition, a, b].find(({ values }) => values.length === size)?.shape;
    const pick = ({ values }: Sizes, i: number) => values[values.length === 1 ? 0 : i];
    const values = Array.from({ length: size }, (_, i) => pick(pick(condition, i) ? a : b, i));
    return new Sizes(values, shape);
  },
  Gather: (_, [x, indices]) => {
    const values = indices.values.map((index) => x.values.at(Number(index)));
    return values.some((value) => value === undefined)
      ? undefined
      : new Sizes(values as Dimension[], indices.shape);
  },
  Concat: (_, parts) => new Sizes(parts.flatMap(({ values }) => values)),
  Slice: (node, [x]) => {
    const [start] = node.ints("starts") ?? node.integers(1);
    const [end] = node.ints("ends") ?? node.integers(2);
    const [step] = node.optionalIntegers(4) ?? [1];
    return step === 1 ? new Sizes(x.values.slice(start, end)) : undefined;
  },
  Squeeze: (_, [x]) => (x.values.length === 1 ? new Sizes(x.values, []) : x),
  Unsqueeze: (_, [x]) => (x.shape.length === 0 ? new Sizes(x.values) : undefined),
  Reshape: (_, [x, target]) => (target.values.length === 1 ? new Sizes(x.values) : undefined),
  Cast: (node, [x]) => {
    const [int32, int64] = [6, 7];
    return [int32, int64].includes(node.int("to", 0)) ? x : undefined;
  },
  ReduceProd: (node, [x]) => {
    const product = x.values.reduce<Dimension | undefined>((a, b) => (a === undefined ? a : times(a, b)), 1);
    return product === undefined ? undefined : new Sizes([product], node.int("keepdims", 1) === 1 ? [1] : []);
  },
  Range: (_, [start, limit, step]) => {
    const [from, to, by] = [start, limit, step].map(({ values }) => Number(values[0]));
    const count = Math.max(0, Math.ceil((to - from) / by));
    return count <= 4096 ? new Sizes(Array.from({ length: count }, (_, i) => from + i * by)) : undefined;
  },
  ConstantOfShape: (node, [{ values }]) => {
    const stored = node.stored("value");
    const [int64, size] = [7, values[0] ?? 1];
    if (stored?.dataType !== int64 || values.length > 1 || typeof size !== "number") return undefined;
    const [value] = stored.int64Data.length > 0 ? stored.int64Data : int64Of(stored.rawData);
    return new Sizes(new Array<number>(size).fill(Number(value)), values.length === 0 ? [] : [size]);
  },
};

/** The known whole numbers that a node makes of known whole numbers; undefined when it makes none. */
export function fold(node: ImportedNode, inputs: readonly (Sizes | undefined)[]): Sizes | undefined {
  const rule = foldRules[node.opType];
  return rule && inputs.length > 0 && inputs.every((input) => input !== undefined)
    ? rule(node, inputs)
    : undefined;
}

function elementwise(combine: Combine): Fold {
  return (_, inputs) =>
    inputs.slice(1).reduce<Sizes | undefined>((a, b) => {
      if (a === undefined) return a;
      const size = Math.max(a.values.length, b.values.length);
      const values = Array.from({ length: size }, (_, i) =>
        combine(a.values[a.values.length === 1 ? 0 : i], b.values[b.values.length === 1 ? 0 : i]),
      );
      const shape = a.shape.length > b.shape.length || a.values.length > b.values.length ? a.shape : b.shape;
      return values.includes(undefined) ? undefined : new Sizes(values as Dimension[], shape);
    }, inputs[0]);
}

function mapped(x: Sizes, change: (value: Dimension) => Dimension | undefined): Sizes | undefined {
  const values = x.values.map(change);
  return values.includes(undefined) ? undefined : new Sizes(values as Dimension[], x.shape);
}

function numeric(a: Dimension, b: Dimension, of: (a: number, b: number) => number): number | undefined {
  return typeof a === "number" && typeof b === "number" ? of(a, b) : undefined;
}

function int64Of(raw: Uint8Array | undefined): bigint[] {
  if (!raw || raw.length < 8) return [0n];
  return [new DataView(raw.buffer, raw.byteOffset, raw.byteLength).getBigInt64(0, true)];
}
