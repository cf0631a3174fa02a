import type { OperatorTime, Runtime, TensorValue } from "../runtime/runtime.ts";
import { graphNames, type TrainingProgram } from "./program.ts";
import { fillSlots, initialState, type StartOptions } from "./training.ts";

/**
 * Where the time of a training step goes: every ONNX operator with its calls and its microseconds in one step of one worker, the
 * costliest first. Watching takes time itself, so that the sum is more than an unwatched step takes.
 */
export async function profileTraining(
  runtime: Runtime,
  program: TrainingProgram,
  options: StartOptions,
): Promise<readonly OperatorTime[]> {
  const { spec, plan } = program;
  const slots = await fillSlots(runtime, program, {
    ...options,
    from: options.from ?? initialState(program),
  });
  const loop = plan.kind === "loop";
  const [{ model, inputs }, rows, steps] = loop
    ? [plan.step, spec.batchSize, 16]
    : [plan.gradient, plan.rows, 1];
  const perStep = (shape: number[]) => (loop ? [steps, ...shape] : shape);
  const offered: Record<string, TensorValue | string> = {
    ...slots,
    steps: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) },
    seed: { dtype: "uint32", shape: perStep([]), data: new Uint32Array(steps) },
    indices: { dtype: "int64", shape: perStep([rows]), data: new BigInt64Array(steps * rows) },
    weights: { dtype: "float32", shape: perStep([rows]), data: new Float32Array(steps * rows).fill(1) },
  };
  for (const name of spec.optimiser.settings) {
    offered[graphNames.setting(name)] = {
      dtype: "float32",
      shape: perStep([]),
      data: new Float32Array(steps),
    };
  }
  const feeds = Object.fromEntries(
    Object.entries(offered).filter(([name]) => inputs.has(name) || (loop && name === "steps")),
  );
  const times = await runtime.profile(model, { feeds, repeat: 6, threads: 1 });
  await runtime.drop(...Object.values(slots));
  return times.map((one) => ({ ...one, calls: one.calls / steps, microseconds: one.microseconds / steps }));
}
