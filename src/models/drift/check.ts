/** Whether new values come from the population of the reference, decided at a false-alarm rate for all of them together. */
import { foldIn, type Key } from "../../base/index.ts";
import {
  countClasses,
  distributionOf,
  jensenShannonDivergence,
  populationStabilityIndex,
} from "./distances.ts";
import { effectiveSize } from "./effective-size.ts";
import {
  brownianBridges,
  jensenShannonNull,
  kolmogorovNull,
  type NullDistribution,
  scatter,
  stabilityNull,
  wassersteinNull,
} from "./null-distributions.ts";
import { distanceToSketch, type Sketch, wassersteinToSketch } from "./sketch.ts";

export const driftMeasures = ["psi", "jensenShannon", "kolmogorovSmirnov", "wasserstein"] as const;
export type DriftMeasure = (typeof driftMeasures)[number];

/** How the false-alarm rate is kept over many tests. */
export const corrections = ["holm", "benjamini-hochberg", "none"] as const;
export type Correction = (typeof corrections)[number];

export interface DriftOptions {
  /** Probability of any alarm at all when nothing has changed. */
  readonly falseAlarmRate: number;
  readonly correction: Correction;
  /** For the simulated null distribution. */
  readonly key: Key;
}

export interface DriftSample {
  readonly reference: Sketch;
  readonly values: ArrayLike<number>;
  /** The date of each value; null takes them as independent. */
  readonly dates: ArrayLike<number> | null;
}

export interface MeasuredDrift {
  readonly measure: DriftMeasure;
  readonly value: number;
  /** What is exceeded by chance with the probability that the correction leaves to one test. */
  readonly threshold: number;
  readonly pValue: number;
  readonly drifted: boolean;
}

export interface FeatureDrift {
  readonly name: string;
  readonly referenceCount: number;
  readonly count: number;
  /** What both are worth as independent observations. */
  readonly referenceEffectiveCount: number;
  readonly effectiveCount: number;
  /** Share of new values that are missing, and the reference's own. */
  readonly missing: number;
  readonly referenceMissing: number;
  readonly measures: readonly MeasuredDrift[];
  readonly drifted: boolean;
}

/**
 * Compares samples with their references: four measures each, and one decision for each at a joint false-alarm rate. Holm's
 * and Benjamini and Hochberg's procedures both keep it when nothing has changed; when something has, Holm's bounds the
 * probability of any wrong name, and the other the share of wrong names.
 *
 * @throws PlatformError `STATISTIC_INPUT_INVALID` for a sample without a finite value
 * @see Holm (1979), "A simple sequentially rejective multiple test procedure"; Benjamini and Hochberg (1995)
 */
export function checkDrift(samples: readonly DriftSample[], options: DriftOptions): FeatureDrift[] {
  const bridges = brownianBridges(foldIn(options.key, "bridges"));
  const measured = samples.map(({ reference, values: all, dates }) => {
    const kept = Array.from(all).flatMap((value, i) => (Number.isFinite(value) ? [i] : []));
    const values = Float64Array.from(kept, (i) => all[i]);
    const size = effectiveSize(values, dates && Float64Array.from(kept, (i) => dates[i]));
    const counts = countClasses(values, reference.edges);
    const { values: sorted } = distributionOf(values);
    const s = scatter(reference.effectiveCount, size);
    const classes = reference.counts.length;
    const tests: { measure: DriftMeasure; value: number; chance: NullDistribution }[] = [
      {
        measure: "psi",
        value: populationStabilityIndex(reference.counts, counts),
        chance: stabilityNull(classes, s),
      },
      {
        measure: "jensenShannon",
        value: jensenShannonDivergence(reference.counts, counts),
        chance: jensenShannonNull(classes, s),
      },
      { measure: "kolmogorovSmirnov", value: distanceToSketch(reference, sorted), chance: kolmogorovNull(s) },
      {
        measure: "wasserstein",
        value: wassersteinToSketch(reference, sorted),
        chance: wassersteinNull(bridges, reference.quantiles, s),
      },
    ];
    return {
      reference,
      facts: {
        name: reference.name,
        referenceCount: reference.count,
        count: values.length,
        referenceEffectiveCount: reference.effectiveCount,
        effectiveCount: size,
        missing: 1 - values.length / all.length,
        referenceMissing: reference.missing / (reference.missing + reference.count),
      },
      tests: tests.map((test) => ({ ...test, pValue: test.chance.pValue(test.value) })),
    };
  });
  const level = levelOfOneTest(
    measured.flatMap(({ tests }) => tests.map(({ pValue }) => pValue)),
    options,
  );
  return measured.map(({ facts, tests }) => {
    const measures = tests.map(({ measure, value, pValue, chance }) => ({
      measure,
      value,
      threshold: chance.threshold(level),
      pValue,
      drifted: pValue <= level,
    }));
    return { ...facts, measures, drifted: measures.some(({ drifted }) => drifted) };
  });
}

/**
 * The p-value up to which a test alarms, so that the procedure as a whole keeps its rate.
 *
 * @example
 * levelOfOneTest([0.5, 0.9], { falseAlarmRate: 0.1, correction: "holm" }); // => 0.05
 * levelOfOneTest([0.01, 0.9], { falseAlarmRate: 0.1, correction: "holm" }); // => 0.1
 * levelOfOneTest([0.01, 0.02, 0.9], { falseAlarmRate: 0.06, correction: "benjamini-hochberg" }); // => 0.04
 */
export function levelOfOneTest(
  pValues: readonly number[],
  { falseAlarmRate, correction }: Pick<DriftOptions, "falseAlarmRate" | "correction">,
): number {
  const tests = pValues.length;
  const sorted = [...pValues].sort((a, b) => a - b);
  if (correction === "none" || tests === 0) return falseAlarmRate;
  if (correction === "holm") {
    let rejected = 0;
    while (rejected < tests && sorted[rejected] <= falseAlarmRate / (tests - rejected)) rejected++;
    return falseAlarmRate / Math.max(1, tests - rejected);
  }
  let rejected = tests;
  while (rejected > 0 && sorted[rejected - 1] > (rejected * falseAlarmRate) / tests) rejected--;
  return (Math.max(1, rejected) * falseAlarmRate) / tests;
}
