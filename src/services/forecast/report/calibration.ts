/** Whether bands and probabilities hold what they say. */
import { calibrationChart, type ScatterChart, type Section } from "../../../report/index.ts";
import { reliability } from "../reliability.ts";
import { outcomes } from "../samples.ts";
import type { TrainingView } from "../train.ts";
import { leftOut, shownHorizons } from "./shown.ts";
import { barsAhead, capitalised, percent } from "./words.ts";

export function calibration(view: TrainingView): Section {
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
