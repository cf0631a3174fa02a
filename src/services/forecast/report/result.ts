/** How good the model is, beside the naive forecast and a linear model, in numbers. */
import type { Section, Table } from "../../../report/index.ts";
import { type HorizonScore, type Target, targetMeaning } from "../schema.ts";
import type { TrainingView } from "../train.ts";
import { barsAhead } from "./words.ts";

export function result({ input, output }: TrainingView): Section {
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
            "Skill of the true mean",
            first.trueMeanSkill,
            `${first.trueMeanSkillError === null ? "" : `± ${(100 * first.trueMeanSkillError).toFixed(2)} %; `}no forecast beats it on average`,
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
  const known = horizons.some(({ trueMeanSkill }) => trueMeanSkill !== null);
  return {
    kind: "table",
    caption: "Skill on the test part, by horizon: above 0 is better than the naive forecast",
    columns: [
      { label: "Horizon", unit: "bars" },
      { label: "Skill", unit: "%", digits: 2 },
      { label: "Linear", unit: "%", digits: 2 },
      ...(known ? [{ label: "True mean", unit: "%", digits: 2 }] : []),
      { label: "p", digits: 3 },
      { label: "IC", digits: 3 },
      { label: "IC linear", digits: 3 },
    ],
    rows: horizons.map(({ horizon, skill, linearSkill, trueMeanSkill, pValue, model, linear }) => [
      String(horizon),
      percentage(skill),
      percentage(linearSkill),
      ...(known ? [percentage(trueMeanSkill)] : []),
      pValue,
      model.ic,
      linear.ic,
    ]),
    note: "p: Diebold-Mariano test of equal squared error against the naive forecast, two-sided, on means over the symbols of each time. IC: correlation of forecast and outcome, from −1 to 1.",
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
