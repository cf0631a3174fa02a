/** The report of a training as one HTML page: what was learnt, how good it is, and what the data were like. */
import { networkTitles } from "../../../models/index.ts";
import { page } from "../../../report/index.ts";
import { targetMeaning } from "../schema.ts";
import type { TrainingView } from "../train.ts";
import { calibration } from "./calibration.ts";
import { cleaning, method } from "./data-section.ts";
import { forecasts } from "./forecasts.ts";
import { result } from "./result.ts";
import { training } from "./training-section.ts";
import { capitalised, listed } from "./words.ts";

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
