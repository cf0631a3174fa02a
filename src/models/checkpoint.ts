/** The state of a training in one safetensors file, so that an interrupted training goes on where it was. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { PlatformError, writeFailure } from "../base/index.ts";
import type { TrainingState } from "../engine/index.ts";
import { decode, encode, type TensorFile } from "./safetensors.ts";

/** One pass over the training samples. */
export interface EpochRecord {
  readonly epoch: number;
  /** Mean over the epoch's batches, while the parameters moved. */
  readonly trainLoss: number;
  readonly validationLoss: number;
  readonly learningRate: number;
  /** Mean length of the gradient before clipping. */
  readonly gradientNorm: number;
  /** On the validation samples, where a metric other than the loss tells the best epoch. */
  readonly metric?: number | undefined;
}

/** Everything that a resumed training needs beside the data. */
export interface FitState {
  readonly training: TrainingState;
  /** The parameters of the best epoch, packed; the averaged ones where an average is kept. */
  readonly best: Float32Array;
  /** 0 before the first epoch. */
  readonly bestEpoch: number;
  readonly history: readonly EpochRecord[];
}

/** Where a training keeps its state between epochs. */
export interface CheckpointStore {
  save(state: FitState): Promise<void>;
  /** The last saved state; undefined when there is none. */
  load(): Promise<FitState | undefined>;
  /** Forgets the state, when its result is safe elsewhere. */
  clear(): Promise<void>;
}

export const noCheckpoints: CheckpointStore = {
  save: async () => {},
  load: async () => undefined,
  clear: async () => {},
};

const fileName = "checkpoint.safetensors";

/**
 * Checkpoints in a folder of their own. A new state replaces the old one by a rename, so that one of them is always whole.
 *
 * @param run identifies configuration and data; a checkpoint of another run is left alone and not continued
 * @throws PlatformError `ARTIFACT_CORRUPT` when the file is not what `save` wrote
 */
export function folderCheckpoints(folder: string, run: string): CheckpointStore {
  const path = join(folder, fileName);
  return {
    async save({ training, best, bestEpoch, history }) {
      const vector = (data: Float32Array) => ({ type: "F32" as const, shape: [data.length], data });
      const bytes = encode(
        new Map([
          ["parameters", vector(training.parameters)],
          ["best", vector(best)],
          ...Object.entries(training.memory).map(([name, data]) => [`memory.${name}`, vector(data)] as const),
        ]),
        new Map([
          ["run", run],
          ["step", String(training.step)],
          ["bestEpoch", String(bestEpoch)],
          ["history", JSON.stringify(history)],
        ]),
      );
      try {
        await writeFile(`${path}.new`, bytes, { flush: true });
        await rename(`${path}.new`, path);
      } catch (error) {
        throw writeFailure(path, error);
      }
    },
    async load() {
      const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw corrupt(path, "expected a file that can be read", error);
      });
      if (!bytes) return undefined;
      const file = decode(bytes, path);
      return file.metadata.get("run") === run ? stateOf(file, path) : undefined;
    },
    clear: () => rm(folder, { recursive: true, force: true }),
  };
}

const History = z.array(
  z.object({
    epoch: z.number(),
    trainLoss: z.number(),
    validationLoss: z.number(),
    learningRate: z.number(),
    gradientNorm: z.number(),
    metric: z.number().optional(),
  }),
);

/** What `save` wrote, checked piece by piece: the digest of a checkpoint stands nowhere. */
function stateOf({ tensors, metadata }: TensorFile, path: string): FitState {
  const vector = (name: string): Float32Array => {
    const tensor = tensors.get(name);
    if (tensor?.type !== "F32") throw corrupt(path, `expected a tensor "${name}" of F32`);
    return tensor.data;
  };
  const whole = (name: string): number => {
    const value = Number(metadata.get(name) ?? Number.NaN);
    if (!Number.isSafeInteger(value) || value < 0) throw corrupt(path, `expected a whole number "${name}"`);
    return value;
  };
  const memory = [...tensors.keys()].filter((name) => name.startsWith("memory."));
  const history = parseHistory(metadata.get("history") ?? "", path);
  const bestEpoch = whole("bestEpoch");
  if (bestEpoch < 1 || bestEpoch > history.length)
    throw corrupt(path, `expected the best of ${history.length} epochs, received ${bestEpoch}`);
  return {
    training: {
      parameters: vector("parameters"),
      memory: Object.fromEntries(memory.map((name) => [name.slice("memory.".length), vector(name)])),
      step: whole("step"),
    },
    best: vector("best"),
    bestEpoch,
    history,
  };
}

function parseHistory(text: string, path: string): EpochRecord[] {
  try {
    return History.parse(JSON.parse(text));
  } catch (error) {
    throw corrupt(path, "expected a history of epochs", error);
  }
}

function corrupt(path: string, expected: string, cause?: unknown): PlatformError {
  return new PlatformError("conflict", "ARTIFACT_CORRUPT", `${path}: not a checkpoint: ${expected}`, {
    file: path,
    cause,
  });
}
