/** Large steps: several workers, each with its shards of the batch and its blocks of the parameters (`runtime/shards.js`). */
import { invariant } from "../../base/index.ts";
import { averageName } from "../optimisers.ts";
import type { Runtime, Session, ShardRun, SharedTraining } from "../runtime/runtime.ts";
import { carriedNames, graphNames } from "./names.ts";
import type { TrainingProgram } from "./program.ts";
import { carriedFrom, fillSlots, type StartOptions } from "./state.ts";
import type { TrainingEngine } from "./steps.ts";

/** One worker's part of a sharded training. */
interface Participant {
  readonly runtime: Runtime;
  readonly gradient: Session;
  readonly update: Session;
  readonly slots: Readonly<Record<string, string>>;
  /** The shards that it works on, and the blocks of parameters that it moves. */
  readonly ranks: readonly number[];
  readonly blocks: readonly number[];
  readonly mirrored: readonly string[];
}

/** Starts a program that has a `ShardPlan`. */
export async function startShards(
  runtime: Runtime,
  program: TrainingProgram,
  options: Required<StartOptions>,
): Promise<TrainingEngine> {
  const { spec, size, learnedSize, plan } = program;
  invariant(plan.kind === "shards", "shards are started from their plan");
  const { shards, rows, gradient, update, block, perValue } = plan;
  const workers = [runtime, ...runtime.peers(Math.min(shards, runtime.threads) - 1)];
  const blocks = Math.ceil(learnedSize / block);
  const carried = carriedNames(spec.optimiser);
  // What a judge of the training reads, in the worker that it uses.
  const mirrored = [graphNames.memory(averageName)].filter((name) => carried.includes(name));
  const turns = (count: number, place: number) =>
    Array.from({ length: count }, (_, i) => i).filter((i) => i % workers.length === place);
  const participants = await Promise.all(
    workers.map(
      async (worker, place): Promise<Participant> => ({
        runtime: worker,
        // One thread, however many the runtime has: a product on several is added up in another order.
        gradient: await worker.load(gradient.model, { threads: 1 }),
        update: await worker.load(update.model, { threads: 1 }),
        slots: await fillSlots(worker, program, options, ["parameters", ...(place === 0 ? mirrored : [])]),
        ranks: turns(shards, place),
        blocks: turns(blocks, place),
        mirrored: place === 0 ? mirrored : [],
      }),
    ),
  );
  const shared: SharedTraining = {
    gradients: new SharedArrayBuffer(shards * size * Float32Array.BYTES_PER_ELEMENT),
    totals: new SharedArrayBuffer(shards * 2 * Float32Array.BYTES_PER_ELEMENT),
    squares: new SharedArrayBuffer(blocks * Float64Array.BYTES_PER_ELEMENT),
    carried: carried.map((name) => sharedBlocks(carriedFrom(options.from, name), blocks * block)),
    perValue: Object.fromEntries(
      Object.entries(perValue).map(([name, values]) => [name, sharedBlocks(values, blocks * block)]),
    ),
    meeting: new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT),
  };
  const meeting = new Int32Array(shared.meeting);
  const inputs = { gradient: [...gradient.inputs], update: [...update.inputs] };
  return {
    slots: participants[0].slots,
    async read(name) {
      // Statistics are in every worker alike, behind what is learned.
      if (name === "parameters")
        return (await runtime.get(participants[0].slots["parameters"])).data as Float32Array;
      return new Float32Array(shared.carried[carried.indexOf(name)]).slice(0, learnedSize);
    },
    async run({ steps, settings, seeds, indices, weights }) {
      meeting.fill(0);
      const cut = cutBatches({ steps, indices, weights }, spec.batchSize, shards * rows);
      const calls = participants.map((participant) => {
        const { runtime: worker, ...part } = participant;
        const sizes = { size, learnedSize, shards, rows, steps, workers: workers.length, block };
        const given = { inputs, carried, shared, settings, seeds };
        const call: ShardRun = { ...part, ...sizes, ...cut, ...given };
        return worker.runShards(call).catch((error: unknown) => {
          // The others wait for this one; let them go.
          Atomics.store(meeting, 1, 1);
          Atomics.notify(meeting, 0);
          throw error;
        });
      });
      const outcomes = await Promise.allSettled(calls);
      const failures = outcomes.flatMap((o) =>
        o.status === "rejected" ? [o.reason as Error & { code?: string }] : [],
      );
      // The first to fail says why; the others only say that they were left.
      if (failures.length > 0) throw failures.find(({ code }) => code !== "SHARD_LEFT") ?? failures[0];
      const [first] = outcomes;
      if (first.status === "rejected") throw first.reason;
      return first.value;
    },
    async put(name, value) {
      for (const { runtime: worker, slots } of participants)
        await worker.put(slots[name], value, { copy: true });
    },
    async release() {
      for (const { runtime: worker, gradient: one, update: other, slots } of participants) {
        await one.release();
        await other.release();
        await worker.drop(...Object.values(slots));
      }
    },
  };
}

/** The first values of a state vector, with room for whole blocks. */
function sharedBlocks(values: Float32Array, length: number): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT);
  new Float32Array(shared).set(values.subarray(0, length));
  return shared;
}

/** Every step's samples with room for whole shards; what is added has weight 0. */
function cutBatches(
  { steps, indices, weights }: { steps: number; indices: BigInt64Array; weights: Float32Array },
  batchSize: number,
  padded: number,
): { indices: BigInt64Array; weights: Float32Array } {
  if (padded === batchSize) return { indices, weights };
  const cut = { indices: new BigInt64Array(steps * padded), weights: new Float32Array(steps * padded) };
  for (let step = 0; step < steps; step++) {
    const [from, end] = [step * batchSize, (step + 1) * batchSize];
    cut.indices.set(indices.subarray(from, end), step * padded);
    cut.weights.set(weights.subarray(from, end), step * padded);
  }
  return cut;
}
