import { resolve } from "node:path";
import type { MarketPort } from "../../base/index.ts";
import { filterPrices, readPriceTable, simulatedMarket } from "../../data/index.ts";

/** The simulated market of the docs; another seed is another market. */
const defaultSeed = 1;

/** Prices from files, from standard input (`-`), or from the built-in simulated market (`simulated`). */
export function localMarket({
  workingFolder,
}: {
  /** Where relative paths start; the process's own folder when absent, and then messages name paths as the user did. */
  readonly workingFolder?: string | undefined;
}): MarketPort {
  return {
    async read({ path, seed, ...filter }, options = {}) {
      if (path === "simulated")
        return filterPrices(simulatedMarket({ seed: seed ?? defaultSeed }).table, filter);
      const place = path === "-" || workingFolder === undefined ? path : resolve(workingFolder, path);
      return readPriceTable({ path: place }, { ...options, ...filter });
    },
  };
}
