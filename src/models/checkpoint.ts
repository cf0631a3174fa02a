/** The state of a training in one safetensors file, so that an interrupted training goes on where it was. */
import { createHash } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { asWriteFailure, makeFolder, PlatformError } from "../base/index.ts";
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
      const bytes = withDigest(
        new Map<string, StoredTensor>([
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
      // Two trainings of the same run may meet here; each writes its own file, and the last one stays.
      const own = `${path}.${process.pid}-${written++}.new`;
      try {
        await makeFolder(folder);
        await writeFile(own, bytes, { flush: true });
        await rename(own, path);
      } catch (error) {
        await rm(own, { force: true }).catch(() => {}); // what counts is why it could not be written
        throw asWriteFailure(error, path);
      }
    },
    async load() {
      const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw corrupt(path, "expected a file that can be read", error);
      });
      if (!bytes) return undefined;
      const file = decoded(bytes, path);
      if (file.metadata.get("run") !== run) return undefined;
      const state = stateOf(file, path);
      requireDigest(file, path);
      return state;
    },
    clear: () => rm(folder, { recursive: true, force: true }),
  };
}

function decoded(bytes: Uint8Array, path: string): TensorFile {
  try {
    return decode(bytes, path);
  } catch (error) {
    throw corrupt(path, "expected a whole safetensors file", error);
  }
}

/** Counts the files of this process, so that no two have one name. */
let written = 0;

type StoredTensor = { readonly type: "F32"; readonly shape: readonly number[]; readonly data: Float32Array };

/** The file with a digest of all that it holds among its facts: one flipped bit would be trained on without a word. */
function withDigest(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string>,
): Uint8Array {
  return encode(tensors, new Map([...metadata, ["sha256", digestOf(tensors, metadata)]]));
}

function requireDigest({ tensors, metadata }: TensorFile, path: string): void {
  const { sha256, ...facts } = Object.fromEntries(metadata);
  if (sha256 !== digestOf(tensors, new Map(Object.entries(facts))))
    throw corrupt(path, "expected the digest that it names, received another");
}

function digestOf(
  tensors: ReadonlyMap<string, { readonly data: ArrayBufferView }>,
  metadata: ReadonlyMap<string, string>,
): string {
  const hash = createHash("sha256");
  const sorted = <Value>(entries: ReadonlyMap<string, Value>) =>
    [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  hash.update(JSON.stringify(sorted(metadata)));
  for (const [name, { data }] of sorted(tensors))
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest("hex");
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

/** What `save` wrote, checked piece by piece. */
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
  return new PlatformError(
    "conflict",
    "ARTIFACT_CORRUPT",
    `${path}: not a checkpoint that can be continued: ${expected}; delete the file to train from the start`,
    {
      file: path,
      cause,
    },
  );
}
