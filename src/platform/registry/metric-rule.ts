/** The part of a promotion policy that looks at numbers: the candidate is not worse than the champion on the same test. */
import { type MetricComparison, type MetricRule, PlatformError } from "../../base/index.ts";

/** Where a manifest says which test its metrics come from: equal digests, equal tests. */
export const testSetPath = "testSet";

/** What is compared: a version's number, and the metrics of its manifest. */
export interface JudgedVersion {
  readonly version: number;
  readonly metrics: Readonly<Record<string, unknown>>;
}

/**
 * Both numbers from the manifests, when they come from the same test.
 *
 * @throws PlatformError `PROMOTION_REFUSED` when a number is missing or the tests differ
 */
export function compareMetrics(
  rule: MetricRule,
  model: string,
  champion: JudgedVersion,
  candidate: JudgedVersion,
): MetricComparison {
  const [was, is] = [champion, candidate].map(({ version, metrics }) => {
    const value = valueAt(metrics, rule.path);
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw refused(`${model}@${version}: expected a number at ${rule.path} of its metrics, found none`);
  });
  const [test, other] = [champion, candidate].map(({ metrics }) => valueAt(metrics, testSetPath));
  if (typeof test !== "string" || test !== other) {
    throw refused(
      `${model}: expected versions ${champion.version} and ${candidate.version} to be judged on the same test, received two tests; give data that is new to both, on which both are judged now`,
    );
  }
  return { ...rule, champion: was, candidate: is, test };
}

/**
 * Whether a candidate is good enough: not worse than the champion by more than `tolerance` of the champion's size.
 *
 * @example
 * meetsRule({ path: "mse", better: "lower", tolerance: 0.02, champion: 1, candidate: 1.01, test: "a" }); // => true
 * meetsRule({ path: "mse", better: "lower", tolerance: 0, champion: 1, candidate: 1.01, test: "a" }); // => false
 * meetsRule({ path: "ic", better: "higher", tolerance: 0.5, champion: -0.2, candidate: -0.29, test: "a" }); // => true
 */
export function meetsRule({ better, tolerance, champion, candidate }: MetricComparison): boolean {
  const slack = tolerance * Math.abs(champion);
  return better === "lower" ? candidate <= champion + slack : candidate >= champion - slack;
}

/** @throws PlatformError `PROMOTION_REFUSED` with both numbers and the rule */
export function requireRule(model: string, candidate: number, comparison: MetricComparison): void {
  if (meetsRule(comparison)) return;
  const { path, tolerance, champion, candidate: value } = comparison;
  throw refused(
    `${model}@${candidate}: expected ${path} at most ${(100 * tolerance).toPrecision(3)} % worse than the champion's ${shown(champion)}, received ${shown(value)}`,
  );
}

/** What lies at a path such as `test.model.mse`; undefined when nothing does. */
export function valueAt(metrics: Readonly<Record<string, unknown>>, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (value, key) =>
        typeof value === "object" && value !== null && Object.hasOwn(value, key)
          ? (value as Record<string, unknown>)[key]
          : undefined,
      metrics,
    );
}

function refused(message: string): PlatformError {
  return new PlatformError("conflict", "PROMOTION_REFUSED", message);
}

function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}
