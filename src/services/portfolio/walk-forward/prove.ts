/** The work of `portfolio.backtest` and `portfolio.compare`: from a request to tested methods, and the report. */
import { type Context, calendarDate, foldIn, keyFrom, PlatformError } from "../../../base/index.ts";
import { periodsOfYear } from "../estimate.ts";
import type { SeriesOptions } from "../measures/series.ts";
import { combinatorialSplits, purgedKFoldSplits, type Split, walkForwardSplits } from "../measures/splits.ts";
import { panelOf } from "../optimise.ts";
import { type ReturnPanel, simpleReturns } from "../returns.ts";
import { isOnline, type MethodName, methodsOf } from "./methods.ts";
import { type MethodRun, runSplits } from "./run.ts";
import type { BacktestInput, CompareInput, ProofOutput } from "./schema.ts";
import { type Comparison, summarise } from "./summary.ts";

type Ports = Pick<Context, "compute" | "market" | "signal" | "clock" | "progress" | "key">;

/** Everything that a report shows. */
export interface Proof {
  readonly input: BacktestInput & Partial<CompareInput>;
  readonly panel: ReturnPanel;
  readonly splits: readonly Split[];
  readonly runs: readonly MethodRun[];
  readonly comparison: Comparison;
  readonly options: SeriesOptions;
  readonly output: ProofOutput;
}

/** Walk-forward: each fold trains on the past and is tested on what follows. */
export async function backtest(input: BacktestInput, ports: Ports): Promise<Proof> {
  return prove(input, "walk-forward", (periods) => walkForwardSplits(periods, input), ports);
}

/** The same methods under the validation that was asked for. */
export async function compare(input: CompareInput, ports: Ports): Promise<Proof> {
  const splits: Readonly<Record<CompareInput["validation"], (periods: number) => Split[]>> = {
    "walk-forward": (periods) => walkForwardSplits(periods, input),
    "purged-k-fold": (periods) => purgedKFoldSplits(periods, input.folds, input),
    combinatorial: (periods) => combinatorialSplits(periods, input.folds, input.testFolds, input),
  };
  return prove(input, input.validation, splits[input.validation], ports);
}

async function prove(
  input: BacktestInput & Partial<CompareInput>,
  validation: string,
  splitsOf: (periods: number) => Split[],
  ports: Ports,
): Promise<Proof> {
  const methods = methodsOf(input.objectives);
  requireTimeOrder(methods, validation);
  const prices = await panelOf(input, ports);
  const panel = simpleReturns(prices);
  const periodsPerYear = input.periodsPerYear ?? periodsOfYear(panel.times);
  const splits = splitsOf(panel.times.length);
  const key = input.seed === undefined ? ports.key : keyFrom(input.seed);
  // Costs are paid in the simulation; inside of an objective they would weigh once a year.
  const { costBps = 0, impact = 0, ...limits } = input;
  const { runs, notes } = await runSplits(
    panel,
    splits,
    methods,
    {
      limits,
      positions: input,
      objective: input,
      estimate: { ...input, periodsPerYear },
      rebalance: input.rebalance,
      costBps,
      impact,
    },
    {
      compute: ports.compute,
      progress: ports.progress,
      signal: ports.signal,
      key: foldIn(key, "walk-forward"),
    },
  );
  const options: SeriesOptions = { ...input, periodsPerYear };
  const comparison = summarise(panel, runs, options, foldIn(key, "summary"), input);
  const { periods } = runs[0].paths[0];
  const best = comparison.methods.find(
    ({ name }) => name === comparison.best,
  ) as Comparison["methods"][number];
  const output: ProofOutput = {
    validation,
    methods: comparison.methods.map((method) => ({
      ...method,
      sharpeAnnual: finite(method.sharpeAnnual),
      sortinoAnnual: finite(method.sortinoAnnual),
      calmar: finite(method.calmar),
      omega: finite(method.omega),
      tailRatio: finite(method.tailRatio),
      skewness: finite(method.skewness),
      kurtosis: finite(method.kurtosis),
      sharpeDeviation: finite(method.sharpeDeviation),
      intervals: Object.fromEntries(
        Object.entries(method.intervals).map(([name, range]) => [name, [...range]]),
      ) as ProofOutput["methods"][number]["intervals"],
      notes: [...method.notes],
    })),
    best: comparison.best,
    deflatedSharpe: best.deflatedSharpe,
    trials: comparison.trials,
    probabilityOfOverfitting: finite(comparison.probabilityOfOverfitting),
    overfittingSplits: comparison.overfittingSplits,
    blockLength: comparison.blockLength,
    from: calendarDate(panel.times[periods[0]]),
    to: calendarDate(panel.times[periods[periods.length - 1]]),
    periodsPerYear,
    files: [],
    // Each fold asks for whole histories itself, so that different starts need no other word.
    warnings: [
      ...panel.warnings.filter((warning) => !warning.startsWith("prices start on")),
      ...notes,
      ...sameTrials(comparison),
    ],
  };
  return { input, panel, splits, runs, comparison, options, output };
}

/** What the inference cannot say where some methods, or all of them, have the same returns. */
function sameTrials({ methods, trials }: Comparison): string[] {
  if (trials === methods.length) return [];
  if (trials > 1)
    return [
      `only ${trials} of the ${methods.length} methods have returns of their own: those that are the same count as one trial of the deflated Sharpe ratio`,
    ];
  return [
    `all ${methods.length} methods have the same returns: nothing was chosen, so that the deflated Sharpe ratio is the plain probability of a ratio above 0, and there is no probability of overfitting`,
  ];
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Strategies that learn as they go need the past before them: cross-validation, which trains on both sides, has none. */
function requireTimeOrder(methods: readonly MethodName[], validation: string): void {
  const ordered = methods.filter((name) => isOnline(name) || name === "learned");
  if (validation === "walk-forward" || ordered.length === 0) return;
  throw new PlatformError(
    "input",
    "PORTFOLIO_OPTION_INVALID",
    `validation: expected walk-forward for ${ordered.join(", ")}, received ${validation}`,
    { field: "validation" },
  );
}
