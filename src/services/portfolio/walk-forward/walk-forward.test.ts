import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Context,
  keyFrom,
  matrix,
  matrixFrom,
  normal,
  type PriceTable,
  startOfDay,
} from "../../../base/index.ts";
import { filterPrices, readPriceTable } from "../../../data/index.ts";
import { defaultLimits } from "../constraints/limits.ts";
import { returnPanel } from "../returns.ts";
import { sharedFile, testWithData } from "../testing/shared.ts";
import { rebalancingPeriods } from "./calendar.ts";
import { methodNames, methodsOf } from "./methods.ts";
import { backtest, compare } from "./prove.ts";
import { reportFiles } from "./report.ts";
import { BacktestInput, CompareInput, ProofOutput } from "./schema.ts";
import { simulate } from "./simulate.ts";
import { monthlyReturns } from "./summary.ts";
import { proofTable } from "./tables.ts";
import { limitsWithin, trainingWindow } from "./window.ts";
import { writeFolder } from "./write.ts";

const noCosts = { costBps: 0, impact: 0 };

/** A market of random walks; `late` assets are listed after that many days. */
function prices(assets: number, days: number, { seed = 1, late = 0 } = {}): PriceTable {
  const rows = assets * days;
  const symbol = new Int32Array(rows);
  const time = new Float64Array(rows);
  const close = new Float64Array(rows);
  const moves = normal(keyFrom(seed), rows, 0.0005, 0.012);
  for (let i = 0, row = 0; i < assets; i++) {
    let price = 100;
    for (let t = 0; t < days; t++, row++) {
      price *= 1 + moves[row];
      symbol[row] = i;
      time[row] = startOfDay("2020-01-01") + t * 86_400_000;
      close[row] = i === assets - 1 && t < late ? Number.NaN : price;
    }
  }
  const line = Int32Array.from({ length: rows }, (_, row) => row + 2);
  const symbols = Array.from({ length: assets }, (_, i) => `A${i + 1}`);
  const none = { open: null, high: null, low: null, volume: null };
  return { source: "test", fingerprint: "", symbols, symbol, time, close, line, ...none };
}

function ports(table: PriceTable, signal = new AbortController().signal) {
  const reports: number[] = [];
  const context: Pick<Context, "compute" | "market" | "signal" | "clock" | "progress" | "key"> = {
    compute: { provider: "cpu", threads: 1 },
    market: { read: async () => table },
    signal,
    clock: { now: () => Date.UTC(2026, 0, 1), elapsed: () => 0 },
    progress: { report: ({ done, total }) => reports.push(done / total) },
    key: keyFrom(1),
  };
  return { context, reports };
}

const request = (options: Partial<BacktestInput> = {}) =>
  BacktestInput.parse({
    prices: "p.csv",
    objectives: ["min-volatility", "hrp"],
    train: 60,
    test: 20,
    resamples: 50,
    ...options,
  });

describe("the simulation", () => {
  test("buys, lets weights drift and pays for what it trades", () => {
    // Half and half; the first asset doubles, so that it is 2/3 of the portfolio before the second trade.
    const returns = matrixFrom([
      [1, 0, 0],
      [0, 0, 0],
    ]);
    const half = Float64Array.of(0.5, 0.5);
    const {
      returns: earned,
      turnover,
      costs,
      weights,
      held,
    } = simulate(
      returns,
      [
        { period: 0, target: half },
        { period: 2, target: half },
      ],
      { costBps: 100, impact: 0 },
    );
    expect(turnover[0]).toBe(1); // all of it is bought
    expect(turnover[1]).toBeCloseTo(2 * (2 / 3 - 1 / 2), 14);
    expect(costs[1]).toBeCloseTo(0.01 * turnover[1], 14);
    expect(earned[0]).toBeCloseTo(0.99 * 1.5 - 1, 14);
    expect(earned[1]).toBe(0);
    expect(earned[2]).toBeCloseTo(-costs[1], 14);
    expect(weights.data[2]).toBeCloseTo(2 / 3, 14);
    expect(Array.from(held)).toEqual([0.5, 0.5]);
  });

  test("earns the mean return when it trades every period, and the mean of growths when it never does", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 30 }), (seed, periods) => {
        const returns = matrix(3, periods, normal(keyFrom(seed), 3 * periods, 0, 0.02));
        const target = Float64Array.of(0.2, 0.3, 0.5);
        const daily = simulate(
          returns,
          Array.from({ length: periods }, (_, period) => ({ period, target })),
          noCosts,
        );
        daily.returns.forEach((value, t) => {
          const expected = target.reduce((sum, weight, i) => sum + weight * returns.data[i * periods + t], 0);
          expect(value).toBeCloseTo(expected, 12);
        });
        const once = simulate(returns, [{ period: 0, target }], noCosts).returns;
        const wealth = once.reduce((product, value) => product * (1 + value), 1);
        const growth = target.reduce((sum, weight, i) => {
          let own = 1;
          for (let t = 0; t < periods; t++) own *= 1 + returns.data[i * periods + t];
          return sum + weight * own;
        }, 0);
        expect(wealth).toBeCloseTo(growth, 10);
      }),
      { numRuns: 40 },
    );
  });

  test("keeps what is not invested as cash and takes a missing return as none", () => {
    const { returns } = simulate(
      matrixFrom([[0.1, Number.NaN]]),
      [{ period: 0, target: Float64Array.of(0.4) }],
      noCosts,
    );
    expect(Array.from(returns)).toEqual([expect.closeTo(0.04, 14), 0]);
  });
});

test("trades at the first period of each new week, month, quarter or year", () => {
  const times = Float64Array.from({ length: 400 }, (_, t) => startOfDay("2023-01-02") + t * 86_400_000); // a Monday
  const at = (rebalance: Parameters<typeof rebalancingPeriods>[2]) =>
    rebalancingPeriods({ from: 0, to: 400 }, times, rebalance);
  expect(at("test")).toEqual([0]);
  expect(at("period")).toHaveLength(400);
  expect(at("week").slice(0, 3)).toEqual([0, 7, 14]);
  expect(at("month").slice(0, 3)).toEqual([0, 30, 58]); // 1 February, 1 March
  expect(at("quarter").slice(0, 2)).toEqual([0, 89]);
  expect(at("year")).toEqual([0, 364]);
});

test("shows a method only assets with a whole training history, and limits that fit them", () => {
  const returns = matrixFrom([
    [0.1, -0.1, 0.1, 0],
    [Number.NaN, 0.1, -0.1, 0],
    [0.02, 0.01, 0.03, Number.NaN],
  ]);
  const panel = returnPanel(["A", "B", "C"], returns);
  const window = trainingWindow(panel, [{ from: 0, to: 3 }], 3);
  expect(window.members).toEqual([0]); // B begins late, C has ended
  expect(window.panel.returns.columns).toBe(3);
  const limits = limitsWithin(
    {
      ...defaultLimits,
      groups: { both: ["A", "B"], late: ["B"] },
      constraints: ["both <= 0.5", "late >= 0.1", "A + 2 * B <= 0.6", "turnover <= 0.1"],
      turnoverLimit: 0.2,
    },
    panel.assets,
    ["A"],
    null,
  );
  expect(limits.groups).toEqual({ both: ["A"], late: [] });
  expect(limits.constraints).toEqual(["both <= 0.5", '+ 1 * "A" <= 0.6']);
  expect(limits.turnoverLimit).toBeUndefined();
});

test("always compares with equal weight and inverse volatility, and knows which methods there are", () => {
  expect(methodsOf(["hrp", "equal-weight"])).toEqual(["hrp", "equal-weight", "inverse-volatility"]);
  expect(() => methodsOf(["hpr"])).toThrow(/received "hpr"; did you mean "hrp"/);
  // As an objective that is none: every name there is.
  expect(() => methodsOf(["nope"])).toThrow(`expected one of ${methodNames.join(", ")}, received "nope"`);
});

describe("a backtest", () => {
  test("never sees the future: changing prices after a fold changes nothing before it", async () => {
    const before = prices(4, 160);
    const close = before.close.map((price, row) => (row % 160 > 121 ? price * (1 + (row % 7) / 10) : price));
    const first = await backtest(request(), ports(before).context);
    const second = await backtest(request(), ports({ ...before, close }).context);
    first.runs.forEach(({ paths: [path] }, m) => {
      const other = second.runs[m].paths[0];
      expect(other.returns.slice(0, 60)).toEqual(path.returns.slice(0, 60));
      for (let fold = 0; fold < 4; fold++) expect(other.decisions[fold]).toEqual(path.decisions[fold]);
    });
    expect(second.runs[0].paths[0].decisions[4]).not.toEqual(first.runs[0].paths[0].decisions[4]);
  });

  test("prints the fields that scripts rely on, the same again for the same request, and reports progress", async () => {
    const { context, reports } = ports(prices(5, 200));
    const { output } = await backtest(request({ costBps: 10 }), context);
    expect(ProofOutput.parse(output)).toEqual(output);
    expect(output.methods.map(({ name }) => name)).toEqual([
      "min-volatility",
      "hrp",
      "equal-weight",
      "inverse-volatility",
    ]);
    expect(output.methods.every(({ folds, observations }) => folds === 7 && observations === 139)).toBe(true);
    expect(reports.at(-1)).toBe(1);
    expect([...reports].sort((a, b) => a - b)).toEqual(reports);
    expect(
      JSON.stringify((await backtest(request({ costBps: 10 }), ports(prices(5, 200)).context)).output),
    ).toBe(JSON.stringify(output));
  });

  test("loses to itself by its costs, and equal weight of equal assets is one asset", async () => {
    const table = prices(4, 160);
    const free = await backtest(request(), ports(table).context);
    const paid = await backtest(request({ costBps: 50 }), ports(table).context);
    paid.comparison.methods.forEach((method, m) => {
      const before = free.comparison.methods[m];
      expect(method.turnover).toBeCloseTo(before.turnover, 12);
      expect(method.costAnnual).toBeGreaterThan(0);
      expect(before.returnAnnual - method.returnAnnual).toBeCloseTo(method.costAnnual, 2);
    });
    const equal = free.runs[2].paths[0];
    expect(equal.decisions.every(({ weights }) => weights.every((weight) => weight === 0.25))).toBe(true);
    expect(free.comparison.methods[2].weightStability).toBe(1);
  });

  test("takes late listings in when they have a whole training history, and says so", async () => {
    const { runs, output } = await backtest(request(), ports(prices(3, 160, { late: 75 })).context);
    const held = runs[2].paths[0].decisions.map(({ weights }) => weights[2]);
    expect(held).toEqual([0, 0, 0, 0, expect.closeTo(1 / 3, 12)]);
    expect(output.warnings.join()).toMatch(/in 4 of 5 folds, assets without a return/);
  });

  test("keeps within a turnover limit at every trade after the first purchase", async () => {
    const proof = await backtest(
      request({ objectives: ["max-sharpe"], turnoverLimit: 0.2 }),
      ports(prices(5, 240)).context,
    );
    const { turnover } = proof.runs[0].paths[0];
    expect(turnover[0]).toBeCloseTo(1, 8);
    expect(Math.max(...turnover.slice(1))).toBeLessThan(0.2 + 1e-7);
  });

  test("plays online strategies day by day", async () => {
    const proof = await backtest(
      request({ objectives: ["online-eg", "online-olmar"] }),
      ports(prices(3, 130)).context,
    );
    const { turnover, weights } = proof.runs[1].paths[0];
    expect(turnover).toHaveLength(weights.rows);
    for (let t = 0; t < weights.rows; t++) {
      const sum = weights.data.slice(3 * t, 3 * t + 3).reduce((total, value) => total + value, 0);
      expect(sum).toBeCloseTo(1, 10);
    }
  });

  test("does not deflate by trials that are all the same, and says so", async () => {
    const proof = await backtest(request({ objectives: ["min-volatility"] }), ports(prices(1, 170)).context);
    const { output } = proof;
    expect(output.trials).toBe(1);
    for (const method of output.methods) expect(method.deflatedSharpe).toBe(method.probabilisticSharpe);
    expect(output.deflatedSharpe).toBe(output.methods[0].probabilisticSharpe);
    expect(output.probabilityOfOverfitting).toBeNull();
    expect(output.overfittingSplits).toBe(0);
    expect(output.warnings.join()).toContain("all 3 methods have the same returns: nothing was chosen");
    expect(proofTable(output)).toContain("no method differs from min-volatility; the probability that its");
    expect(reportFiles(proof)[0].content).toContain("nothing to choose from: all methods do the same");
  });

  test("counts methods with the same returns as one trial", async () => {
    const { output } = await backtest(
      // Bought back to every day, equal weight is the uniform portfolio that is always rebalanced.
      request({ objectives: ["online-rebalanced", "min-volatility"], rebalance: "period" }),
      ports(prices(3, 170)).context,
    );
    expect(output.methods.map(({ name }) => name)).toHaveLength(4);
    expect(output.trials).toBe(3);
    expect(output.warnings.join()).toContain("only 3 of the 4 methods have returns of their own");
  });

  test("names method and fold of an objective that has no answer", async () => {
    await expect(
      backtest(
        request({ objectives: ["min-volatility"], constraints: ["A1 >= 0.8", "A2 >= 0.8"] }),
        ports(prices(3, 130)).context,
      ),
    ).rejects.toThrow(/^min-volatility, fold 1 \(tested from 2020-03-02\): .*A1 >= 0.8/);
  });

  test("keeps what it holds through a fold in which no asset is expected to earn anything", async () => {
    const table = prices(2, 170);
    // Both assets rise, then fall for a hundred days, so that a Sharpe ratio has no maximum in the middle folds.
    const close = table.close.map((_, row) => {
      const t = row % 170;
      return (
        100 * Math.exp(0.002 * (t < 70 ? t : 140 - t)) * (1 + 0.01 * Math.sin(t * (row < 170 ? 1.3 : 2.1)))
      );
    });
    const { runs, output } = await backtest(
      request({ objectives: ["max-sharpe"] }),
      ports({ ...table, close }).context,
    );
    const { decisions, turnover } = runs[0].paths[0];
    expect(output.methods[0].notes.join()).toMatch(/holdings were kept \(\d times\)/);
    expect(turnover.at(-1)).toBeCloseTo(0, 12);
    expect(decisions.at(-1)?.weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
  });

  test("stops when it is told to, and asks for more history than there is to train on", async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(backtest(request(), ports(prices(3, 130), controller.signal).context)).rejects.toMatchObject(
      {
        code: "INTERRUPTED",
      },
    );
    await expect(backtest(request({ train: 500 }), ports(prices(3, 130)).context)).rejects.toMatchObject({
      code: "PORTFOLIO_TOO_SHORT",
    });
  });
});

test("compares under combinatorial cross-validation: as many paths as it should have, each through all periods", async () => {
  const input = CompareInput.parse({
    prices: "p.csv",
    objectives: ["min-volatility"],
    folds: 6,
    testFolds: 2,
    purge: 2,
    embargo: 1,
    resamples: 20,
  });
  const { runs, output, splits } = await compare(input, ports(prices(3, 181)).context);
  expect(splits).toHaveLength(15);
  expect(runs[0].paths).toHaveLength(5);
  for (const { periods } of runs[0].paths)
    expect(Array.from(periods)).toEqual(Array.from({ length: 180 }, (_, t) => t));
  expect(output.methods[0].sharpeDeviation).toBeGreaterThan(0);
  // Equal weight is the same on every path.
  expect(output.methods[1].sharpeDeviation).toBeCloseTo(0, 10);
});

test("compounds months", () => {
  const times = ["2023-12-29", "2024-01-02", "2024-01-31"].map(startOfDay);
  const { years, values } = monthlyReturns(Float64Array.from(times), Float64Array.of(0.01, 0.1, -0.1));
  expect(years).toEqual(["2023", "2024"]);
  expect(values[0][11]).toBeCloseTo(0.01, 14);
  expect(values[1][0]).toBeCloseTo(1.1 * 0.9 - 1, 14);
  expect(values[1][1]).toBeNaN();
});

test("writes a page that needs nothing else, pictures, and values that agree with each other", async () => {
  const proof = await backtest(request({ costBps: 5 }), ports(prices(6, 240)).context);
  const folder = mkdtempSync(join(tmpdir(), "fathom-portfolio-"));
  try {
    const written = await writeFolder(join(folder, "report"), reportFiles(proof));
    const names = readdirSync(join(folder, "report")).filter((name) => !name.startsWith(".")); // its own list
    expect(written).toHaveLength(names.length);
    for (const name of [
      "report.html",
      "values.json",
      "methods.csv",
      "returns.csv",
      "weights.csv",
      "frontier.svg",
      "dendrogram.svg",
      "wealth.svg",
      "drawdowns.svg",
      "sharpe-intervals.svg",
    ])
      expect(names).toContain(name);
    // Who is drawn below its highest value is every method, as the picture says.
    const fallen = readFileSync(join(folder, "report/drawdowns.svg"), "utf8");
    for (const { name } of proof.runs) expect(fallen).toContain(`>${name}<`);
    const html = readFileSync(join(folder, "report/report.html"), "utf8");
    expect(html).not.toMatch(/<script|<link|\ssrc=|url\((?!#)/);
    expect(html).not.toContain("NaN");
    const values = JSON.parse(readFileSync(join(folder, "report/values.json"), "utf8"));
    const lines = readFileSync(join(folder, "report/returns.csv"), "utf8").trim().split("\n");
    expect(lines).toHaveLength(1 + values.methods[0].observations);
    const returns = values.series[1].paths[0].returns;
    expect(Number(lines[1].split(",")[2])).toBe(returns[0]);
    const wealth = returns.reduce((product: number, value: number) => product * (1 + value), 1);
    expect(values.series[1].paths[0].wealth.at(-1)).toBeCloseTo(wealth, 12);
    const weights = readFileSync(join(folder, "report/weights.csv"), "utf8").trim().split("\n");
    expect(weights).toHaveLength(1 + 4 * values.methods[0].folds);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

testWithData("tests methods on the stocks of PyPortfolioOpt, with plausible risk", async () => {
  const table = filterPrices(
    await readPriceTable({ path: sharedFile("equities-close-pypfopt/stock_prices.csv.gz") }),
    { from: startOfDay("2012-06-01") },
  );
  const input = BacktestInput.parse({
    prices: "stocks",
    objectives: ["min-volatility", "risk-parity", "hrp"],
    costBps: 10,
    resamples: 50,
  });
  const { comparison } = await backtest(input, ports(table).context);
  const [least, , , equal] = comparison.methods;
  expect(least.volatilityAnnual).toBeLessThan(equal.volatilityAnnual);
  for (const method of comparison.methods) {
    expect(method.folds).toBe(21);
    expect(method.volatilityAnnual).toBeGreaterThan(0.08);
    expect(method.volatilityAnnual).toBeLessThan(0.25);
    expect(method.intervals.sharpeAnnual[0]).toBeLessThan(method.sharpeAnnual);
    expect(method.intervals.sharpeAnnual[1]).toBeGreaterThan(method.sharpeAnnual);
  }
});
