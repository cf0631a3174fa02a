/** Quantises a model and says what that cost: both models answer the same inputs, side by side. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import {
  type Context,
  foldIn,
  type Key,
  keyFrom,
  normal,
  PlatformError,
  throwIfAborted,
  uniform,
} from "../../base/index.ts";
import {
  createRuntime,
  loadOnnx,
  type OnnxModel,
  quantize,
  type Runtime,
  readOnnx,
  type TensorValue,
} from "../../engine/index.ts";
import { decodeSafetensors, float32Of, type StoredTensor } from "../../models/index.ts";
import { openModel } from "./open.ts";
import type { QuantizeInput, QuantizeOutput } from "./schema.ts";
import { writeWhole } from "./write.ts";

type Feeds = Readonly<Record<string, TensorValue>>;

/** Writes the quantised model, and measures it beside the float one. */
export async function quantizeModel(
  input: QuantizeInput,
  { models, signal }: Context,
): Promise<QuantizeOutput> {
  const { model, manifest } = await openModel(input.artifact, input.file, models);
  const draw = input.draw ?? (manifest?.kind === "forecast" ? "lognormal" : "normal");
  const { bytes, quantized, kept } = quantize(model.bytes, input);
  const feeds =
    input.inputs === undefined ? drawnFeeds(model, input, draw) : await readFeeds(model, input.inputs);
  throwIfAborted(signal, "quantisation");
  const runtime = createRuntime();
  try {
    const outputs = await compareModels(runtime, model, readOnnx(bytes, basename(input.out)), feeds);
    await writeWhole(input.out, bytes);
    return {
      out: input.out,
      quantized: [...quantized],
      kept: [...kept],
      data:
        input.inputs === undefined
          ? `drawn ${draw}, seed ${input.seed}; give --inputs to measure on your own`
          : `from ${basename(input.inputs)}`,
      samples: Object.values(feeds)[0]?.shape[0] ?? 1,
      bytes: { float: model.bytes.length, quantized: bytes.length },
      outputs,
    };
  } finally {
    await runtime.close();
  }
}

/**
 * How far the outputs of two models are apart on the same inputs.
 *
 * @throws PlatformError `INPUT_INVALID` when the first model's own answer is not finite, which nothing can be compared with
 */
export async function compareModels(
  runtime: Runtime,
  float: OnnxModel,
  other: OnnxModel,
  feeds: Feeds,
): Promise<QuantizeOutput["outputs"]> {
  const answer = async (model: OnnxModel) => {
    const loaded = await loadOnnx(runtime, model);
    try {
      return await loaded.run(feeds);
    } finally {
      await loaded.release();
    }
  };
  const [expected, received] = [await answer(float), await answer(other)];
  return Object.entries(expected).map(([name, { data }]) => {
    const [a, b] = [data, received[name].data].map((values) =>
      Float64Array.from(values as Float32Array, Number),
    );
    if (a.some((value) => !Number.isFinite(value))) {
      throw new PlatformError(
        "input",
        "INPUT_INVALID",
        `inputs: expected inputs to which ${float.source} answers with numbers, received some at which "${name}" is not finite; prices are positive: draw lognormal ones, or give a file`,
        { field: "inputs" },
      );
    }
    const difference = a.map((value, i) => value - b[i]);
    return {
      name,
      rootMeanSquare: { float: rootMeanSquare(a), quantized: rootMeanSquare(b) },
      maximumDifference: difference.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
      rootMeanSquareDifference: rootMeanSquare(difference),
    };
  });
}

function rootMeanSquare(values: Float64Array): number {
  return values.length === 0
    ? 0
    : Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/** Random inputs: numbers of the chosen law, whole numbers 0 and 1, which every table has. */
function drawnFeeds(
  { inputs, source }: OnnxModel,
  { samples, seed, sizes }: QuantizeInput,
  draw: "normal" | "lognormal",
): Feeds {
  return Object.fromEntries(
    inputs.map(({ name, elementType, shape }) => {
      const open = [...new Set((shape ?? []).filter((axis) => typeof axis === "string" && !(axis in sizes)))];
      if (shape === null || open.length > 1) {
        throw new PlatformError(
          "input",
          "INPUT_INVALID",
          `sizes: expected sizes of the open axes beside the batch, received none for ${open.slice(1).join(", ") || `input "${name}" of ${source}`}`,
          { field: "sizes" },
        );
      }
      const fixed = shape.map((axis) => (typeof axis === "number" ? axis : (sizes[axis] ?? samples)));
      return [name, drawnValue(elementType, fixed, draw, foldIn(keyFrom(seed), name))];
    }),
  );
}

function drawnValue(
  elementType: string,
  shape: readonly number[],
  draw: "normal" | "lognormal",
  key: Key,
): TensorValue {
  const size = shape.reduce((a, b) => a * b, 1);
  const numbers = normal(key, size);
  const drawn = draw === "normal" ? numbers : numbers.map(Math.exp);
  const bits = () => uniform(key, size, 0, 2).map(Math.floor);
  switch (elementType) {
    case "double":
      return { dtype: "float64", shape, data: Float64Array.from(drawn) };
    case "int64":
      return { dtype: "int64", shape, data: BigInt64Array.from(bits(), BigInt) };
    case "int32":
      return { dtype: "int32", shape, data: Int32Array.from(bits()) };
    case "bool":
      return { dtype: "bool", shape, data: Uint8Array.from(bits()) };
    default:
      return { dtype: "float32", shape, data: Float32Array.from(drawn) };
  }
}

async function readFeeds({ inputs }: OnnxModel, path: string): Promise<Feeds> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new PlatformError(
      "missing",
      "DATA_FILE_MISSING",
      `${path}: expected a safetensors file, found none that can be read`,
      {
        file: path,
        cause,
      },
    );
  });
  const { tensors } = decodeSafetensors(bytes, basename(path));
  return Object.fromEntries(
    inputs.flatMap(({ name }) => {
      const tensor = tensors.get(name);
      return tensor ? [[name, valueOfStored(tensor, path, name)]] : [];
    }),
  );
}

/** Real numbers in half precision are fed as float32; every other type as it is. */
function valueOfStored(tensor: StoredTensor, path: string, name: string): TensorValue {
  const { shape } = tensor;
  switch (tensor.type) {
    case "F64":
      return { dtype: "float64", shape, data: tensor.data };
    case "I64":
      return { dtype: "int64", shape, data: tensor.data };
    case "I32":
      return { dtype: "int32", shape, data: tensor.data };
    case "BOOL":
      return { dtype: "bool", shape, data: tensor.data };
  }
  const data = float32Of(tensor);
  if (data) return { dtype: "float32", shape, data };
  throw new PlatformError(
    "input",
    "INPUT_INVALID",
    `${path}: tensor "${name}": expected real numbers, whole numbers of 32 or 64 bits, or truth values, received ${tensor.type}`,
    { file: path },
  );
}
