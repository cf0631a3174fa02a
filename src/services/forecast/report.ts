/** The report of a training as one HTML page: what was learnt, how good it is, and what the data were like. */
import { networkTitles } from "../../models/index.ts";
import {
  type Block,
  type Chart,
  calibrationChart,
  page,
  type Section,
  type Table,
} from "../../report/index.ts";
import { outcomes } from "./samples.ts";
import { type HorizonScore, targetMeaning } from "./schema.ts";
import type { TrainingView } from "./train.ts";

/** The whole page. */
export function renderReport(view: TrainingView): string {
  const { input, output, set } = view;
  const meaning = targetMeaning[input.target];
  const symbols = set.frame.symbols.length;
  return page({
    title: `Forecast of ${input.target}: ${symbols === 1 ? set.frame.symbols[0] : `${symbols} symbols`}`,
    subtitle: `${capitalised(networkTitles[input.model])} on ${input.lookback} bars, ${meaning.title}, ${input.horizon.map((h) => `${h} bar${h === 1 ? "" : "s"}`).join(", ")} ahead`,
    facts: [
      `data ${input.data}`,
      `test ${output.periods.test.join(" to ")}`,
      `seed ${input.seed}`,
      `${output.parameters.toLocaleString("en")} parameters`,
    ],
    sections: [
      result(view),
      training(view),
      forecasts(view),
      calibration(view),
      cleaning(view),
      method(view),
    ].filter((section) => section.blocks.length > 0),
    footer:
      "Every number of the model stands beside the same number of the naive forecast and of a linear model.",
  });
}

function figure(chart: Chart): Block {
  return { kind: "figure", chart };
}

function result({ input, output }: TrainingView): Section {
  const { horizons } = output.test;
  const [first] = horizons;
  const naive = targetMeaning[input.target].naive;
  const direction = first.model.directionAccuracy;
  const ahead = first.horizon === 1 ? "1 bar ahead" : `${first.horizon} bars ahead`;
  return {
    title: "Result",
    blocks: [
      {
        kind: "paragraph",
        tone:
          output.shrinkage[0] > 0 && (first.skill ?? 0) > 0 && (first.pValue ?? 1) <= 0.05
            ? "finding"
            : "caution",
        text: output.summary,
      },
      {
        kind: "key-figures",
        figures: [
          ...skillFigure("Skill", first.skill, `against "${naive}", ${ahead}`),
          ...skillFigure("Skill of the linear model", first.linearSkill, "same samples"),
          ...skillFigure(
            "Best reachable skill",
            first.bestReachableSkill,
            `the market's true mean, ${ahead}`,
          ),
          ...(direction === null
            ? []
            : [
                {
                  label: "Direction right",
                  value: 100 * direction,
                  digits: 1,
                  unit: "%",
                  note: `naive ${(100 * (first.naive.directionAccuracy ?? Number.NaN)).toFixed(1)} %`,
                },
              ]),
          { label: "Test samples", value: first.n, digits: 0, note: output.periods.test.join(" to ") },
        ],
      },
      errorRows(horizons),
      skillRows(horizons),
      ...(input.target === "direction" ? [directionRows(horizons)] : []),
    ],
  };
}

/** A skill in percent; none where the naive forecast makes no error. */
function skillFigure(label: string, skill: number | null, note: string) {
  return skill === null ? [] : [{ label, value: 100 * skill, digits: 2, unit: "%", note }];
}

function errorRows(horizons: readonly HorizonScore[]): Table {
  return {
    kind: "table",
    caption: "Errors on the test part, by horizon",
    columns: [
      { label: "Horizon", unit: "bars" },
      { label: "RMSE model" },
      { label: "RMSE naive" },
      { label: "RMSE linear" },
      { label: "MAE model" },
      { label: "MAE naive" },
      { label: "MAE linear" },
    ],
    rows: horizons.map(({ horizon, model, naive, linear }) => [
      String(horizon),
      model.rmse,
      Math.sqrt(naive.mse),
      Math.sqrt(linear.mse),
      model.mae,
      naive.mae,
      linear.mae,
    ]),
  };
}

function skillRows(horizons: readonly HorizonScore[]): Table {
  const known = horizons.some(({ bestReachableSkill }) => bestReachableSkill !== null);
  return {
    kind: "table",
    caption: "Skill on the test part, by horizon",
    columns: [
      { label: "Horizon", unit: "bars" },
      { label: "Skill", unit: "%", digits: 2 },
      { label: "Linear", unit: "%", digits: 2 },
      ...(known ? [{ label: "Best reachable", unit: "%", digits: 2 }] : []),
      { label: "p", digits: 3 },
      { label: "IC", digits: 3 },
      { label: "IC linear", digits: 3 },
    ],
    rows: horizons.map(({ horizon, skill, linearSkill, bestReachableSkill, pValue, model, linear }) => [
      String(horizon),
      percentage(skill),
      percentage(linearSkill),
      ...(known ? [percentage(bestReachableSkill)] : []),
      pValue,
      model.ic,
      linear.ic,
    ]),
    note: "p: Diebold-Mariano test of equal squared error against the naive forecast, two-sided, on daily means over symbols.",
  };
}

function percentage(share: number | null): number | null {
  return share === null ? null : 100 * share;
}

function directionRows(horizons: readonly HorizonScore[]): Table {
  return {
    kind: "table",
    caption: "Direction, by horizon",
    columns: [
      { label: "Horizon", unit: "bars" },
      { label: "Accuracy" },
      { label: "Accuracy naive" },
      { label: "AUC" },
      { label: "Log loss" },
      { label: "Log loss naive" },
    ],
    rows: horizons.map(({ horizon, model, naive }) => [
      String(horizon),
      model.directionAccuracy,
      naive.directionAccuracy,
      model.auc,
      model.logLoss,
      naive.logLoss,
    ]),
  };
}

function training({ output, input, log }: TrainingView): Section {
  const epochs = output.history.map(({ epoch }) => epoch);
  const column = (name: "trainLoss" | "validationLoss") => output.history.map((record) => record[name]);
  const steps = log.map(({ step }) => step);
  const kept = log.findLast(({ epoch }) => epoch === output.bestEpoch);
  const byStep = {
    x: { label: "Step", kind: "whole" as const, include: [1] },
    marks: kept ? [{ x: kept.step, label: "kept" }] : [],
  };
  return {
    title: "Training",
    blocks: [
      {
        kind: "paragraph",
        text: `${output.samples.train.toLocaleString("en")} samples to learn from, ${output.samples.validation.toLocaleString("en")} to stop by. ${output.epochs} of at most ${input.epochs} epochs; epoch ${output.bestEpoch} was kept, which had the smallest validation loss.`,
      },
      figure({
        kind: "line",
        title: "Loss by epoch",
        description:
          "The validation part is later in time than the training part; the epoch with its smallest loss is kept.",
        x: { label: "Epoch", kind: "whole", include: [1] },
        y: { label: "Loss", unit: "normalised" },
        series: [
          { label: "training", x: epochs, y: column("trainLoss") },
          { label: "validation", x: epochs, y: column("validationLoss"), line: "dashed" },
        ],
        marks: [{ x: output.bestEpoch, label: "kept" }],
      }),
      figure({
        ...byStep,
        kind: "line",
        title: "Loss by step",
        description: "Mean over some steps, a tenth of an epoch each, while the parameters moved.",
        y: { label: "Loss", unit: "normalised" },
        series: [{ label: "training", x: steps, y: log.map(({ loss }) => loss) }],
      }),
      figure({
        ...byStep,
        kind: "line",
        title: "Learning rate by step",
        description: "Warm-up, then half a cosine.",
        y: { label: "Learning rate", include: [0] },
        series: [{ label: "learning rate", x: steps, y: log.map(({ learningRate }) => learningRate) }],
      }),
      figure({
        ...byStep,
        kind: "line",
        title: "Length of the gradient by step",
        description: `Mean before it is cut at ${input.clipNorm}; a sudden rise is where a training begins to go wrong.`,
        y: { label: "Length of the gradient", kind: "log" },
        series: [{ label: "gradient", x: steps, y: log.map(({ gradientNorm }) => gradientNorm) }],
      }),
    ],
  };
}

/** Bars that the picture of forecasts shows: enough to see, few enough to tell apart. */
const shownBars = 120;

function forecasts({ input, output, set, split, model, linear }: TrainingView): Section {
  const width = set.horizons.length;
  const symbol = set.windows.symbol[split.test[split.test.length - 1]];
  const places = [...split.test.keys()]
    .filter((i) => set.windows.symbol[split.test[i]] === symbol)
    .slice(-shownBars);
  const samples = Int32Array.from(places, (i) => split.test[i]);
  const at = Float64Array.from(samples, (sample) => set.windows.asOf[sample]);
  const actual = outcomes(set, input.target);
  const levels = output.test.coverage.map(({ level }) => level);
  const quantile = (q: number) =>
    places.map((i) => (model.quantiles as Float64Array)[i * width * levels.length + q]);
  const pairs = Math.floor(levels.length / 2);
  const meaning = targetMeaning[input.target];
  const name = set.frame.symbols[symbol];
  const chart: Chart = {
    kind: "band",
    title: `${name}: forecast ${set.horizons[0]} bar${set.horizons[0] === 1 ? "" : "s"} ahead against the outcome`,
    description: `The last ${places.length} test samples of ${name}, at the time of the last known bar.`,
    x: { label: "As of", kind: "time" },
    y: { label: meaning.title, unit: meaning.unit },
    at,
    bands: model.quantiles
      ? Array.from({ length: pairs }, (_, pair) => ({
          label: `${percent(levels[pair])} to ${percent(levels[levels.length - 1 - pair])}`,
          lower: quantile(pair),
          upper: quantile(levels.length - 1 - pair),
        }))
      : [],
    lines: [
      { label: "outcome", y: samples.length > 0 ? [...samples].map((sample) => actual[sample * width]) : [] },
      { label: "forecast", y: places.map((i) => model.forecast[i * width]) },
    ],
  };
  return {
    title: "Forecast and outcome",
    blocks: [figure(chart), figure(deciles({ input, set, split, model, linear }))],
  };
}

/** Mean outcome of the samples in each tenth of the forecasts: a useful forecast rises from left to right. */
function deciles({
  input,
  set,
  split,
  model,
  linear,
}: Pick<TrainingView, "input" | "set" | "split" | "model" | "linear">): Chart {
  const width = set.horizons.length;
  const actual = outcomes(set, input.target);
  const relative = (value: number, i: number) =>
    input.target === "level" ? Math.log(value / set.lastClose[split.test[i]]) : value;
  const line = (label: string, forecast: Float64Array, style: "solid" | "dashed") => {
    const order = [...split.test.keys()].sort(
      (a, b) => relative(forecast[a * width], a) - relative(forecast[b * width], b),
    );
    const groups = Array.from({ length: 10 }, (_, group) =>
      order.slice(Math.floor((group * order.length) / 10), Math.floor(((group + 1) * order.length) / 10)),
    );
    return {
      label,
      x: groups.map((_, group) => group + 1),
      y: groups.map(
        (group) =>
          group.reduce((total, i) => total + relative(actual[split.test[i] * width], i), 0) / group.length,
      ),
      line: style,
    };
  };
  return {
    kind: "line",
    title: "Mean outcome by tenth of the forecasts",
    description:
      "Samples sorted by their forecast, lowest tenth first; a forecast that knows something rises.",
    x: { label: "Tenth of the forecasts", kind: "whole", include: [1, 10] },
    y: {
      label: input.target === "level" ? "Mean log change of the price" : "Mean outcome",
      unit: targetMeaning[input.target].unit,
    },
    series: [
      line(networkTitles[input.model], model.forecast, "solid"),
      line("linear model", linear.forecast, "dashed"),
    ],
  };
}

function calibration({ output }: TrainingView): Section {
  const [first] = output.test.horizons;
  if (first.coverage.length === 0) return { title: "Calibration", blocks: [] };
  const rows = output.test.horizons.flatMap(({ horizon, interval }) =>
    interval
      ? [
          [
            String(horizon),
            percent(interval.lower),
            percent(interval.upper),
            100 * interval.expected,
            100 * interval.coverage,
            100 * interval.naiveCoverage,
          ],
        ]
      : [],
  );
  return {
    title: "Calibration",
    blocks: [
      figure(
        calibrationChart(
          first.coverage.map(({ level, observed }) => ({
            level,
            observed,
            standardError: Math.sqrt((level * (1 - level)) / first.n),
          })),
          {
            title: `Calibration of the quantiles, ${first.horizon} bar${first.horizon === 1 ? "" : "s"} ahead`,
          },
        ),
      ),
      {
        kind: "table",
        caption: "Coverage of the widest band",
        columns: [
          { label: "Horizon", unit: "bars" },
          { label: "From" },
          { label: "To" },
          { label: "Claimed", unit: "%", digits: 1 },
          { label: "Model", unit: "%", digits: 1 },
          { label: "Naive band", unit: "%", digits: 1 },
        ],
        rows,
        note: "Naive band: the same quantiles of the training outcomes, the same for all times and symbols.",
      },
    ],
  };
}

function cleaning({ cleaning: report }: TrainingView): Section {
  const counts: [string, number][] = [
    ["Duplicates", report.duplicates],
    ["Missing cells", report.missing],
    ["Impossible bars", report.impossible],
    ["Outliers", report.outliers],
    ["Stale closes", report.stale],
    ["Gaps", report.gaps],
    ["Unsorted rows", report.unsorted],
    ["Unreadable times", report.badTimes],
    ["Rows dropped", report.rowsRead - report.rowsKept],
  ];
  return {
    title: "Cleaning",
    blocks: [
      {
        kind: "paragraph",
        text: `${report.rowsRead.toLocaleString("en")} rows read, ${report.rowsKept.toLocaleString("en")} kept, ${report.rowsChanged.toLocaleString("en")} of them changed. Every row is accounted for.`,
      },
      figure({
        kind: "bars",
        title: "What cleaning found",
        description: "Counts over all symbols.",
        x: { label: "Count" },
        bars: counts.map(([label, value]) => ({ label, value })),
        digits: 0,
      }),
      {
        kind: "table",
        caption: "The first examples of each kind",
        columns: [
          { label: "Kind" },
          { label: "Symbol" },
          { label: "Line" },
          { label: "Time" },
          { label: "What was found" },
        ],
        rows: report.examples.map(({ kind, symbol, line, time, detail }) => [
          kind,
          symbol,
          line === null ? null : String(line),
          time,
          detail,
        ]),
      },
      ...report.notes.map((text): Block => ({ kind: "paragraph", text })),
    ],
  };
}

function method({ input, output, simulation }: TrainingView): Section {
  const { train, validation, test } = output.periods;
  return {
    title: "Method",
    blocks: [
      {
        kind: "definitions",
        terms: [
          {
            term: "Parts",
            meaning: `train ${train.join(" to ")}, validation ${validation.join(" to ")}, test ${test.join(" to ")}; samples whose outcome reaches over a border are left out`,
          },
          { term: "Naive forecast", meaning: targetMeaning[input.target].naive },
          {
            term: "Linear model",
            meaning: "ridge regression on the same features, its penalty chosen on the validation part",
          },
          { term: "Skill", meaning: "1 - MSE / MSE of the naive forecast; 0 is no better than naive" },
          {
            term: "IC",
            meaning:
              "correlation of forecast and outcome across symbols, averaged over dates; over time when there are fewer than three symbols",
          },
          {
            term: "Normalisation",
            meaning: "fitted on the training part, and stored inside the model, which takes raw prices",
          },
        ],
      },
      ...(simulation === null ? [] : [{ kind: "paragraph" as const, text: simulation }]),
    ],
  };
}

function percent(level: number): string {
  return `${Number((100 * level).toPrecision(4))} %`;
}

function capitalised(text: string): string {
  return text[0].toUpperCase() + text.slice(1);
}
