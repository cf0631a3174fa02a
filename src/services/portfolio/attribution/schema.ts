/** What goes into and comes out of `portfolio.attribution`. */
import { z } from "zod";
import { EstimateFields, PriceFields } from "../schema.ts";
import { rebalanceNames } from "../walk-forward/calendar.ts";

export const AttributionInput = z.object({
  ...PriceFields,
  weights: z.record(z.string(), z.number()).describe('weights at the start, as {"AAPL": 0.6, "PFE": 0.4}'),
  benchmark: z
    .record(z.string(), z.number())
    .optional()
    .describe("weights of the benchmark at the start; equal weights of all assets by default"),
  groups: z
    .record(z.string(), z.array(z.string()))
    .optional()
    .describe('groups to attribute to, as {"tech": ["AAPL", "MSFT"]}; each asset by itself by default'),
  rebalance: z
    .enum(rebalanceNames)
    .default("test")
    .describe("when both are traded back to their weights; test: never, so that they drift"),
  covariance: EstimateFields.covariance,
  periodsPerYear: EstimateFields.periodsPerYear,
  span: EstimateFields.span,
});
export type AttributionInput = z.output<typeof AttributionInput>;

const Effects = {
  allocation: z.number().describe("of holding more or less of the group than the benchmark"),
  selection: z.number().describe("of what is held inside of the group"),
  interaction: z.number().describe("of both at once"),
};

export const AttributionOutput = z.object({
  portfolioReturn: z.number().describe("compounded over the whole time"),
  benchmarkReturn: z.number(),
  activeReturn: z.number().describe("the difference, which all effects add up to"),
  ...Effects,
  groups: z.record(
    z.string(),
    z.object({
      ...Effects,
      total: z.number(),
      portfolioWeight: z.number().describe("mean over time"),
      benchmarkWeight: z.number(),
      portfolioReturn: z.number(),
      benchmarkReturn: z.number(),
      volatilityContribution: z
        .number()
        .describe("annual; adds up to the volatility of the weights at the start"),
      trackingErrorContribution: z.number().describe("annual; adds up to the tracking error"),
    }),
  ),
  volatilityAnnual: z.number().describe("of the weights at the start, by the covariance that was asked for"),
  benchmarkVolatilityAnnual: z.number(),
  trackingErrorAnnual: z.number(),
  assets: z.record(
    z.string(),
    z.object({
      weight: z.number(),
      benchmarkWeight: z.number(),
      return: z.number(),
      volatilityContribution: z.number(),
      trackingErrorContribution: z.number(),
    }),
  ),
  from: z.string(),
  to: z.string(),
  observations: z.number().int(),
  warnings: z.array(z.string()),
});
export type AttributionOutput = z.output<typeof AttributionOutput>;
