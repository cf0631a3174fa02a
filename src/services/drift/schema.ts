/** What goes into and comes out of the drift capabilities. */
import { z } from "zod";
import { corrections, driftMeasures } from "../../models/index.ts";
import { PredictInput } from "../forecast/index.ts";

export const DriftCheckInput = PredictInput.extend({
  since: z.iso
    .date()
    .optional()
    .describe("first date to compare; by default the first after the data that the model was made from"),
  falseAlarmRate: z
    .number()
    .gt(0)
    .lt(0.5)
    .default(0.01)
    .describe("probability of any alarm when nothing has changed"),
  correction: z
    .enum(corrections)
    .default("holm")
    .describe("how that rate is kept over many tests; none keeps it for each test alone"),
});
export type DriftCheckInput = z.output<typeof DriftCheckInput>;

const Measured = z.object({
  measure: z.enum(driftMeasures),
  value: z.number(),
  threshold: z.number().describe("exceeded by chance with the probability that is left to one test"),
  pValue: z.number(),
  drifted: z.boolean(),
});

const Feature = z.object({
  name: z.string(),
  referenceCount: z.number().int(),
  count: z.number().int(),
  referenceEffectiveCount: z.number().describe("what the values are worth as independent ones"),
  effectiveCount: z.number(),
  missing: z.number().describe("share of values that are missing"),
  referenceMissing: z.number(),
  measures: z.array(Measured),
  drifted: z.boolean(),
});

export const DriftCheckOutput = z.object({
  artifact: z.string(),
  digest: z.string(),
  from: z.string().describe("first date that was compared"),
  to: z.string(),
  features: z.array(Feature).describe("what the model reads"),
  scores: z.array(Feature).describe("what it answers"),
  falseAlarmRate: z.number(),
  correction: z.enum(corrections),
  drifted: z.boolean(),
  summary: z.string(),
});
export type DriftCheckOutput = z.output<typeof DriftCheckOutput>;
