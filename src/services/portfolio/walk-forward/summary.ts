/** What the runs of several methods amount to, and how much of it may be luck. */
import { foldIn, type Key, matrix, mean, standardDeviation } from "../../../base/index.ts";
import { automaticBlockLength, type BootstrapOptions, bootstrapIntervals } from "../measures/bootstrap.ts";
import { measureOf, measuresOf, type SeriesMeasures, type SeriesOptions } from "../measures/series.ts";
import {
  deflatedSharpe,
  overfittingProbability,
  probabilisticSharpe,
  sharpeSample,
} from "../measures/sharpe-inference.ts";
import type { ReturnPanel } from "../returns.ts";
import type { MethodRun, Path } from "./run.ts";

export interface MethodSummary extends SeriesMeasures {
  readonly name: string;
  readonly folds: number;
  readonly paths: number;
  readonly observations: number;
  readonly cvar95: number;
  readonly turnover: number;
  readonly turnoverAnnual: number;
  readonly costAnnual: number;
  readonly effectiveAssets: number;
  readonly weightStability: number;
  readonly probabilisticSharpe: number;
  readonly deflatedSharpe: number;
  /** Standard deviation of the Sharpe ratio over the paths; NaN for one path. */
  readonly sharpeDeviation: number;
  readonly intervals: Readonly<
    Record<"sharpeAnnual" | "returnAnnual" | "volatilityAnnual" | "maxDrawdown", readonly [number, number]>
  >;
  /** Sharpe ratio less that of equal weight, and its interval; both from the same resampled periods. */
  readonly sharpeOverEqualWeight: { readonly value: number; readonly low: number; readonly high: number };
  readonly notes: readonly string[];
}

export interface Comparison {
  readonly methods: readonly MethodSummary[];
  /** The method with the largest Sharpe ratio. */
  readonly best: string;
  /** Methods whose returns differ: those that do the same are one trial. */
  readonly trials: number;
  /** NaN where there is nothing to choose from. */
  readonly probabilityOfOverfitting: number;
  readonly overfittingSplits: number;
  readonly blockLength: number;
}

/** Rows of the comparison, in the order of the runs. */
export function summarise(
  panel: ReturnPanel,
  runs: readonly MethodRun[],
  options: SeriesOptions,
  key: Key,
  bootstrap: Pick<BootstrapOptions, "resamples" | "confidence"> = {},
): Comparison {
  const series = runs.map(({ paths }) => paths[0].returns);
  const perPeriod = options.riskFree / options.periodsPerYear;
  const samples = series.map((returns) => sharpeSample(returns, perPeriod));
  const distinct = distinctSeries(series);
  const ratios = distinct.map((m) => samples[m].sharpe);
  const equal = runs.findIndex(({ name }) => name === "equal-weight");
  const blockLength = mean(series.map(automaticBlockLength));
  const periods = series[0].length;
  const intervals = bootstrapIntervals(
    periods,
    (order) => resampled(order, series, equal, options),
    foldIn(key, "bootstrap"),
    { ...bootstrap, blockLength },
  );
  const methods = runs.map((run, m): MethodSummary => {
    const all = run.paths.map(({ returns }) => measuresOf(returns, options));
    const average = Object.fromEntries(
      Object.keys(all[0]).map((name) => [name, mean(all.map((one) => one[name as keyof SeriesMeasures]))]),
    ) as unknown as SeriesMeasures;
    const range = (name: BootstrapName) => {
      const { low, high } = intervals[`${m} ${name}`];
      return [low, high] as const;
    };
    const [low, high] = range("difference");
    return {
      name: run.name,
      folds: run.paths[0].decisions.length,
      paths: run.paths.length,
      observations: periods,
      ...average,
      cvar95: mean(run.paths.map(({ returns }) => measureOf("cvar", returns, { ...options, level: 0.95 }))),
      ...trading(panel, run.paths, options.periodsPerYear),
      probabilisticSharpe: probabilisticSharpe(samples[m]),
      deflatedSharpe: deflatedSharpe(samples[m], ratios),
      sharpeDeviation:
        all.length > 1 ? standardDeviation(all.map(({ sharpeAnnual }) => sharpeAnnual)) : Number.NaN,
      intervals: {
        sharpeAnnual: range("sharpeAnnual"),
        returnAnnual: range("returnAnnual"),
        volatilityAnnual: range("volatilityAnnual"),
        maxDrawdown: range("maxDrawdown"),
      },
      sharpeOverEqualWeight: {
        value: average.sharpeAnnual - measureOf("sharpeAnnual", series[equal], options),
        low,
        high,
      },
      notes: run.notes,
    };
  });
  const best = methods.reduce((a, b) => (b.sharpeAnnual > a.sharpeAnnual ? b : a));
  const blocks = [16, 14, 12, 10, 8, 6, 4, 2].find((count) => periods >= 8 * count) ?? 2;
  const overfitting =
    periods >= 4 && distinct.length > 1
      ? overfittingProbability(stacked(series), blocks)
      : { probability: Number.NaN, splits: 0 };
  return {
    methods,
    best: best.name,
    trials: distinct.length,
    probabilityOfOverfitting: overfitting.probability,
    overfittingSplits: overfitting.splits,
    blockLength,
  };
}

/** The first of all series that are the same, up to what solvers can tell apart. */
function distinctSeries(series: readonly Float64Array[]): number[] {
  const same = (a: Float64Array, b: Float64Array) => a.every((value, t) => Math.abs(value - b[t]) <= 1e-8);
  const out: number[] = [];
  series.forEach((returns, m) => {
    if (!out.some((other) => same(series[other], returns))) out.push(m);
  });
  return out;
}

type BootstrapName = "sharpeAnnual" | "returnAnnual" | "volatilityAnnual" | "maxDrawdown" | "difference";

/** What the bootstrap asks of every series on one resampled history, in one pass over it. */
function resampled(
  order: Int32Array,
  series: readonly Float64Array[],
  equal: number,
  { periodsPerYear, riskFree, drawdown }: SeriesOptions,
): Record<`${number} ${BootstrapName}`, number> {
  const out: Record<`${number} ${BootstrapName}`, number> = {};
  const n = order.length;
  const ratios = series.map((returns, m) => {
    let sum = 0;
    let squares = 0;
    let wealth = drawdown === "compounded" ? 1 : 0;
    let high = wealth;
    let fallen = 0;
    for (let t = 0; t < n; t++) {
      const value = returns[order[t]];
      sum += value;
      squares += value * value;
      wealth = drawdown === "compounded" ? wealth * (1 + value) : wealth + value;
      if (wealth > high) high = wealth;
      else fallen = Math.max(fallen, drawdown === "compounded" ? 1 - wealth / high : high - wealth);
    }
    const average = sum / n;
    const deviation = Math.sqrt(Math.max(0, (squares - sum * average) / (n - 1)));
    const [returnAnnual, volatilityAnnual] = [
      average * periodsPerYear,
      deviation * Math.sqrt(periodsPerYear),
    ];
    out[`${m} returnAnnual`] = returnAnnual;
    out[`${m} volatilityAnnual`] = volatilityAnnual;
    out[`${m} maxDrawdown`] = fallen;
    out[`${m} sharpeAnnual`] = (returnAnnual - riskFree) / volatilityAnnual;
    return out[`${m} sharpeAnnual`];
  });
  ratios.forEach((ratio, m) => {
    out[`${m} difference`] = ratio - ratios[equal];
  });
  return out;
}

/** Means over the paths of what trading and holding look like. */
function trading(panel: ReturnPanel, paths: readonly Path[], periodsPerYear: number) {
  const of = (measure: (path: Path) => number) => mean(paths.map(measure));
  const later = ({ turnover }: Path) => turnover.slice(1); // the first purchase is no change of mind
  return {
    turnover: of((path) => (path.turnover.length > 1 ? mean(later(path)) : 0)),
    turnoverAnnual: of(
      (path) => (later(path).reduce((sum, value) => sum + value, 0) / path.returns.length) * periodsPerYear,
    ),
    costAnnual: of(
      (path) => (path.costs.reduce((sum, value) => sum + value, 0) / path.returns.length) * periodsPerYear,
    ),
    effectiveAssets: of(({ weights }) => {
      let sum = 0;
      for (let t = 0; t < weights.rows; t++) {
        let squares = 0;
        for (let i = 0; i < weights.columns; i++) squares += weights.data[t * weights.columns + i] ** 2;
        sum += squares > 0 ? 1 / squares : 0;
      }
      return sum / weights.rows;
    }),
    weightStability: of(({ decisions }) => {
      if (decisions.length < 2) return 1;
      let moved = 0;
      for (let f = 1; f < decisions.length; f++)
        for (let i = 0; i < panel.assets.length; i++)
          moved += Math.abs(decisions[f].weights[i] - decisions[f - 1].weights[i]) / 2;
      return 1 - moved / (decisions.length - 1);
    }),
  };
}

function stacked(series: readonly Float64Array[]) {
  const out = matrix(series.length, series[0].length);
  series.forEach((returns, m) => {
    out.data.set(returns, m * returns.length);
  });
  return out;
}

/** Compound returns of each calendar month, `[year][month]`; NaN where there is none. */
export function monthlyReturns(times: Float64Array, returns: Float64Array) {
  const byMonth = new Map<string, number>();
  times.forEach((time, t) => {
    const month = new Date(time).toISOString().slice(0, 7);
    byMonth.set(month, (1 + (byMonth.get(month) ?? 0)) * (1 + returns[t]) - 1);
  });
  const years = [...new Set([...byMonth.keys()].map((month) => month.slice(0, 4)))].sort();
  return {
    years,
    values: years.map((year) =>
      Array.from(
        { length: 12 },
        (_, m) => byMonth.get(`${year}-${String(m + 1).padStart(2, "0")}`) ?? Number.NaN,
      ),
    ),
  };
}
