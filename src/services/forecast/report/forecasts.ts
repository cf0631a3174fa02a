/** Forecasts beside outcomes, in pictures. */
import { networkTitles } from "../../../models/index.ts";
import type { Chart, Section } from "../../../report/index.ts";
import { outcomes } from "../samples.ts";
import { type Target, targetMeaning } from "../schema.ts";
import type { TrainingView } from "../train.ts";
import { leftOut, outcomeAxis, shownBars, shownHorizons } from "./shown.ts";
import { barsAhead, capitalised, percent } from "./words.ts";

export function forecasts(view: TrainingView): Section {
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
