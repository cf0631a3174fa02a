/** Results in words and in a table, for people. All text of this service that a person reads without a browser. */
import { networkTitles } from "../../models/index.ts";
import { formatNumber } from "./numbers.ts";
import {
  type HorizonScore,
  type PredictOutput,
  type TrainInput,
  type TrainResult,
  targetMeaning,
} from "./schema.ts";

/** A version of the registry and what points to it: `spy@3, challenger`. */
export const versionWords = ({ model, version, alias }: NonNullable<TrainResult["registered"]>): string =>
  [`${model}@${version}`, ...(alias === null ? [] : [alias])].join(", ");

/**
 * A few sentences that say whether the model is worth anything.
 *
 * @param shrinkage per horizon: the share of the network's forecast that the validation part believed
 */
export function summarise(
  { target, model }: Pick<TrainInput, "target" | "model">,
  scores: readonly HorizonScore[],
  shrinkage: readonly number[] = [],
): string {
  const naive = targetMeaning[target].naive;
  const name = networkTitles[model];
  return scores
    .map((score, h) => {
      const sentences = [
        shrinkage[h] === 0 ? disbelief(score, name, naive) : verdict(score, name, naive),
        ...(shrinkage[h] > 0 && shrinkage[h] < 1
          ? [`The validation part believed ${percent(shrinkage[h])} of the network, and so much is kept.`]
          : []),
        ...comparisons(score),
      ];
      return sentences.join(" ");
    })
    .join(" ");
}

function verdict({ horizon, skill, pValue }: HorizonScore, model: string, naive: string): string {
  const at = `At ${bars(horizon)} the ${model}`;
  if (skill === null) return `${at} cannot be judged: the naive forecast (${naive}) makes no error at all.`;
  if (percent(skill) === percent(0) || percent(skill) === percent(-0))
    return `${at} does as well as the naive forecast (${naive}), and no better (${chance(pValue)}).`;
  if (skill < 0)
    return `${at} does not beat the naive forecast (${naive}): its squared error is ${percent(-skill)} larger (${chance(pValue)}).`;
  const doubt = pValue === null || pValue > 0.05 ? ", which may be luck" : "";
  return `${at} beats the naive forecast (${naive}): its squared error is ${percent(skill)} smaller (${chance(pValue)})${doubt}.`;
}

/** Where validation left nothing of the network, whatever error it has is not the network's. */
function disbelief({ horizon, skill, pValue }: HorizonScore, model: string, naive: string): string {
  const shown =
    skill === null
      ? `the naive forecast (${naive}) makes no error at all`
      : `its squared error is ${percent(Math.abs(skill))} ${skill < 0 ? "larger" : "smaller"} than that of the naive forecast (${naive}; ${chance(pValue)})`;
  return `At ${bars(horizon)} the validation part gave no reason to believe the ${model}, so that nothing of it is kept and the mean of the training part, in units of the volatility of the window, is forecast: ${shown}.`;
}

function comparisons({ skill, linearSkill, trueMeanSkill, trueMeanSkillError }: HorizonScore): string[] {
  const best =
    trueMeanSkill === null
      ? []
      : [
          `The true mean of the market itself, which no forecast beats on average, has a skill of ${withError(trueMeanSkill, trueMeanSkillError)} on these samples.`,
        ];
  if (skill === null || linearSkill === null || linearSkill <= skill) return best;
  const linear =
    linearSkill > 0
      ? `The linear model does better (${percent(linearSkill)}).`
      : `The linear model loses less (${percent(-linearSkill)}).`;
  return [linear, ...best];
}

function bars(horizon: number): string {
  return horizon === 1 ? "1 bar" : `${horizon} bars`;
}

function chance(pValue: number | null): string {
  return pValue === null ? "too few dates for a test" : `p = ${formatNumber(pValue, 2)}`;
}

/** The model against its baselines, a line per horizon. */
export function scoreTable(scores: readonly HorizonScore[]): string {
  const known = scores.some(({ trueMeanSkill }) => trueMeanSkill !== null);
  const header = [
    "horizon",
    "n",
    "RMSE model",
    "RMSE naive",
    "RMSE linear",
    "skill",
    "skill linear",
    ...(known ? ["skill true mean"] : []),
    "direction",
    "naive",
    "IC",
    "p",
  ];
  const rows = scores.map((score) => [
    String(score.horizon),
    String(score.n),
    formatNumber(score.model.rmse),
    formatNumber(Math.sqrt(score.naive.mse)),
    formatNumber(Math.sqrt(score.linear.mse)),
    percent(score.skill),
    percent(score.linearSkill),
    ...(known ? [withError(score.trueMeanSkill, score.trueMeanSkillError)] : []),
    percent(score.model.directionAccuracy),
    percent(score.naive.directionAccuracy),
    formatNumber(score.model.ic, 2),
    formatNumber(score.pValue, 2),
  ]);
  return alignColumns([header, ...rows]);
}

/** Forecasts as a table. */
export function forecastTable({ forecasts, unit, target }: PredictOutput): string {
  const levels = Object.keys(forecasts[0]?.quantiles ?? {});
  const header = [
    "symbol",
    "as of",
    "horizon",
    "time",
    `${target} (${unit})`,
    ...levels.map((level) => `q${level}`),
  ];
  const rows = forecasts.map((forecast) => [
    forecast.symbol,
    forecast.asOf,
    String(forecast.horizon),
    forecast.time,
    formatNumber(forecast.value),
    ...levels.map((level) => formatNumber(forecast.quantiles?.[level] ?? null)),
  ]);
  return alignColumns([header, ...rows]);
}

function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) =>
    rows.reduce((most, row) => Math.max(most, row[column].length), 0),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
        .join("  "),
    )
    .join("\n");
}

/** A share with its standard error where that is known: `2.70 ± 0.40 %`. */
function withError(value: number | null, error: number | null): string {
  return error === null ? percent(value) : percent(value).replace(" %", ` ± ${percent(error)}`);
}

function percent(value: number | null): string {
  return value === null ? "-" : `${(100 * value).toFixed(2)} %`;
}
