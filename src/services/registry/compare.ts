/** Candidate and champion judged on one test that is new to both, where their manifests were judged on two. */
import { type Context, calendarDate, dayMs, PlatformError, type RegistryPort } from "../../base/index.ts";
import { EvaluateInput, evaluateForecast, openForecastArtifact } from "../forecast/index.ts";
import { saidOnce } from "./once.ts";

const champion = "champion";

/**
 * The metric of a model's policy for both, measured on the dates that came after both trainings. The policy's path begins
 * with `test.`, as in a manifest.
 *
 * @returns undefined when the policy compares nothing, or there is no champion
 * @throws PlatformError `PROMOTION_REFUSED` when there is no such number, or the two were not judged on the same samples
 */
export async function judgeBoth(
  { model, version }: { readonly model: string; readonly version: number },
  data: string,
  registry: RegistryPort,
  context: Context,
): Promise<{ champion: number; candidate: number; test: string } | undefined> {
  const { metric } = await registry.policy(model);
  const present = await registry.inCharge(model, champion, context.clock.now());
  if (metric === null || present === undefined || present.version === null) return undefined;
  const references = [present.version, version].map((number) => `${model}@${number}`);
  const [was, is] = await Promise.all(
    references.map(async (reference) => {
      const { configuration } = await openForecastArtifact(reference, context.models);
      return { known: configuration.knownUntil, symbols: configuration.input.symbols };
    }),
  );
  // A date begins a day, and the later training may have seen a part of its day.
  const start = calendarDate(Math.ceil(Math.max(was.known, is.known) / dayMs) * dayMs);
  const request = { data, start, folds: 1, symbols: is.symbols };
  const judging = saidOnce(context);
  const judged = [];
  for (const artifact of references) {
    const { total } = await evaluateForecast(EvaluateInput.parse({ artifact, ...request }), judging);
    judged.push({ n: total[0].n, value: numberAt(total[0], metric.path, artifact) });
  }
  const [before, after] = judged;
  if (before.n !== after.n)
    throw refused(`${model}: expected both judged on the same samples, received ${before.n} and ${after.n}`);
  const test = `${data} from ${start}, ${before.n} samples`;
  return { champion: before.value, candidate: after.value, test };
}

function numberAt(score: object, path: string, reference: string): number {
  const [root, ...keys] = path.split(".");
  const value = keys.reduce<unknown>(
    (inner, key) => (inner as Record<string, unknown> | null | undefined)?.[key],
    score,
  );
  if (root === "test" && typeof value === "number" && Number.isFinite(value)) return value;
  throw refused(
    `${reference}: expected a number at ${path} of a judgement, such as test.model.mse, found none`,
  );
}

function refused(message: string): PlatformError {
  return new PlatformError("conflict", "PROMOTION_REFUSED", message);
}
