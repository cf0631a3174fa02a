/** Fathom's side of the comparison: the graphs that `fit` trains with and that an artifact holds, timed inside the worker. */
import {
  createRuntime,
  flopOf,
  fuseAttention,
  input,
  threadsFor,
  toOnnx,
  traceGraph,
} from "../../src/engine/index.ts";
import { networkOf, prepareSteps, samplesOf } from "../../src/services/bench/index.ts";
import { machineThreads } from "../machine.ts";
import type { Work } from "./work.ts";

/** Work that is set up and warm, and waits to be timed. */
export interface Prepared {
  /** Floating-point operations of the products of one step. */
  readonly flop: number;
  /** What it took to trace and compile the graph and to create its session. */
  readonly buildMilliseconds: number;
  /** Does the work `repetitions` times; answers the milliseconds of each, measured where it runs. */
  step(repetitions: number): Promise<number[]>;
  close(): Promise<void>;
}

/** Builds the network of `work`, its data (random, float32) and, for training, its training graph. */
export async function prepare(work: Work): Promise<Prepared> {
  return work.task === "train" ? prepareTraining(work) : prepareForward(work);
}

async function prepareTraining({ model, batch }: Work): Promise<Prepared> {
  const runtime = createRuntime({ threads: machineThreads });
  const { program, buildMilliseconds, stepsPerCall, step } = await prepareSteps(model, batch, runtime, () =>
    performance.now(),
  );
  await step(2);
  return {
    flop: program.flop,
    buildMilliseconds,
    step: (repetitions) => step(Math.ceil(repetitions / stepsPerCall)),
    close: () => runtime.close(),
  };
}

async function prepareForward({ model, batch }: Work): Promise<Prepared> {
  const { inputs, apply } = networkOf(model);
  const runtime = createRuntime({ threads: 2 });
  const begun = performance.now();
  const names = Object.entries(inputs).map(
    ([name, { shape, below }]) =>
      [name, input(name, ["batch", ...shape], below === undefined ? "float32" : "int64")] as const,
  );
  const graph = traceGraph({ y: apply(Object.fromEntries(names)) });
  const flop = flopOf(graph);
  const session = await runtime.load(fuseAttention(toOnnx(graph)), { threads: threadsFor(flop, 2) });
  const buildMilliseconds = performance.now() - begun;
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, column], i) => [name, samplesOf(column, batch, i)]),
  );
  const step = async (repeat: number) => [
    ...(await session.run({ feeds, fetch: ["y"], repeat })).milliseconds,
  ];
  await step(20);
  return { flop, buildMilliseconds, step, close: () => runtime.close() };
}
