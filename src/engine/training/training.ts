/** A compiled training in worker threads: the parameters, what the optimiser remembers and the data set live there. */
import { PlatformError } from "../../base/index.ts";
import { countFor, indexRanges, outside, wholeNumbers } from "../index-ranges.ts";
import type { Runtime, TensorValue } from "../runtime/runtime.ts";
import { formatShape, mismatch, sameShape } from "../shape.ts";
import { startLoop } from "./loop.ts";
import { carriedNames, graphNames } from "./names.ts";
import { samplesGraph, type TrainingProgram } from "./program.ts";
import { startShards } from "./sharded.ts";
import { initialState, type StartOptions, type TrainingState } from "./state.ts";
import type { StepBatches, StepResults } from "./steps.ts";

/**
 * A training run: data set, parameters and the optimiser's memory stay in its worker until they are asked for.
 *
 * What is asked of it is done in the order of asking, each when the one before has ended, so that a state is never one between two steps
 * of a call. Values that are given are read when their turn comes, and stay as they are until then. A run that failed in the workers may have
 * moved a part of the state: from then on all but `release` is refused with `RUNTIME_CLOSED`.
 */
export interface Training {
  /** Slots of the runtime's worker: `parameters` as they are now, and `data_...` for each column of the data set. */
  readonly slots: Readonly<Record<string, string>>;
  /**
   * @throws PlatformError `INDEX_OUT_OF_RANGE` when an index names a row that a column which it is looked up in does not have
   * @throws PlatformError `MODEL_OPTION_INVALID` when a learning rate is not a number of 0 or more
   */
  run(batches: StepBatches): Promise<StepResults>;
  /** Puts another value of the same type in the place of a column of the data set, from the next step on. */
  replace(column: string, value: TensorValue): Promise<void>;
  state(): Promise<TrainingState>;
  /** The parameters only, `[size]`. */
  parameters(): Promise<Float32Array>;
  release(): Promise<void>;
}

/** Loads a program into the runtime's workers and starts it from a state. */
export async function startTraining(
  runtime: Runtime,
  program: TrainingProgram,
  options: StartOptions,
): Promise<Training> {
  const { optimiser } = program.spec;
  const from = options.from ?? initialState(program);
  const engine = await (program.plan.kind === "loop" ? startLoop : startShards)(runtime, program, {
    ...options,
    from,
  });
  const rows = countFor(indexRanges(samplesGraph(program)), "indices");
  let done = from.step;
  let failed: Error | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
  const whileWhole = <Result>(work: () => Promise<Result>): Promise<Result> =>
    inTurn(async () => {
      if (failed) throw lost(failed);
      return await work();
    });
  const runSteps = async (batches: StepBatches): Promise<StepResults> => {
    const steps = batches.learningRates.length;
    const first = done;
    const values = Array.from(batches.learningRates, (rate, i) => optimiser.settingsAt(first + i + 1, rate));
    const settings = Object.fromEntries(
      optimiser.settings.map((name, place) => [
        graphNames.setting(name),
        Float32Array.from(values, (row) => row[place]),
      ]),
    );
    const seeds = Uint32Array.from({ length: steps }, (_, i) => options.seed + first + i);
    const results = await engine.run({ ...batches, steps, settings, seeds }).catch((error: Error) => {
      failed = error;
      throw error;
    });
    done = first + steps;
    return results;
  };
  const readState = async (): Promise<TrainingState> => {
    const [parameters, ...remembered] = await Promise.all(carriedNames(optimiser).map(engine.read));
    return {
      parameters,
      memory: Object.fromEntries(optimiser.memory.map((name, i) => [name, remembered[i]])),
      step: done,
    };
  };
  return {
    slots: engine.slots,
    async run(batches) {
      requireRates(batches.learningRates);
      if (Number.isFinite(rows)) requireRows(batches.indices, rows);
      return await whileWhole(() => runSteps(batches));
    },
    async replace(column, value) {
      const type = program.spec.data[column];
      if (!type || type.dtype !== value.dtype || !sameShape(type.shape, value.shape)) {
        const expected = type
          ? `${type.dtype}${formatShape(type.shape)}`
          : Object.keys(program.spec.data).join(" or ");
        throw mismatch(
          `training: ${column}: expected ${expected}, received ${value.dtype}${formatShape(value.shape)}`,
        );
      }
      await whileWhole(() => engine.put(graphNames.data(column), value));
    },
    state: () => whileWhole(readState),
    parameters: () => whileWhole(() => engine.read("parameters")),
    release: () => inTurn(engine.release),
  };
}

/** What remains of a training is not known after a run that failed. */
function lost(cause: Error): PlatformError {
  const message = `training: expected runs that succeed, received one that failed: ${cause.message}`;
  return new PlatformError("conflict", "RUNTIME_CLOSED", message, { cause });
}

function requireRates(rates: Float32Array): void {
  const wrong = rates.findIndex((rate) => !(rate >= 0 && Number.isFinite(rate)));
  if (wrong < 0) return;
  const message = `training: learningRates[${wrong}]: expected a finite number of 0 or more, received ${rates[wrong]}`;
  throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
}

function requireRows(indices: BigInt64Array, rows: number): void {
  const numbers = wholeNumbers(indices);
  for (let i = 0; i < indices.length; i++)
    if (!numbers.isBelow(i, rows)) throw outside("training", `indices[${i}]`, rows, indices[i]);
}
