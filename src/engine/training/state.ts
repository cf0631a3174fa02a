/** What changes in training, and where it lies in a worker. */
import type { Runtime, TensorValue } from "../runtime/runtime.ts";
import { carriedNames, graphNames } from "./names.ts";
import { packParameters } from "./packing.ts";
import type { TrainingProgram } from "./program.ts";

/** Everything that changes in training: enough to go on bit for bit. */
export interface TrainingState {
  /** `[size]`. */
  readonly parameters: Float32Array;
  /** By the optimiser's names, one value for each learned one. */
  readonly memory: Readonly<Record<string, Float32Array>>;
  /** Steps done. */
  readonly step: number;
}

/** The state before the first step. */
export function initialState({ spec, learnedSize }: TrainingProgram): TrainingState {
  return {
    parameters: packParameters(spec.parameters),
    memory: Object.fromEntries(spec.optimiser.memory.map((name) => [name, new Float32Array(learnedSize)])),
    step: 0,
  };
}

export interface StartOptions {
  /** One value per column of the spec; copied into the worker. */
  readonly data: Readonly<Record<string, TensorValue>>;
  /** uint32: everything random in the graph follows from it and the step. */
  readonly seed: number;
  readonly from?: TrainingState;
}

/** What a state has of an input that travels from step to step. */
export function carriedFrom({ parameters, memory }: TrainingState, name: string): Float32Array {
  return name === "parameters" ? parameters : memory[name.slice(graphNames.memory("").length)];
}

/**
 * Stores the state and the data set in a worker. Slots have names of their own, so that one worker can hold several trainings.
 *
 * @param carried what is stored of the state; all of it unless given
 */
export async function fillSlots(
  runtime: Runtime,
  { spec }: TrainingProgram,
  { data, from }: Required<StartOptions>,
  carried: readonly string[] = carriedNames(spec.optimiser),
): Promise<Record<string, string>> {
  const values: [string, TensorValue][] = [
    ...carried.map((name): [string, TensorValue] => {
      const vector = carriedFrom(from, name);
      return [name, { dtype: "float32", shape: [vector.length], data: vector }];
    }),
    ...Object.keys(spec.data).map((name): [string, TensorValue] => [graphNames.data(name), data[name]]),
  ];
  const slots = Object.fromEntries(values.map(([name]) => [name, runtime.slot(name)]));
  for (const [name, value] of values) await runtime.put(slots[name], value, { copy: true });
  return slots;
}
