import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import {
  binaryCrossEntropy,
  categoricalCrossEntropy,
  constant,
  createRuntime,
  evaluate,
  gradient,
  huber,
  input,
  type Loss,
  meanAbsoluteError,
  meanSquaredError,
  pinball,
  softplus,
  sum,
  weightedMean,
} from "./index.ts";

const runtime = createRuntime();
afterAll(() => runtime.close());

async function perSample(loss: Loss, prediction: number[][], target: number[][]): Promise<number[]> {
  const tensor = (rows: number[][]) => constant(rows.flat(), [rows.length, rows[0].length], "float64");
  const [{ data }] = await evaluate([loss(tensor(prediction), tensor(target))], {}, runtime);
  return [...(data as Float64Array)];
}

const average = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const plain: Record<string, [Loss, (p: number, t: number) => number]> = {
  meanSquaredError: [meanSquaredError, (p, t) => (p - t) ** 2],
  meanAbsoluteError: [meanAbsoluteError, (p, t) => Math.abs(p - t)],
  huber: [huber(0.5), (p, t) => (Math.abs(p - t) <= 0.5 ? (p - t) ** 2 / 2 : 0.5 * (Math.abs(p - t) - 0.25))],
  binaryCrossEntropy: [
    binaryCrossEntropy,
    (x, t) => -t * Math.log(1 / (1 + Math.exp(-x))) - (1 - t) * Math.log(1 - 1 / (1 + Math.exp(-x))),
  ],
};

test.each(Object.entries(plain))(
  "gives one %s per sample, the mean over its outputs",
  async (_, [loss, of]) => {
    const number = fc.double({ min: -4, max: 4, noNaN: true });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const rows = (of: fc.Arbitrary<number>) => fc.array(fc.tuple(of, of, of), { minLength: 2, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(rows(number), rows(share), async (prediction, target) => {
        const received = await perSample(loss, prediction, target);
        prediction.forEach((row, sample) => {
          expect(received[sample]).toBeCloseTo(average(row.map((p, i) => of(p, target[sample][i]))), 9);
        });
      }),
      { numRuns: 5 },
    );
  },
);

test("adds up the surprise over classes in categorical cross-entropy", async () => {
  const [hard, soft] = await perSample(
    categoricalCrossEntropy,
    [
      [0, 0],
      [Math.log(3), 0],
    ],
    [
      [1, 0],
      [0.5, 0.5],
    ],
  );
  expect(hard).toBeCloseTo(Math.log(2), 12);
  expect(soft).toBeCloseTo(-0.5 * Math.log(0.75) - 0.5 * Math.log(0.25), 12);
});

test("compares the target with every quantile in the pinball loss", async () => {
  // Over by 1 costs 1 - q, under by 1 costs q: (0.9 + 0.5 + 0.9) / 3 where the third is under.
  const [loss] = await perSample(pinball([0.1, 0.5, 0.9]), [[3, 3, 1]], [[2]]);
  expect(loss).toBeCloseTo((0.9 + 0.5 + 0.9) / 3, 12);
});

test("is least at the quantile of the targets in the pinball loss", async () => {
  const targets = Array.from({ length: 11 }, (_, i) => i); // the 0.2-quantile is 2
  const at = async (guess: number) =>
    average(
      await perSample(
        pinball([0.2]),
        targets.map(() => [guess]),
        targets.map((t) => [t]),
      ),
    );
  expect(await at(2)).toBeLessThan(await at(1.5));
  expect(await at(2)).toBeLessThan(await at(2.5));
});

test("stays finite for logits far from zero", async () => {
  expect(await perSample(binaryCrossEntropy, [[800], [-800]], [[0], [0]])).toEqual([800, 0]);
  expect(await perSample(categoricalCrossEntropy, [[800, -800]], [[0, 1]])).toEqual([1600]);
});

test("has slope σ(0) - t at a logit of exactly zero, and softplus has ½", async () => {
  const x = input("x", [2, 1], "float64");
  const loss = sum(binaryCrossEntropy(x, constant([1, 0], [2, 1], "float64")));
  const [dLoss, dSoftplus] = await evaluate(
    [gradient(loss, [x])[0], gradient(sum(softplus(x)), [x])[0]],
    { x: { dtype: "float64", shape: [2, 1], data: Float64Array.of(0, 0) } },
    runtime,
  );
  expect([...dLoss.data]).toEqual([-0.5, 0.5]);
  expect([...dSoftplus.data]).toEqual([0.5, 0.5]);
});

test("does not count samples of weight 0, and weighs the others", async () => {
  const losses = constant([1, 4, 1000], [3]);
  const [value] = await evaluate([weightedMean(losses, constant([3, 1, 0], [3]))], {}, runtime);
  expect(value.data[0]).toBeCloseTo((3 * 1 + 4) / 4, 6);
});

describe("refuses", () => {
  const x = (...shape: number[]) => input("x", shape);
  test.each<[string, () => unknown, string]>([
    [
      "a target of another shape",
      () => meanSquaredError(x(4, 2), x(4)),
      "meanSquaredError: expected prediction and target of one shape, received [4, 2] and [4]",
    ],
    [
      "a pinball target that would stretch over samples",
      () => pinball([0.1, 0.9])(x(2, 2), x(2)),
      "pinball: expected a target of shape [2, 1] for [2, 2], received [2]",
    ],
    [
      "another number of quantiles",
      () => pinball([0.5])(x(4, 3), x(4, 1)),
      "pinball: expected 1 quantiles in the last axis, received [4, 3]",
    ],
    ["a quantile of 1", () => pinball([0.5, 1]), "pinball: expected quantiles inside (0, 1), received 1"],
    ["no quantile", () => pinball([]), "pinball: expected at least one quantile"],
    ["a delta of 0", () => huber(0), "huber: expected delta > 0, received 0"],
    [
      "weights that do not belong to the losses",
      () => weightedMean(x(4, 1), x(4)),
      "broadcastTo: [4] does not stretch to [4, 1]",
    ],
  ])("%s", (_, make, message) => {
    expect(make).toThrow(message);
  });
});
