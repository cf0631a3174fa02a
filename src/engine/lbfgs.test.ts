import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { leastSquares } from "../base/index.ts";
import {
  add,
  binaryCrossEntropy,
  createRuntime,
  type DataType,
  lbfgs,
  log,
  matmul,
  mean,
  meanSquaredError,
  minimise,
  mul,
  Parameter,
  sqrt,
  square,
  sum,
  type Tensor,
  type TensorValue,
} from "./index.ts";

const [one, two] = [createRuntime({ threads: 1 }), createRuntime({ threads: 2 })];
afterAll(() => Promise.all([one.close(), two.close()]));

/** `Σ 100 (x₂ᵢ - x₂ᵢ₋₁²)² + (1 - x₂ᵢ₋₁)²`: a narrow curved valley whose bottom, 0, is where all are 1. */
const rosenbrock = async (x: Float64Array) => {
  const gradient = new Float64Array(x.length);
  let value = 0;
  for (let i = 0; i < x.length; i += 2) {
    const [a, b] = [x[i], x[i + 1]];
    value += 100 * (b - a * a) ** 2 + (1 - a) ** 2;
    gradient[i] = -400 * a * (b - a * a) - 2 * (1 - a);
    gradient[i + 1] = 200 * (b - a * a);
  }
  return { value, gradient };
};
const tight = { gradientTolerance: 1e-8, valueTolerance: 0 };

describe("L-BFGS", () => {
  test.each([2, 6, 20])("finds the bottom of Rosenbrock's valley in %i dimensions", async (size) => {
    const start = Float64Array.from({ length: size }, (_, i) => (i % 2 === 0 ? -1.2 : 1));
    const { point, value, stopped, evaluations } = await lbfgs(rosenbrock, start, tight);
    expect(stopped).toBe("gradient");
    for (const x of point) expect(x).toBeCloseTo(1, 7);
    expect(value).toBeLessThan(1e-14);
    // scipy 1's L-BFGS-B needs 46 evaluations in two dimensions; a descent without curvature needs thousands.
    expect(evaluations).toBeLessThan(80);
  });

  test("never goes up, and does not change where it began", async () => {
    const values: number[] = [];
    const start = Float64Array.of(-1.2, 1);
    for (let maxIterations = 1; maxIterations < 30; maxIterations++)
      values.push((await lbfgs(rosenbrock, start, { ...tight, maxIterations })).value);
    expect(values).toEqual(values.toSorted((a, b) => b - a));
    expect([...start]).toEqual([-1.2, 1]);
  });

  test("finds the bottom of any bowl", async () => {
    const number = fc.double({ min: -3, max: 3, noNaN: true });
    const scale = fc.double({ min: 0.1, max: 10, noNaN: true });
    const axis = fc.tuple(number, scale);
    await fc.assert(
      fc.asyncProperty(fc.array(axis, { minLength: 1, maxLength: 8 }), async (axes) => {
        const bowl = async (x: Float64Array) => ({
          value: axes.reduce((total, [bottom, a], i) => total + (a * (x[i] - bottom) ** 2) / 2, 0),
          gradient: Float64Array.from(axes, ([bottom, a], i) => a * (x[i] - bottom)),
        });
        const { point, stopped } = await lbfgs(bowl, new Float64Array(axes.length), tight);
        expect(stopped).toBe("gradient");
        axes.forEach(([bottom], i) => {
          expect(point[i]).toBeCloseTo(bottom, 6);
        });
      }),
    );
  });

  test("comes back from where the loss is no number", async () => {
    // x - log x is least at 1, and is none below 0, where the first step from a steep place would end.
    const barrier = async ([x]: Float64Array) => ({
      value: x - Math.log(x),
      gradient: Float64Array.of(1 - 1 / x),
    });
    const { point } = await lbfgs(barrier, Float64Array.of(3), tight);
    expect(point[0]).toBeCloseTo(1, 7);
    expect((await lbfgs(barrier, Float64Array.of(1e-3), tight)).point[0]).toBeCloseTo(1, 7);
  });

  test("stops where it begins when that is the bottom, and after as many steps as it may", async () => {
    const still = await lbfgs(rosenbrock, Float64Array.of(1, 1));
    expect([still.stopped, still.iterations, still.evaluations]).toEqual(["gradient", 0, 1]);
    const short = await lbfgs(rosenbrock, Float64Array.of(-1.2, 1), { maxIterations: 3 });
    expect([short.stopped, short.iterations]).toEqual(["iterations", 3]);
  });

  test("refuses a start without a number, and options out of range", async () => {
    const nowhere = lbfgs(rosenbrock, Float64Array.of(Number.NaN, 1));
    await expect(nowhere).rejects.toMatchObject({ code: "TRAINING_DIVERGED" });
    await expect(lbfgs(rosenbrock, Float64Array.of(1, 1), { history: 0 })).rejects.toMatchObject({
      code: "MODEL_OPTION_INVALID",
      message: "lbfgs history: expected 1 or more, received 0",
    });
  });
});

describe("minimise", () => {
  const [rows, columns] = [8, 2];
  const x = [0.5, 1.2, -1, 0.3, 1.5, -0.7, 0.2, -1.1, -0.6, 0.8, 2, 1, -1.4, -0.9, 0.1, 0.4];
  const y = [1, 0, 1, 0, 1, 1, 0, 1];
  const model = (dtype: DataType) => {
    const weight = new Parameter([columns, 1], new Float32Array(columns), dtype);
    const bias = new Parameter([1], new Float32Array(1), dtype);
    const parameters = [
      { name: "weight", parameter: weight },
      { name: "bias", parameter: bias },
    ];
    const floats = (values: number[]) =>
      dtype === "float64" ? Float64Array.from(values) : Float32Array.from(values);
    const data: Record<string, TensorValue> = {
      x: { dtype, shape: [rows, columns], data: floats(x) },
      y: { dtype, shape: [rows, 1], data: floats(y) },
    };
    return { weight, parameters, data, predict: (input: Tensor) => add(matmul(input, weight), bias) };
  };
  const logistic = (dtype: DataType) => {
    const { predict, weight, ...rest } = model(dtype);
    return {
      ...rest,
      loss: (data: Readonly<Record<string, Tensor>>) =>
        add(mean(binaryCrossEntropy(predict(data.x), data.y)), mul(sum(square(weight)), 0.05)),
    };
  };

  test.each<[DataType, number]>([
    ["float64", 7],
    ["float32", 3],
  ])("fits a logistic regression in %s as Newton's method does", async (dtype, digits) => {
    const { parameters, value } = await minimise({
      ...logistic(dtype),
      runtime: one,
      ...(dtype === "float64" ? tight : {}),
    });
    // 50 Newton steps with torch 1.13 in float64.
    [1.011731356945, 1.004385144563, 0.46365331339].forEach((expected, i) => {
      expect(parameters[i]).toBeCloseTo(expected, digits);
    });
    expect(value).toBeCloseTo(0.394419928404, digits);
  });

  test("fits a regression to the coefficients of least squares", async () => {
    const { predict, weight: _, ...rest } = model("float64");
    const { parameters } = await minimise({
      ...rest,
      loss: (data) => mean(meanSquaredError(predict(data.x), data.y)),
      runtime: one,
      ...tight,
    });
    const matrix = Float64Array.from({ length: rows * 3 }, (_, i) =>
      i % 3 < 2 ? x[Math.floor(i / 3) * 2 + (i % 3)] : 1,
    );
    leastSquares(matrix, rows, 3, Float64Array.from(y)).forEach((expected, i) => {
      expect(parameters[i]).toBeCloseTo(expected, 7);
    });
  });

  test("gives the same bits on one thread and on two, and leaves the parameters as they were", async () => {
    const task = logistic("float32");
    expect(await minimise({ ...task, runtime: one })).toEqual(await minimise({ ...task, runtime: two }));
    expect([...task.parameters[0].parameter.value]).toEqual([0, 0]);
  });

  test("refuses a loss with an axis, mixed element types, and a start without a number", async () => {
    const { parameters } = model("float32");
    const refused = (loss: () => Tensor, more = {}) => minimise({ parameters, loss, runtime: one, ...more });
    await expect(refused(() => parameters[0].parameter)).rejects.toThrow(
      "minimise: expected a scalar loss, received shape [2, 1]",
    );
    const mixed = [...parameters, ...model("float64").parameters];
    await expect(refused(() => sum(parameters[0].parameter), { parameters: mixed })).rejects.toMatchObject({
      code: "SHAPE_MISMATCH",
    });
    await expect(refused(() => sum(log(sqrt(parameters[0].parameter))))).rejects.toMatchObject({
      code: "TRAINING_DIVERGED",
    });
  });
});
