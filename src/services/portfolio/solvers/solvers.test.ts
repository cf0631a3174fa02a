import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  dot,
  gramOfRows,
  keyFrom,
  matrix,
  matrixFrom,
  multiplyVector,
  normal,
  quadraticForm,
  uniform,
} from "../../../base/index.ts";
import { solveBounded } from "./active-set.ts";
import { criticalLine } from "./critical-line.ts";
import { solveIntegerProgram } from "./integer-program.ts";
import { solveProgram, tryProgram } from "./interior-point.ts";
import { program } from "./program.ts";
import { statisticOf, tailMean } from "./scenario-measures.ts";
import {
  coneDivide,
  coneMargin,
  coneProduct,
  coneScaling,
  coneStep,
  scaleByCone,
  unscaleByCone,
} from "./second-order-cone.ts";

const budget = (size: number) => ({
  matrix: matrix(1, size, new Float64Array(size).fill(1)),
  bounds: Float64Array.of(1),
});
const seeds = fc.integer({ min: 0, max: 1e6 });

describe("the interior-point method", () => {
  test("finds the point of a ball that is furthest along a direction", () => {
    // maximise x + 2 y + 2 z over |x| <= 3: the direction itself, of length 3
    const cone = { matrix: matrix(4, 3), offset: Float64Array.of(3, 0, 0, 0) };
    for (let i = 0; i < 3; i++) cone.matrix.data[(i + 1) * 3 + i] = -1;
    const { x, objective, lowerBound } = solveProgram(
      program(3, { linear: Float64Array.of(-1, -2, -2), cones: [cone] }),
    );
    expect(objective).toBeCloseTo(-9, 7);
    expect(Array.from(x, (value) => value.toFixed(6))).toEqual(["1.000000", "2.000000", "2.000000"]);
    expect(lowerBound).toBeLessThanOrEqual(objective);
  });

  test("takes hidden excesses as what they are: a mean of what is above 0", () => {
    // |x - 1| + |x - 2| + |x - 9| / 2 as six rows: least at the median of weighted points, 2
    const rows = matrixFrom([[1], [-1], [1], [-1], [1], [-1]]);
    const excesses = {
      matrix: rows,
      bounds: Float64Array.of(1, -1, 2, -2, 9, -9),
      owner: Int32Array.of(0, 1, 2, 3, 4, 5),
      cost: Float64Array.of(1, 1, 1, 1, 0.5, 0.5),
      curvature: new Float64Array(6),
    };
    const { x, objective } = solveProgram(program(1, { excesses }));
    expect(x[0]).toBeCloseTo(2, 6);
    expect(objective).toBeCloseTo(4.5, 7);
  });

  test("lets several rows share one excess: their largest counts", () => {
    // max(0, x, 1 - x, 3 x - 1)² / 2: least where 1 - x = 3 x - 1
    const excesses = {
      matrix: matrixFrom([[1], [-1], [3]]),
      bounds: Float64Array.of(0, -1, 1),
      owner: Int32Array.of(0, 0, 0),
      cost: Float64Array.of(0),
      curvature: Float64Array.of(1),
    };
    const { x, objective } = solveProgram(program(1, { excesses }));
    expect(x[0]).toBeCloseTo(0.5, 5);
    expect(objective).toBeCloseTo(0.125, 7);
  });

  test("takes out what bounds fix", () => {
    const quadratic = matrixFrom([
      [2, 1, 0],
      [1, 2, 0],
      [0, 0, 2],
    ]);
    const { x, objective } = solveProgram(
      program(3, {
        quadratic,
        lower: Float64Array.of(0.5, 0, 0),
        upper: Float64Array.of(0.5, 1, 1),
        equalities: budget(3),
      }),
    );
    // with x0 = .5: y² + .5 y + (.5 - y)² + .25 is least at y = .125
    expect(Array.from(x, (value) => value.toFixed(7))).toEqual(["0.5000000", "0.1250000", "0.3750000"]);
    expect(objective).toBeCloseTo(0.5 * quadraticForm(quadratic, x), 12);
  });

  test("does not answer where there is nothing", () => {
    const none = program(2, {
      quadratic: matrixFrom([
        [1, 0],
        [0, 1],
      ]),
      lower: Float64Array.of(0.8, 0.8),
      equalities: budget(2),
    });
    expect(tryProgram(none).solved).toBe(false);
    expect(() => solveProgram(none)).toThrow(
      "primal-dual interior point: expected a relative gap of at most 1e-8",
    );
    expect(tryProgram(program(1, { lower: Float64Array.of(2), upper: Float64Array.of(1) })).solved).toBe(
      false,
    );
  });

  test("proves a bound that no point beats", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 2, max: 12 }), (seed, size) => {
        const quadratic = gramOfRows(matrix(size, size + 2, normal(keyFrom(seed), size * (size + 2))));
        const linear = normal(keyFrom(seed + 1), size);
        const lower = new Float64Array(size);
        const { x, lowerBound, objective } = solveProgram(
          program(size, { quadratic, linear, lower, equalities: budget(size) }),
        );
        expect(objective - lowerBound).toBeLessThan(1e-7 * Math.max(1, Math.abs(objective)));
        expect(Math.abs(dot(x, new Float64Array(size).fill(1)) - 1)).toBeLessThan(1e-9);
        for (let k = 0; k < 20; k++) {
          const point = uniform(keyFrom(seed + 10 + k), size).map((value) => -Math.log(1 - value));
          const total = point.reduce((sum, value) => sum + value, 0);
          const weights = point.map((value) => value / total);
          expect(0.5 * quadraticForm(quadratic, weights) + dot(linear, weights)).toBeGreaterThan(lowerBound);
        }
        // and the active set agrees
        const start = new Float64Array(size);
        start[0] = 1;
        const exact = solveBounded(
          {
            quadratic,
            linear,
            equation: new Float64Array(size).fill(1),
            lower,
            upper: new Float64Array(size).fill(Number.POSITIVE_INFINITY),
          },
          start,
        );
        expect(Math.abs((exact?.objective ?? Number.NaN) - objective)).toBeLessThan(
          1e-8 * Math.max(1, Math.abs(objective)),
        );
      }),
      { numRuns: 30 },
    );
  });
});

describe("the second-order cone", () => {
  const inside = (seed: number) => {
    const v = normal(keyFrom(seed), 5);
    v[0] = Math.hypot(...v.subarray(1)) + 0.1 + Math.abs(v[0]);
    return v;
  };

  test("scales primal and dual to one point", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const [s, z] = [inside(seed), inside(seed + 1)];
        const scaling = coneScaling(s, z);
        const [one, other] = [scaleByCone(scaling, z), unscaleByCone(scaling, s)];
        for (let i = 0; i < 5; i++) expect(one[i]).toBeCloseTo(other[i], 9);
        const back = unscaleByCone(scaling, scaleByCone(scaling, s));
        for (let i = 0; i < 5; i++) expect(back[i]).toBeCloseTo(s[i], 9);
        const quotient = coneDivide(s, coneProduct(s, z));
        for (let i = 0; i < 5; i++) expect(quotient[i]).toBeCloseTo(z[i], 8);
      }),
    );
  });

  test("is left exactly where the longest step ends", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const v = inside(seed);
        const d = normal(keyFrom(seed + 2), 5);
        const step = coneStep(v, d, 1e6);
        const at = (length: number) => v.map((value, i) => value + length * d[i]);
        if (step < 1e6) expect(Math.abs(coneMargin(at(step)))).toBeLessThan(1e-6 * Math.max(1, step));
        expect(coneMargin(at(0.999 * step))).toBeGreaterThan(-1e-9);
      }),
    );
  });
});

test("the critical line ends at the largest return, and its corners are optimal where two of them meet", () => {
  const covariance = matrixFrom([
    [0.04, 0.01, 0],
    [0.01, 0.09, 0.02],
    [0, 0.02, 0.16],
  ]);
  const expectedReturns = Float64Array.of(0.05, 0.09, 0.12);
  const lower = new Float64Array(3);
  const upper = Float64Array.of(0.7, 0.7, 0.7);
  const equation = new Float64Array(3).fill(1);
  const least = solveBounded(
    { quadratic: covariance, linear: new Float64Array(3), equation, lower, upper },
    Float64Array.of(0.7, 0.3, 0),
  );
  const corners = criticalLine(
    { covariance, expectedReturns, lower, upper },
    least?.x ?? new Float64Array(3),
  );
  expect(corners).not.toBeNull();
  for (const { lambda, weights } of corners ?? []) {
    const slope = multiplyVector(covariance, weights).map((value, i) => value - lambda * expectedReturns[i]);
    // no money can be moved from one asset to another at a gain
    for (let from = 0; from < 3; from++)
      for (let to = 0; to < 3; to++)
        if (weights[from] > 1e-12 && weights[to] < 0.7 - 1e-12)
          expect(slope[to] - slope[from]).toBeGreaterThan(-1e-12);
  }
  const last = corners?.at(-1)?.weights ?? [];
  expect(Array.from(last, (value) => value.toFixed(10))).toEqual([
    "0.0000000000",
    "0.3000000000",
    "0.7000000000",
  ]);
});

test("whole numbers: the best change for 99 with coins of 50, 24 and 7", async () => {
  // 50 + 7 × 7 = 99 with 8 coins; 50 + 2 × 24 misses by 1
  const { x, certificate } = await solveIntegerProgram({
    cost: Float64Array.of(1, 1, 1),
    lower: new Float64Array(3),
    upper: new Float64Array(3).fill(20),
    whole: [true, true, true],
    rows: [{ columns: [0, 1, 2], coefficients: [50, 24, 7], low: 99, high: 99 }],
  });
  expect(Array.from(x, Math.round)).toEqual([1, 0, 7]);
  expect(certificate.gap).toBeLessThanOrEqual(certificate.tolerance);
  await expect(
    solveIntegerProgram({
      cost: Float64Array.of(1),
      lower: Float64Array.of(0),
      upper: Float64Array.of(1),
      whole: [true],
      rows: [{ columns: [0], coefficients: [2], low: 1, high: 1 }],
    }),
  ).rejects.toMatchObject({ code: "PORTFOLIO_NOT_SOLVED" });
});

test("a tail counts the loss at its border in part", () => {
  const losses = Float64Array.of(-0.01, 0.02, 0.04);
  expect(tailMean(losses, 0.5)).toBeCloseTo((0.04 + 0.5 * 0.02) / 1.5, 12);
  expect(statisticOf(losses, { name: "largest" })).toBe(0.04);
  expect(statisticOf(losses, { name: "mean" })).toBeCloseTo(0.02, 12);
  expect(statisticOf(losses, { name: "mean-square" })).toBeCloseTo((0.0004 + 0.0016) / 3, 12);
});
