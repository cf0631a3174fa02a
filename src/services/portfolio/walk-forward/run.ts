/** Trains and tests methods on splits of history: the walk-forward and the cross-validations share this loop. */
import {
  type Compute,
  foldIn,
  type Key,
  matrix,
  PlatformError,
  type ProgressPort,
  rowOf,
  throwIfAborted,
} from "../../../base/index.ts";
import { createRuntime, type Runtime } from "../../../engine/index.ts";
import type { Limits } from "../constraints/limits.ts";
import type { Split } from "../measures/splits.ts";
import type { ObjectiveName } from "../objectives/table.ts";
import type { ReturnPanel } from "../returns.ts";
import { type Rebalance, rebalancingPeriods } from "./calendar.ts";
import { learnAndDecide, leastTraining } from "./learned.ts";
import {
  type Fitted,
  fitObjective,
  isOnline,
  type MethodName,
  type MethodOptions,
  playOnline,
  windowMarket,
} from "./methods.ts";
import { type Simulation, type SimulationOptions, simulate, type Trade } from "./simulate.ts";
import { limitsWithin, trainingWindow, type Window } from "./window.ts";

export interface RunOptions extends MethodOptions, SimulationOptions {
  readonly rebalance: Rebalance;
}

/** One method through one path of history. */
export interface Path extends Simulation {
  /** Periods of the panel that are tested, ascending, `[periods]`. */
  readonly periods: Int32Array;
  /** Weights found in each fold, `[folds][all assets]`, and the first period that they are held in. */
  readonly decisions: readonly { readonly period: number; readonly weights: Float64Array }[];
}

export interface MethodRun {
  readonly name: MethodName;
  /** One for a walk-forward, several for combinatorial cross-validation. */
  readonly paths: readonly Path[];
  /** The largest gap of a certificate over its tolerance: at most 1. */
  readonly worstCertificate: number;
  readonly notes: readonly string[];
}

export interface RunPorts {
  readonly compute: Compute;
  readonly progress: ProgressPort;
  readonly signal: AbortSignal;
  readonly key: Key;
}

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly path: number;
  /** The target of each rebalancing. */
  readonly trades: readonly Trade[];
  readonly decision: Float64Array;
}

/**
 * Every method on every split. Holdings follow each path from one test part to the next, so that costs are those of trades
 * really made; a path begins in cash. Methods of one split share its estimates.
 *
 * @throws PlatformError `PORTFOLIO_TOO_SHORT` when no asset has a return in every period of a training part, `INTERRUPTED` when
 *   the signal fires; errors of an objective with the dates of the fold in front
 */
export async function runSplits(
  panel: ReturnPanel,
  splits: readonly Split[],
  methods: readonly MethodName[],
  options: RunOptions,
  ports: RunPorts,
): Promise<{ readonly runs: readonly MethodRun[]; readonly notes: readonly string[] }> {
  let worker: Runtime | null = null;
  const runtime = () => {
    worker ??= createRuntime(ports.compute);
    return worker;
  };
  try {
    return await runAll(panel, splits, methods, options, ports, runtime);
  } finally {
    await (worker as Runtime | null)?.close();
  }
}

async function runAll(
  panel: ReturnPanel,
  splits: readonly Split[],
  methods: readonly MethodName[],
  options: RunOptions,
  { progress, signal, key }: RunPorts,
  runtime: () => Runtime,
): Promise<{ readonly runs: readonly MethodRun[]; readonly notes: readonly string[] }> {
  const pathCount = 1 + Math.max(...splits.flatMap(({ paths }) => paths));
  const pieces = methods.map(() => Array.from({ length: pathCount }, (): Piece[] => []));
  const held = methods.map(() =>
    Array.from({ length: pathCount }, () => new Float64Array(panel.assets.length)),
  );
  const worst = methods.map(() => 0);
  const notes = methods.map(() => new Map<string, number>());
  const total = splits.length * methods.length;
  const common = new Map<string, number>();
  const leftOut = new Set<number>();
  for (let s = 0; s < splits.length; s++) {
    const { train, test, paths } = splits[s];
    const known = new Map<string, Estimated>();
    for (let k = 0; k < test.length; k++) {
      const range = test[k];
      const window = trainingWindow(panel, train, range.from);
      if (window.members.length === 0)
        throw new PlatformError(
          "input",
          "PORTFOLIO_TOO_SHORT",
          `fold ${s + 1}: expected an asset with a return in each of the ${window.panel.times.length} training periods, received none`,
        );
      if (window.members.length < panel.assets.length) leftOut.add(s);
      const market = marketOf(window, options, known, common);
      for (let m = 0; m < methods.length; m++) {
        await new Promise<void>((resolve) => setImmediate(resolve)); // so that signals and progress get through
        throwIfAborted(signal, "portfolio.backtest");
        const name = methods[m];
        const before = held[m][paths[k]];
        const everywhere = (values: Float64Array) => {
          const out = new Float64Array(panel.assets.length);
          window.members.forEach((member, i) => {
            out[member] = values[i];
          });
          return out;
        };
        let trades: Trade[];
        let decision: Float64Array;
        if (isOnline(name)) {
          const seen = joined(panel, window.members, train.at(-1)?.from ?? 0, range.to);
          const daily = playOnline(name, seen, range.to - range.from, key).map(everywhere);
          trades = daily.map((target, t) => ({ period: range.from + t, target }));
          decision = daily[0];
        } else if (name === "learned") {
          const seen = joined(panel, window.members, train[0].from, range.to);
          requireToLearn(seen.times.length - (range.to - range.from));
          const answer = await learnAndDecide(
            filledWithZero(seen),
            range.to - range.from,
            { costBps: options.costBps, riskAversion: options.objective.riskAversion },
            foldIn(key, `learned ${s}`),
            runtime(),
          );
          trades = answer.decisions.map(({ period, weights }) => ({
            period: range.from + period,
            target: everywhere(weights),
          }));
          decision = trades[0].target;
          if (!answer.trusted)
            count(
              notes[m],
              "the network was not ahead of equal weight by a standard error on its validation part, so that equal weight is held",
            );
        } else {
          const limits = limitsWithin(
            options.limits,
            panel.assets,
            window.panel.assets,
            before.some((weight) => weight !== 0)
              ? Object.fromEntries(panel.assets.map((asset, i) => [asset, before[i]]))
              : null,
          );
          const fitted = inFold(s, panel.times[range.from], name, () =>
            orNoAnswer(() => market.fit(name, limits, signal)),
          );
          if (fitted === null) {
            count(
              notes[m],
              "no allowed portfolio was expected to earn more than the risk-free rate, so that holdings were kept",
            );
            const nothing = before.every((weight) => weight === 0);
            decision = nothing ? everywhere(equalWeights(window.members.length)) : Float64Array.from(before);
          } else {
            const { gap, tolerance } = fitted.certificate;
            if (tolerance > 0) worst[m] = Math.max(worst[m], gap / tolerance);
            for (const warning of fitted.warnings)
              if (!/clusters: /.test(warning))
                count(notes[m], warning.replace(/(?<![\w-])\d[\d.,e+-]*(?![\w-])/g, "…"));
            decision = everywhere(fitted.weights);
          }
          const target = decision;
          trades = rebalancingPeriods(range, panel.times, options.rebalance).map((period) => ({
            period,
            target,
          }));
        }
        pieces[m][paths[k]].push({ ...range, path: paths[k], trades, decision });
        const piece = cut(panel, range.from, range.to);
        held[m][paths[k]].set(
          simulate(
            piece,
            trades.map((trade) => ({ ...trade, period: trade.period - range.from })),
            options,
            before,
          ).held,
        );
        if (k === test.length - 1)
          progress.report({
            stage: "backtest",
            done: s * methods.length + m + 1,
            total,
            unit: "fits",
            message: name,
          });
      }
    }
  }
  if (leftOut.size > 0)
    common.set(
      `in ${leftOut.size} of ${splits.length} folds, assets without a return in every training period are left out`,
      1,
    );
  const told = (texts: Map<string, number>) =>
    [...texts].map(([text, times]) => (times > 1 ? `${text} (${times} times)` : text));
  return {
    runs: methods.map((name, m) => ({
      name,
      paths: pieces[m].map((parts) => pathOf(panel, parts, options)),
      worstCertificate: worst[m],
      notes: told(notes[m]),
    })),
    notes: told(common),
  };
}

interface Estimated {
  fit(name: ObjectiveName, limits: Limits, signal: AbortSignal): Fitted;
}

/** What an estimator says of every window anew, with other numbers. */
const aboutOneWindow = /^(shrinkage intensity|denoising:|graphical lasso:|factor model:)/;

/** The market of a window. Test parts of one split share it, and its answers where they do not depend on what is held. */
function marketOf(
  window: Window,
  options: RunOptions,
  known: Map<string, Estimated>,
  notes: Map<string, number>,
): Estimated {
  const members = window.members.join();
  const found = known.get(members);
  if (found) return found;
  const { market, warnings } = windowMarket(window.panel, options);
  for (const warning of warnings.filter((one) => !aboutOneWindow.test(one)))
    count(notes, warning.replace(/\d[\d.,e+-]*/g, "…"));
  const answers = new Map<ObjectiveName, Fitted>();
  const { turnoverLimit, costBps, impact, constraints } = options.limits;
  const free =
    turnoverLimit === undefined &&
    costBps === undefined &&
    impact === undefined &&
    !constraints.some((sentence) => /turnover/i.test(sentence));
  const estimated: Estimated = {
    fit(name, limits, signal) {
      const before = free ? answers.get(name) : undefined;
      if (before) return before;
      const fitted = fitObjective(name, market, limits, options, signal);
      answers.set(name, fitted);
      return fitted;
    },
  };
  known.set(members, estimated);
  return estimated;
}

/** The parts of a path in order, as one simulation. Parts of combinations are sorted by time first. */
function pathOf(panel: ReturnPanel, parts: readonly Piece[], options: RunOptions): Path {
  const sorted = [...parts].sort((a, b) => a.from - b.from);
  const periods = Int32Array.from(
    sorted.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, k) => from + k)),
  );
  const { rows } = panel.returns;
  const returns = matrix(rows, periods.length);
  for (let i = 0; i < rows; i++)
    for (let t = 0; t < periods.length; t++)
      returns.data[i * periods.length + t] = panel.returns.data[i * panel.returns.columns + periods[t]];
  const placeOf = new Map(Array.from(periods, (period, at) => [period, at]));
  const trades = sorted.flatMap((part) =>
    part.trades.map(({ period, target }) => ({ period: placeOf.get(period) as number, target })),
  );
  return {
    ...simulate(returns, trades, options),
    periods,
    decisions: sorted.map(({ from, decision }) => ({ period: from, weights: decision })),
  };
}

function cut({ returns }: ReturnPanel, from: number, to: number) {
  const out = matrix(returns.rows, to - from);
  for (let i = 0; i < returns.rows; i++) out.data.set(rowOf(returns, i).subarray(from, to), i * (to - from));
  return out;
}

function joined(panel: ReturnPanel, members: readonly number[], from: number, to: number): ReturnPanel {
  const all = cut(panel, from, to);
  const out = matrix(members.length, to - from);
  members.forEach((member, i) => {
    out.data.set(rowOf(all, member), i * (to - from));
  });
  return {
    ...panel,
    assets: members.map((i) => panel.assets[i]),
    returns: out,
    times: panel.times.slice(from, to),
  };
}

function filledWithZero({ returns }: ReturnPanel) {
  return { ...returns, data: returns.data.map((value) => (Number.isNaN(value) ? 0 : value)) };
}

function requireToLearn(periods: number): void {
  if (periods >= leastTraining) return;
  throw new PlatformError(
    "input",
    "PORTFOLIO_TOO_SHORT",
    `learned: expected at least ${leastTraining} training periods, received ${periods}`,
    { field: "train" },
  );
}

/** Null where a ratio has no maximum in this fold, which is no reason to give up the others. */
function orNoAnswer<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof PlatformError && error.code === "PORTFOLIO_UNBOUNDED") return null;
    throw error;
  }
}

const equalWeights = (count: number) => new Float64Array(count).fill(1 / count);

function inFold<T>(fold: number, time: number, name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PlatformError) || error.kind === "interrupted") throw error;
    const where = `${name}, fold ${fold + 1} (tested from ${new Date(time).toISOString().slice(0, 10)})`;
    throw new PlatformError(
      error.kind as "input",
      error.code as "PORTFOLIO_OPTION_INVALID",
      `${where}: ${error.message}`,
      {
        ...error.details,
        cause: error,
      },
    );
  }
}

function count(of: Map<string, number>, text: string): void {
  of.set(text, (of.get(text) ?? 0) + 1);
}
