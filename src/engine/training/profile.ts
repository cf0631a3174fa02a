import type { OperatorTime, Runtime, TensorValue } from "../runtime/runtime.ts";
import { carriedNames, graphNames } from "./names.ts";
import type { CompiledGraph, TrainingProgram } from "./program.ts";
import { fillSlots, initialState, type StartOptions } from "./state.ts";

/**
 * Where the time of a training step goes: every ONNX operator with its calls and its microseconds in one step of one worker, the
 * costliest first. Watching takes time itself, so that the sum is more than an unwatched step takes.
 */
export async function profileTraining(
  runtime: Runtime,
  program: TrainingProgram,
  options: StartOptions,
): Promise<readonly OperatorTime[]> {
  const { spec, learnedSize, plan } = program;
  const slots = await fillSlots(runtime, program, {
    ...options,
    from: options.from ?? initialState(program),
  });
  const profile = async (
    { model, inputs, outputs: fetch }: CompiledGraph,
    offered: Record<string, TensorValue | string>,
  ) => {
    const feeds = Object.entries({ ...slots, ...offered }).filter(([name]) => inputs.has(name));
    return await runtime.profile(model, { feeds: Object.fromEntries(feeds), fetch, repeat: 6, threads: 1 });
  };
  /** One value, or one for each step of a loop. */
  const batch = (rows: number, ...steps: number[]): Record<string, TensorValue> => {
    const count = steps[0] ?? 1;
    const scalar: TensorValue = { dtype: "float32", shape: steps, data: new Float32Array(count) };
    return {
      seed: { dtype: "uint32", shape: steps, data: new Uint32Array(count) },
      indices: { dtype: "int64", shape: [...steps, rows], data: new BigInt64Array(count * rows) },
      weights: { dtype: "float32", shape: [...steps, rows], data: new Float32Array(count * rows).fill(1) },
      ...Object.fromEntries(spec.optimiser.settings.map((name) => [graphNames.setting(name), scalar])),
    };
  };
  try {
    if (plan.kind === "loop") {
      const steps = 16;
      return joined([await profile(plan.step, batch(spec.batchSize, steps))], steps);
    }
    const { rows, gradient, update, block, perValue, shards } = plan;
    const ones: TensorValue = { dtype: "float32", shape: [block], data: new Float32Array(block).fill(1) };
    const names = ["gradient", ...carriedNames(spec.optimiser), ...Object.keys(perValue)];
    const norm: TensorValue = { dtype: "float32", shape: [], data: Float32Array.of(1) };
    const given = { ...Object.fromEntries(names.map((name) => [name, ones])), gradient_norm: norm };
    // Where each shard has a worker of its own, a worker moves so many blocks in a step on average: a number that need not be whole.
    const blocks = Math.ceil(learnedSize / block) / shards;
    const ofBlock = await profile(update, { ...batch(rows), ...given });
    const ofUpdate = ofBlock.map(({ operator, calls, microseconds }) => ({
      operator,
      calls: calls * blocks,
      microseconds: microseconds * blocks,
    }));
    return joined([await profile(gradient, batch(rows)), ofUpdate], 1);
  } finally {
    await runtime.drop(...Object.values(slots));
  }
}

/** The operators of several graphs together, in one of so many steps. */
function joined(graphs: readonly (readonly OperatorTime[])[], steps: number): readonly OperatorTime[] {
  const sums = new Map<string, OperatorTime>();
  for (const { operator, calls, microseconds } of graphs.flat()) {
    const before = sums.get(operator) ?? { operator, calls: 0, microseconds: 0 };
    sums.set(operator, {
      operator,
      calls: before.calls + calls / steps,
      microseconds: before.microseconds + microseconds / steps,
    });
  }
  return [...sums.values()].sort((a, b) => b.microseconds - a.microseconds);
}
