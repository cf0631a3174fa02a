/** The price files of the shared folder, for tests that are skipped with a printed reason where it is absent. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { test } from "vitest";
import { type Matrix, matrixFrom, transpose } from "../../../base/index.ts";
import { readPriceTable } from "../../../data/index.ts";
import { pricePanel } from "../prices.ts";
import { type ReturnPanel, simpleReturns } from "../returns.ts";

const shared = process.env["FATHOM_SHARED"] ?? join(import.meta.dirname, "../../../../../shared");
export const sharedFile = (path: string) => join(shared, "data", path);

export const hasSharedData = existsSync(sharedFile("README.md"));
/** A test that needs them. */
export const testWithData = test.skipIf(!hasSharedData);
if (!hasSharedData) console.warn(`skipped: the real data sets are not in ${shared}`);

/** The 20 US stocks of PyPortfolioOpt, 1989-12-29 to 2018-04-11. */
export async function stockReturns(): Promise<ReturnPanel> {
  return simpleReturns(
    pricePanel(await readPriceTable({ path: sharedFile("equities-close-pypfopt/stock_prices.csv.gz") })),
  );
}

/** Price relatives `[days, assets]` of a set of the OLPS toolbox, whose file holds cumulative prices from 1 before the first day. */
export function priceRelatives(name: "nyse_o" | "djia" | "msci"): Matrix {
  const lines = gunzipSync(readFileSync(sharedFile(`portfolio-olps/${name}.csv.gz`)))
    .toString("utf8")
    .trim()
    .split("\n")
    .slice(1);
  const prices = lines.map((line) => line.split(",").map(Number));
  return matrixFrom(prices.map((row, t) => row.map((price, i) => price / (prices[t - 1]?.[i] ?? 1))));
}

/** The periods of a matrix given as `[periods][assets]`, as `[assets, periods]`. */
export const byAsset = (rows: readonly (readonly number[])[]) => transpose(matrixFrom(rows));
