/** Small steps: one worker, which runs many of them in one call of ONNX Runtime. */
import { invariant } from "../../base/index.ts";
import type { Runtime, TensorValue } from "../runtime/runtime.ts";
import { carriedNames, graphNames } from "./names.ts";
import type { TrainingProgram } from "./program.ts";
import { fillSlots, type StartOptions } from "./state.ts";
import type { TrainingEngine } from "./steps.ts";

/** Starts a program that has a `LoopPlan`. */
export async function startLoop(
  runtime: Runtime,
  program: TrainingProgram,
  options: Required<StartOptions>,
): Promise<TrainingEngine> {
  const { spec, plan } = program;
  invariant(plan.kind === "loop", "a loop is started from its plan");
  const { model, inputs } = plan.step;
  const session = await runtime.load(model, plan.small ? { threads: 1 } : {});
  const slots = await fillSlots(runtime, program, options);
  const keep = Object.fromEntries(
    carriedNames(spec.optimiser).map((name) => [graphNames.next(name), slots[name]]),
  );
  return {
    slots,
    async run({ steps, settings, seeds, indices, weights }) {
      const perStep = (
        data: Float32Array | Uint32Array | BigInt64Array,
        ...shape: number[]
      ): TensorValue => ({
        dtype: data instanceof Float32Array ? "float32" : data instanceof Uint32Array ? "uint32" : "int64",
        shape: [steps, ...shape],
        data,
      });
      const offered: Record<string, TensorValue | string> = {
        ...slots,
        seed: perStep(seeds),
        indices: perStep(indices, spec.batchSize),
        weights: perStep(weights, spec.batchSize),
        ...Object.fromEntries(Object.entries(settings).map(([name, values]) => [name, perStep(values)])),
      };
      const { outputs, milliseconds } = await session.run({
        feeds: Object.fromEntries(Object.entries(offered).filter(([name]) => inputs.has(name))),
        keep,
        fetch: ["loss", "gradient_norm"],
      });
      return {
        losses: outputs.loss.data as Float32Array,
        gradientNorms: outputs.gradient_norm.data as Float32Array,
        milliseconds: milliseconds[0],
      };
    },
    read: async (name) => (await runtime.get(slots[name])).data as Float32Array,
    put: (name, value) => runtime.put(slots[name], value, { copy: true }),
    async release() {
      await session.release();
      await runtime.drop(...Object.values(slots));
    },
  };
}
