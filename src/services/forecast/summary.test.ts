import { expect, test } from "vitest";
import type { HorizonScore, PredictOutput } from "./schema.ts";
import { forecastTable, scoreTable, summarise } from "./summary.ts";

const base: HorizonScore = {
  horizon: 1,
  n: 100,
  model: {
    mse: 0.0001,
    mae: 0.008,
    rmse: 0.01,
    directionAccuracy: 0.55,
    ic: 0.1,
    rankIc: 0.1,
    auc: null,
    logLoss: null,
  },
  naive: { mse: 0.00011, mae: 0.009, directionAccuracy: 0.5, logLoss: null },
  linear: { mse: 0.00012, mae: 0.009, directionAccuracy: 0.5, ic: 0.02 },
  skill: 0.05,
  linearSkill: 0.01,
  pValue: 0.01,
  trueMeanSkill: null,
  trueMeanSkillError: null,
  coverage: [],
  interval: null,
};
const words = (...changes: Partial<HorizonScore>[]) =>
  summarise(
    { target: "log-return", model: "lstm" },
    changes.map((change) => ({ ...base, ...change })),
  );

test("says that the model beats the naive forecast", () => {
  expect(words({})).toBe(
    "At 1 bar the LSTM beats the naive forecast (no change): its squared error is 5.00 % smaller (p = 0.01).",
  );
});

test("says that it may be luck when the test does not exclude it, or cannot be made", () => {
  expect(words({ pValue: 0.4 })).toBe(
    "At 1 bar the LSTM beats the naive forecast (no change): its squared error is 5.00 % smaller (p = 0.4), which may be luck.",
  );
  expect(words({ pValue: null })).toMatch(/smaller \(too few dates for a test\), which may be luck\.$/);
});

test("says that the model does not beat the naive forecast", () => {
  expect(words({ skill: -0.02, linearSkill: -0.03, horizon: 5 })).toBe(
    "At 5 bars the LSTM does not beat the naive forecast (no change): its squared error is 2.00 % larger (p = 0.01).",
  );
  expect(words({ skill: 0.00001, linearSkill: -0.1 })).toBe(
    "At 1 bar the LSTM does as well as the naive forecast (no change), and no better (p = 0.01).",
  );
});

test("says that nothing of a network is kept that validation did not believe, or how much is", () => {
  const said = (shrinkage: number) =>
    summarise({ target: "log-return", model: "lstm" }, [{ ...base, skill: 0.002, pValue: 0.8 }], [shrinkage]);
  expect(said(0)).toMatch(
    /^At 1 bar the validation part gave no reason to believe the LSTM, so that nothing of it is kept .* 0\.20 % smaller than that of the naive forecast \(no change; p = 0\.8\)\./,
  );
  expect(said(0)).not.toMatch(/beats/);
  expect(said(0.4)).toMatch(/ The validation part believed 40\.00 % of the network, and so much is kept\./);
});

test("says that there is nothing to judge by when the naive forecast makes no error", () => {
  expect(words({ skill: null, linearSkill: null })).toBe(
    "At 1 bar the LSTM cannot be judged: the naive forecast (no change) makes no error at all.",
  );
});

test("sets the skill of the true mean beside the model's, where it is known", () => {
  const said =
    / The true mean of the market itself, which no forecast beats on average, has a skill of (.*) on these samples\.$/;
  expect(said.exec(words({ trueMeanSkill: 0.027 }))?.[1]).toBe("2.70 %");
  expect(said.exec(words({ trueMeanSkill: 0.027, trueMeanSkillError: 0.004 }))?.[1]).toBe("2.70 ± 0.40 %");
});

test("says when the linear model does better", () => {
  expect(words({ skill: -0.05, linearSkill: -0.02 })).toMatch(/ The linear model loses less \(2\.00 %\)\.$/);
  expect(words({ linearSkill: 0.08 })).toMatch(/ The linear model does better \(8\.00 %\)\.$/);
  expect(words({})).not.toMatch(/linear/);
});

test("calls a network by the name that people know", () => {
  const scores = [base];
  expect(summarise({ target: "log-return", model: "nbeats" }, scores)).toMatch(
    /^At 1 bar the N-BEATS beats /,
  );
  expect(summarise({ target: "log-return", model: "patchTst" }, scores)).toMatch(/^At 1 bar the PatchTST /);
});

test("has a sentence for each horizon", () => {
  expect(words({}, { horizon: 5, skill: -0.1, linearSkill: -0.2 })).toMatch(
    /^At 1 bar the LSTM beats .* At 5 bars the LSTM does not beat /,
  );
});

test("sets model and baselines in columns, a line per horizon", () => {
  const table = scoreTable([
    base,
    { ...base, horizon: 10, pValue: null, trueMeanSkill: 0.06, trueMeanSkillError: 0.01 },
  ]);
  const lines = table.split("\n");
  expect(lines).toHaveLength(3);
  expect(new Set(lines.map(({ length }) => length)).size).toBe(1);
  expect(lines[0]).toMatch(
    /horizon +n +RMSE model +RMSE naive +RMSE linear +skill +skill linear +skill true mean/,
  );
  expect(lines[2]).toMatch(/^10 +100 +0\.01 +0\.01049 +0\.01095 +5\.00 % +1\.00 % +6\.00 ± 1\.00 % .* -$/);
  expect(table).not.toMatch(/NaN|undefined|null/);
});

test("sets forecasts in columns, with and without quantiles", () => {
  const output: PredictOutput = {
    forecasts: [
      {
        symbol: "GOOG",
        asOf: "2024-01-05",
        horizon: 1,
        time: "2024-01-08",
        value: 0.0012346,
        quantiles: { "0.1": -0.02, "0.9": 0.02 },
      },
    ],
    target: "log-return",
    unit: "log points",
    model: { artifact: "m", digest: "d" },
  };
  expect(forecastTable(output).split("\n")[1]).toMatch(
    /^GOOG +2024-01-05 +1 +2024-01-08 +0\.001235 +-0\.02 +0\.02$/,
  );
  expect(forecastTable({ ...output, forecasts: [] })).toMatch(/^symbol +as of/);
});
