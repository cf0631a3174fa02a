/** What goes into and comes out of the forecasting capabilities. */
import { z } from "zod";
import { priceRequestFields, priceSourceMeaning } from "../../data/index.ts";
import { networkNames } from "../../models/index.ts";
import { VersionTarget } from "../registering/index.ts";

export const targets = ["return", "log-return", "direction", "volatility", "level"] as const;
export type Target = (typeof targets)[number];

/** What each target is, in words and unit, for help, reports and the manifest. */
export const targetMeaning: Record<
  Target,
  { readonly title: string; readonly unit: string; readonly naive: string }
> = {
  return: { title: "simple return over the horizon", unit: "fraction", naive: "no change" },
  "log-return": { title: "log return over the horizon", unit: "log points", naive: "no change" },
  direction: {
    title: "probability that the price is higher at the horizon",
    unit: "probability",
    naive: "share of rises in training",
  },
  volatility: {
    title: "root mean squared log return per bar over the horizon",
    unit: "per bar",
    naive: "volatility of the lookback window",
  },
  level: { title: "price at the horizon", unit: "price", naive: "last price" },
};

const PriceSourceFields = {
  data: z.string().min(1).describe(priceSourceMeaning),
  ...priceRequestFields,
};

/** Later prices for a model: read as those of its training unless the request says otherwise. */
const LaterPriceFields = {
  ...PriceSourceFields,
  format: priceRequestFields.format.describe(
    "how the price file is written, where it does not say so itself; by default as that of the training, of which what is given here takes the place; {} for a plain file",
  ),
  seed: z.number().int().optional().describe("seed of the simulated market; by default that of the training"),
};

export const Cleaning = z
  .object({
    duplicates: z
      .enum(["first", "last", "error"])
      .default("last")
      .describe("which of several bars with one time to keep"),
    missing: z
      .enum(["forwardFill", "drop", "median"])
      .default("forwardFill")
      .describe("how a bar without a close gets one"),
    impossible: z
      .enum(["repair", "drop", "flag"])
      .default("repair")
      .describe("what to do with bars that cannot be"),
    outliers: z
      .enum(["hampel", "iqr", "zscore", "none"])
      .default("hampel")
      .describe("how outliers are found"),
    outlierAction: z
      .enum(["flag", "winsorise", "drop"])
      .optional()
      .describe(
        "what to do with outliers; by default flag, because the jumps of real prices are mostly true, and drop on the simulated market, whose bad ticks are known to be false",
      ),
  })
  .describe("cleaning steps; every one is causal");
export type Cleaning = z.output<typeof Cleaning>;

/** A network reads those of the sizes that it has; docs/forecast.md lists them. */
const networkSize = (most: number, meaning: string) =>
  z.number().int().min(1).max(most).optional().describe(`${meaning}; by default the network's own`);

export const TrainInput = z.object({
  ...PriceSourceFields,
  target: z.enum(targets).default("log-return").describe("what to forecast"),
  horizon: z.array(z.number().int().min(1)).min(1).default([1]).describe("bars ahead, one or several"),
  lookback: z.number().int().min(2).max(2000).default(30).describe("bars that the model sees"),
  model: z.enum(networkNames).default("lstm").describe("network"),
  hiddenSize: networkSize(2048, "width of the hidden layers"),
  numLayers: networkSize(32, "number of hidden layers, blocks or stacks"),
  numHeads: networkSize(
    64,
    "attention heads, which divide the hidden size; transformer, itransformer, patchTst",
  ),
  patchLength: networkSize(2000, "bars in a patch; patchTst"),
  kernelSize: networkSize(2000, "bars in a kernel or a moving average; tcn, inceptionTime, dlinear"),
  dropout: z
    .number()
    .min(0)
    .max(0.9)
    .optional()
    .describe("share of hidden values dropped in training; by default the network's own"),
  epochs: z.number().int().min(1).default(20).describe("passes over the training data, at most"),
  patience: z
    .number()
    .int()
    .min(1)
    .default(5)
    .describe("epochs without a better validation loss before stopping"),
  batchSize: z.number().int().min(1).max(8192).default(256).describe("samples per step"),
  learningRate: z
    .number()
    .positive()
    .default(0.002)
    .describe("highest learning rate; warm-up, then a cosine"),
  weightDecay: z.number().min(0).default(0.01).describe("decoupled weight decay of AdamW"),
  clipNorm: z.number().positive().default(1).describe("largest length of a gradient"),
  loss: z.enum(["mse", "mae", "huber"]).default("mse").describe("loss of the point forecast"),
  quantiles: z
    .array(z.number().gt(0).lt(1))
    .default([0.05, 0.25, 0.5, 0.75, 0.95])
    .describe("levels of the quantile forecast; empty for none"),
  validationShare: z.number().gt(0).lt(0.5).default(0.15).describe("share of time kept to stop by"),
  testShare: z.number().gt(0).lt(0.5).default(0.2).describe("last share of time, kept to judge by"),
  embargoDays: z
    .number()
    .min(0)
    .default(0)
    .describe("days between the end of a label and the next part, beside the purge"),
  cleaning: Cleaning.prefault({}),
  seed: z.number().int().default(1).describe("start of all randomness"),
  out: z
    .string()
    .min(1)
    .optional()
    .describe("where the artifact goes: a path, or a name below the data folder's models"),
  replace: z.boolean().optional().describe("put it in the place of a model of another training"),
});
export type TrainInput = z.output<typeof TrainInput>;

/** A training as it is asked for; where its result goes beside the disk is no part of what it is. */
export const TrainRequest = TrainInput.extend({
  register: VersionTarget.optional().describe(
    "take the result into the registry as the next version of this model; name@challenger points the alias to it too",
  ),
});
export type TrainRequest = z.output<typeof TrainRequest>;

const Count = z.number().int();
const MaybeNumber = z.number().nullable();

export const CleaningCounts = z.object({
  rowsRead: Count,
  rowsKept: Count,
  rowsAdded: Count,
  duplicates: Count,
  missing: Count,
  outliers: Count,
  impossible: Count,
  stale: Count,
  gaps: Count,
  notFinite: Count.describe("cells that held NaN or infinity; they are among the missing"),
  dropped: z.record(z.string(), Count),
});
export type CleaningCounts = z.output<typeof CleaningCounts>;

const ModelScore = z.object({
  mse: z.number(),
  mae: z.number(),
  rmse: z.number(),
  directionAccuracy: MaybeNumber.describe(
    "share of outcomes whose direction was right; null where the target has none",
  ),
  ic: MaybeNumber.describe(
    "mean correlation of forecast and outcome across symbols per date, or over time for one symbol",
  ),
  rankIc: MaybeNumber,
  auc: MaybeNumber.describe("area under the ROC curve; for directions only"),
  logLoss: MaybeNumber.describe("for directions only"),
});

export const Score = z.object({
  n: Count,
  model: ModelScore,
  naive: z.object({ mse: z.number(), mae: z.number(), directionAccuracy: MaybeNumber, logLoss: MaybeNumber }),
  linear: z.object({ mse: z.number(), mae: z.number(), directionAccuracy: MaybeNumber, ic: MaybeNumber }),
  skill: MaybeNumber.describe(
    "1 - MSE / MSE of the naive forecast; null when the naive forecast makes no error at all",
  ),
  linearSkill: MaybeNumber,
  pValue: MaybeNumber.describe(
    "Diebold-Mariano test of equal squared error, two-sided; null with too few dates",
  ),
  trueMeanSkill: MaybeNumber.describe(
    "skill of the market's true conditional mean, the expected best; known for the simulated market only",
  ),
  trueMeanSkillError: MaybeNumber.describe("its standard error; null with too few dates"),
  coverage: z
    .array(z.object({ level: z.number(), observed: z.number() }))
    .describe("share of outcomes at or below each forecast quantile"),
  interval: z
    .object({
      lower: z.number(),
      upper: z.number(),
      expected: z.number(),
      coverage: z.number(),
      naiveCoverage: z.number(),
    })
    .nullable()
    .describe("the widest forecast band, beside the band of training outcomes"),
});
export type Score = z.output<typeof Score>;

export const HorizonScore = Score.extend({ horizon: Count });
export type HorizonScore = z.output<typeof HorizonScore>;

export const EpochRecord = z.object({
  epoch: Count,
  trainLoss: z.number(),
  validationLoss: z.number(),
  learningRate: z.number(),
  gradientNorm: z.number(),
});

export const TrainOutput = z.object({
  artifact: z.string().describe("folder of the trained model"),
  report: z.string().describe("HTML report"),
  target: z.enum(targets),
  parameters: Count.describe("learned numbers"),
  epochs: Count,
  bestEpoch: Count,
  seconds: z.number().describe("time of the training alone"),
  resumedFrom: Count.describe("epoch of the checkpoint that was continued; 0 for a fresh start"),
  cleaning: CleaningCounts,
  samples: z.object({ train: Count, validation: Count, test: Count }),
  periods: z.object({
    train: z.array(z.string()),
    validation: z.array(z.string()),
    test: z.array(z.string()),
  }),
  history: z.array(EpochRecord),
  shrinkage: z
    .array(z.number())
    .describe("share of the network's forecast kept, per horizon, fitted on the validation part"),
  test: Score.extend({
    horizons: z.array(HorizonScore).describe("the same by horizon; the fields above are those of the first"),
  }),
  summary: z.string().describe("the result in words"),
});
export type TrainOutput = z.output<typeof TrainOutput>;

export const TrainResult = TrainOutput.extend({
  registered: z
    .object({
      model: z.string(),
      version: Count,
      alias: z.string().nullable().describe("what points to it"),
      digest: z.string().describe("SHA-256 of the manifest"),
      isNew: z.boolean().describe("false when the same bytes were a version already"),
    })
    .optional()
    .describe("the version of the registry, where one was asked for"),
});
export type TrainResult = z.output<typeof TrainResult>;

export const PredictInput = z.object({
  artifact: z.string().min(1).describe("trained model: a path, or a name below the data folder's models"),
  ...LaterPriceFields,
});
export type PredictInput = z.output<typeof PredictInput>;

export const Forecast = z.object({
  symbol: z.string(),
  asOf: z.string().describe("time of the last bar that the model saw"),
  horizon: Count,
  time: z.string().describe("time of the bar that is forecast"),
  value: z.number(),
  quantiles: z.record(z.string(), z.number()).optional(),
});

export const PredictOutput = z.object({
  forecasts: z.array(Forecast),
  target: z.enum(targets),
  unit: z.string(),
  model: z.object({ artifact: z.string(), digest: z.string() }),
});
export type PredictOutput = z.output<typeof PredictOutput>;

export const EvaluateInput = z.object({
  artifact: z.string().min(1).describe("trained model: a path, or a name below the data folder's models"),
  ...LaterPriceFields,
  folds: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(4)
    .describe("parts of the time after training, judged one after the other"),
  refit: z
    .boolean()
    .default(false)
    .describe(
      "train again on everything before each fold, with the model's own configuration; the data has to go back that far",
    ),
  start: z.iso
    .date()
    .optional()
    .describe("first date to judge; by default the first that training did not see"),
});
export type EvaluateInput = z.output<typeof EvaluateInput>;

export const EvaluateOutput = z.object({
  artifact: z.string().describe("the model as it was asked for"),
  digest: z.string().describe("which model that was: SHA-256 of its manifest"),
  target: z.enum(targets),
  refit: z.boolean(),
  folds: z.array(z.object({ from: z.string(), to: z.string(), horizons: z.array(HorizonScore) })),
  total: z.array(HorizonScore).describe("all folds together, by horizon"),
  summary: z.string(),
});
export type EvaluateOutput = z.output<typeof EvaluateOutput>;

export const FoldInput = EvaluateInput.extend({
  fold: z.number().int().min(0).describe("which of the folds, from 0"),
});
export type FoldInput = z.output<typeof FoldInput>;

/** A fold with everything that the score of all folds together is made from. */
export const FoldOutput = z.object({
  from: z.string(),
  to: z.string(),
  horizons: z.array(HorizonScore),
  facts: z.object({
    riseShare: z.array(z.number()),
    band: z.array(z.object({ lower: MaybeNumber, upper: MaybeNumber })),
  }),
  shrinkage: z.array(z.number()).describe("share of the network's forecast kept, per horizon"),
  forecast: z.array(z.number()).describe("[samples, horizons]"),
  quantiles: z.array(z.number()).nullable().describe("[samples, horizons, levels]"),
  linear: z.array(z.number()).describe("[samples, horizons], of the linear model"),
});
export type FoldOutput = z.output<typeof FoldOutput>;

export const SweepInput = TrainInput.omit({ seed: true }).extend({
  seeds: z
    .array(z.number().int())
    .min(1)
    .max(1000)
    .refine(
      (seeds) => new Set(seeds).size === seeds.length,
      "expected each seed once, received one of them again",
    )
    .default([1, 2, 3])
    .describe("one training for each; on the simulated market each is a market of its own too"),
  eachSymbol: z.boolean().default(false).describe("a model for each symbol instead of one for all"),
  out: z
    .string()
    .min(1)
    .optional()
    .describe("where the artifacts go: a path or a name, to which symbol and seed are added"),
});
export type SweepInput = z.output<typeof SweepInput>;

export const SweptTraining = z.object({
  seed: z.number().int(),
  symbol: z.string().nullable().describe("null where one model is for all symbols"),
  job: z.string().nullable().describe("the job that trained it; null where it was trained in this call"),
  artifact: z.string().nullable().describe("null when the training failed"),
  skill: MaybeNumber.describe("on the test part, at the first horizon"),
  failure: z.string().nullable(),
});
export type SweptTraining = z.output<typeof SweptTraining>;

export const SweepOutput = z.object({
  trainings: z.array(SweptTraining).describe("symbol by symbol, seed by seed"),
  failed: Count,
  skill: z
    .object({ mean: z.number(), standardDeviation: MaybeNumber, lowest: z.number(), highest: z.number() })
    .nullable()
    .describe("over the trainings that have one: how much of a score is the seed"),
});
export type SweepOutput = z.output<typeof SweepOutput>;
