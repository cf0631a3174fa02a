import { capability } from "../../base/index.ts";
import { rightsToRegister } from "../registering/index.ts";
import { evaluateFold, evaluateForecast } from "./evaluate.ts";
import { predict } from "./predict.ts";
import {
  EvaluateInput,
  EvaluateOutput,
  FoldInput,
  FoldOutput,
  PredictInput,
  PredictOutput,
  SweepInput,
  SweepOutput,
  TrainRequest,
  TrainResult,
} from "./schema.ts";
import { forecastTable, scoreTable, versionWords } from "./summary.ts";
import { sweep, sweepTable } from "./sweep.ts";
import { trainAndRegister } from "./train-and-register.ts";

export const forecastTrain = capability({
  name: "forecast.train",
  summary: "Train a network on prices, judge it against the naive forecast and a linear model, and save it",
  input: TrainRequest,
  output: TrainResult,
  mode: "task",
  paths: ["data"],
  artifacts: ["out"],
  needs: ({ register }) => (typeof register === "string" ? rightsToRegister(register) : []),
  print: ({ test, summary, artifact, report, registered }) =>
    [
      `${scoreTable(test.horizons)}\n\n${summary}\n\nmodel   ${artifact}\nreport  ${report}`,
      ...(registered ? [`version ${versionWords(registered)}`] : []),
    ].join("\n"),
  run: trainAndRegister,
});

export const forecastEvaluate = capability({
  name: "forecast.evaluate",
  summary:
    "Judge a trained model walk-forward on what came after its training, with or without training again",
  effect: "reads",
  input: EvaluateInput,
  output: EvaluateOutput,
  mode: "task",
  paths: ["data"],
  artifacts: ["artifact"],
  print: (output) => `${scoreTable(output.total)}\n\n${output.summary}`,
  run: evaluateForecast,
});

export const forecastFold = capability({
  name: "forecast.fold",
  summary:
    "Judge one fold of a walk-forward and give its forecasts: what a job that evaluates asks of other workers",
  effect: "reads",
  input: FoldInput,
  output: FoldOutput,
  mode: "task",
  paths: ["data"],
  artifacts: ["artifact"],
  print: (output) => scoreTable(output.horizons),
  run: evaluateFold,
});

export const forecastPredict = capability({
  name: "forecast.predict",
  summary: "Forecast from the newest bars with a trained model",
  effect: "reads",
  input: PredictInput,
  output: PredictOutput,
  paths: ["data"],
  artifacts: ["artifact"],
  print: forecastTable,
  run: predict,
});

export const forecastSweep = capability({
  name: "forecast.sweep",
  summary: "Train over several seeds and symbols: as jobs side by side when it runs as one, else in turn",
  input: SweepInput,
  output: SweepOutput,
  mode: "task",
  paths: ["data"],
  artifacts: ["out"],
  print: sweepTable,
  run: sweep,
});
