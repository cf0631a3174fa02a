/** The portfolio commands as scripts call them: fields, statuses, tables. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dataOf, fathom, has } from "../forecast/command.ts";

const file = "equities-close-pypfopt/stock_prices.csv.gz";
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fathom-portfolio-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe.skipIf(!has(file))("fathom portfolio", () => {
  const run = (...args: string[]) => fathom(folder, ["portfolio", ...args, "--prices", dataOf(file)]);

  test("optimize prints the fields that scripts rely on", async () => {
    const { status, stdout } = await run(
      "optimize",
      ...["--objective", "max-sharpe", "--expected-returns", "geometric", "--risk-free", "0.02", "--json"],
    );
    expect(status).toBe(0);
    const output = JSON.parse(stdout);
    expect(output.sharpe).toBeCloseTo(1.2847714127003216, 6);
    expect(output.expectedReturnAnnual).toBeCloseTo(0.3047768672819914, 6);
    expect(output.volatilityAnnual).toBeCloseTo(0.22165566922402932, 6);
    expect(output.weights.MA).toBeCloseTo(0.35349, 5);
    expect(Object.keys(output.weights)).toHaveLength(20);
    expect(output).toMatchObject({
      certificate: { method: "primal active set", gap: expect.any(Number) },
      periodsPerYear: 252,
      observations: 895,
      from: "2014-09-22",
      to: "2018-04-11",
    });
    expect(output.measures.cvar).toBeGreaterThan(output.measures.valueAtRisk);
  });

  test("optimize takes constraints in words, dates and other estimators", async () => {
    const { status, stdout } = await run(
      "optimize",
      ...["--objective", "min-volatility", "--covariance", "ledoit-wolf", "--from", "2015-01-01"],
      ...["--groups", '{"tech":["GOOG","AAPL","FB"]}', "--constraints", "tech = 30%", "--max-weight", "0.2"],
      "--json",
    );
    expect(status).toBe(0);
    const { weights } = JSON.parse(stdout);
    expect(weights.GOOG + weights.AAPL + weights.FB).toBeCloseTo(0.3, 8);
    expect(Math.max(...(Object.values(weights) as number[]))).toBeLessThan(0.2 + 1e-8);
  });

  test("optimize reads long tables as well, and keeps shares of risk", async () => {
    const rows = ["symbol,date,close"];
    for (let t = 0; t < 60; t++)
      for (const [i, symbol] of ["A", "B", "C"].entries())
        rows.push(
          `${symbol},${new Date(Date.UTC(2024, 0, 1 + t)).toISOString().slice(0, 10)},${100 + 10 * Math.sin(1 + (i + 2) * t)}`,
        );
    const path = join(folder, "long.csv");
    await writeFile(path, rows.join("\n"));
    const args = ["--objective", "min-volatility", "--risk-contribution-limit", "0.4", "--json"];
    const { status, stdout } = await fathom(folder, ["portfolio", "optimize", "--prices", path, ...args]);
    expect(status).toBe(0);
    const { riskContributions, periodsPerYear } = JSON.parse(stdout);
    expect(Math.max(...(Object.values(riskContributions) as number[]))).toBeLessThan(0.4 + 1e-6);
    expect(periodsPerYear).toBe(365);
  });

  test("a contradiction is one line and status 4, an unknown name one line and status 2", async () => {
    const contradiction = await run("optimize", "--max-weight", "0.04");
    expect(contradiction.status).toBe(4);
    expect(contradiction.stderr).toContain(
      'error PORTFOLIO_INFEASIBLE: no weights satisfy "net exposure = 1" and "every weight <= 0.04" together; the nearest relaxation moves "every weight <= 0.04" by 0.01 or "net exposure = 1" by 0.2',
    );
    const unknown = await run("optimize", "--constraints", "APPL <= 0.2");
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toContain('received "APPL"; did you mean "AAPL"?');
  });

  test("frontier and allocate print tables", async () => {
    const frontier = await run("frontier", "--points", "3");
    expect(frontier.stdout).toMatch(/^max-sharpe +\d+\.\d\d % +\d+\.\d\d % +\d/m);
    const allocate = await run("allocate", "--weights", '{"AAPL":0.5,"MA":0.5}', "--value", "10000");
    expect(allocate.stdout).toMatch(/^AAPL +29 +5000\.76/m);
    expect(allocate.stdout).toContain("HiGHS branch and cut");
  });
});
