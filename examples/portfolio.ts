/** Prices in, weights out, proved out of sample, and whole shares to buy: the portfolio service as a library. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localContext } from "fathom/platform";
import { portfolioAllocate, portfolioBacktest, portfolioOptimize } from "fathom/portfolio";

const folder = await mkdtemp(join(tmpdir(), "fathom-example-"));
const context = localContext({ dataFolder: folder });

// `prices` may be a CSV, CSV.gz, Parquet or JSON file; here it is the built-in simulated market.
const prices = {
  prices: "simulated",
  symbols: ["FIN01", "FIN02", "TEC01", "TEC02", "ENE01", "ENE02"],
  seed: 7,
};
const { weights, volatilityAnnual, certificate } = await portfolioOptimize.run(
  portfolioOptimize.input.parse({
    ...prices,
    objective: "min-volatility",
    covariance: "ledoit-wolf",
    groups: { tech: ["TEC01", "TEC02"] },
    constraints: ["tech <= 0.25"],
  }),
  context,
);
console.log(weights, volatilityAnnual, certificate);

const { best, methods, probabilityOfOverfitting } = await portfolioBacktest.run(
  portfolioBacktest.input.parse({
    ...prices,
    objectives: ["min-volatility", "hrp"],
    train: 250,
    test: 60,
    costBps: 10,
    out: join(folder, "proof"),
  }),
  context,
);
for (const { name, sharpeAnnual, maxDrawdown, turnover } of methods)
  console.log(name, sharpeAnnual, maxDrawdown, turnover);
console.log(best, probabilityOfOverfitting, await readdir(join(folder, "proof")));

const { shares, leftover } = await portfolioAllocate.run(
  portfolioAllocate.input.parse({ ...prices, weights, value: 100_000 }),
  context,
);
console.log(shares, leftover);
await rm(folder, { recursive: true });
