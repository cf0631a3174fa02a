/** Weights between a model of ours and a safetensors file whose tensors have other names and layouts. */
import { PlatformError } from "../../base/index.ts";
import { formatShape, type Parameter, parametersOf } from "../../engine/index.ts";
import { decode, encode, float32Of, type StoredTensor } from "../safetensors.ts";

/** How tensors of a file are found in a model. A rule renames; the first that fits a name counts. */
export interface WeightRule {
  /** A whole name of the file, in which each `*` stands for a whole number, such as the number of a layer. */
  readonly from: string;
  /** The parameter's path in the model, with the same number of `*`. */
  readonly to: string;
  /** The file's matrix is the transpose of ours, which is `[out, in]`, as PyTorch's is. */
  readonly transpose?: boolean;
}

export interface WeightMapping {
  /** A name that no rule fits keeps itself. */
  readonly rules?: readonly WeightRule[];
  /** Names of tensors that the model does without, with `*` as in rules: buffers, heads for other tasks. */
  readonly ignore?: readonly string[];
}

/**
 * Sets the parameters of a model to the tensors of a safetensors file. Strict: every parameter gets a value, every tensor is used
 * or named in `ignore`, and shapes are equal; else nothing is changed. F16, BF16 and F64 become float32.
 *
 * @param file the bytes, and what to call them in a message
 * @returns names of the tensors that were ignored
 * @throws PlatformError `ARTIFACT_CORRUPT`; `WEIGHTS_MISMATCH` naming all that is missing, unexpected or misshapen
 * @example
 * const model = { head: new Linear(2, 1, keyFrom(1)) };
 * const bytes = saveWeights({ out: { w: model.head.weight, b: model.head.bias } });
 * const rules = [{ from: "out.w", to: "head.weight" }, { from: "out.b", to: "head.bias" }];
 * loadWeights(model, { bytes, name: "head.safetensors" }, { rules }); // => []
 */
export function loadWeights(
  model: unknown,
  file: { readonly bytes: Uint8Array; readonly name: string },
  { rules = [], ignore = [] }: WeightMapping = {},
): readonly string[] {
  const { tensors } = decode(file.bytes, file.name);
  const parameters = new Map(parametersOf(model).map(({ name, parameter }) => [name, parameter]));
  const values = new Map<Parameter, { readonly from: string; readonly data: Float32Array }>();
  const ignored: string[] = [];
  const problems: string[] = [];
  for (const [name, tensor] of tensors) {
    if (ignore.some((pattern) => renamed(name, pattern, pattern) !== undefined)) {
      ignored.push(name);
      continue;
    }
    const { to, turned } = targetOf(name, rules);
    const parameter = parameters.get(to);
    const before = parameter && values.get(parameter);
    if (!parameter) problems.push(`unexpected "${name}"${to === name ? "" : ` (renamed to "${to}")`}`);
    else if (before) problems.push(`"${name}" and "${before.from}" both stand for "${to}"`);
    else {
      const data = fittingData(tensor, parameter, turned);
      if (typeof data === "string") problems.push(`"${name}" for "${to}": ${data}`);
      // A tensor that does not fit is named once, not as a missing one too.
      values.set(parameter, { from: name, data: typeof data === "string" ? parameter.value : data });
    }
  }
  for (const [name, parameter] of parameters) if (!values.has(parameter)) problems.push(`missing "${name}"`);
  if (problems.length > 0) {
    throw new PlatformError("conflict", "WEIGHTS_MISMATCH", `${file.name}: ${problems.join("; ")}`, {
      file: file.name,
    });
  }
  for (const [parameter, { data }] of values) parameter.value.set(data);
  return ignored;
}

/**
 * The parameters of a model as a safetensors file, under the names of the other side: what `loadWeights` with the same mapping reads
 * back.
 *
 * @param values trained values by parameter, where they differ from the model's own
 */
export function saveWeights(
  model: unknown,
  { rules = [] }: WeightMapping = {},
  values: ReadonlyMap<Parameter, Float32Array> = new Map(),
): Uint8Array<ArrayBuffer> {
  const tensors = parametersOf(model).map(({ name, parameter }): [string, StoredTensor] => {
    const shape = parameter.shape as readonly number[];
    const data = values.get(parameter) ?? parameter.value;
    for (const { from, to, transpose: turned } of rules) {
      const theirs = renamed(name, to, from);
      if (theirs === undefined) continue;
      return turned
        ? [theirs, { type: "F32", shape: [shape[1], shape[0]], data: transposed(data, shape[0], shape[1]) }]
        : [theirs, { type: "F32", shape, data }];
    }
    return [name, { type: "F32", shape, data }];
  });
  return encode(new Map(tensors), new Map([["format", "pt"]])); // what Hugging Face's loaders ask for
}

function targetOf(name: string, rules: readonly WeightRule[]): { to: string; turned: boolean } {
  for (const { from, to, transpose: turned = false } of rules) {
    const found = renamed(name, from, to);
    if (found !== undefined) return { to: found, turned };
  }
  return { to: name, turned: false };
}

/** `name`, read by one pattern and written by another; undefined when it does not fit the first. */
function renamed(name: string, from: string, to: string): string | undefined {
  const pattern = from.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const numbers = new RegExp(`^${pattern.join("(\\d+)")}$`).exec(name)?.slice(1);
  return numbers && to.replace(/\*/g, () => numbers.shift() ?? "*");
}

/** The values in our layout, or what is wrong with them. */
function fittingData(tensor: StoredTensor, parameter: Parameter, turned: boolean): Float32Array | string {
  const data = float32Of(tensor);
  if (!data) return `expected real numbers, received ${tensor.type}`;
  const [rows, columns] = tensor.shape;
  const shape = turned && tensor.shape.length === 2 ? [columns, rows] : tensor.shape;
  const wanted = formatShape(parameter.shape);
  if (formatShape(shape) !== wanted)
    return `expected ${wanted}, received ${formatShape(tensor.shape)}${turned ? ", which is transposed" : ""}`;
  return turned ? transposed(data, rows, columns) : data;
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(
    { length: data.length },
    (_, i) => data[(i % rows) * columns + Math.floor(i / rows)],
  );
}
