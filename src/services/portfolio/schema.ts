/** What goes into and comes out of the portfolio capabilities. */
import { z } from "zod";
import { priceRequestFields, priceSourceMeaning } from "../../data/index.ts";
import { covarianceNames, expectedReturnsNames } from "./estimators/table.ts";
import { viewMethods } from "./estimators/with-views.ts";
import { distanceNames } from "./hierarchical/distances.ts";
import { linkages } from "./hierarchical/linkage.ts";
import { type SeriesMeasureName, seriesMeasureNames, seriesMeasures } from "./measures/series.ts";
import { riskNames } from "./objectives/input.ts";
import { objectiveNames } from "./objectives/table.ts";

const Symbols = (meaning: string) => z.record(z.string(), z.number()).optional().describe(meaning);

export const PriceFields = {
  prices: z.string().min(1).describe(priceSourceMeaning),
  ...priceRequestFields,
  seed: z.number().int().optional().describe("seed of the simulated market"),
  clean: z
    .boolean()
    .default(false)
    .describe("drop duplicates and prices that cannot be first; always done with the simulated market"),
  gaps: z
    .enum(["fill", "missing"])
    .default("fill")
    .describe("a date without a price between two: carry the last price forward, or leave both returns out"),
};

export const EstimateFields = {
  expectedReturns: z.enum(expectedReturnsNames).default("mean").describe("estimator of expected returns"),
  covariance: z.enum(covarianceNames).default("sample").describe("estimator of the covariance"),
  riskFree: z.number().default(0).describe("risk-free rate, annual; 0.02 is two percent"),
  periodsPerYear: z
    .number()
    .positive()
    .optional()
    .describe("periods in a year; by default read off the dates"),
  span: z.number().min(1).default(500).describe("span of exponential weights, in periods"),
  missing: z
    .enum(["complete", "zero"])
    .default("complete")
    .describe(
      "periods without a return of some asset, for covariances that need all: leave out, or count as 0",
    ),
  gerberThreshold: z.number().min(0).max(1).default(0.5).describe("of gerber, in standard deviations"),
  lassoPenalty: z.number().gt(0).max(1).default(0.1).describe("of graphical-lasso, on correlations"),
  factorCount: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe("components of the factor covariance; by default those above what noise would show"),
};

export const ViewFields = {
  views: z
    .array(z.string())
    .default([])
    .describe('opinions on annual returns, as "AAPL = 10%" or "MSFT - GOOG = 2% @ 60%" with a confidence'),
  viewMethod: z.enum(viewMethods).default("black-litterman").describe("how views are taken in"),
  tau: z.number().positive().default(0.05).describe("uncertainty of the prior, as a share of the covariance"),
  marketWeights: Symbols("market shares whose implied returns are the prior, instead of the estimate"),
  marketRiskAversion: z.number().positive().default(2.5).describe("of the market that implies the prior"),
};

export const LimitFields = {
  minWeight: z.number().default(0).describe("least weight of an asset; negative allows short positions"),
  maxWeight: z.number().default(1).describe("largest weight of an asset"),
  bounds: z
    .record(z.string(), z.tuple([z.number(), z.number()]))
    .optional()
    .describe('least and largest weight of single assets, as {"AAPL": [0, 0.1]}'),
  netExposure: z.number().nullable().default(1).describe("sum of all weights; null leaves it open"),
  grossLimit: z.number().positive().optional().describe("most of the sum of absolute weights (leverage)"),
  groups: z
    .record(z.string(), z.array(z.string()))
    .optional()
    .describe('groups that constraints may name, as {"tech": ["AAPL", "MSFT"]}'),
  factors: z
    .record(z.string(), z.record(z.string(), z.number()))
    .optional()
    .describe('loadings that constraints may name, as {"beta": {"AAPL": 1.2}}'),
  constraints: z
    .array(z.string())
    .default([])
    .describe(
      'linear constraints in words, as "tech <= 0.3" or "AAPL >= 2 * MSFT"; gross, net, short and turnover are known',
    ),
  holdings: Symbols("weights held before"),
  turnoverLimit: z.number().min(0).optional().describe("most of what is bought plus what is sold"),
  costBps: z.number().min(0).optional().describe("cost of trading, in basis points of what is traded"),
  impact: z.number().min(0).optional().describe("quadratic cost: impact times the square of each change"),
  benchmark: Symbols("weights of the benchmark"),
  trackingErrorLimit: z
    .number()
    .positive()
    .optional()
    .describe("most tracking error to the benchmark, annual"),
  activeLimit: z.number().min(0).optional().describe("most that a weight may differ from the benchmark's"),
  targetReturn: z.number().optional().describe("least expected return, annual, net of costs"),
  targetVolatility: z.number().positive().optional().describe("most volatility, annual"),
  riskContributionLimit: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe("most of each asset's share of the variance; not convex, so the answer is a local optimum"),
  minPosition: z.number().positive().optional().describe("least weight of an asset that is held at all"),
  maxAssets: z.number().int().min(1).optional().describe("most assets that are held"),
};

export const OptionFields = {
  level: z.number().gt(0).lt(1).default(0.95).describe("confidence of CVaR, CDaR and EVaR"),
  riskAversion: z.number().positive().default(1).describe("of max-utility and robust objectives"),
  l2: z.number().min(0).default(0).describe("adds this times the sum of squared weights to a variance"),
  minimumReturn: z
    .number()
    .default(0)
    .describe("return of one period below which semi-deviation counts a loss"),
  riskBudgets: Symbols("shares of risk for risk parity; by default equal"),
  uncertainty: z
    .number()
    .min(0)
    .default(1)
    .describe("size of the uncertainty of expected returns, in standard errors"),
  riskMeasure: z
    .enum(riskNames)
    .default("volatility")
    .describe("risk that max-ratio, max-utility, risk-parity, --target-risk and the frontier measure"),
  linkage: z
    .enum(linkages)
    .optional()
    .describe("how clusters are joined; single for hrp, ward for herc and nco by default"),
  distance: z.enum(distanceNames).optional().describe("between two assets, from their correlation"),
  clusters: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe("clusters of herc and nco; found from the tree by default"),
  drawdown: z
    .enum(["compounded", "uncompounded"])
    .default("compounded")
    .describe("whether reported drawdowns are of wealth, or of summed returns as optimised ones are"),
};

export const OptimizeInput = z.object({
  ...PriceFields,
  objective: z.enum(objectiveNames).default("max-sharpe").describe("what is best"),
  ...EstimateFields,
  ...ViewFields,
  ...LimitFields,
  ...OptionFields,
  targetRisk: z
    .number()
    .positive()
    .optional()
    .describe("most of the risk that --risk-measure names, with max-return; in the units of the measure"),
});
export type OptimizeInput = z.output<typeof OptimizeInput>;

export const CertificateOutput = z.object({
  method: z.string(),
  gap: z.number().describe("proved bound on the distance from the best value, relative"),
  tolerance: z.number(),
  iterations: z.number().int().optional(),
});

/** The measures of a series of returns, each with its definition. */
const SeriesFields = Object.fromEntries(
  seriesMeasureNames.map((name) => [name, z.number().nullable().describe(seriesMeasures[name].meaning)]),
) as Record<SeriesMeasureName, z.ZodNullable<z.ZodNumber>>;

export const Measures = z.object({
  ...SeriesFields,
  semiDeviation: z.number().describe("root mean square of returns below the minimum, per period"),
  meanAbsoluteDeviation: z.number().describe("mean distance of returns from their mean, per period"),
  diversificationRatio: z.number().describe("weighted mean volatility over the portfolio's"),
  effectiveAssets: z.number().describe("one over the sum of squared weights; 0 when nothing is held"),
});
export type Measures = z.output<typeof Measures>;

const Sample = z.object({
  estimator: z.string(),
  observations: z.number().int().describe("periods of the asset, or pair of assets, that has the most"),
  fewest: z.number().int().describe("of the one that has the fewest"),
  from: z.string(),
  to: z.string(),
});
const Samples = z
  .object({ expectedReturns: Sample, covariance: Sample, measures: Sample })
  .describe("the periods that expected returns, covariance and measures come from; they can differ");

export const OptimizeOutput = z.object({
  objective: z.enum(objectiveNames),
  weights: z.record(z.string(), z.number()),
  expectedReturnAnnual: z
    .number()
    .describe("by the estimator that was asked for, on samples.expectedReturns, before costs"),
  volatilityAnnual: z.number().describe("by the covariance that was asked for, on samples.covariance"),
  sharpe: z.number().nullable().describe("of these two"),
  turnover: z.number().describe("what is bought plus what is sold from the holdings"),
  cost: z.number().describe("of trading, as a share of the portfolio"),
  riskContributions: z.record(z.string(), z.number()).describe("shares of the variance"),
  measures: Measures.describe(
    "of the history of these weights on samples.measures, rebalanced every period; its own return, volatility and Sharpe ratio included",
  ),
  certificate: CertificateOutput,
  periodsPerYear: z.number(),
  observations: z.number().int().describe("periods in which all assets have a return"),
  from: z.string(),
  to: z.string(),
  samples: Samples,
  warnings: z.array(z.string()),
});
export type OptimizeOutput = z.output<typeof OptimizeOutput>;

export const FrontierInput = z.object({
  ...PriceFields,
  points: z.number().int().min(2).max(1000).default(20).describe("portfolios from least risk to most return"),
  ...EstimateFields,
  ...ViewFields,
  ...LimitFields,
  ...OptionFields,
});
export type FrontierInput = z.output<typeof FrontierInput>;

export const FrontierPointOutput = z.object({
  expectedReturnAnnual: z.number(),
  volatilityAnnual: z.number(),
  sharpe: z.number().nullable(),
  risk: z.number().describe("the measure of risk that the frontier is one of"),
  weights: z.record(z.string(), z.number()),
  certificate: CertificateOutput,
});

export const FrontierOutput = z.object({
  riskMeasure: z.enum(riskNames),
  points: z.array(FrontierPointOutput),
  special: z
    .record(z.string(), FrontierPointOutput)
    .describe("least risk, largest ratio, most return, equal weight, inverse volatility"),
  assets: z.record(
    z.string(),
    z.object({ expectedReturnAnnual: z.number(), volatilityAnnual: z.number(), risk: z.number() }),
  ),
  periodsPerYear: z.number(),
  observations: z.number().int(),
  samples: Samples,
  warnings: z.array(z.string()),
});
export type FrontierOutput = z.output<typeof FrontierOutput>;

export const AllocateInput = z.object({
  ...PriceFields,
  weights: z.record(z.string(), z.number()).describe('weights to reach, as {"AAPL": 0.6, "PFE": 0.4}'),
  value: z.number().positive().describe("money to invest, in the currency of the prices"),
  method: z
    .enum(["greedy", "exact"])
    .default("exact")
    .describe("greedy rounding, or the integer program that misses the weights by the least money"),
  lot: z.number().int().min(1).default(1).describe("shares that are traded together"),
  lots: z.record(z.string(), z.number().int().min(1)).optional().describe("lots of single assets"),
});
export type AllocateInput = z.output<typeof AllocateInput>;

export const AllocateOutput = z.object({
  shares: z.record(z.string(), z.number()),
  amounts: z.record(z.string(), z.number()).describe("money in each asset"),
  weights: z
    .record(z.string(), z.number())
    .describe(
      "weights reached: shares of what is invested where those wanted add up to 1, of the value where they add up to less",
    ),
  leftover: z.number().describe("money that is not invested"),
  rmse: z
    .number()
    .describe(
      "root mean square of weights reached less weights wanted, over all assets of the prices, as PyPortfolioOpt has it",
    ),
  pricesOn: z.string().describe("date of the prices"),
  certificate: CertificateOutput,
  warnings: z.array(z.string()),
});
export type AllocateOutput = z.output<typeof AllocateOutput>;
