/** The proof as one self-contained page, its pictures as files, and its values for machines. */
import {
  type Block,
  formatNumber,
  page,
  renderChart,
  type Section,
  type Table,
} from "../../../report/index.ts";
import { drawdowns } from "../drawdowns.ts";
import { seriesMeasureNames, seriesMeasures } from "../measures/series.ts";
import {
  contributionPicture,
  dendrogramPicture,
  drawdownPicture,
  frontierPicture,
  lastWindow,
  monthlyPicture,
  type Picture,
  sharpePicture,
  wealthPicture,
  weightsPictures,
} from "./pictures.ts";
import type { Proof } from "./prove.ts";
import type { MethodSummary } from "./summary.ts";

export interface ReportFile {
  readonly name: string;
  readonly content: string;
}

/** The English of this file, in one place so that it can be translated. */
const words = {
  title: (proof: Proof) => `Portfolio methods on ${proof.panel.assets.length} assets, proved out of sample`,
  subtitle: ({ output, splits, input }: Proof) =>
    output.validation === "walk-forward"
      ? `Walk-forward: ${input.expanding ? "trained on all history so far" : `trained on ${input.train} periods`}, tested on the next ${input.test}, ${splits.length} times`
      : `${output.validation === "combinatorial" ? "Combinatorial purged" : "Purged"} cross-validation: ${splits.length} splits of history, ${output.methods[0].paths} path${output.methods[0].paths === 1 ? "" : "s"}`,
  facts: ({ output, input }: Proof) => [
    `prices ${input.prices}`,
    `tested ${output.from} to ${output.to}`,
    `${formatNumber(output.methods[0].observations)} periods, ${formatNumber(output.periodsPerYear)} in a year`,
    `costs ${formatNumber(input.costBps ?? 0)} bp of what is traded`,
    `risk-free ${formatNumber(100 * input.riskFree, 2)} % a year`,
  ],
  result: "Result",
  pathNote: (paths: number) =>
    paths > 1
      ? `Pictures show the first of ${paths} paths; the table holds means over all of them.`
      : undefined,
  finding: (proof: Proof, best: MethodSummary, equal: MethodSummary) => {
    const { value, low, high } = best.sharpeOverEqualWeight;
    if (best.name === equal.name)
      return `No method had a larger Sharpe ratio than equal weight (${formatNumber(equal.sharpeAnnual, 2)}): nothing here pays for its effort.`;
    const range = `${formatNumber(low, 2)} to ${formatNumber(high, 2)}`;
    return low > 0
      ? `${best.name} had the largest Sharpe ratio, ${formatNumber(best.sharpeAnnual, 2)} against ${formatNumber(equal.sharpeAnnual, 2)} of equal weight. The difference of ${formatNumber(value, 2)} is larger than chance would explain: its interval is ${range}.`
      : `${best.name} had the largest Sharpe ratio, ${formatNumber(best.sharpeAnnual, 2)} against ${formatNumber(equal.sharpeAnnual, 2)} of equal weight. The difference of ${formatNumber(value, 2)} may be chance: its ${formatNumber(100 * proof.input.confidence, 0)} % interval, ${range}, holds 0.`;
  },
  figures: {
    sharpe: "Largest Sharpe ratio",
    equal: "Equal weight",
    equalNote: "Sharpe ratio of the same days without any estimate",
    deflated: "Deflated Sharpe",
    deflatedNote: (trials: number) =>
      trials > 1
        ? `probability of more than luck, best of ${trials} methods`
        : "probability of a ratio above 0: no method differs from another",
    overfitting: "Overfitting",
    overfittingNote: "probability that the choice by one half disappoints in the other",
    overfittingNone: "nothing to choose from: all methods do the same",
  },
  methods: "All methods on the same days, net of costs",
  methodsNote:
    "Drawdown: the largest one. Turnover: mean of what is bought plus what is sold at each trade after the first purchase. Assets: effective number, one over the sum of squared weights.",
  head: {
    method: "Method",
    sharpe: "Sharpe",
    return: "Return",
    volatility: "Volatility",
    drawdown: "Drawdown",
    cvar: "CVaR 95 %",
    turnover: "Turnover",
    cost: "Costs",
    assets: "Assets",
  },
  path: "What one unit became",
  year: "Year by year",
  weights: "What was held",
  luck: "Skill or luck",
  luckText:
    "Resampled histories keep blocks of days together (the stationary bootstrap), so that days that depend on each other stay so. The deflated Sharpe ratio asks whether a ratio exceeds what the best of all methods tried would show without any skill; the probability of overfitting cuts the tested days into blocks, lets one half choose the best method and the other half judge it.",
  luckTable: "How sure the ratios are",
  luckHead: {
    sharpe: "Sharpe",
    low: "Low",
    high: "High",
    over: "Over equal weight",
    overLow: "Low",
    overHigh: "High",
    probabilistic: "Above 0",
    deflated: "Deflated",
  },
  risk: "Where the risk is now",
  measures: "All measures",
  measuresPercent: "Returns and losses, in percent",
  measuresNumber: "Ratios, moments and stability",
  stability: "Stability of weights",
  turnoverAnnual: "Turnover of a year",
  measure: "Measure",
  definitions: "What the words mean",
  data: "Data and method",
  method: (proof: Proof) =>
    `Each fold estimates expected returns (${proof.input.expectedReturns}) and covariance (${proof.input.covariance}) on its training part only, from assets that have a price on every day of it. Weights are bought at the close before the first tested day${proof.input.rebalance === "test" ? "" : `, and bought back to at every new ${proof.input.rebalance}`}; in between they drift with prices. Drawdowns are ${proof.options.drawdown}. The level of CVaR, CDaR and EVaR is ${formatNumber(100 * proof.options.level)} %.`,
  notes: (notes: readonly string[]) => `To know: ${notes.join("; ")}.`,
  footer: "Every comparison contains equal weight and inverse volatility, which estimate little or nothing.",
  terms: {
    Turnover: "what is bought plus what is sold, as a share of the portfolio",
    "Stability of weights":
      "one less half the mean change of weights from fold to fold; 1 when they never change",
    "Effective number of assets": "one over the sum of squared weights: n equal positions count as n",
    "Deflated Sharpe ratio":
      "probability that the true Sharpe ratio exceeds the one that the best of all methods tried would show by luck; methods with the same returns are one (Bailey and López de Prado 2014)",
    "Probability of overfitting":
      "share of the halvings in which the method that is best in one half is below the median in the other (Bailey, Borwein, López de Prado and Zhu 2017)",
    "Risk contribution":
      "share of the portfolio's variance that a position brings; all of them add up to one",
  },
};

const percent = (value: number) => 100 * value;

/** The page, the pictures as SVG, and the values as JSON and CSV. */
export function reportFiles(proof: Proof): ReportFile[] {
  const { sections, pictures } = content(proof);
  const html = page({
    title: words.title(proof),
    subtitle: words.subtitle(proof),
    facts: words.facts(proof),
    sections,
    footer: words.footer,
  });
  return [
    { name: "report.html", content: html },
    ...pictures.map(({ name, chart }) => ({ name: `${name}.svg`, content: renderChart(chart) })),
    { name: "values.json", content: `${JSON.stringify(values(proof), null, 1)}\n` },
    { name: "methods.csv", content: methodsCsv(proof) },
    { name: "returns.csv", content: returnsCsv(proof) },
    { name: "weights.csv", content: weightsCsv(proof) },
  ];
}

function content(proof: Proof): { readonly sections: Section[]; readonly pictures: Picture[] } {
  const { comparison, runs, input } = proof;
  const methodOf = (name: string) => comparison.methods.find((one) => one.name === name) as MethodSummary;
  const [best, equal] = [methodOf(comparison.best), methodOf("equal-weight")];
  const bestRun = runs.find(({ name }) => name === comparison.best) as Proof["runs"][number];
  // Weights are drawn of the methods that were asked for, and of the best one.
  const asked = runs
    .filter(({ name }) => input.objectives.includes(name) || name === comparison.best)
    .slice(0, 4);
  const last = lastWindow(proof);
  const wealth = wealthPicture(proof);
  const fallen = drawdownPicture(proof);
  const monthly = monthlyPicture(proof, bestRun);
  const held = weightsPictures(proof, asked);
  const intervals = sharpePicture(proof);
  const frontier = frontierPicture(proof, last);
  const contributions = contributionPicture(bestRun, last);
  const tree = dendrogramPicture(last);
  const figure = ({ chart }: Picture): Block => ({ kind: "figure", chart });
  const note = words.pathNote(best.paths);
  const notes = [
    ...proof.output.warnings,
    ...comparison.methods.flatMap(({ name, notes: own }) => own.map((one) => `${name}: ${one}`)),
  ];
  const sections: Section[] = [
    {
      title: words.result,
      blocks: [
        {
          kind: "paragraph",
          tone: best.sharpeOverEqualWeight.low > 0 ? "finding" : "caution",
          text: words.finding(proof, best, equal),
        },
        keyFigures(proof, best, equal),
        methodTable(proof),
      ],
    },
    {
      title: words.path,
      blocks: [...(note ? [{ kind: "paragraph" as const, text: note }] : []), figure(wealth), figure(fallen)],
    },
    { title: words.year, blocks: [figure(monthly)] },
    { title: words.weights, blocks: held.map(figure) },
    {
      title: words.luck,
      blocks: [{ kind: "paragraph", text: words.luckText }, figure(intervals), luckTable(proof)],
    },
    { title: words.risk, blocks: [frontier, contributions, ...(tree ? [tree] : [])].map(figure) },
    { title: words.measures, blocks: measureTables(proof) },
    {
      title: words.definitions,
      blocks: [
        {
          kind: "definitions",
          terms: [
            ...seriesMeasureNames.map((name) => ({
              term: seriesMeasures[name].label,
              meaning: seriesMeasures[name].meaning,
            })),
            ...Object.entries(words.terms).map(([term, meaning]) => ({ term, meaning })),
          ],
        },
      ],
    },
    {
      title: words.data,
      blocks: [
        { kind: "paragraph", text: words.method(proof) },
        ...(notes.length > 0 ? [{ kind: "paragraph" as const, text: words.notes(notes) }] : []),
      ],
    },
  ];
  return {
    sections,
    pictures: [wealth, fallen, monthly, ...held, intervals, frontier, contributions, ...(tree ? [tree] : [])],
  };
}

function keyFigures({ comparison }: Proof, best: MethodSummary, equal: MethodSummary): Block {
  const { figures } = words;
  return {
    kind: "key-figures",
    figures: [
      { label: figures.sharpe, value: best.sharpeAnnual, digits: 2, note: best.name },
      { label: figures.equal, value: equal.sharpeAnnual, digits: 2, note: figures.equalNote },
      {
        label: figures.deflated,
        value: percent(best.deflatedSharpe),
        digits: 0,
        unit: "%",
        note: figures.deflatedNote(comparison.trials),
      },
      {
        label: figures.overfitting,
        value: percent(comparison.probabilityOfOverfitting),
        digits: 0,
        unit: "%",
        note: comparison.trials > 1 ? figures.overfittingNote : figures.overfittingNone,
      },
    ],
  };
}

function methodTable({ comparison }: Proof): Table {
  const { head } = words;
  return {
    kind: "table",
    caption: words.methods,
    columns: [
      { label: head.method },
      { label: head.sharpe, digits: 2, best: "highest" },
      { label: head.return, unit: "% a year", digits: 1, best: "highest" },
      { label: head.volatility, unit: "% a year", digits: 1, best: "lowest" },
      { label: head.drawdown, unit: "%", digits: 1, best: "lowest" },
      { label: head.cvar, unit: "% a period", digits: 2, best: "lowest" },
      { label: head.turnover, unit: "% a trade", digits: 0, best: "lowest" },
      { label: head.cost, unit: "% a year", digits: 2, best: "lowest" },
      { label: head.assets, digits: 1 },
    ],
    rows: comparison.methods.map((method) => [
      unbroken(method.name),
      method.sharpeAnnual,
      percent(method.returnAnnual),
      percent(method.volatilityAnnual),
      percent(method.maxDrawdown),
      percent(method.cvar95),
      percent(method.turnover),
      percent(method.costAnnual),
      method.effectiveAssets,
    ]),
    note: words.methodsNote,
  };
}

function luckTable({ comparison }: Proof): Table {
  const { luckHead: head } = words;
  return {
    kind: "table",
    caption: words.luckTable,
    columns: [
      { label: words.head.method },
      { label: head.sharpe, digits: 2 },
      { label: head.low, digits: 2 },
      { label: head.high, digits: 2 },
      { label: head.over, digits: 2 },
      { label: head.overLow, digits: 2 },
      { label: head.overHigh, digits: 2 },
      { label: head.probabilistic, unit: "%", digits: 1 },
      { label: head.deflated, unit: "%", digits: 1 },
    ],
    rows: comparison.methods.map(
      ({ name, sharpeAnnual, intervals, sharpeOverEqualWeight: over, ...rest }) => [
        unbroken(name),
        sharpeAnnual,
        intervals.sharpeAnnual[0],
        intervals.sharpeAnnual[1],
        ...(name === "equal-weight" ? [null, null, null] : [over.value, over.low, over.high]),
        percent(rest.probabilisticSharpe),
        percent(rest.deflatedSharpe),
      ],
    ),
  };
}

/** Measures as rows and methods as columns, so that it fits a page however many measures there are. */
function measureTables({ comparison }: Proof): Table[] {
  const tableOf = (form: "percent" | "number", caption: string, digits: number, factor: number): Table => ({
    kind: "table",
    caption,
    columns: [
      { label: words.measure },
      ...comparison.methods.map(({ name }) => ({ label: unbroken(name), digits })),
    ],
    rows: [
      ...seriesMeasureNames
        .filter((name) => seriesMeasures[name].form === form)
        .map((name) => [
          seriesMeasures[name].label,
          ...comparison.methods.map((method) => factor * method[name]),
        ]),
      ...(form === "number"
        ? [[words.stability, ...comparison.methods.map(({ weightStability }) => weightStability)]]
        : [
            [
              words.turnoverAnnual,
              ...comparison.methods.map(({ turnoverAnnual }) => percent(turnoverAnnual)),
            ],
          ]),
    ],
  });
  return [tableOf("percent", words.measuresPercent, 2, 100), tableOf("number", words.measuresNumber, 3, 1)];
}

/** A name that is not broken at its hyphens. */
function unbroken(name: string): string {
  return name.replaceAll("-", "\u2011");
}

const day = (time: number) => new Date(time).toISOString().slice(0, 10);

function values({ output, runs, panel, options }: Proof) {
  return {
    ...output,
    series: runs.map(({ name, paths }) => ({
      name,
      paths: paths.map((path) => {
        let wealth = 1;
        return {
          dates: Array.from(path.periods, (t) => day(panel.times[t])),
          returns: Array.from(path.returns),
          wealth: Array.from(path.returns, (value) => {
            wealth *= 1 + value;
            return wealth;
          }),
          drawdowns: Array.from(drawdowns(path.returns, options.drawdown)),
          weights: path.decisions.map(({ period, weights }) => ({
            from: day(panel.times[period]),
            weights: Object.fromEntries(panel.assets.map((asset, i) => [asset, weights[i]])),
          })),
        };
      }),
    })),
  };
}

function methodsCsv({ output }: Proof): string {
  const columns = Object.entries(output.methods[0]).flatMap(([name, value]) =>
    typeof value === "number" || typeof value === "string" || value === null ? [name] : [],
  );
  return csv([
    columns,
    ...output.methods.map((method) =>
      columns.map((name) => method[name as keyof typeof method] as number | string),
    ),
  ]);
}

function returnsCsv({ runs, panel }: Proof): string {
  const { periods } = runs[0].paths[0];
  return csv([
    ["date", ...runs.map(({ name }) => name)],
    ...Array.from(periods, (t, k) => [day(panel.times[t]), ...runs.map(({ paths }) => paths[0].returns[k])]),
  ]);
}

function weightsCsv({ runs, panel }: Proof): string {
  return csv([
    ["method", "from", ...panel.assets],
    ...runs.flatMap(({ name, paths: [path] }) =>
      path.decisions.map(({ period, weights }) => [name, day(panel.times[period]), ...weights]),
    ),
  ]);
}

function csv(rows: readonly (readonly (string | number | null)[])[]): string {
  const cell = (value: string | number | null) => {
    const text = value === null || Number.isNaN(value) ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${rows.map((row) => row.map(cell).join(",")).join("\n")}\n`;
}
