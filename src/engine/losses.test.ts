import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import {
  balancedClassWeights,
  binaryCrossEntropy,
  categoricalCrossEntropy,
  constant,
  createRuntime,
  evaluate,
  focalLoss,
  gradient,
  huber,
  input,
  type Loss,
  meanAbsoluteError,
  meanSquaredError,
  mixedLoss,
  mul,
  parameter,
  pinball,
  softplus,
  square,
  sum,
  weightedBinaryCrossEntropy,
  weightedCategoricalCrossEntropy,
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

describe("as torch 1.13 gives it, in float64:", () => {
  const logits = [
    [1, 2, 0.5],
    [0, -1, 3],
  ];
  const shares = [
    [1, 0, 0],
    [0, 0.25, 0.75],
  ];
  test.each<[string, Loss, number[][], number[][], number[]]>([
    [
      "cross-entropy with class weights and smoothed labels",
      weightedCategoricalCrossEntropy({ classWeights: [2, 1, 0.5], labelSmoothing: 0.1 }),
      logits,
      shares,
      [2.781706836206895, 1.278079484635254],
    ],
    [
      "binary cross-entropy with a weight for positives",
      weightedBinaryCrossEntropy({ positiveWeight: 3 }),
      [[0.5], [-2]],
      [[1], [0]],
      [1.42223095254032, 0.126928011042973],
    ],
    // torchvision's sigmoid_focal_loss, written with torch's functions
    ["focal loss", focalLoss(), [[0.5], [-2]], [[1], [0]], [0.016893372629376, 0.00135267212643]],
  ])("%s", async (_, loss, prediction, target, expected) => {
    (await perSample(loss, prediction, target)).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 12);
    });
  });
});

describe("a loss with options", () => {
  const rows = [[0.3, -1.2]];
  const target = [[1, 0]];

  test("is the plain one when they change nothing", async () => {
    const pairs: [Loss, Loss, number][] = [
      [weightedCategoricalCrossEntropy({}), categoricalCrossEntropy, 1],
      [weightedCategoricalCrossEntropy({ classWeights: [1, 1] }), categoricalCrossEntropy, 1],
      [weightedBinaryCrossEntropy({}), binaryCrossEntropy, 1],
      [focalLoss({ gamma: 0, alpha: 0.5 }), binaryCrossEntropy, 0.5],
    ];
    for (const [loss, plain, factor] of pairs) {
      const [[received], [expected]] = [
        await perSample(loss, rows, target),
        await perSample(plain, rows, target),
      ];
      expect(received).toBeCloseTo(factor * expected, 12);
    }
  });

  test("moves a label toward the middle when it is smoothed", async () => {
    const [binary] = await perSample(weightedBinaryCrossEntropy({ labelSmoothing: 0.2 }), rows, target);
    expect(binary).toBeCloseTo((await perSample(binaryCrossEntropy, rows, [[0.9, 0.1]]))[0], 12);
    const [categorical] = await perSample(
      weightedCategoricalCrossEntropy({ labelSmoothing: 0.2 }),
      rows,
      target,
    );
    expect(categorical).toBeCloseTo((await perSample(categoricalCrossEntropy, rows, [[0.9, 0.1]]))[0], 12);
  });

  test("stays finite for logits far from zero", async () => {
    expect(await perSample(focalLoss(), [[800], [-800]], [[0], [1]])).toEqual([600, 200]); // surely wrong: its full 800
    expect(await perSample(weightedBinaryCrossEntropy({ positiveWeight: 2 }), [[-800]], [[1]])).toEqual([
      1600,
    ]);
  });

  test("adds up losses by weight", async () => {
    const mixed = mixedLoss([
      [meanSquaredError, 0.5],
      [meanAbsoluteError, 2],
    ]);
    expect(await perSample(mixed, [[3, 1]], [[1, 1]])).toEqual([0.5 * 2 + 2 * 1]);
  });

  test("lets every class count the same in total", () => {
    const labels = [2, 0, 0, 2, 2, 2];
    const weights = balancedClassWeights(labels, 3);
    expect(weights).toEqual([1, 0, 0.5]); // 6 / (3 · 2), none, 6 / (3 · 4)
    const total = (of: number) => labels.filter((label) => label === of).length * weights[of];
    expect(total(0)).toBe(total(2));
  });
});

test("does not count samples of weight 0, and weighs the others", async () => {
  const losses = constant([1, 4, 1000], [3]);
  const [value] = await evaluate([weightedMean(losses, constant([3, 1, 0], [3]))], {}, runtime);
  expect(value.data[0]).toBeCloseTo((3 * 1 + 4) / 4, 6);
});

test("is 0 where no sample counts, and so are its first and second derivatives", async () => {
  const slope = parameter({ shape: [1], data: Float32Array.of(3) });
  const weights = constant([0, 0], [2]);
  const mean = weightedMean(mul(square(slope), constant([1, 2], [2])), weights);
  const [first] = gradient(mean, [slope]);
  const [second] = gradient(sum(first), [slope]);
  const values = await evaluate([mean, first, second], {}, runtime);
  expect(values.map(({ data }) => data[0])).toEqual([0, 0, 0]);
});

test("is less than the mean where all weights together are less than 1e-12", async () => {
  const of = async (weight: number) => {
    const mean = weightedMean(constant([1, 3], [2]), constant([weight, weight], [2]));
    return (await evaluate([mean], {}, runtime))[0].data[0];
  };
  expect(await of(1e-12)).toBeCloseTo(2, 5);
  expect(await of(1e-13)).toBeCloseTo(2 * 0.2, 5); // 2e-13 of 1e-12
});

test("gives learned weights a gradient that is a number, where they are all 0 too", async () => {
  const gradientAt = async (...values: number[]) => {
    const weights = parameter({ shape: [2], data: Float32Array.from(values) });
    const [by] = gradient(weightedMean(constant([1, 5], [2]), weights), [weights]);
    return (await evaluate([by], {}, runtime))[0].data;
  };
  expect(await gradientAt(3, 1)).toEqual(Float32Array.of((1 - 2) / 4, (5 - 2) / 4)); // (loss - mean) / total
  expect((await gradientAt(0, 0)).every((value) => Number.isFinite(Number(value)))).toBe(true);
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
    [
      "class weights of another number of classes",
      () => weightedCategoricalCrossEntropy({ classWeights: [1] })(x(2, 3), x(2, 3)),
      "weightedCategoricalCrossEntropy: expected 3 class weights, received 1",
    ],
    [
      "labels that are smoothed away",
      () => weightedBinaryCrossEntropy({ labelSmoothing: 1 }),
      "weightedBinaryCrossEntropy: expected labelSmoothing in [0, 1), received 1",
    ],
    ["an alpha of 1", () => focalLoss({ alpha: 1 }), "focalLoss: expected alpha inside (0, 1), received 1"],
    ["a mixture of none", () => mixedLoss([]), "mixedLoss: expected at least one loss, received none"],
    [
      "a class that is none",
      () => balancedClassWeights([3], 3),
      "balancedClassWeights: expected class numbers of 0 to 2, received 3",
    ],
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
