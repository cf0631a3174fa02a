/** The report of a training as one HTML page: what was learnt, how good it is, and what the data were like. */
import { networkTitles } from "../../models/index.ts";
import {
  type Block,
  type Chart,
  calibrationChart,
  page,
  type ScatterChart,
  type Section,
  type Table,
} from "../../report/index.ts";
import { reliability } from "./reliability.ts";
import { outcomes } from "./samples.ts";
import { type HorizonScore, type Target, targetMeaning } from "./schema.ts";
import type { TrainingView } from "./train.ts";

/** The whole page. */
export function renderReport(view: TrainingView): string {
  const { input, output, set } = view;
  const meaning = targetMeaning[input.target];
  const symbols = set.frame.symbols.length;
  return page({
    title: `Forecast of ${input.target.replace("-", " ")}: ${symbols === 1 ? set.frame.symbols[0] : `${symbols} symbols`}`,
    subtitle: `${capitalised(networkTitles[input.model])} on ${input.lookback} bars, ${meaning.title}, ${listed(input.horizon)} ahead`,
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
  const ahead = barsAhead(first.horizon);
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
      errorRows(horizons, input.target),
      skillRows(horizons),
      ...(input.target === "direction" ? [directionRows(horizons)] : []),
    ],
  };
}

/** A skill in percent; none where the naive forecast makes no error. */
function skillFigure(label: string, skill: number | null, note: string) {
  return skill === null ? [] : [{ label, value: 100 * skill, digits: 2, unit: "%", note }];
}

function errorRows(horizons: readonly HorizonScore[], target: Target): Table {
  const { unit } = targetMeaning[target];
  return {
    kind: "table",
    caption: "Errors on the test part, by horizon: smaller is better",
    columns: [
      { label: "Horizon", unit: "bars" },
      { label: "RMSE model", unit },
      { label: "RMSE naive", unit },
      { label: "RMSE linear", unit },
      { label: "MAE model", unit },
      { label: "MAE naive", unit },
      { label: "MAE linear", unit },
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
    note: "RMSE: root of the mean squared error. MAE: mean absolute error.",
  };
}

function skillRows(horizons: readonly HorizonScore[]): Table {
  const known = horizons.some(({ bestReachableSkill }) => bestReachableSkill !== null);
  return {
    kind: "table",
    caption: "Skill on the test part, by horizon: above 0 is better than the naive forecast",
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
    note: "p: Diebold-Mariano test of equal squared error against the naive forecast, two-sided, on daily means over symbols. IC: correlation of forecast and outcome, from −1 to 1.",
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
      { label: "Accuracy", unit: "%", digits: 1 },
      { label: "Accuracy naive", unit: "%", digits: 1 },
      { label: "AUC", digits: 3 },
      { label: "Log loss", unit: "nats" },
      { label: "Log loss naive", unit: "nats" },
    ],
    rows: horizons.map(({ horizon, model, naive }) => [
      String(horizon),
      percentage(model.directionAccuracy),
      percentage(naive.directionAccuracy),
      model.auc,
      model.logLoss,
      naive.logLoss,
    ]),
    note: "AUC: chance that a rise was given the higher probability of a rise and a fall; 0.5 knows nothing.",
  };
}

function training({ output, input, log }: TrainingView): Section {
  const epochs = output.history.map(({ epoch }) => epoch);
  const column = (name: "trainLoss" | "validationLoss") => output.history.map((record) => record[name]);
  const steps = log.map(({ step }) => step);
  const kept = log.findLast(({ epoch }) => epoch === output.bestEpoch);
  const loss = { label: "Loss", unit: input.target === "direction" ? "nats" : "normalised" };
  const byStep = {
    x: { label: "Step", kind: "whole" as const, include: [1] },
    marks: kept ? [{ x: kept.step, label: "kept" }] : [],
  };
  return {
    title: "Training",
    blocks: [
      {
        kind: "paragraph",
        text: `${output.samples.train.toLocaleString("en")} samples to learn from, ${output.samples.validation.toLocaleString("en")} to stop by. ${output.epochs} of at most ${input.epochs} epoch${input.epochs === 1 ? "" : "s"}; epoch ${output.bestEpoch} was kept, which had the smallest validation loss.`,
      },
      figure({
        kind: "line",
        title: "Loss by epoch",
        description:
          "The validation part is later in time than the training part; the epoch with its smallest loss is kept. Validation that rises while training falls is overfitting.",
        x: { label: "Epoch", kind: "whole", include: [1] },
        y: loss,
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
        description:
          "Mean over some steps, a tenth of an epoch each, while the parameters moved; it should fall, and may be noisy.",
        y: loss,
        series: [{ label: "training", x: steps, y: log.map(({ loss }) => loss) }],
      }),
      figure({
        ...byStep,
        kind: "line",
        title: "Learning rate by step",
        description: "It rises to its highest value, then falls along half a cosine.",
        y: { label: "Learning rate", unit: "per step", include: [0] },
        series: [{ label: "learning rate", x: steps, y: log.map(({ learningRate }) => learningRate) }],
      }),
      figure({
        ...byStep,
        kind: "line",
        title: "Length of the gradient by step",
        description: `Mean before it is cut at ${input.clipNorm}; a sudden rise is where a training begins to go wrong.`,
        y: { label: "Length of the gradient", unit: "Euclidean norm, log scale", kind: "log" },
        series: [{ label: "gradient", x: steps, y: log.map(({ gradientNorm }) => gradientNorm) }],
      }),
    ],
  };
}

/** Bars that the picture of forecasts shows: enough to see, few enough to tell apart. */
const shownBars = 120;

/** Horizons that pictures show; the tables have all. */
const shownHorizons = 3;

/** The sentence about horizons that pictures leave out; empty when there are none. */
function leftOut(horizons: readonly number[]): string {
  const rest = horizons.slice(shownHorizons);
  if (rest.length === 0) return "";
  return ` The horizon${rest.length === 1 ? "" : "s"} of ${listed(rest)} ${rest.length === 1 ? "is" : "are"} left to the tables.`;
}

/** What the y axis of a picture of outcomes says. */
function outcomeAxis(target: Target) {
  const { title, unit } = targetMeaning[target];
  return target === "direction" ? { label: "Probability of a rise" } : { label: capitalised(title), unit };
}

function forecasts(view: TrainingView): Section {
  const { input, set, split } = view;
  const symbol = set.windows.symbol[split.test[split.test.length - 1]];
  const name = set.frame.symbols[symbol];
  const places = [...split.test.keys()]
    .filter((i) => set.windows.symbol[split.test[i]] === symbol)
    .slice(-shownBars);
  const shown = set.horizons.slice(0, shownHorizons);
  const reading =
    input.target === "direction"
      ? "A forecast that knows something is higher where the strokes above are dense, and lower where those below are."
      : bandReading(view.output.test.coverage.map(({ level }) => level));
  return {
    title: "Forecast and outcome",
    blocks: [
      {
        kind: "panels",
        layout: "stack",
        charts: shown.map((_, h) => forecastChart(view, places, name, h)),
        caption: `Forecast and outcome of ${name}, its last ${places.length} test samples, at the time of the last known bar. ${reading}${leftOut(set.horizons)}`,
      },
      {
        kind: "panels",
        layout: "row",
        charts: shown.map((_, h) => deciles(view, h)),
        caption: `Mean outcome by tenth of the forecasts. Samples sorted by their forecast, lowest tenth first; a forecast that knows something rises.${leftOut(set.horizons)}`,
      },
    ],
  };
}

/** How often the outcome should lie inside each band. */
function bandReading(levels: readonly number[]): string {
  const shares = levels
    .slice(0, Math.floor(levels.length / 2))
    .map((lower, i) => percent(levels[levels.length - 1 - i] - lower));
  if (shares.length === 0) return "The nearer the forecast comes to the outcome, the better.";
  const bands = shares.length === 1 ? "the band" : "the bands, from wide to narrow,";
  return `The outcome should lie inside ${bands} in ${shares.join(" and ")} of the samples.`;
}

/** One horizon over time: bands and outcome; for directions the probability, with outcomes as strokes above and below. */
function forecastChart(
  { input, output, set, split, model, riseShare }: TrainingView,
  places: readonly number[],
  name: string,
  h: number,
): Chart {
  const width = set.horizons.length;
  const at = places.map((i) => set.windows.asOf[split.test[i]]);
  const outcome = outcomes(set, input.target);
  const actual = places.map((i) => outcome[split.test[i] * width + h]);
  const forecast = { label: "forecast", y: places.map((i) => model.forecast[i * width + h]) };
  const common = {
    kind: "band" as const,
    title: capitalised(barsAhead(set.horizons[h])),
    description: `${name}: forecast ${barsAhead(set.horizons[h])} and outcome, over time.`,
    x: { label: "Last known bar", unit: "UTC", kind: "time" as const },
    y: outcomeAxis(input.target),
    at,
  };
  if (input.target === "direction") {
    const when = (value: 0 | 1) => at.filter((_, i) => actual[i] === value);
    return {
      ...common,
      bands: [],
      lines: [
        forecast,
        { label: "share of rises in training", y: places.map(() => riseShare[h]), line: "dashed" },
      ],
      events: [
        { label: "rise (above)", at: when(1), edge: "top" },
        { label: "no rise (below)", at: when(0), edge: "bottom" },
      ],
    };
  }
  const levels = output.test.coverage.map(({ level }) => level);
  const last = levels.length - 1;
  const quantile = (q: number) =>
    places.map((i) => (model.quantiles as Float64Array)[(i * width + h) * levels.length + q]);
  return {
    ...common,
    bands: model.quantiles
      ? Array.from({ length: Math.floor(levels.length / 2) }, (_, pair) => ({
          label: `${percent(levels[pair])} to ${percent(levels[last - pair])}`,
          lower: quantile(pair),
          upper: quantile(last - pair),
        }))
      : [],
    lines: [{ label: "outcome", y: actual }, forecast],
  };
}

/** Mean outcome of the samples in each tenth of the forecasts of one horizon. */
function deciles({ input, set, split, model, linear }: TrainingView, h: number): Chart {
  const width = set.horizons.length;
  const actual = outcomes(set, input.target);
  const relative = (value: number, i: number) =>
    input.target === "level" ? Math.log(value / set.lastClose[split.test[i]]) : value;
  const line = (label: string, forecast: Float64Array, style: "solid" | "dashed") => {
    const order = [...split.test.keys()].sort(
      (a, b) => relative(forecast[a * width + h], a) - relative(forecast[b * width + h], b),
    );
    const groups = Array.from({ length: 10 }, (_, group) =>
      order.slice(Math.floor((group * order.length) / 10), Math.floor(((group + 1) * order.length) / 10)),
    );
    return {
      label,
      x: groups.map((_, group) => group + 1),
      y: groups.map(
        (group) =>
          group.reduce((total, i) => total + relative(actual[split.test[i] * width + h], i), 0) /
          group.length,
      ),
      line: style,
    };
  };
  const mean: Record<Target, { readonly label: string; readonly unit: string }> = {
    return: { label: "Mean return", unit: targetMeaning.return.unit },
    "log-return": { label: "Mean log return", unit: targetMeaning["log-return"].unit },
    direction: { label: "Rises", unit: "share" },
    volatility: { label: "Mean volatility", unit: targetMeaning.volatility.unit },
    level: { label: "Mean log change of the price", unit: targetMeaning["log-return"].unit },
  };
  return {
    kind: "line",
    title: capitalised(barsAhead(set.horizons[h])),
    description: `Mean outcome by tenth of the forecasts ${barsAhead(set.horizons[h])}.`,
    x: { label: "Tenth of the forecasts", kind: "whole", include: [1, 10] },
    y: mean[input.target],
    series: [
      line(networkTitles[input.model], model.forecast, "solid"),
      line("linear model", linear.forecast, "dashed"),
    ],
  };
}

function calibration(view: TrainingView): Section {
  const { input, output, set } = view;
  const horizons = output.test.horizons.slice(0, shownHorizons);
  if (input.target === "direction") {
    return {
      title: "Calibration",
      blocks: [
        {
          kind: "panels",
          layout: "row",
          charts: horizons.map((_, h) => reliabilityChart(view, h)),
          caption: `Reliability of the probabilities: test samples in groups of about equal size, by rising forecast; bars are 95 % intervals, which take samples as independent and so are too narrow where horizons overlap. Points on the dotted line, where both axes are equal, are calibrated; points along the level dashed line, the share of rises in the test part, know no more than that share.${leftOut(set.horizons)}`,
        },
      ],
    };
  }
  if (output.test.coverage.length === 0) return { title: "Calibration", blocks: [] };
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
      {
        kind: "panels",
        layout: "row",
        charts: horizons.map(({ horizon, coverage, n }) =>
          calibrationChart(
            coverage.map(({ level, observed }) => ({
              level,
              observed,
              standardError: Math.sqrt((level * (1 - level)) / n),
            })),
            { title: capitalised(barsAhead(horizon)), legend: "none" },
          ),
        ),
        caption: `Calibration of the quantiles. Points on the dotted diagonal are calibrated; below it, the outcome exceeds the quantile too often. Bars are two standard errors, which take samples as independent and so are too short where horizons overlap.${leftOut(set.horizons)}`,
      },
      {
        kind: "table",
        caption: "Share of outcomes inside the widest band: the nearer to what is claimed, the better",
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

/** How often prices rose where a rise was given some probability, on the test part. */
function reliabilityChart({ set, split, model }: TrainingView, h: number): ScatterChart {
  const width = set.horizons.length;
  const outcome = outcomes(set, "direction");
  const rose = Float64Array.from(split.test, (sample) => outcome[sample * width + h]);
  const rows = reliability(
    rose,
    Float64Array.from(split.test, (_, i) => model.forecast[i * width + h]),
  );
  const sizes = rows.map(({ n }) => n);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const share = rose.reduce((sum, value) => sum + value, 0) / rose.length;
  return {
    kind: "scatter",
    title: capitalised(barsAhead(set.horizons[h])),
    description: `Reliability of the probabilities ${barsAhead(set.horizons[h])}: share of rises by forecast probability.`,
    x: { label: "Forecast probability of a rise" },
    y: { label: "Rises", unit: `share of ${least === most ? least : `${least} to ${most}`} samples a point` },
    series: [
      {
        label: "forecast",
        x: rows.map(({ forecast }) => forecast),
        y: rows.map(({ observed }) => observed),
        lower: rows.map(({ lower }) => lower),
        upper: rows.map(({ upper }) => upper),
        connect: true,
      },
    ],
    diagonal: "calibrated",
    axes: "own",
    levels: [{ label: "share of rises", y: share }],
    legend: "none",
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
        description: "A bar per kind of defect; a row may have several.",
        x: { label: "Rows or cells", unit: "count over all symbols" },
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

/** "1, 5 and 10 bars". */
function listed(horizons: readonly number[]): string {
  const [last, ...before] = [...horizons].reverse();
  const numbers = before.length === 0 ? String(last) : `${before.reverse().join(", ")} and ${last}`;
  return `${numbers} bar${numbers === "1" ? "" : "s"}`;
}

function barsAhead(horizon: number): string {
  return `${listed([horizon])} ahead`;
}
