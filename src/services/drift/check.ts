/** Whether the data of now still is what a model was made from. */
import { type Context, foldIn } from "../../base/index.ts";
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
  return { ...result, summary: driftSummary(result) };
}
