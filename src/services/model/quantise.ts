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
  lookupsOf,
  type OnnxModel,
  quantize,
  type Runtime,
  readOnnx,
  type TensorValue,
} from "../../engine/index.ts";
import { decodeSafetensors, float32Of, type StoredTensor } from "../../models/index.ts";
import { type RealWindows, realWindows } from "../forecast/index.ts";
import { openModel } from "./open.ts";
import type { QuantizeInput, QuantizeOutput } from "./schema.ts";
import { writeWhole } from "./write.ts";

type Feeds = Readonly<Record<string, TensorValue>>;

/** Writes the quantised model, and measures it beside the float one. */
export async function quantizeModel(input: QuantizeInput, context: Context): Promise<QuantizeOutput> {
  const { model, manifest } = await openModel(input.artifact, input.file, context.models);
  const { feeds, description, real } = await measureOn(model, manifest?.kind ?? "onnx", input, context);
  const { bytes, quantized, kept } = quantize(model.bytes, input);
  throwIfAborted(context.signal, "quantisation");
  const runtime = createRuntime();
  try {
    const small = readOnnx(bytes, basename(input.out));
    const [float, other] = [await answer(runtime, model, feeds), await answer(runtime, small, feeds)];
    const outputs = differences(model.source, float, other);
    await writeWhole(input.out, bytes);
    return {
      out: input.out,
      quantized: [...quantized],
      kept: [...kept],
      data: description,
      samples: Object.values(feeds)[0]?.shape[0] ?? 1,
      bytes: { float: model.bytes.length, quantized: bytes.length },
      outputs,
      errors: real && forecastErrors(real, float, other),
    };
  } finally {
    await runtime.close();
  }
}

interface Measured {
  readonly feeds: Feeds;
  /** Behind the number of samples, in words. */
  readonly description: string;
  /** Null where nothing is known of what came. */
  readonly real: RealWindows | null;
}

/** Prices where they are given or known, inputs where they are given, else drawn ones, which are called so. */
async function measureOn(
  model: OnnxModel,
  kind: string,
  input: QuantizeInput,
  context: Context,
): Promise<Measured> {
  const { artifact, inputs, data, samples = 4096 } = input;
  const given = (["data", "inputs", "draw"] as const).filter((name) => input[name] !== undefined);
  if (given.length > 1)
    throw invalid(
      `${given[0]}: expected one of data, inputs and draw, received ${given.join(" and ")}`,
      given[0],
    );
  if (data !== undefined && kind !== "forecast")
    throw invalid(
      `data: expected a forecasting model, received ${kind}; --inputs measures any other`,
      "data",
    );
  if (inputs !== undefined)
    return { feeds: await readFeeds(model, inputs), description: `from ${basename(inputs)}`, real: null };
  const { symbols, from, to, format } = input;
  const real =
    kind === "forecast" && input.draw === undefined
      ? await realWindows({ artifact, data, symbols, from, to, format }, samples, context)
      : null;
  if (real) return { feeds: { prices: real.prices }, description: real.description, real };
  const draw = input.draw ?? (kind === "forecast" ? "lognormal" : "normal");
  const better =
    kind === "forecast"
      ? "which are no market: --data measures on yours"
      : "which are not yours: --inputs measures on yours";
  return {
    feeds: drawnFeeds(model, input, draw),
    description: `drawn ${draw} with seed ${input.seed}, ${better}`,
    real: null,
  };
}

/** Root mean squared errors of both models' forecasts beside that of the forecast without a model. */
function forecastErrors(
  { horizons, outcome, naive }: RealWindows,
  float: Answers,
  quantized: Answers,
): QuantizeOutput["errors"] {
  const errorOf = (forecast: ArrayLike<number | bigint>, h: number) =>
    rootMeanSquare(
      outcome
        .filter((_, i) => i % horizons.length === h)
        .map((came, row) => Number(forecast[row * horizons.length + h]) - came),
    );
  return horizons.map((horizon, h) => ({
    horizon,
    float: errorOf(float.forecast.data, h),
    quantized: errorOf(quantized.forecast.data, h),
    naive: errorOf(naive, h),
  }));
}

type Answers = Readonly<Record<string, TensorValue>>;

async function answer(runtime: Runtime, model: OnnxModel, feeds: Feeds): Promise<Answers> {
  const loaded = await loadOnnx(runtime, model);
  try {
    return await loaded.run(feeds);
  } finally {
    await loaded.release();
  }
}

/**
 * How far the answers of two models to the same inputs are apart.
 *
 * @throws PlatformError `INPUT_INVALID` when the first model's own answer is not finite, which nothing can be compared with
 */
function differences(source: string, expected: Answers, received: Answers): QuantizeOutput["outputs"] {
  return Object.entries(expected).map(([name, { data }]) => {
    const [a, b] = [data, received[name].data].map((values) =>
      Float64Array.from(values as Float32Array, Number),
    );
    if (a.some((value) => !Number.isFinite(value))) {
      throw invalid(
        `inputs: expected inputs to which ${source} answers with numbers, received some at which "${name}" is not finite; prices are positive: draw lognormal ones, or give a file`,
        "inputs",
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

function invalid(message: string, field: string): PlatformError {
  return new PlatformError("input", "INPUT_INVALID", message, { field });
}

function rootMeanSquare(values: Float64Array): number {
  return values.length === 0
    ? 0
    : Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/** Random inputs: numbers of the chosen law, and whole numbers that name rows of the tables that they are looked up in, else 0 and 1. */
function drawnFeeds(
  model: OnnxModel,
  { samples = 256, seed, sizes }: QuantizeInput,
  draw: "normal" | "lognormal",
): Feeds {
  const { inputs, source } = model;
  return Object.fromEntries(
    inputs.map(({ name, elementType, shape }) => {
      const open = [...new Set((shape ?? []).filter((axis) => typeof axis === "string" && !(axis in sizes)))];
      if (shape === null || open.length > 1) {
        throw invalid(
          `sizes: expected sizes of the open axes beside the batch, received none for ${open.slice(1).join(", ") || `input "${name}" of ${source}`}`,
          "sizes",
        );
      }
      const fixed = shape.map((axis) => (typeof axis === "number" ? axis : (sizes[axis] ?? samples)));
      const count = elementType === "bool" ? 2 : (rowsNamedBy(name, model) ?? 2);
      return [name, drawnValue(elementType, fixed, { draw, count }, foldIn(keyFrom(seed), name))];
    }),
  );
}

/** Rows of the smallest stored table that an input's numbers are looked up in; undefined where they are looked up in none. */
function rowsNamedBy(input: string, { graph }: OnnxModel): number | undefined {
  const counts = lookupsOf(graph, [input]).flatMap((lookup) => lookup.counts);
  return counts.length === 0 ? undefined : Math.min(...counts);
}

function drawnValue(
  elementType: string,
  shape: readonly number[],
  { draw, count }: { readonly draw: "normal" | "lognormal"; readonly count: number },
  key: Key,
): TensorValue {
  const size = shape.reduce((a, b) => a * b, 1);
  const numbers = normal(key, size);
  const drawn = draw === "normal" ? numbers : numbers.map(Math.exp);
  const wholes = () => uniform(key, size, 0, count).map((value) => Math.min(count - 1, Math.floor(value)));
  switch (elementType) {
    case "double":
      return { dtype: "float64", shape, data: Float64Array.from(drawn) };
    case "int64":
      return { dtype: "int64", shape, data: BigInt64Array.from(wholes(), BigInt) };
    case "int32":
      return { dtype: "int32", shape, data: Int32Array.from(wholes()) };
    case "bool":
      return { dtype: "bool", shape, data: Uint8Array.from(wholes()) };
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
