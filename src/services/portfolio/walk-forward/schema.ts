/** What goes into and comes out of the walk-forward. */
import { z } from "zod";
import { EstimateFields, LimitFields, OptionFields, PriceFields } from "../schema.ts";
import { rebalanceNames } from "./calendar.ts";

const ProofFields = {
  objectives: z
    .array(z.string())
    .default(["min-volatility", "max-sharpe", "risk-parity", "hrp"])
    .describe(
      "methods to test: objectives, online strategies (online-eg, online-olmar, ...) or learned; equal-weight and inverse-volatility are always tested too",
    ),
  train: z.number().int().min(2).default(252).describe("periods that each fold trains on"),
  test: z
    .number()
    .int()
    .min(1)
    .default(60)
    .describe("periods that each fold tests, and that weights are kept for"),
  expanding: z.boolean().default(false).describe("train on all history so far instead of the last periods"),
  purge: z.number().int().min(0).default(0).describe("periods between training and test that neither sees"),
  rebalance: z
    .enum(rebalanceNames)
    .default("test")
    .describe(
      "when to trade back to the weights of a fold: only at its start, or every period, week, month, quarter, year",
    ),
  resamples: z
    .number()
    .int()
    .min(10)
    .max(100_000)
    .default(500)
    .describe("resampled histories of the bootstrap"),
  confidence: z.number().gt(0).lt(1).default(0.95).describe("probability that bootstrap intervals cover"),
  out: z
    .string()
    .min(1)
    .optional()
    .describe("folder for the report: HTML page, SVG pictures, JSON and CSV values"),
};

export const BacktestInput = z.object({
  ...PriceFields,
  ...ProofFields,
  ...EstimateFields,
  ...LimitFields,
  ...OptionFields,
});
export type BacktestInput = z.output<typeof BacktestInput>;

export const CompareInput = z.object({
  ...PriceFields,
  validation: z
    .enum(["walk-forward", "purged-k-fold", "combinatorial"])
    .default("combinatorial")
    .describe("how history is split into training and test"),
  folds: z
    .number()
    .int()
    .min(2)
    .max(30)
    .default(10)
    .describe("parts of purged and combinatorial cross-validation"),
  testFolds: z
    .number()
    .int()
    .min(1)
    .default(2)
    .describe("parts that combinatorial cross-validation tests at once"),
  embargo: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe("periods after a test part that are not trained on either"),
  ...ProofFields,
  ...EstimateFields,
  ...LimitFields,
  ...OptionFields,
});
export type CompareInput = z.output<typeof CompareInput>;

const Interval = z.tuple([z.number(), z.number()]);
const Ratio = z.number().nullable();

export const MethodOutput = z.object({
  name: z.string(),
  folds: z.number().int(),
  paths: z.number().int(),
  observations: z.number().int().describe("periods tested"),
  sharpeAnnual: Ratio,
  returnAnnual: z.number(),
  growthAnnual: z.number(),
  volatilityAnnual: z.number(),
  maxDrawdown: z.number(),
  turnover: z
    .number()
    .describe("mean over the trades after the first purchase of what is bought plus what is sold"),
  turnoverAnnual: z.number(),
  costAnnual: z.number().describe("of trading, as a share of the portfolio"),
  cvar95: z.number().describe("mean loss of the worst 5 % of periods"),
  sortinoAnnual: Ratio,
  averageDrawdown: z.number(),
  ulcerIndex: z.number(),
  cdar: z.number(),
  calmar: Ratio,
  valueAtRisk: z.number(),
  cvar: z.number(),
  evar: z.number(),
  worst: z.number(),
  omega: Ratio,
  tailRatio: Ratio,
  skewness: Ratio,
  kurtosis: Ratio,
  positiveShare: z.number(),
  effectiveAssets: z.number().describe("mean over time of one over the sum of squared weights"),
  weightStability: z
    .number()
    .describe("one less half the mean change of weights between folds; 1 when they never change"),
  probabilisticSharpe: z.number().describe("probability that the true Sharpe ratio is above 0"),
  deflatedSharpe: z
    .number()
    .describe(
      "probability that it is above what the best of all trials would show by luck; with one trial, that it is above 0",
    ),
  sharpeDeviation: Ratio.describe("standard deviation over the paths of cross-validation"),
  intervals: z
    .object({
      sharpeAnnual: Interval,
      returnAnnual: Interval,
      volatilityAnnual: Interval,
      maxDrawdown: Interval,
    })
    .describe("stationary bootstrap"),
  sharpeOverEqualWeight: z.object({ value: z.number(), low: z.number(), high: z.number() }),
  notes: z.array(z.string()),
});
export type MethodOutput = z.output<typeof MethodOutput>;

export const ProofOutput = z.object({
  validation: z.string(),
  methods: z.array(MethodOutput),
  best: z.string().describe("the largest Sharpe ratio"),
  deflatedSharpe: z.number().describe("of the best method"),
  trials: z.number().int().describe("methods whose returns differ; those that do the same count once"),
  probabilityOfOverfitting: z
    .number()
    .nullable()
    .describe(
      "share of the halvings of the test periods in which the method best in one half is below the median in the other; null where all methods do the same",
    ),
  overfittingSplits: z.number().int(),
  blockLength: z.number().describe("mean length of the bootstrap's blocks, in periods"),
  from: z.string().describe("end of the first tested period"),
  to: z.string(),
  periodsPerYear: z.number(),
  files: z.array(z.string()).describe("written, when a folder was asked for"),
  warnings: z.array(z.string()),
});
export type ProofOutput = z.output<typeof ProofOutput>;
