/** What is odd in the prices or contradictory in the constraints: one clear message, or an answer that says what was done. */
import { describe, expect, test } from "vitest";
import { keyFrom, normal, type PriceTable, startOfDay } from "../../base/index.ts";
import { attribute } from "./attribution/attribute.ts";
import { AttributionInput } from "./attribution/schema.ts";
import { feasibleSet } from "./constraints/feasible.ts";
import { requireFeasible } from "./constraints/infeasible.ts";
import { defaultLimits } from "./constraints/limits.ts";
import { estimateMarket } from "./estimate.ts";
import { blackLitterman } from "./estimators/returns/black-litterman.ts";
import type { View } from "./estimators/returns/views.ts";
import { defaultOptions } from "./objectives/input.ts";
import { type ObjectiveName, objectives } from "./objectives/table.ts";
import { frontier, optimize } from "./optimise.ts";
import { pricePanel } from "./prices.ts";
import { simpleReturns } from "./returns.ts";
import { FrontierInput, OptimizeInput } from "./schema.ts";

const dates = 80;

/** Prices of assets that move at random; `change` edits them. */
function prices(
  assets: readonly string[],
  change: (close: number[][]) => void = () => {},
  count = dates,
): PriceTable {
  const moves = normal(keyFrom(7), assets.length * count, 0.0005, 0.01);
  const close = assets.map((_, i) => {
    let price = 100;
    return Array.from({ length: count }, (_, t) => {
      price *= 1 + moves[i * count + t];
      return price;
    });
  });
  change(close);
  const day = (t: number) => startOfDay("2024-01-01") + t * 86_400_000;
  const rows = assets.length * count;
  return {
    source: "prices.csv",
    fingerprint: "",
    symbols: assets,
    symbol: Int32Array.from({ length: rows }, (_, r) => Math.floor(r / count)),
    time: Float64Array.from({ length: rows }, (_, r) => day(r % count)),
    open: null,
    high: null,
    low: null,
    close: Float64Array.from(close.flat()),
    volume: null,
    line: Int32Array.from({ length: rows }, (_, r) => r + 2),
  };
}

const ports = (table: PriceTable) => ({
  market: { read: async () => table },
  signal: new AbortController().signal,
  clock: { now: () => Date.UTC(2026, 0, 1), elapsed: () => 0 },
});
const run = (table: PriceTable, input: Partial<OptimizeInput> = {}) =>
  optimize(
    OptimizeInput.parse({ prices: "prices.csv", objective: "min-volatility", ...input }),
    ports(table),
  );

const sumOf = (weights: Record<string, number>) => Object.values(weights).reduce((sum, one) => sum + one, 0);

describe("prices", () => {
  test("with a gap carry the last price forward, and say so", async () => {
    const table = prices(["A", "B"], (close) => {
      close[0][10] = Number.NaN;
      close[0][11] = Number.NaN;
    });
    const output = await run(table);
    expect(output.warnings.join()).toContain(
      "A: 2 dates without a price after 2024-01-01 carry the last price forward",
    );
    expect(output.observations).toBe(dates - 1);
    const one = prices(["A", "B"], (close) => {
      close[0][10] = Number.NaN;
    });
    expect((await run(one)).warnings).toEqual([
      "A: 1 date without a price after 2024-01-01 carries the last price forward",
    ]);
    const left = await run(table, { gaps: "missing" });
    expect(left.warnings.join()).toContain("A: 2 dates without a price after 2024-01-01 are left out");
    expect(left.observations).toBe(dates - 1 - 3);
  });

  test("that start or end on different dates are used for as long as they are there, and say so", async () => {
    const output = await run(
      prices(["A", "B", "C"], (close) => {
        close[1].fill(Number.NaN, 0, 30);
        close[2].fill(Number.NaN, 70);
      }),
    );
    expect(output.observations).toBe(80 - 30 - 1 - 10);
    expect(output.warnings.join()).toContain(
      "prices start on 2 different dates, the last of them 2024-01-31 (B)",
    );
    expect(output.warnings.join()).toContain("C: prices end on 2024-03-10, 10 dates before the others");
  });

  test("that never change leave their asset out", async () => {
    const output = await run(prices(["A", "B", "C"], (close) => close[1].fill(5)));
    expect(Object.keys(output.weights)).toEqual(["A", "C"]);
    expect(output.warnings.join()).toContain("B: left out, because its price never changes");
    await expect(run(prices(["A"], (close) => close[0].fill(5)))).rejects.toMatchObject({
      code: "PORTFOLIO_PRICES_INVALID",
    });
  });

  test.each([0, -3, Number.POSITIVE_INFINITY])("of %s are refused with their line", async (price) => {
    const table = prices(["A", "B"], (close) => {
      close[1][4] = price;
    });
    await expect(run(table)).rejects.toMatchObject({
      code: "PORTFOLIO_PRICES_INVALID",
      message: `prices.csv: line 86: B: expected a price above 0, received ${price}`,
      details: { line: 86 },
    });
  });

  test("that cannot be are dropped when cleaning was asked for, and counted", async () => {
    const table = prices(["A", "B"], (close) => {
      close[1][4] = -3;
    });
    const output = await run(table, { clean: true });
    expect(output.warnings[0]).toContain("cleaning dropped 1 of 160 rows: 0 duplicates, 1 impossible");
    expect(sumOf(output.weights)).toBeCloseTo(1, 9);
  });

  test("that are still to come are refused, or left out by cleaning", async () => {
    const table = prices(["A", "B"]);
    const time = table.time.slice();
    time[85] = Date.UTC(2199, 0, 1);
    await expect(run({ ...table, time })).rejects.toThrow(
      "prices.csv: line 87: expected a date that has come, received 2199-01-01",
    );
    const { warnings } = await run({ ...table, time }, { clean: true });
    expect(warnings[0]).toContain("1 impossible");
  });

  test("that are given twice must agree", () => {
    const table = prices(["A", "A2"]);
    const twice: PriceTable = { ...table, symbol: new Int32Array(table.symbol.length), symbols: ["A"] };
    expect(() => pricePanel(twice)).toThrow(
      /prices.csv: line 82: A: expected one price for 2024-01-01, received/,
    );
  });

  test("of one asset have one answer, which says that there was no choice", async () => {
    const { weights, warnings } = await run(prices(["A"]));
    expect(weights).toEqual({ A: 1 });
    expect(warnings).toEqual(["A is the only asset: there is nothing to choose between"]);
    const left = await run(prices(["A", "B"], (close) => close[1].fill(5)));
    expect(left.warnings.join()).toMatch(/B: left out.*A is the only asset/);
    for (const objective of ["max-sharpe", "risk-parity", "min-cvar", "hrp", "equal-weight"] as const)
      expect((await run(prices(["A"]), { objective })).weights["A"]).toBeCloseTo(1, 9);
  });

  test("of one asset under two names have an answer, though the covariance is singular", async () => {
    const table = prices(["A", "B", "A2"], (close) => {
      close[2] = [...close[0]];
    });
    const alone = await run(prices(["A", "B"], (close) => close.splice(2)));
    const double = await run(table);
    expect(double.volatilityAnnual).toBeCloseTo(alone.volatilityAnnual, 9);
    expect(double.warnings).toEqual([
      "A and A2 have a correlation of 1: the covariance is singular, and how weight is shared between them may be arbitrary",
    ]);
    expect(alone.warnings).toEqual([]);
    for (const objective of ["max-sharpe", "min-cvar", "risk-parity", "max-diversification"] as const)
      expect(sumOf((await run(table, { objective })).weights)).toBeCloseTo(1, 8);
  });

  test("of fewer dates than assets have an answer with a warning", async () => {
    const assets = Array.from({ length: 30 }, (_, i) => `A${i}`);
    const output = await run(prices(assets, () => {}, 12));
    expect(output.warnings.join()).toContain("11 periods for 30 assets: the sample covariance is singular");
    expect(sumOf(output.weights)).toBeCloseTo(1, 8);
    for (const objective of [
      "min-cvar",
      "min-cdar",
      "min-evar",
      "min-ulcer",
      "min-average-drawdown",
      "hrp",
    ] as const)
      expect(
        sumOf(
          (
            await run(
              prices(assets, () => {}, 12),
              { objective },
            )
          ).weights,
        ),
        objective,
      ).toBeCloseTo(1, 8);
    // Weights without risk have no shares of it.
    await expect(
      run(
        prices(assets, () => {}, 12),
        { objective: "risk-parity" },
      ),
    ).rejects.toMatchObject({
      code: "PORTFOLIO_UNBOUNDED",
      message: expect.stringContaining("11 periods of 30 assets allow weights without any risk to share"),
    });
    const shrunk = { objective: "risk-parity", covariance: "ledoit-wolf" } as const;
    expect(
      sumOf(
        (
          await run(
            prices(assets, () => {}, 12),
            shrunk,
          )
        ).weights,
      ),
    ).toBeCloseTo(1, 8);
  });

  test("of too few dates are refused", async () => {
    await expect(run(prices(["A", "B"], () => {}, 2))).rejects.toMatchObject({ code: "PORTFOLIO_TOO_SHORT" });
    const apart = prices(["A", "B"], (close) => {
      close[0].fill(Number.NaN, 40);
      close[1].fill(Number.NaN, 0, 40);
    });
    await expect(run(apart)).rejects.toMatchObject({ code: "PORTFOLIO_TOO_SHORT" });
  });
});

describe("constraints", () => {
  const table = prices(["AAPL", "MSFT", "GOOG", "PFE"]);

  test.each<[Partial<OptimizeInput>, string, string]>([
    [{ maxWeight: 0.2 }, "PORTFOLIO_INFEASIBLE", '"net exposure = 1" and "every weight <= 0.2"'],
    [
      { bounds: { AAPL: [0.5, 0.3] } },
      "PORTFOLIO_INFEASIBLE",
      '"AAPL >= 0.5" and "AAPL <= 0.3" together; the nearest relaxation moves "AAPL >= 0.5" by 0.2',
    ],
    [
      { groups: { tech: ["AAPL", "MSFT"] }, constraints: ["tech <= 0.1", "AAPL >= 0.2", "PFE <= 0.9"] },
      "PORTFOLIO_INFEASIBLE",
      '"tech <= 0.1" and "AAPL >= 0.2"',
    ],
    [{ targetReturn: 50 }, "PORTFOLIO_INFEASIBLE", '"expected return >= 50"'],
    [{ targetVolatility: 0.001 }, "PORTFOLIO_INFEASIBLE", '"volatility <= 0.001"'],
    [
      { constraints: ["APPL <= 0.3"] },
      "PORTFOLIO_CONSTRAINT_INVALID",
      'received "APPL"; did you mean "AAPL"?',
    ],
    [{ bounds: { MSTF: [0, 1] } }, "PORTFOLIO_CONSTRAINT_INVALID", 'received "MSTF"; did you mean "MSFT"?'],
    [
      { groups: { tech: ["APL"] } },
      "PORTFOLIO_CONSTRAINT_INVALID",
      'group tech: expected the name of an asset, received "APL"',
    ],
    [
      { groups: { PFE: ["AAPL"] } },
      "PORTFOLIO_CONSTRAINT_INVALID",
      'group "PFE": expected a name of its own',
    ],
    [{ constraints: ["gross >= 1"] }, "PORTFOLIO_CONSTRAINT_INVALID", "expected an upper limit on gross"],
    [
      { trackingErrorLimit: 0.1 },
      "PORTFOLIO_OPTION_INVALID",
      "weights of the benchmark for tracking-error-limit",
    ],
    [{ objective: "min-tracking-error" }, "PORTFOLIO_OPTION_INVALID", "benchmark: expected weights"],
    [
      { objective: "max-sharpe", riskFree: 9 },
      "PORTFOLIO_UNBOUNDED",
      "expected to earn more than the risk-free rate",
    ],
    [
      { objective: "risk-parity", maxAssets: 2 },
      "PORTFOLIO_OPTION_INVALID",
      "max-assets: expected an objective other than",
    ],
    [
      { minPosition: 0.3, minWeight: -1 },
      "PORTFOLIO_OPTION_INVALID",
      "min-position: expected weights of at least 0",
    ],
    [{ maxAssets: 1, maxWeight: 0.5 }, "PORTFOLIO_INFEASIBLE", "with at most 1 assets"],
  ])("%j is %s", async (input, code, message) => {
    await expect(run(table, input)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test("that only together contradict are named, and nobody else", () => {
    const { market } = estimateMarket(simpleReturns(pricePanel(table)));
    const constraints = [
      "AAPL + MSFT <= 0.3",
      "MSFT + GOOG <= 0.3",
      "AAPL + GOOG <= 0.3",
      "PFE <= 0.5",
      "PFE >= 0.1",
    ];
    expect(() => requireFeasible(feasibleSet({ ...defaultLimits, constraints }, market))).toThrow(
      /satisfy "net exposure = 1" and "AAPL \+ MSFT <= 0.3" and "MSFT \+ GOOG <= 0.3" and "AAPL \+ GOOG <= 0.3" and "PFE <= 0.5" together/,
    );
  });

  test("of every objective are kept, where it does not refuse them", () => {
    const { market } = estimateMarket(simpleReturns(pricePanel(table)));
    const limits = {
      ...defaultLimits,
      maxWeight: 0.4,
      benchmark: { AAPL: 0.5, PFE: 0.5 },
      constraints: ["AAPL <= MSFT", "GOOG + PFE >= 0.45"],
    };
    for (const name of Object.keys(objectives) as ObjectiveName[]) {
      let answer: ReturnType<(typeof objectives)[ObjectiveName]["solve"]>;
      try {
        answer = objectives[name].solve({ market, limits, options: defaultOptions });
      } catch (error) {
        expect(error, name).toMatchObject({ name: "PlatformError" });
        continue;
      }
      const [aapl, msft, goog, pfe] = answer.weights;
      const worst = Math.max(
        aapl - msft,
        0.45 - goog - pfe,
        ...answer.weights.map((w) => Math.max(w - 0.4, -w)),
      );
      expect(worst, name).toBeLessThan(1e-8);
      expect(answer.certificate.gap, name).toBeLessThanOrEqual(answer.certificate.tolerance);
    }
  });
});

describe("views", () => {
  const table = prices(["AAPL", "MSFT", "GOOG"]);

  test.each([
    ["AAPL = NaN", 'view "AAPL = NaN": expected a finite number, received "NaN"'],
    ["AAPL = nan%", 'view "AAPL = nan%": expected a finite number, received "nan%"'],
    ["AAPL = -Infinity", 'view "AAPL = -Infinity": expected a finite number, received "Infinity"'],
    ["AAPL = 1e999", 'view "AAPL = 1e999": expected a finite number, received "1e999"'],
    ["NaN * AAPL = 10%", 'view "NaN * AAPL = 10%": expected a finite number, received "NaN"'],
    ["AAPL = 10% @ NaN", 'expected a confidence above 0% and at most 100% behind the @, received "NaN"'],
    ["AAPL = 10% @ Infinity", 'at most 100% behind the @, received "Infinity"'],
    ["AAPL = 10% @ 0%", 'at most 100% behind the @, received "0%"'],
    ["AAPL = 10% @ 101%", 'at most 100% behind the @, received "101%"'],
    ["APPL = 10%", 'view "APPL = 10%": expected the name of an asset, received "APPL"; did you mean "AAPL"?'],
    ["AAPL >= 10%", "expected one equation such as"],
    ["", 'view "": expected a number or the name of an asset'],
  ])("%j are refused by both methods", async (view, message) => {
    for (const viewMethod of ["black-litterman", "entropy-pooling"] as const)
      await expect(run(table, { views: [view], viewMethod })).rejects.toMatchObject({
        code: "PORTFOLIO_VIEW_INVALID",
        message: expect.stringContaining(message),
        details: { field: "views" },
      });
  });

  test("as numbers of the library are held to the same", () => {
    const { market } = estimateMarket(simpleReturns(pricePanel(table)));
    const bad: [View, RegExp][] = [
      [{ coefficients: { AAPL: 1 }, value: Number.NaN }, /view "AAPL = NaN": expected finite numbers/],
      [
        { coefficients: { AAPL: 1 }, value: Number.POSITIVE_INFINITY },
        /expected finite numbers, received Inf/,
      ],
      [{ coefficients: { AAPL: Number.NaN }, value: 0.1 }, /expected finite numbers, received NaN/],
      [{ coefficients: { AAPL: 1 }, value: 0.1, confidence: Number.NaN }, /confidence: .*received NaN/],
      [{ coefficients: { AAPL: 1 }, value: 0.1, confidence: Number.POSITIVE_INFINITY }, /received Infinity/],
      [{ coefficients: {}, value: 0.1 }, /expected at least one asset, received none/],
    ];
    for (const [view, message] of bad) {
      const given = { prior: market.expectedReturns, views: [view] };
      expect(() => blackLitterman(market.assets, market.covariance, given)).toThrow(message);
    }
  });
});

describe("weights to attribute", () => {
  const table = prices(["A", "B"]);
  const warningsOf = async (weights: Record<string, number>, benchmark?: Record<string, number>) =>
    (
      await attribute(
        AttributionInput.parse({ prices: "p", weights, ...(benchmark && { benchmark }) }),
        ports(table),
      )
    ).warnings;

  test("of less than 1 leave cash, which is said", async () => {
    expect(await warningsOf({ A: 0.5, B: 0.2 })).toEqual([
      "the weights add up to 0.7: the rest is cash without return",
    ]);
    expect(await warningsOf({ A: 0.5, B: 0.5000005 })).toEqual([]);
  });

  test("of more than 1 are refused, unless short ones bring the money in", async () => {
    const tooMuch = { A: 2.5, B: 1 };
    for (const [field, warnings] of [
      ["weights", () => warningsOf(tooMuch)],
      ["benchmark", () => warningsOf({ A: 1 }, tooMuch)],
    ] as const)
      await expect(warnings()).rejects.toMatchObject({
        code: "PORTFOLIO_OPTION_INVALID",
        message: `${field}: expected weights that add up to at most 1 where none is short, received a sum of 3.5`,
      });
    expect(await warningsOf({ A: 1.5, B: -0.3 })).toEqual([
      "the weights add up to 1.2: 0.2 is borrowed without cost",
    ]);
  });
});

test("a frontier goes from least risk to most return and has its special points", async () => {
  const table = prices(["A", "B", "C", "D"]);
  for (const riskMeasure of ["volatility", "cvar"] as const) {
    const input = FrontierInput.parse({ prices: "prices.csv", points: 6, riskMeasure });
    const { points, special, assets } = await frontier(input, ports(table));
    expect(points).toHaveLength(6);
    for (let k = 1; k < points.length; k++) {
      expect(points[k].expectedReturnAnnual).toBeGreaterThan(points[k - 1].expectedReturnAnnual);
      expect(points[k].risk).toBeGreaterThan(points[k - 1].risk - 1e-9);
    }
    const ratio = special[riskMeasure === "volatility" ? "max-sharpe" : "max-ratio"];
    const best = ratio.expectedReturnAnnual / ratio.risk;
    for (const point of [...points, ...Object.values(special), ...Object.values(assets)])
      expect(point.expectedReturnAnnual / point.risk).toBeLessThan(best * (1 + 1e-6));
    expect(special["equal-weight"].weights).toEqual({ A: 0.25, B: 0.25, C: 0.25, D: 0.25 });
  }
});
