/** What a call of several steps takes and brings, whichever way a program is run. */
import type { TensorValue } from "../runtime/runtime.ts";

/** Several steps to run in one call. */
export interface StepBatches {
  readonly learningRates: Float32Array;
  /** `[steps * batchSize]`. */
  readonly indices: BigInt64Array;
  readonly weights: Float32Array;
}

export interface StepResults {
  readonly losses: Float32Array;
  readonly gradientNorms: Float32Array;
  /** Time inside the worker, for all steps. */
  readonly milliseconds: number;
}

/** The values that one call of `run` needs beside what the worker holds. */
export interface StepCall extends StepBatches {
  readonly steps: number;
  /** By name, one value per step. */
  readonly settings: Readonly<Record<string, Float32Array>>;
  /** uint32, one per step. */
  readonly seeds: Uint32Array;
}

/** A way to run a program: `loop.ts` or `sharded.ts`. */
export interface TrainingEngine {
  readonly slots: Readonly<Record<string, string>>;
  /** A copy of what travels from step to step, by the name of its input. */
  read(name: string): Promise<Float32Array>;
  run(call: StepCall): Promise<StepResults>;
  /** Stores a value in the slot of that name of every worker that takes part. */
  put(name: string, value: TensorValue): Promise<void>;
  release(): Promise<void>;
}
