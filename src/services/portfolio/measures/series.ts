/** What a series of returns amounts to: return, risk, and both together. Each measure has a row with its definition. */
import { mean, quantile, standardDeviation, variance } from "../../../base/index.ts";
import { drawdowns } from "../drawdowns.ts";
import { entropicValueAtRisk } from "../objectives/smooth.ts";
import { tailMean } from "../solvers/scenario-measures.ts";

export interface SeriesOptions {
  readonly periodsPerYear: number;
  /** Annual. */
  readonly riskFree: number;
  /** Confidence of value at risk, CVaR, EVaR and CDaR, inside (0, 1). */
  readonly level: number;
  /** Return of one period that Sortino and Omega count from. */
  readonly minimumReturn: number;
  readonly drawdown: "compounded" | "uncompounded";
}

/** Everything that several measures need, computed once. */
interface Sample extends SeriesOptions {
  readonly returns: Float64Array;
  readonly losses: Float64Array;
  readonly fallen: Float64Array;
  readonly average: number;
  readonly deviation: number;
}

interface MeasureRow {
  readonly of: (sample: Sample) => number;
  /** Which end is good. */
  readonly better: "higher" | "lower" | "neither";
  readonly form: "percent" | "number";
  readonly label: string;
  readonly meaning: string;
}

const higher = { better: "higher" } as const;
const lower = { better: "lower" } as const;
const percent = { form: "percent" } as const;
const number = { form: "number" } as const;

/** Every measure of a series of returns, in the order in which they are shown. */
export const seriesMeasures = {
  returnAnnual: {
    ...higher,
    ...percent,
    label: "Return",
    meaning: "arithmetic mean of the returns times the periods of a year",
    of: ({ average, periodsPerYear }) => average * periodsPerYear,
  },
  growthAnnual: {
    ...higher,
    ...percent,
    label: "Growth",
    meaning: "geometric: what one unit grows by in a year, compounded",
    of: growthOf,
  },
  volatilityAnnual: {
    ...lower,
    ...percent,
    label: "Volatility",
    meaning: "standard deviation of the returns times the square root of the periods of a year",
    of: ({ deviation, periodsPerYear }) => deviation * Math.sqrt(periodsPerYear),
  },
  sharpeAnnual: {
    ...higher,
    ...number,
    label: "Sharpe ratio",
    meaning: "arithmetic return above the risk-free rate over volatility, both annual (Sharpe 1994)",
    of: (s) => over(excess(s), s.deviation * Math.sqrt(s.periodsPerYear)),
  },
  sortinoAnnual: {
    ...higher,
    ...number,
    label: "Sortino ratio",
    meaning: "the same over the root mean square of the returns below the minimum return",
    of: (s) => over(excess(s), Math.sqrt(s.periodsPerYear) * semiDeviation(s)),
  },
  maxDrawdown: {
    ...lower,
    ...percent,
    label: "Maximum drawdown",
    meaning: "largest fall of wealth below its highest value so far, as a share of that value",
    of: ({ fallen }) => most(fallen),
  },
  averageDrawdown: {
    ...lower,
    ...percent,
    label: "Average drawdown",
    meaning: "mean over all periods of the fall below the highest value so far",
    of: ({ fallen }) => mean(fallen),
  },
  ulcerIndex: {
    ...lower,
    ...percent,
    label: "Ulcer index",
    meaning: "root mean square drawdown (Martin 1987)",
    of: ({ fallen }) => Math.sqrt(mean(fallen.map((value) => value * value))),
  },
  cdar: {
    ...lower,
    ...percent,
    label: "CDaR",
    meaning: "mean of the worst drawdowns beyond the level (Chekhlov, Uryasev and Zabarankin 2005)",
    of: ({ fallen, level }) => tailMean(fallen, level),
  },
  calmar: {
    ...higher,
    ...number,
    label: "Calmar ratio",
    meaning: "annual growth over the maximum drawdown",
    of: (s) => over(growthOf(s), most(s.fallen)),
  },
  valueAtRisk: {
    ...lower,
    ...percent,
    label: "Value at risk",
    meaning: "loss that the share 1 - level of the periods exceeds",
    of: ({ losses, level }) => quantile(losses, level),
  },
  cvar: {
    ...lower,
    ...percent,
    label: "CVaR",
    meaning: "mean loss of the worst 1 - level of the periods (Rockafellar and Uryasev 2002)",
    of: ({ losses, level }) => tailMean(losses, level),
  },
  evar: {
    ...lower,
    ...percent,
    label: "EVaR",
    meaning: "entropic value at risk, the tightest exponential bound on CVaR (Ahmadi-Javid 2012)",
    of: ({ returns, level }) => entropicValueAtRisk(returns, level).value,
  },
  worst: {
    ...lower,
    ...percent,
    label: "Worst period",
    meaning: "largest loss of one period",
    of: ({ losses }) => most(losses),
  },
  omega: {
    ...higher,
    ...number,
    label: "Omega ratio",
    meaning: "gains above the minimum return over losses below it (Keating and Shadwick 2002)",
    of: ({ returns, minimumReturn }) => {
      let gains = 0;
      let losses = 0;
      for (const value of returns) {
        gains += Math.max(0, value - minimumReturn);
        losses += Math.max(0, minimumReturn - value);
      }
      return over(gains, losses);
    },
  },
  tailRatio: {
    ...higher,
    ...number,
    label: "Tail ratio",
    meaning: "95 % quantile of the returns over the size of the 5 % quantile",
    of: ({ returns }) => over(quantile(returns, 0.95), Math.abs(quantile(returns, 0.05))),
  },
  skewness: {
    ...higher,
    ...number,
    label: "Skewness",
    meaning: "third standardised moment; negative when the falls are the larger surprises",
    of: (s) => moment(s, 3),
  },
  kurtosis: {
    ...lower,
    ...number,
    label: "Kurtosis",
    meaning: "fourth standardised moment; 3 for the normal distribution",
    of: (s) => moment(s, 4),
  },
  positiveShare: {
    ...higher,
    ...percent,
    label: "Positive periods",
    meaning: "share of the periods with a return above 0",
    of: ({ returns }) => returns.reduce((count, value) => count + (value > 0 ? 1 : 0), 0) / returns.length,
  },
} as const satisfies Record<string, MeasureRow>;

export type SeriesMeasureName = keyof typeof seriesMeasures;
export type SeriesMeasures = Readonly<Record<SeriesMeasureName, number>>;
export const seriesMeasureNames = Object.keys(seriesMeasures) as SeriesMeasureName[];

export const defaultSeriesOptions: SeriesOptions = {
  periodsPerYear: 252,
  riskFree: 0,
  level: 0.95,
  minimumReturn: 0,
  drawdown: "compounded",
};

/**
 * All measures of a series of simple returns. A ratio whose denominator is 0 is NaN.
 *
 * @param returns `[periods]`, at least two
 * @example
 * measuresOf(Float64Array.of(0.5, -0.5, 0.25)).maxDrawdown; // => 0.5
 */
export function measuresOf(
  returns: Float64Array,
  options: SeriesOptions = defaultSeriesOptions,
): SeriesMeasures {
  const sample = sampleOf(returns, options);
  return Object.fromEntries(
    seriesMeasureNames.map((name) => [name, seriesMeasures[name].of(sample)]),
  ) as SeriesMeasures;
}

/** One measure of a series, without the others. */
export function measureOf(
  name: SeriesMeasureName,
  returns: Float64Array,
  options: SeriesOptions = defaultSeriesOptions,
): number {
  return seriesMeasures[name].of(sampleOf(returns, options));
}

function sampleOf(returns: Float64Array, options: SeriesOptions): Sample {
  return {
    ...options,
    returns,
    losses: returns.map((value) => -value),
    fallen: drawdowns(returns, options.drawdown),
    average: mean(returns),
    deviation: standardDeviation(returns),
  };
}

function growthOf({ returns, periodsPerYear }: Sample): number {
  let sum = 0;
  for (const value of returns) sum += Math.log1p(Math.max(-1, value));
  return Math.expm1((sum / returns.length) * periodsPerYear);
}

function excess({ average, periodsPerYear, riskFree }: Sample): number {
  return average * periodsPerYear - riskFree;
}

function semiDeviation({ returns, minimumReturn }: Sample): number {
  return Math.sqrt(mean(returns.map((value) => Math.min(0, value - minimumReturn) ** 2)));
}

function moment({ returns, average }: Sample, power: 3 | 4): number {
  const spread = variance(returns, 0);
  return over(mean(returns.map((value) => (value - average) ** power)), spread ** (power / 2));
}

function most(values: Float64Array): number {
  return values.reduce((largest, value) => Math.max(largest, value), Number.NEGATIVE_INFINITY);
}

function over(numerator: number, denominator: number): number {
  return denominator > 0 ? numerator / denominator : Number.NaN;
}
