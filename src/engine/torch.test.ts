/** Values and gradients that torch 1.13 gives for the same numbers; `testing/torch-reference.py` printed them. */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { applyAll } from "./apply.ts";
import {
  adam,
  adamW,
  add,
  binaryCrossEntropy,
  categoricalCrossEntropy,
  compileTraining,
  constant,
  createRuntime,
  evaluate,
  gather,
  gradient,
  huber,
  input,
  type Loss,
  layerNormalize,
  mean,
  meanAbsoluteError,
  meanSquaredError,
  mul,
  type Optimiser,
  parameter,
  pinball,
  rmsprop,
  sgd,
  square,
  startTraining,
  sub,
  sum,
  type TensorValue,
} from "./index.ts";

const reference = JSON.parse(
  readFileSync(new URL("./testing/torch-reference.json", import.meta.url), "utf8"),
);
const runtime = createRuntime();
afterAll(() => runtime.close());

const float64 = (data: readonly number[], shape: readonly number[]): TensorValue => ({
  dtype: "float64",
  shape,
  data: Float64Array.from(data),
});

function expectClose(
  received: TensorValue | Float32Array,
  expected: readonly number[],
  digits: number,
): void {
  const data = "data" in received ? (received.data as Float64Array) : received;
  expect(data.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(data[i], `element ${i}`).toBeCloseTo(value, digits);
  });
}

describe("recurrent layers", () => {
  const [time, batch, features, hidden] = [5, 3, 2, 4];
  test.each([
    ["lstm", 4],
    ["gru", 3],
    ["rnn", 1],
  ] as const)("gives torch's values and gradients for %s", async (cell, gates) => {
    const stored = reference.recurrent[cell];
    const shapes = [
      [time, batch, features],
      [gates * hidden, features],
      [gates * hidden, hidden],
      [gates * hidden],
      [gates * hidden],
    ];
    const inputs = shapes.map((shape, i) => input(`x${i}`, shape, "float64"));
    const [sequence, last] = applyAll(cell, inputs, {});
    const loss = add(
      sum(mul(sequence, constant(stored.weights, [time, batch, hidden], "float64"))),
      sum(mul(last, constant(stored.lastWeights, [batch, hidden], "float64"))),
    );
    const feeds = Object.fromEntries(
      [stored.x, ...stored.parameters].map((data, i) => [`x${i}`, float64(data, shapes[i])]),
    );
    const [y, value, dx, ...gradients] = await evaluate(
      [sequence, loss, ...gradient(loss, inputs)],
      feeds,
      runtime,
    );
    expectClose(y, stored.sequence, 8);
    expectClose(value, [stored.loss], 8);
    expectClose(dx, stored.dx, 8);
    gradients.forEach((received, i) => {
      expectClose(received, stored.gradients[i], 8);
    });
  });

  test.each(["lstm", "gru", "rnn"] as const)(
    "gives the same in ONNX's own %s operator, which inference uses",
    async (cell) => {
      const stored = reference.recurrent[cell];
      const gates = { lstm: 4, gru: 3, rnn: 1 }[cell];
      const float = (data: number[], shape: number[]) => constant(data, shape, "float32");
      const shapes = [
        [gates * hidden, features],
        [gates * hidden, hidden],
        [gates * hidden],
        [gates * hidden],
      ];
      const weights = stored.parameters.map((data: number[], i: number) =>
        parameter({ shape: shapes[i], data: Float32Array.from(data) }),
      );
      const [sequence, last] = applyAll(cell, [float(stored.x, [time, batch, features]), ...weights], {});
      const [y, h] = await evaluate([sequence, last], {}, runtime);
      expectClose(y, stored.sequence, 6);
      expectClose(h, stored.sequence.slice(-batch * hidden), 6);
    },
  );
});

test("normalises layers as torch does", async () => {
  const { x, scale, shift, weights, y, dx, dScale, dShift } = reference.layerNorm;
  const inputs = [
    input("x", [2, 5], "float64"),
    input("scale", [5], "float64"),
    input("shift", [5], "float64"),
  ];
  const normalized = layerNormalize(inputs[0], inputs[1], inputs[2], 1e-5);
  const loss = sum(mul(normalized, constant(weights, [2, 5], "float64")));
  const feeds = { x: float64(x, [2, 5]), scale: float64(scale, [5]), shift: float64(shift, [5]) };
  const results = await evaluate([normalized, ...gradient(loss, inputs)], feeds, runtime);
  [y, dx, dScale, dShift].forEach((expected, i) => {
    expectClose(results[i], expected, 8);
  });
});

describe("losses", () => {
  const { prediction, target, bits, classes } = reference.lossCase;
  const oneHot = classes.flatMap((label: number) => [0, 1, 2].map((k) => (k === label ? 1 : 0)));
  const firstColumn = [0, 1, 2, 3].map((row) => target[row * 3]);
  const cases: Record<string, [Loss, readonly number[], readonly number[]]> = {
    meanSquaredError: [meanSquaredError, target, [4, 3]],
    meanAbsoluteError: [meanAbsoluteError, target, [4, 3]],
    huber: [huber(0.7), target, [4, 3]],
    binaryCrossEntropy: [binaryCrossEntropy, bits, [4, 3]],
    categoricalCrossEntropy: [categoricalCrossEntropy, oneHot, [4, 3]],
    pinball: [pinball([0.1, 0.5, 0.9]), firstColumn, [4, 1]],
  };
  test.each(Object.entries(cases))(
    "gives torch's value and gradient for %s",
    async (name, [loss, wanted, shape]) => {
      const x = input("x", [4, 3], "float64");
      const value = mean(loss(x, constant(wanted, shape, "float64")));
      const [received, dx] = await evaluate(
        [value, gradient(value, [x])[0]],
        { x: float64(prediction, [4, 3]) },
        runtime,
      );
      expectClose(received, [reference.losses[name].value], 8);
      expectClose(dx, reference.losses[name].gradient, 8);
    },
  );
});

describe("optimisers", () => {
  const { start, targets, scale } = reference.optimiserCase;
  const optimisers: Record<string, Optimiser> = {
    sgd: sgd(),
    momentum: sgd({ momentum: 0.9 }),
    nesterov: sgd({ momentum: 0.9, nesterov: true }),
    rmsprop: rmsprop(),
    adam: adam(),
    adamW: adamW({ weightDecay: 0.1 }),
  };
  test.each(Object.entries(optimisers))(
    "reaches torch's parameters after ten steps of %s",
    async (name, optimiser) => {
      const p = parameter({ shape: [6], data: Float32Array.from(start) });
      const program = compileTraining({
        parameters: [{ name: "p", parameter: p }],
        data: { target: { dtype: "float32", shape: [1, 6] } },
        batchSize: 1,
        optimiser,
        loss: ({ data, indices }) => sum(mul(constant(scale), square(sub(p, gather(data.target, indices))))),
      });
      const training = await startTraining(runtime, program, {
        data: { target: { dtype: "float32", shape: [1, 6], data: Float32Array.from(targets) } },
        seed: 0,
      });
      // Seven steps in one call and three in another are ten steps.
      for (const steps of [7, 3]) {
        await training.run({
          learningRates: new Float32Array(steps).fill(0.05),
          indices: new BigInt64Array(steps),
          weights: new Float32Array(steps).fill(1),
        });
      }
      expectClose(await training.parameters(), reference.optimisers[name], 5);
      expect((await training.state()).step).toBe(10);
      await training.release();
    },
  );
});
