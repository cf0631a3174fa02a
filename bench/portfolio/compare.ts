/** Whole fits of portfolios: returns in memory, then estimates, weights and certificate; beside them direct scripts of peers. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { keyFrom } from "../../src/base/index.ts";
import {
  defaultLimits,
  defaultOptions,
  efficientFrontier,
  estimateMarket,
  type ObjectiveName,
  objectives,
  type ReturnPanel,
  runSplits,
  walkForwardSplits,
} from "../../src/services/portfolio/index.ts";
import { median } from "../engine/measure.ts";
import { benchReturns } from "./returns.ts";

export interface PortfolioRow {
  readonly name: string;
  readonly assets: number;
  readonly periods: number;
  readonly milliseconds: number;
  /** The first fit of the process: code not yet compiled. */
  readonly firstMilliseconds: number;
  readonly gap: number;
  readonly peer: string | null;
  readonly peerMilliseconds: number | null;
  /** Difference of the two objectives, relative. */
  readonly difference: number | null;
  /** Why there is no peer, or what somebody else published for this work. */
  readonly note: string;
}

export interface PortfolioComparison {
  readonly rows: readonly PortfolioRow[];
  readonly frontier: {
    readonly points: number;
    readonly milliseconds: number;
    readonly oneMilliseconds: number;
  };
  readonly walkForward: {
    readonly folds: number;
    readonly methods: readonly string[];
    readonly milliseconds: number;
  };
  readonly growth: readonly {
    readonly name: string;
    readonly assets: number;
    readonly periods: number;
    readonly milliseconds: number;
  }[];
}

interface Work {
  readonly objective: ObjectiveName;
  readonly assets: number;
  readonly periods: number;
  readonly peer: boolean;
  readonly note: string;
}

const small = { assets: 20, periods: 5569 };
const large = { assets: 500, periods: 2500 };
const works: readonly Work[] = [
  {
    objective: "min-volatility",
    ...small,
    peer: true,
    note: "published: skfolio 12 ms, PyPortfolioOpt 5.5 ms",
  },
  { objective: "max-sharpe", ...small, peer: true, note: "published: PyPortfolioOpt 5.5 ms" },
  { objective: "risk-parity", ...small, peer: false, note: "published: skfolio 11 ms" },
  { objective: "max-diversification", ...small, peer: true, note: "published: skfolio 10 ms" },
  { objective: "hrp", ...small, peer: false, note: "published: skfolio 10 ms" },
  { objective: "min-cvar", ...small, peer: true, note: "published: skfolio 218 ms" },
  { objective: "min-cdar", ...small, peer: false, note: "" },
  { objective: "min-evar", ...small, peer: false, note: "" },
  { objective: "min-volatility", ...large, peer: true, note: "" },
  { objective: "max-sharpe", ...large, peer: true, note: "" },
  { objective: "risk-parity", ...large, peer: false, note: "" },
  { objective: "hrp", ...large, peer: false, note: "" },
  { objective: "min-cvar", ...large, peer: true, note: "" },
];

/** @param say one line of progress */
export async function comparePortfolio(
  only: string,
  say: (line: string) => void,
): Promise<PortfolioComparison> {
  const folder = await mkdtemp(join(tmpdir(), "fathom-bench-"));
  const rows: PortfolioRow[] = [];
  try {
    for (const work of works.filter(({ objective }) => objective.includes(only))) {
      say(`${work.objective}, ${work.assets} assets x ${work.periods} days`);
      rows.push(await compareWork(work, folder));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  say("frontier of 100 points, walk-forward, growth");
  return { rows, frontier: frontierTimes(), walkForward: await walkForwardTime(), growth: growth() };
}

function fit(panel: ReturnPanel, objective: ObjectiveName) {
  const { market } = estimateMarket(panel, { periodsPerYear: 252 });
  return objectives[objective].solve({ market, limits: defaultLimits, options: defaultOptions });
}

async function compareWork(
  { objective, assets, periods, peer, note }: Work,
  folder: string,
): Promise<PortfolioRow> {
  const panel = benchReturns(assets, periods);
  const ours = time(() => fit(panel, objective));
  const other = peer ? await runPeer(panel, objective, folder, assets > 100 ? 3 : 15) : null;
  const found = other && "milliseconds" in other ? other : null;
  const value = ours.result.objective;
  return {
    name: objective,
    assets,
    periods,
    milliseconds: ours.median,
    firstMilliseconds: ours.first,
    gap: ours.result.certificate.gap,
    peer: found ? `${found.name} ${found.version}` : null,
    peerMilliseconds: found ? median(found.milliseconds) : null,
    difference: found ? Math.abs(found.objective - value) / Math.abs(value) : null,
    note: other && "absent" in other ? `peer absent: ${other.absent}` : note,
  };
}

/** As often as fits into two seconds, three times at least. */
function time<R>(work: () => R): { readonly first: number; readonly median: number; readonly result: R } {
  const clock = () => performance.now();
  const begin = clock();
  let result = work();
  const first = clock() - begin;
  const samples: number[] = [];
  while (samples.length < 3 || (clock() - begin < 2000 && samples.length < 200)) {
    const start = clock();
    result = work();
    samples.push(clock() - start);
  }
  return { first, median: median(samples), result };
}

type PeerAnswer =
  | { readonly absent: string }
  | {
      readonly name: string;
      readonly version: string;
      readonly milliseconds: number[];
      readonly objective: number;
    };

async function runPeer(
  panel: ReturnPanel,
  objective: ObjectiveName,
  folder: string,
  repetitions: number,
): Promise<PeerAnswer> {
  const file = join(folder, "returns.f64");
  const { data, rows, columns } = panel.returns;
  await writeFile(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const script = fileURLToPath(new URL("./peers/solvers.py", import.meta.url));
  try {
    const { stdout } = await promisify(execFile)(
      "/usr/bin/python3",
      [script, file, String(rows), String(columns), objective, String(repetitions)],
      { timeout: 600_000 },
    );
    return JSON.parse(stdout) as PeerAnswer;
  } catch (error) {
    return { absent: error instanceof Error ? error.message.split("\n")[0] : String(error) };
  }
}

function frontierTimes() {
  const { market } = estimateMarket(benchReturns(small.assets, small.periods), { periodsPerYear: 252 });
  const input = { market, limits: defaultLimits, options: defaultOptions };
  const points = 100;
  const all = time(() => efficientFrontier(input, "volatility", points));
  const middle = all.result[points / 2].expectedReturn;
  const one = time(() =>
    objectives["min-volatility"].solve({ ...input, limits: { ...defaultLimits, targetReturn: middle } }),
  );
  return { points, milliseconds: all.median, oneMilliseconds: one.median };
}

/** 41 folds of a year each, with costs and drift; the bootstrap and the report are not in it. */
async function walkForwardTime() {
  const methods = ["min-volatility", "max-sharpe", "risk-parity", "hrp", "min-cvar"] as const;
  const [train, test, folds] = [252, 60, 41];
  const panel = benchReturns(small.assets, train + test * folds);
  const splits = walkForwardSplits(panel.times.length, { train, test });
  const options = {
    limits: defaultLimits,
    positions: {},
    objective: defaultOptions,
    estimate: { periodsPerYear: 252 },
    rebalance: "test",
    costBps: 10,
    impact: 0,
  } as const;
  const ports = {
    compute: { provider: "cpu", threads: 2 },
    progress: { report() {} },
    signal: new AbortController().signal,
    key: keyFrom(1),
  } as const;
  const samples: number[] = [];
  for (let round = 0; round < 4; round++) {
    const start = performance.now();
    await runSplits(panel, splits, methods, options, ports);
    samples.push(performance.now() - start);
  }
  return { folds: splits.length, methods, milliseconds: median(samples.slice(1)) };
}

function growth() {
  const sizes = [
    { assets: 20, periods: 1250 },
    { assets: 20, periods: 5000 },
    { assets: 20, periods: 20_000 },
    { assets: 100, periods: 2500 },
    { assets: 250, periods: 2500 },
    { assets: 500, periods: 2500 },
  ];
  return (["min-volatility", "min-cvar"] as const).flatMap((name) =>
    sizes.map(({ assets, periods }) => {
      const panel = benchReturns(assets, periods);
      return { name, assets, periods, milliseconds: time(() => fit(panel, name)).median };
    }),
  );
}
