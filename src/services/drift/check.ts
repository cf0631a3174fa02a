/** Whether the data of now still is what a model was made from. */
import { type Context, foldIn, modelReference, ownerActor } from "../../base/index.ts";
import { checkDrift } from "../../models/index.ts";
import { monitor } from "../forecast/index.ts";
import type { DriftCheckInput, DriftCheckOutput } from "./schema.ts";
import { driftSummary } from "./tables.ts";

export async function driftCheck(input: DriftCheckInput, context: Context): Promise<DriftCheckOutput> {
  const { falseAlarmRate, correction } = input;
  const { features, scores, ...facts } = await monitor(input, context);
  // One decision over inputs and answers together keeps one rate.
  const all = checkDrift([...features, ...scores], {
    falseAlarmRate,
    correction,
    key: foldIn(context.key, "drift"),
  }).map((one) => ({ ...one, measures: [...one.measures] }));
  const result = {
    ...facts,
    features: all.slice(0, features.length),
    scores: all.slice(features.length),
    falseAlarmRate,
    correction,
    drifted: all.some(({ drifted }) => drifted),
  };
  await record(input.artifact, result, context);
  return { ...result, summary: driftSummary(result) };
}

/** What was found of a version of the registry is kept there, for whoever watches it. */
async function record(
  artifact: string,
  { digest, features, scores, from, to, drifted }: Omit<DriftCheckOutput, "summary">,
  { clock, actor = ownerActor, platform }: Context,
): Promise<void> {
  const reference = modelReference(artifact);
  if (reference === undefined) return;
  const { registry } = await platform();
  // By its digest: an alias may have moved since the model was opened.
  const { model, version } = await registry.resolve({ model: reference.model, at: { digest } });
  await registry.recordDrift({
    ...{ model, version, from, to, drifted },
    at: clock.now(),
    by: actor,
    features: [...features, ...scores].map(({ name, drifted: has, measures }) => ({
      ...{ name, drifted: has },
      measures: measures.map(({ measure, value }) => ({ measure, value })),
    })),
  });
}
