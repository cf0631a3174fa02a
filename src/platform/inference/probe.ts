/**
 * The first runs of a model. They warm it up, and find out whether requests may run together: that an axis is open does not say that
 * its rows are independent (it may be the length of a sequence), and batching such a model would mix the answers of strangers. So two
 * requests are run alone and together, and only a model that answers the same both times is batched.
 */
import { type ErrorCode, foldIn, keyFrom, normal, PlatformError, uniform } from "../../base/index.ts";
import { datatypes, type InferenceTensor, sizeOf, type TensorSignature } from "./datatypes.ts";
import type { RequestQueue } from "./request-queue.ts";

export interface ModelSignature {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
}

/** What an inner axis that is open is given: long enough for most models, short enough to be quick. */
const openAxis = 8;
/** Kernels for one row and for several add in another order. */
const tolerance = 1e-3;

/** Whether the first axis of every input and output is open, so that it may be one of requests. */
export function hasOpenFirstAxis({ inputs, outputs }: ModelSignature): boolean {
  return inputs.length > 0 && [...inputs, ...outputs].every(({ shape }) => typeof shape?.[0] === "string");
}

/**
 * Runs a model a few times on made-up values.
 *
 * @param queue of a model that is not batched yet
 * @param threads how many threads hold the model; each is warmed up
 * @returns whether its requests may run together
 */
export async function probe(
  queue: RequestQueue,
  signature: ModelSignature,
  threads: number,
): Promise<boolean> {
  const outputs = signature.outputs.map(({ name }) => name);
  const run = async (seed: readonly number[]) =>
    (await queue.add({ inputs: madeUp(signature.inputs, seed), outputs })).outputs;
  try {
    if (!hasOpenFirstAxis(signature)) {
      await Promise.all(Array.from({ length: threads }, () => run([1])));
      return false;
    }
    const [first, second, both] = [await run([1]), await run([2]), await run([1, 2])];
    const batchable = outputs.every((name) => isJoined(both[name], first[name], second[name]));
    if (!batchable) return false;
    // A whole batch on every thread, which also takes the memory that it needs.
    const rows = Array<number>(Math.min(queue.settings.maxBatchRows, 1024)).fill(1);
    const warmUp = await Promise.allSettled(Array.from({ length: threads }, () => run(rows)));
    const failed = warmUp.find((one) => one.status === "rejected");
    if (failed === undefined) return true;
    if (isCode(failed.reason, "INFERENCE_TIMEOUT")) return false; // too slow together, though not alone
    throw failed.reason;
  } catch (error) {
    // A graph may refuse values that mean nothing to it. It is served nevertheless, one request at a time.
    if (isCode(error, "INFERENCE_FAILED")) return false;
    throw error;
  }
}

function isCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof PlatformError && error.code === code;
}

/** Inputs with one row for each seed, so that the same seed gives the same row. Whole numbers are 0 or 1: a place in any table. */
function madeUp(
  inputs: readonly TensorSignature[],
  seeds: readonly number[],
): Record<string, InferenceTensor> {
  const values = inputs.map(({ name, datatype, shape }) => {
    const declared = shape ?? [];
    const isOpen = typeof declared[0] === "string";
    const inner = (isOpen ? declared.slice(1) : declared).map((size) =>
      typeof size === "number" ? size : openAxis,
    );
    const size = sizeOf(inner);
    const rows = isOpen ? seeds : seeds.slice(0, 1);
    const data = datatypes[datatype].make(size * rows.length);
    for (const [row, seed] of rows.entries()) {
      const key = foldIn(keyFrom(seed), name);
      const drawn = datatype === "FP32" || datatype === "FP64" ? normal(key, size) : uniform(key, size, 0, 2);
      for (let i = 0; i < size; i++) {
        const whole = Math.floor(drawn[i]);
        if (datatype === "BYTES") (data as string[])[row * size + i] = String(whole);
        else if (typeof data[0] === "bigint") (data as BigInt64Array)[row * size + i] = BigInt(whole);
        else if (datatype === "FP16")
          (data as Uint16Array)[row * size + i] = whole * 0x3c00; // the bits of 1
        else (data as Float64Array)[row * size + i] = datatype.startsWith("FP") ? drawn[i] : whole;
      }
    }
    return [name, { datatype, shape: isOpen ? [rows.length, ...inner] : inner, data }] as const;
  });
  return Object.fromEntries(values);
}

function isJoined(both: InferenceTensor, first: InferenceTensor, second: InferenceTensor): boolean {
  const shapes = [
    [2, first.shape],
    [2, second.shape],
  ] as const;
  const fits = shapes.every(
    ([rows, shape]) => shape[0] === 1 && String([rows, ...shape.slice(1)]) === String(both.shape),
  );
  if (!fits) return false;
  const alone = [...(first.data as Float64Array), ...(second.data as Float64Array)];
  return alone.every((value, i) => isClose(value, (both.data as Float64Array)[i]));
}

function isClose(a: number | bigint | string, b: number | bigint | string): boolean {
  if (typeof a !== "number" || typeof b !== "number") return a === b;
  if (Object.is(a, b) || a === b) return true;
  return Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));
}
