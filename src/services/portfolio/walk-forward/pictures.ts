/** The pictures of a proof as values: each is drawn in the page and as a file of its own. */
import { type Matrix, quantiles } from "../../../base/index.ts";
import { areaColours, type Chart, formatNumber } from "../../../report/index.ts";
import { defaultLimits } from "../constraints/limits.ts";
import { drawdowns } from "../drawdowns.ts";
import { estimateMarket } from "../estimate.ts";
import { efficientFrontier } from "../frontier.ts";
import { clusterCount } from "../hierarchical/clusters.ts";
import { hierarchyOf } from "../hierarchical/hierarchy.ts";
import { cutTree } from "../hierarchical/linkage.ts";
import { riskContributions } from "../objectives/risk-parity.ts";
import { portfolioVolatility, volatilities } from "../objectives/variance.ts";
import type { Market } from "../problem.ts";
import type { ReturnPanel } from "../returns.ts";
import type { Proof } from "./prove.ts";
import type { MethodRun } from "./run.ts";
import { monthlyReturns } from "./summary.ts";
import { trainingWindow } from "./window.ts";

/** The English of this file, in one place so that it can be translated. */
const words = {
  wealth: "Wealth of one unit",
  wealthSees: "Net of costs, on a logarithmic scale",
  drawdown: "Drawdowns",
  drawdownSees: "How far each method is below its highest value so far",
  date: "Date",
  value: "Value",
  fallen: "Below the peak",
  weights: (name: string) => `Weights of ${name} over time`,
  weightsSee: "What is held at the beginning of each period, drifting with prices between trades",
  weight: "Share of the portfolio",
  rest: (count: number, largest: number) =>
    `${count} ${count === 1 ? "other" : "others"}, ${count === 1 ? "never" : "none"} above ${formatNumber(Math.ceil(largest), 0)} %`,
  monthly: (name: string) => `Monthly returns of ${name}`,
  year: "year",
  month: "month",
  months: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
  whole: "all",
  frontier: "Efficient frontier, assets and methods",
  frontierSees: (from: string, to: string) =>
    `Estimated on the last training part, ${from} to ${to}; long only, fully invested`,
  outside: (assets: readonly string[]) => `Outside of the picture: ${assets.join(", ")}`,
  volatility: "Volatility",
  expected: "Expected return",
  assets: "assets",
  methods: "methods",
  efficient: "efficient frontier",
  contributions: (name: string) => `Risk contributions of ${name}`,
  contributionsSee: "Shares of the variance of the last weights",
  contribution: "Share of the variance",
  dendrogram: "Which assets move together",
  dendrogramSees: "Ward's linkage of the correlations of the last training part; colours are clusters",
  distance: "Distance at which branches join",
  sharpe: "Sharpe ratio with its interval",
  sharpeSees: (confidence: number) =>
    `Annual, after costs; bars cover ${(100 * confidence).toFixed(0)} % of resampled histories`,
  ratio: "Sharpe ratio",
};

export interface Picture {
  /** File name without its ending. */
  readonly name: string;
  readonly chart: Chart;
}

/** The last training part, on which frontier, tree and contributions are drawn. */
export interface LastWindow {
  readonly market: Market;
  readonly members: readonly number[];
  readonly from: string;
  readonly to: string;
}

export function lastWindow({ panel, splits, input, options }: Proof): LastWindow {
  const { train, test } = splits[splits.length - 1];
  const { panel: seen, members } = trainingWindow(panel, train, test[0].from);
  const { market } = estimateMarket(seen, { ...input, periodsPerYear: options.periodsPerYear });
  const day = (at: number) => new Date(seen.times[at]).toISOString().slice(0, 10);
  return { market, members, from: day(0), to: day(seen.times.length - 1) };
}

const percent = (values: ArrayLike<number>) => Float64Array.from(values, (value) => 100 * value);

export function wealthPicture({ panel, runs }: Proof): Picture {
  return {
    name: "wealth",
    chart: {
      kind: "line",
      title: words.wealth,
      description: words.wealthSees,
      x: { label: words.date, kind: "time" },
      y: { label: words.value, kind: "log" },
      series: runs.map(({ name, paths: [path] }) => {
        let wealth = 1;
        return {
          label: name,
          x: Float64Array.from(path.periods, (t) => panel.times[t]),
          y: path.returns.map((value) => {
            wealth *= 1 + value;
            return wealth;
          }),
        };
      }),
    },
  };
}

export function drawdownPicture({ panel, runs, options }: Proof): Picture {
  return {
    name: "drawdowns",
    chart: {
      kind: "line",
      title: words.drawdown,
      description: words.drawdownSees,
      x: { label: words.date, kind: "time" },
      y: { label: words.fallen, unit: "%", include: [0] },
      series: runs.map(({ name, paths: [path] }) => ({
        label: name,
        x: Float64Array.from(path.periods, (t) => panel.times[t]),
        y: drawdowns(path.returns, options.drawdown).map((value) => -100 * value),
      })),
    },
  };
}

/**
 * Weights of some methods as they were held. Each picture names the assets that were largest in it at any time, the others are one area; an
 * asset has the same colour in all pictures, unless two of one picture would share it.
 */
export function weightsPictures({ panel }: Proof, runs: readonly MethodRun[]): Picture[] {
  const sizes = runs.map(({ paths: [{ weights }] }) => sizesOf(weights));
  const rank = descending(panel.assets.map((_, i) => sizes.reduce((sum, { mean }) => sum + mean[i], 0)));
  return runs.map((run, k) => weightsPicture(panel, run, sizes[k], rank));
}

function weightsPicture(
  panel: ReturnPanel,
  { name, paths: [path] }: MethodRun,
  { mean, largest }: Sizes,
  rank: readonly number[],
): Picture {
  const { rows: periods, columns: n, data } = path.weights;
  const held = descending(largest).filter((i) => largest[i] > 1e-6);
  const named = held.slice(0, areaColours).sort((a, b) => mean[b] - mean[a]);
  const others = held.slice(areaColours);
  const colours = coloursOf(named, rank);
  // Between trades weights drift slowly: some days among them draw the same picture.
  const step = Math.ceil(periods / 260);
  const trades = new Set(path.decisions.map(({ period }) => path.periods.indexOf(period)));
  const days = Array.from({ length: periods }, (_, t) => t).filter(
    (t) => t % step === 0 || t === periods - 1 || trades.has(t) || trades.has(t + 1),
  );
  const column = (members: readonly number[]) =>
    Float64Array.from(days, (t) => members.reduce((sum, i) => sum + 100 * data[t * n + i], 0));
  return {
    name: `weights-${name}`,
    chart: {
      kind: "areas",
      title: words.weights(name),
      description: words.weightsSee,
      x: { label: words.date, kind: "time" },
      y: { label: words.weight, unit: "%", include: [0, 100] },
      at: Float64Array.from(days, (t) => panel.times[path.periods[t]]),
      series: [
        ...named.map((i) => ({ label: panel.assets[i], y: column([i]), colour: colours.get(i) as number })),
        ...(others.length > 0
          ? [{ label: words.rest(others.length, 100 * largest[others[0]]), y: column(others), rest: true }]
          : []),
      ],
    },
  };
}

interface Sizes {
  /** Of the absolute weights over time, `[assets]`. */
  readonly mean: Float64Array;
  readonly largest: Float64Array;
}

function sizesOf({ rows, columns: n, data }: Matrix): Sizes {
  const mean = new Float64Array(n);
  const largest = new Float64Array(n);
  for (let t = 0; t < rows; t++)
    for (let i = 0; i < n; i++) {
      const size = Math.abs(data[t * n + i]);
      mean[i] += size / rows;
      largest[i] = Math.max(largest[i], size);
    }
  return { mean, largest };
}

/** Places of values, largest first. */
const descending = (values: ArrayLike<number>) =>
  Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[b] - values[a]);

/** A colour for each asset of a picture: that of its rank among all, or the first that is free where another asset has it. */
function coloursOf(named: readonly number[], rank: readonly number[]): Map<number, number> {
  const free = new Set(Array.from({ length: areaColours }, (_, colour) => colour));
  const colours = new Map<number, number>();
  rank.forEach((asset, place) => {
    if (!named.includes(asset)) return;
    const own = place % areaColours;
    const colour = free.has(own) ? own : [...free][0];
    free.delete(colour);
    colours.set(asset, colour);
  });
  return colours;
}

export function monthlyPicture({ panel }: Proof, { name, paths: [path] }: MethodRun): Picture {
  const times = Float64Array.from(path.periods, (t) => panel.times[t]);
  const { years, values } = monthlyReturns(times, path.returns);
  const whole = values.map(
    (row) => 100 * (row.reduce((growth, value) => growth * (1 + (Number.isNaN(value) ? 0 : value)), 1) - 1),
  );
  return {
    name: `monthly-returns-${name}`,
    chart: {
      kind: "heat",
      title: words.monthly(name),
      rowLabel: words.year,
      columnLabel: words.month,
      unit: "%",
      digits: 1,
      rows: years,
      columns: [...words.months, words.whole],
      values: values.map((row, i) => [...row.map((value) => 100 * value), whole[i]]),
      apart: [12],
    },
  };
}

export function frontierPicture(proof: Proof, { market, members, from, to }: LastWindow): Picture {
  const points = efficientFrontier({ market, limits: defaultLimits, options: proof.input }, "volatility", 40);
  const own = volatilities(market);
  const returnOf = (weights: Float64Array) =>
    weights.reduce((sum, weight, i) => sum + weight * market.expectedReturns[i], 0);
  const near = [own, market.expectedReturns].map(withinReach);
  const drawn = Array.from(own.keys()).filter((i) => near[0](own[i]) && near[1](market.expectedReturns[i]));
  const outside = Array.from(own.keys()).filter((i) => !drawn.includes(i));
  const methods = proof.runs.map(({ name, paths: [path] }) => {
    const last = path.decisions[path.decisions.length - 1].weights;
    return { name, weights: Float64Array.from(members, (i) => last[i]) };
  });
  return {
    name: "frontier",
    chart: {
      kind: "scatter",
      title: words.frontier,
      description: [
        words.frontierSees(from, to),
        ...(outside.length > 0
          ? [
              words.outside(
                outside.map(
                  (i) =>
                    `${market.assets[i]} (${formatNumber(100 * own[i], 0)} %, ${formatNumber(100 * market.expectedReturns[i], 0)} %)`,
                ),
              ),
            ]
          : []),
      ].join(". "),
      x: { label: words.volatility, unit: "%, annual", include: [0] },
      y: { label: words.expected, unit: "%, annual" },
      series: [
        {
          label: words.efficient,
          x: percent(points.map(({ weights }) => portfolioVolatility(market, weights))),
          y: percent(points.map(({ weights }) => returnOf(weights))),
          connect: true,
          dots: "none",
        },
        {
          label: words.methods,
          x: percent(methods.map(({ weights }) => portfolioVolatility(market, weights))),
          y: percent(methods.map(({ weights }) => returnOf(weights))),
          labels: methods.map(({ name }) => name),
        },
        {
          label: words.assets,
          x: percent(drawn.map((i) => own[i])),
          y: percent(drawn.map((i) => market.expectedReturns[i])),
          labels: drawn.map((i) => market.assets[i]),
        },
      ],
    },
  };
}

/** Whether a value is within three interquartile ranges of the quartiles: what lies further would press all others together. */
function withinReach(values: Float64Array): (value: number) => boolean {
  const [low, high] = quantiles(values, [0.25, 0.75]);
  const reach = 3 * (high - low);
  return (value) => value >= low - reach && value <= high + reach;
}

export function contributionPicture(
  { name, paths: [path] }: MethodRun,
  { market, members }: LastWindow,
): Picture {
  const last = path.decisions[path.decisions.length - 1].weights;
  const weights = Float64Array.from(members, (i) => last[i]);
  const shares = riskContributions(market.covariance, weights);
  return {
    name: `risk-contributions-${name}`,
    chart: {
      kind: "bars",
      title: words.contributions(name),
      description: words.contributionsSee,
      x: { label: words.contribution, unit: "%" },
      digits: 1,
      bars: market.assets
        .map((label, i) => ({ label, value: 100 * shares[i] }))
        .filter(({ value }) => Math.abs(value) > 0.05)
        .sort((a, b) => b.value - a.value),
    },
  };
}

export function dendrogramPicture({ market }: LastWindow): Picture | null {
  if (market.assets.length < 3) return null;
  const { tree, distances } = hierarchyOf(market.covariance, { linkage: "ward", optimalOrder: true });
  const clusters = new Array<number>(market.assets.length).fill(0);
  cutTree(tree, clusterCount(tree, distances)).forEach((group, c) => {
    for (const leaf of group) clusters[leaf] = c;
  });
  return {
    name: "dendrogram",
    chart: {
      kind: "dendrogram",
      title: words.dendrogram,
      description: words.dendrogramSees,
      x: { label: words.distance },
      labels: market.assets,
      merges: tree,
      clusters,
    },
  };
}

export function sharpePicture({ comparison, input }: Proof): Picture {
  const rows = comparison.methods;
  return {
    name: "sharpe-intervals",
    chart: {
      kind: "intervals",
      title: words.sharpe,
      description: words.sharpeSees(input.confidence),
      x: { label: words.ratio, include: [0] },
      digits: 2,
      rows: rows.map(({ name, sharpeAnnual, intervals }) => ({
        label: name,
        value: sharpeAnnual,
        low: intervals.sharpeAnnual[0],
        high: intervals.sharpeAnnual[1],
      })),
    },
  };
}
