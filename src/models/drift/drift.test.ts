import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chiSquareUpperQuantile,
  chiSquareUpperTail,
  foldIn,
  keyFrom,
  mean,
  normal,
  uniform,
} from "../../base/index.ts";
import {
  type Correction,
  checkDrift,
  corrections,
  type DriftSample,
  driftMeasures,
  levelOfOneTest,
} from "./check.ts";
import {
  countClasses,
  distributionOf,
  jensenShannonDivergence,
  kolmogorovSmirnov,
  populationStabilityIndex,
  wassersteinDistance,
} from "./distances.ts";
import { effectiveSize } from "./effective-size.ts";
import { kolmogorovUpperTail } from "./null-distributions.ts";
import { sketchOf, sketchSize } from "./sketch.ts";
import reference from "./testing/drift-reference.json" with { type: "json" };

const key = keyFrom(11);
const draw = (name: string, count: number) => normal(foldIn(key, name), count);

describe("equals scipy and numpy (testing/drift-reference.py):", () => {
  test("distances of samples", () => {
    for (const { a, b, kolmogorovSmirnov: ks, wasserstein } of reference.samples) {
      expect(kolmogorovSmirnov(distributionOf(a), distributionOf(b))).toBeCloseTo(ks, 12);
      expect(wassersteinDistance(distributionOf(a), distributionOf(b))).toBeCloseTo(wasserstein, 12);
    }
  });

  test("divergences of counts", () => {
    for (const { expected, actual, psi, jensenShannon } of reference.counts) {
      expect(populationStabilityIndex(expected, actual)).toBeCloseTo(psi, 12);
      expect(jensenShannonDivergence(expected, actual)).toBeCloseTo(jensenShannon, 12);
    }
  });

  test("tails of the chi-square and of Kolmogorov's distribution, relative to their size", () => {
    for (const [x, degrees, tail] of reference.chiSquare) {
      const ours = chiSquareUpperTail(x, degrees);
      if (tail === 0) expect(ours).toBeLessThan(1e-300);
      else expect(Math.abs(ours / tail - 1), `${x}, ${degrees}`).toBeLessThan(1e-11);
      if (tail > 1e-300 && tail < 0.999)
        expect(chiSquareUpperQuantile(tail, degrees) / x, `${x}, ${degrees}`).toBeCloseTo(1, 9);
    }
    for (const [x, tail] of reference.kolmogorov)
      expect(Math.abs(kolmogorovUpperTail(x) / tail - 1), `${x}`).toBeLessThan(1e-10);
  });
});

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const samples = fc.array(finite, { minLength: 1, maxLength: 40 });
const counts = fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { minLength: 2, maxLength: 12 }).map((pairs) => ({
  p: pairs.map(([a]) => a + 1),
  q: pairs.map(([, b]) => b),
}));

describe("keeps its laws:", () => {
  test("distances are zero for a sample and itself, symmetric, and never negative", () => {
    fc.assert(
      fc.property(samples, samples, (x, y) => {
        const [a, b] = [distributionOf(x), distributionOf(y)];
        for (const distance of [kolmogorovSmirnov, wassersteinDistance]) {
          expect(distance(a, a)).toBe(0);
          const size = 1e-9 * (1 + distance(a, b));
          expect(Math.abs(distance(a, b) - distance(b, a))).toBeLessThan(size);
          expect(distance(a, b)).toBeGreaterThanOrEqual(0);
        }
        expect(kolmogorovSmirnov(a, b)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("Wasserstein keeps the triangle inequality, and a shift by c moves a sample by c", () => {
    fc.assert(
      fc.property(
        samples,
        samples,
        samples,
        fc.double({ min: -100, max: 100, noNaN: true }),
        (x, y, z, c) => {
          const [a, b, d] = [distributionOf(x), distributionOf(y), distributionOf(z)];
          const long = wassersteinDistance(a, b) + wassersteinDistance(b, d);
          expect(wassersteinDistance(a, d)).toBeLessThanOrEqual(long * (1 + 1e-9) + 1e-9);
          const moved = distributionOf(x.map((value) => value + c));
          expect(wassersteinDistance(a, moved)).toBeCloseTo(Math.abs(c), 6);
        },
      ),
    );
  });

  test("divergences are zero for equal counts, symmetric, and Jensen-Shannon ends at ln 2", () => {
    fc.assert(
      fc.property(counts, ({ p, q }) => {
        fc.pre(q.some((n) => n > 0));
        expect(populationStabilityIndex(p, p)).toBe(0);
        expect(jensenShannonDivergence(p, p)).toBe(0);
        expect(populationStabilityIndex(p, q)).toBeCloseTo(populationStabilityIndex(q, p), 9);
        expect(jensenShannonDivergence(p, q)).toBeCloseTo(jensenShannonDivergence(q, p), 12);
        expect(jensenShannonDivergence(p, q)).toBeLessThanOrEqual(Math.LN2 + 1e-12);
      }),
    );
  });

  test("every value has one class, and a value on an edge belongs below it", () => {
    expect(countClasses([0, 1, 1.5, 2, 9], [1, 2])).toEqual([2, 2, 1]);
    fc.assert(
      fc.property(samples, samples, (values, edges) => {
        const sorted = [...new Set(edges)].sort((a, b) => a - b);
        expect(countClasses(values, sorted).reduce((a, b) => a + b)).toBe(values.length);
      }),
    );
  });

  test("every measure grows with a shift", () => {
    const base = sketchOf("x", draw("base", 4000));
    const values = draw("new", 1000);
    const by = (shift: number) =>
      measuresOf({ reference: base, values: values.map((value) => value + shift), dates: null });
    const steps = [0, 0.1, 0.2, 0.4, 0.8, 1.6].map(by);
    for (const measure of driftMeasures) {
      const grown = steps.map((step) => step[measure].value);
      expect(grown, measure).toEqual([...grown].sort((a, b) => a - b));
      expect(steps[0][measure].drifted, measure).toBe(false);
      expect(steps[4][measure].drifted, measure).toBe(true);
    }
  });
});

function measuresOf(sample: DriftSample, correction: Correction = "holm", falseAlarmRate = 0.01) {
  const [{ measures }] = checkDrift([sample], { falseAlarmRate, correction, key });
  return Object.fromEntries(measures.map((one) => [one.measure, one])) as Record<
    (typeof driftMeasures)[number],
    (typeof measures)[number]
  >;
}

describe("alarms by chance as often as it was told to:", () => {
  const rounds = 150;
  const populations: { name: string; make: (name: string, n: number) => Float64Array }[] = [
    { name: "normal", make: draw },
    { name: "heavy-tailed", make: (name, n) => draw(name, n).map((x) => x * Math.exp(0.15 * x * x)) },
    { name: "uniform", make: (name, n) => uniform(foldIn(key, name), n) },
  ];

  // 5 % of 150 rounds have a standard error of 1.8 %. The statistics are discrete and their nulls asymptotic.
  test.each(populations)("each measure, at 5 %, $name values, 3000 against 500", ({ name, make }) => {
    const alarms = Object.fromEntries(driftMeasures.map((measure) => [measure, 0]));
    const all: DriftSample[] = Array.from({ length: rounds }, (_, round) => ({
      reference: sketchOf("x", make(`${name} reference ${round}`, 3000)),
      values: make(`${name} new ${round}`, 500),
      dates: null,
    }));
    for (const { measures } of checkDrift(all, { falseAlarmRate: 0.05, correction: "none", key }))
      for (const { measure, pValue } of measures) if (pValue <= 0.05) alarms[measure]++;
    for (const measure of driftMeasures) {
      expect(alarms[measure] / rounds, measure).toBeGreaterThan(0);
      expect(alarms[measure] / rounds, measure).toBeLessThan(0.105);
    }
  });

  test("a check of five features together, under both corrections, and far more often under none", () => {
    const alarms = { holm: 0, "benjamini-hochberg": 0, none: 0 };
    const checks = 60;
    for (let round = 0; round < checks; round++) {
      const five = Array.from({ length: 5 }, (_, f) => ({
        reference: sketchOf("x", draw(`r ${round} ${f}`, 1000)),
        values: draw(`n ${round} ${f}`, 200),
        dates: null,
      }));
      const options = { falseAlarmRate: 0.1, correction: "none", key } as const;
      const pValues = checkDrift(five, options).flatMap(({ measures }) =>
        measures.map(({ pValue }) => pValue),
      );
      for (const correction of corrections) {
        const level = levelOfOneTest(pValues, { falseAlarmRate: 0.1, correction });
        if (pValues.some((p) => p <= level)) alarms[correction]++;
      }
    }
    expect(alarms.holm / checks).toBeLessThan(0.22); // 10 % and three standard errors
    expect(alarms["benjamini-hochberg"] / checks).toBeLessThan(0.22);
    expect(alarms.none / checks).toBeGreaterThan(0.3);
  });

  test("values that depend on their neighbours, which would alarm as independent ones", () => {
    const series = (name: string, n: number) => {
      const steps = draw(name, n);
      for (let t = 1; t < n; t++) steps[t] += 0.9 * steps[t - 1];
      return steps;
    };
    const dates = (n: number) => Float64Array.from({ length: n }, (_, t) => t);
    const alarms = (dependent: boolean) => {
      const of = (n: number) => (dependent ? dates(n) : null);
      const all = Array.from({ length: 60 }, (_, round) => ({
        reference: sketchOf("x", series(`was ${round}`, 2000), of(2000)),
        values: series(`is ${round}`, 500),
        dates: of(500),
      }));
      const found = checkDrift(all, { falseAlarmRate: 0.05, correction: "none", key });
      return found.filter(({ measures }) => measures[2].pValue <= 0.05).length / 60;
    };
    expect(alarms(false)).toBeGreaterThan(0.5);
    expect(alarms(true)).toBeLessThan(0.14); // 5 % and three standard errors
  });
});

describe("effective size", () => {
  test("is that of an autoregression: n (1 - φ) / (1 + φ)", () => {
    const n = 20_000;
    const x = draw("ar", n);
    for (let t = 1; t < n; t++) x[t] += 0.8 * x[t - 1];
    const size = effectiveSize(
      x,
      Array.from({ length: n }, (_, t) => t),
    );
    expect(size / (n / 9)).toBeGreaterThan(0.75);
    expect(size / (n / 9)).toBeLessThan(1.25);
  });

  test("is the number of dates when all values of a date are one", () => {
    const x = draw("dates", 500);
    const values = Float64Array.from({ length: 5000 }, (_, i) => x[i % 500]);
    const size = effectiveSize(
      values,
      Array.from({ length: 5000 }, (_, i) => i % 500),
    );
    expect(size).toBeGreaterThan(300);
    expect(size).toBeLessThanOrEqual(560);
  });

  test("is never more than the values, and all of them without dates", () => {
    const x = draw("plain", 1000);
    expect(effectiveSize(x, null)).toBe(1000);
    const alternating = Float64Array.from({ length: 100 }, (_, t) => (t % 2 === 0 ? 1 : -1) + x[t] / 100);
    expect(
      effectiveSize(
        alternating,
        Array.from({ length: 100 }, (_, t) => t),
      ),
    ).toBeLessThanOrEqual(100);
  });
});

describe("a sketch", () => {
  test("keeps quantiles and counts, and no value at the ends", () => {
    const values = draw("sketch", 5000);
    const sketch = sketchOf("x", [...values, Number.NaN, Number.NaN]);
    expect(sketch).toMatchObject({ count: 5000, missing: 2, effectiveCount: 5000 });
    expect(sketch.quantiles).toHaveLength(sketchSize);
    expect(sketch.quantiles[0]).toBeGreaterThan(Math.min(...values));
    expect(sketch.counts).toEqual(new Array(10).fill(500));
    expect(mean(sketch.quantiles)).toBeCloseTo(mean(values), 2);
    expect(JSON.stringify(sketch).length).toBeLessThan(6000);
  });

  test("of values that repeat has fewer classes, and finds no drift in the same values", () => {
    const coins = (name: string, n: number) => draw(name, n).map((x) => (x > 0 ? 1 : 0));
    const reference = sketchOf("coin", coins("a", 2000));
    expect(reference.counts.length).toBeLessThan(4);
    const measures = measuresOf({ reference, values: coins("b", 700), dates: null });
    for (const measure of driftMeasures) expect(measures[measure].drifted, measure).toBe(false);
    const biased = measuresOf({
      reference,
      values: coins("b", 700).map((x, i) => (i % 4 === 0 ? 1 : x)),
      dates: null,
    });
    expect(biased.psi.drifted).toBe(true);
  });

  test("of one value everywhere sees another value, and none in the same", () => {
    const constant = sketchOf("c", new Float64Array(300).fill(5));
    const same = measuresOf({ reference: constant, values: [5, 5, 5, 5], dates: null });
    for (const measure of driftMeasures) expect(same[measure]).toMatchObject({ value: 0, drifted: false });
    const other = measuresOf({ reference: constant, values: new Float64Array(100).fill(6), dates: null });
    expect(other.kolmogorovSmirnov).toMatchObject({ value: 1 - 0.5 / sketchSize, drifted: true });
  });

  test("is not made of nothing", () => {
    expect(() => sketchOf("x", [Number.NaN])).toThrow("reference of x: expected at least one finite value");
  });
});

test("a p-value alarms at the level that its correction leaves", () => {
  expect(levelOfOneTest([0.03, 0.5], { falseAlarmRate: 0.05, correction: "none" })).toBe(0.05);
  expect(levelOfOneTest([], { falseAlarmRate: 0.05, correction: "holm" })).toBe(0.05);
  expect(levelOfOneTest([0, 0, 0], { falseAlarmRate: 0.05, correction: "holm" })).toBe(0.05);
  expect(levelOfOneTest([0.04, 0.045], { falseAlarmRate: 0.05, correction: "benjamini-hochberg" })).toBe(
    0.05,
  );
});
