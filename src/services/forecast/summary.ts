/** Results in words and in a table, for people. All text of this service that a person reads without a browser. */
import { formatNumber } from "./numbers.ts";
import { type HorizonScore, type PredictOutput, type TrainInput, targetMeaning } from "./schema.ts";

/** One or two sentences that say whether the model is worth anything. */
export function summarise(
  { target, model }: Pick<TrainInput, "target" | "model">,
  scores: readonly HorizonScore[],
): string {
  const naive = targetMeaning[target].naive;
  return scores
    .map(({ horizon, skill, pValue, linearSkill }) => {
      const bars = horizon === 1 ? "1 bar" : `${horizon} bars`;
      const chance = pValue === null ? "too few dates for a test" : `p = ${formatNumber(pValue, 2)}`;
      const linear = linearSkill > skill ? ` The linear model does better (${percent(linearSkill)}).` : "";
      if (skill <= 0)
        return `At ${bars} the ${model} does not beat the naive forecast (${naive}): its squared error is ${percent(-skill)} larger (${chance}).${linear}`;
      const doubt = pValue === null || pValue > 0.05 ? ", which may be luck" : "";
      return `At ${bars} the ${model} beats the naive forecast (${naive}): its squared error is ${percent(skill)} smaller (${chance})${doubt}.${linear}`;
    })
    .join(" ");
}

/** The model against its baselines, a line per horizon. */
export function scoreTable(scores: readonly HorizonScore[]): string {
  const known = scores.some(({ bestReachableSkill }) => bestReachableSkill !== null);
  const header = [
    "horizon",
    "n",
    "RMSE model",
    "RMSE naive",
    "RMSE linear",
    "skill",
    "skill linear",
    ...(known ? ["best reachable"] : []),
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
    ...(known ? [percent(score.bestReachableSkill)] : []),
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

function percent(value: number | null): string {
  return value === null ? "-" : `${(100 * value).toFixed(2)} %`;
}
