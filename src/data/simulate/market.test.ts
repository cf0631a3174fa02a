import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PlatformError, type PriceTable } from "../../base/index.ts";
import * as constants from "./constants.ts";
import { simulatedMarket } from "./market.ts";
import { expectedLogReturn } from "./signal.ts";
import { trueMeanSkill } from "./true-mean-skill.ts";

const page = readFileSync(new URL("../../../docs/simulated-market.md", import.meta.url), "utf8");
const market = simulatedMarket({ seed: 1 });
const small = { seed: 3, symbols: 3, years: 1 };

const mean = (x: readonly number[]) => x.reduce((sum, value) => sum + value, 0) / x.length;

/** Rows of one symbol. */
function rowsOf(table: PriceTable, name: string): number[] {
  const wanted = table.symbols.indexOf(name);
  return [...table.symbol.keys()].filter((row) => table.symbol[row] === wanted);
}

function closes(table: PriceTable, name: string): number[] {
  return rowsOf(table, name).map((row) => table.close[row]);
}

function logReturnsOf(name: string): number[] {
  const close = closes(market.clean, name);
  return close.slice(1).map((price, t) => Math.log(price / close[t]));
}

const returns = market.clean.symbols.map(logReturnsOf);

describe("simulatedMarket", () => {
  test("has 20 symbols and every weekday of eight years", () => {
    expect(market.clean.symbols).toHaveLength(20);
    expect(rowsOf(market.clean, "TEC03")).toHaveLength(2088); // 2922 days: 417 weeks of 5, and 3 weekdays
    expect(new Date(market.clean.time[0]).toISOString()).toBe("2016-01-04T00:00:00.000Z");
  });

  test("gives the same bytes for the same seed and others for another", () => {
    expect(simulatedMarket(small).table.fingerprint).toBe(simulatedMarket(small).table.fingerprint);
    expect(simulatedMarket({ ...small, seed: 4 }).table.fingerprint).not.toBe(
      simulatedMarket(small).table.fingerprint,
    );
  });

  test("leaves a symbol as it is when symbols or years are added", () => {
    const few = simulatedMarket(small);
    const more = simulatedMarket({ seed: 3, symbols: 7, years: 2 });
    const before = closes(few.clean, "TEC01");
    expect(closes(more.clean, "TEC01").slice(0, before.length)).toEqual(before);
    const head = closes(few.table, "TEC01").slice(0, -constants.cleanEdgeBars);
    expect(closes(more.table, "TEC01").slice(0, head.length)).toEqual(head);
  });

  test("keeps every clean bar possible", () => {
    const { open, high, low, close, volume } = market.clean;
    const impossible = [...close.keys()].filter((row) => {
      const [top, bottom] = [high![row], low![row]];
      const inside = [open![row], close[row]].every((price) => bottom <= price && price <= top);
      return !(inside && 0 < bottom && bottom < top && volume![row] > 0);
    });
    expect(impossible).toEqual([]);
  });

  test("has the volatilities, fat tails and volatility clusters of shares", () => {
    const volatility = returns.map((x) => Math.sqrt(252 * mean(x.map((r) => r * r))));
    expect(Math.min(...volatility)).toBeGreaterThan(0.14);
    expect(Math.max(...volatility)).toBeLessThan(0.46);
    const kurtosis = returns.map((x) => mean(x.map((r) => r ** 4)) / mean(x.map((r) => r * r)) ** 2);
    expect(Math.min(...kurtosis)).toBeGreaterThan(3.4);
    const clustering = returns.map((x) => autocorrelation(x.map((r) => r * r)));
    expect(mean(clustering)).toBeGreaterThan(0.08); // its standard error under independence: 1 / sqrt(2087 * 20) = 0.005
    expect(Math.abs(mean(returns.map((x) => mean(x)))) * 252).toBeLessThan(0.15);
  });

  test("moves by one common factor, and more together inside a sector", () => {
    const correlations = returns.map((x) => returns.map((y) => correlation(x, y)));
    expect(firstEigenvalue(correlations) / returns.length).toBeGreaterThan(0.25);
    const inside: number[] = [];
    const across: number[] = [];
    for (let i = 0; i < 20; i++) {
      for (let j = 0; j < i; j++) ((i - j) % 4 === 0 ? inside : across).push(correlations[i][j]);
    }
    expect(mean(inside)).toBeGreaterThan(mean(across) + 0.03);
  });

  test("trades more on days that move more", () => {
    const volume = rowsOf(market.clean, "FIN01").map((row) => Math.log(market.clean.volume![row]));
    expect(correlation(volume.slice(1), logReturnsOf("FIN01").map(Math.abs))).toBeGreaterThan(0.15);
  });

  test("refuses options outside their range by name", () => {
    const bad = () => simulatedMarket({ seed: 1, symbols: 0 });
    expect(bad).toThrow(PlatformError);
    expect(bad).toThrow("symbols: expected a whole number from 1 to 396, received 0");
    expect(() => simulatedMarket({ seed: 0.5 })).toThrow("seed: expected a whole number");
  });
});

describe("the planted defects", () => {
  test("are found in the table as often as they are said to be planted", () => {
    expect(Object.values(market.planted).every((count) => count > 0)).toBe(true);
    expect(countDefects(market.table)).toEqual(market.planted);
    expect(countDefects(market.clean)).toEqual({
      missingRow: 0,
      missingCell: 0,
      duplicate: 0,
      badTick: 0,
      impossibleBar: 0,
    });
  });
});

describe("the planted signal", () => {
  test("is worth what the page says: near 3 percent of the variance at one day, and 4 at five", () => {
    const horizons = [1, 5, 10, 20];
    const markets = Array.from({ length: 10 }, (_, index) => simulatedMarket({ seed: index + 1 }));
    const rows = horizons.map((horizonDays) => {
      const skills = markets.map((each) => trueMeanSkill(each, horizonDays).skill);
      const [low, high] = [Math.min(...skills), Math.max(...skills)];
      return `| ${horizonDays} | ${mean(skills).toFixed(4)} | ${low.toFixed(4)} to ${high.toFixed(4)} |`;
    });
    expect(page).toContain(rows.join("\n"));
    expect(trueMeanSkill(market, 1).skill).toBeGreaterThan(0.025);
    expect(trueMeanSkill(market, 1).skill).toBeLessThan(0.038);
  });

  test("is found by least squares of the return on the true mean, with slope one at every horizon", () => {
    for (const horizonDays of [1, 5]) {
      const x: number[] = [];
      const y: number[] = [];
      market.clean.symbols.forEach((symbol) => {
        const rows = rowsOf(market.clean, symbol);
        for (let t = 0; t + horizonDays < rows.length; t += horizonDays) {
          x.push(market.conditionalMean(symbol, market.clean.time[rows[t]], horizonDays)!);
          y.push(Math.log(market.clean.close[rows[t + horizonDays]] / market.clean.close[rows[t]]));
        }
      });
      const { slope, error } = leastSquares(x, y);
      expect(slope / error).toBeGreaterThan(10);
      expect(Math.abs(slope - 1)).toBeLessThan(4 * error); // returns move together, so the plain error is too small
    }
  });

  test("follows from the published closes and volumes alone, as the page says", () => {
    // The recursion of docs/simulated-market.md, written out a second time.
    const rows = rowsOf(market.clean, "ENE02");
    const { close, volume, time } = market.clean;
    let [s, v, m] = [0, 0.015 ** 2, Math.log(volume![rows[0]])];
    for (let t = 1; t < rows.length; t++) {
      const u = Math.log(close[rows[t]] / close[rows[t - 1]]) - 0.04 / 252 - 0.255 * s;
      const logVolume = Math.log(volume![rows[t]]);
      const response = 0.45 + 0.9 * Math.tanh((logVolume - m) / 0.4);
      s = 0.6 * s - Math.sqrt(v) * Math.tanh(u / Math.sqrt(v)) * response;
      v = 0.94 * v + 0.06 * u * u;
      m = 0.94 * m + 0.06 * logVolume;
      expect(market.conditionalMean("ENE02", time[rows[t]], 1)).toBeCloseTo(0.04 / 252 + 0.255 * s, 12);
    }
  });

  test("sums the decaying means of the days ahead", () => {
    const [state, drift] = [0.01, 0.04 / 252];
    const byDay = [1, 0.6, 0.36].map((left) => drift + 0.255 * state * left);
    expect(expectedLogReturn(state, 3)).toBeCloseTo(byDay[0] + byDay[1] + byDay[2], 15);
  });

  test("has no mean where there is no bar", () => {
    expect(market.conditionalMean("NONE", market.clean.time[0], 1)).toBeUndefined();
    expect(market.conditionalMean("FIN01", market.clean.time[0] - 86_400_000, 1)).toBeUndefined();
  });
});

test("docs/simulated-market.md states every constant of the code", () => {
  const numbers = (value: unknown): number[] =>
    typeof value === "number" ? [value] : Object.values(value as object).flatMap(numbers);
  const stated = new Set(page.match(/\d+(?:\.\d+)?/g)?.map(Number));
  const { drift, ...rest } = constants.process;
  expect(drift * 252).toBeCloseTo(0.04, 12);
  const { signal, defectRates, cleanEdgeBars } = constants;
  const missing = numbers([rest, signal, defectRates, cleanEdgeBars, 0.04]).filter(
    (number) => !stated.has(number),
  );
  expect(missing).toEqual([]);
});

/** Finds the defects as a reader of the table would, without knowing where they are. */
function countDefects(table: PriceTable) {
  const found = { missingRow: 0, missingCell: 0, duplicate: 0, badTick: 0, impossibleBar: 0 };
  const { open, high, low, close, volume, time } = table;
  const calendar = new Set(time);
  for (const symbol of table.symbols) {
    const rows = rowsOf(table, symbol);
    found.missingRow += calendar.size - new Set(rows.map((row) => time[row])).size;
    rows.forEach((row, index) => {
      const cells = [open![row], high![row], low![row], close[row], volume![row]];
      const outside = cells
        .slice(0, 4)
        .some((price) => price <= 0 || price > high![row] || price < low![row]);
      const around = [-2, -1, 1, 2].map((step) => close[rows[index + step]]).filter((price) => price > 0);
      const middle = around.sort((a, b) => a - b)[Math.floor(around.length / 2)];
      if (cells.some(Number.isNaN)) found.missingCell++;
      else if (index > 0 && time[row] === time[rows[index - 1]]) found.duplicate++;
      else if (outside) found.impossibleBar++;
      else if (Math.abs(Math.log(close[row] / middle)) > 0.36) found.badTick++;
    });
  }
  return found;
}

function correlation(x: readonly number[], y: readonly number[]): number {
  const [mx, my] = [mean(x), mean(y)];
  const product = (a: readonly number[], ma: number, b: readonly number[], mb: number) =>
    a.reduce((sum, value, i) => sum + (value - ma) * (b[i] - mb), 0);
  return product(x, mx, y, my) / Math.sqrt(product(x, mx, x, mx) * product(y, my, y, my));
}

function autocorrelation(x: readonly number[]): number {
  return correlation(x.slice(1), x.slice(0, -1));
}

/** Power iteration. */
function firstEigenvalue(matrix: readonly (readonly number[])[]): number {
  let vector = matrix.map(() => 1);
  let length = 0;
  for (let step = 0; step < 100; step++) {
    const next = matrix.map((row) => row.reduce((sum, value, j) => sum + value * vector[j], 0));
    length = Math.hypot(...next);
    vector = next.map((value) => value / length);
  }
  return length;
}

function leastSquares(x: readonly number[], y: readonly number[]): { slope: number; error: number } {
  const [mx, my] = [mean(x), mean(y)];
  const sxx = x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
  const slope = x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0) / sxx;
  const residual = y.reduce((sum, value, i) => sum + (value - my - slope * (x[i] - mx)) ** 2, 0);
  return { slope, error: Math.sqrt(residual / (x.length - 2) / sxx) };
}
