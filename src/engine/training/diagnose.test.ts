import { afterAll, describe, expect, test } from "vitest";
import { keyFrom } from "../../base/index.ts";
import {
  compileTraining,
  createRuntime,
  diagnoseStep,
  gather,
  initialState,
  Linear,
  parametersOf,
  sgd,
  square,
  startTraining,
  sum,
  type TensorValue,
  weightedMean,
} from "../index.ts";

const runtime = createRuntime({ threads: 2 });
afterAll(() => runtime.close());

const line = new Linear(2, 1, keyFrom(1));
const program = (shards: number) =>
  compileTraining({
    parameters: parametersOf(line),
    data: { x: { dtype: "float32", shape: [4, 2] } },
    batchSize: 4,
    optimiser: sgd(),
    shards,
    loss: ({ data: { x }, indices, weights }) =>
      weightedMean(sum(square(line.apply(gather(x, indices))), -1), weights),
  });

/** What a step is and why, with an infinity in the third sample. */
async function stepOf(shards: number, ...weights: number[]) {
  const compiled = program(shards);
  const x: TensorValue = { dtype: "float32", shape: [4, 2], data: new Float32Array(8).fill(1) };
  x.data[4] = Number.POSITIVE_INFINITY;
  const batch = {
    learningRates: Float32Array.of(0.1),
    indices: BigInt64Array.of(0n, 1n, 2n, 3n),
    weights: Float32Array.from(weights),
  };
  const training = await startTraining(runtime, compiled, { data: { x }, seed: 1 });
  const { losses } = await training.run(batch);
  await training.release();
  const from = initialState(compiled);
  return {
    loss: losses[0],
    cause: await diagnoseStep(runtime, compiled, { data: { x }, seed: 1, from, batch }),
  };
}

describe("the cause of a step that is not finite", () => {
  test.each([1, 2, 4])(
    "is found in a batch without weight, where all count, in %i shards",
    async (shards) => {
      const { loss, cause } = await stepOf(shards, 0, 0, 0, 0);
      expect(loss).toBeNaN();
      expect(cause).toMatch(
        /^Infinity in gather float32\[\d, 2\] behind data column x, in the forward pass$/,
      );
    },
  );

  test("is not looked for in a shard without weight beside one that has some", async () => {
    expect(await stepOf(2, 1, 1, 0, 0)).toMatchObject({ loss: expect.any(Number), cause: null });
    expect((await stepOf(2, 1, 1, 0, 0)).loss).toBeGreaterThan(0);
  });
});
