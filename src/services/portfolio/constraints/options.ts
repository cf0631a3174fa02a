/** Options by name and by asset, as users give them. */
import { PlatformError } from "../../../base/index.ts";
import { didYouMean } from "../../../data/index.ts";

/** The vector of a record by symbol; assets that are not named get 0. */
export function byAsset(
  what: string,
  record: Readonly<Record<string, number>>,
  assets: readonly string[],
): Float64Array {
  const out = new Float64Array(assets.length);
  for (const [name, value] of Object.entries(record)) {
    out[assetIndex(what, name, assets)] = finite(`${what} of ${name}`, value);
  }
  return out;
}

/** @throws PlatformError `PORTFOLIO_CONSTRAINT_INVALID`, with the name that was meant */
export function assetIndex(what: string, name: string, assets: readonly string[]): number {
  const exact = assets.indexOf(name);
  const at = exact >= 0 ? exact : assets.findIndex((asset) => asset.toLowerCase() === name.toLowerCase());
  if (at >= 0) return at;
  throw new PlatformError(
    "input",
    "PORTFOLIO_CONSTRAINT_INVALID",
    `${what}: expected the name of an asset, received "${name}"${didYouMean(name, assets)}`,
  );
}

/** @throws PlatformError `PORTFOLIO_OPTION_INVALID` for what is none */
export function finite(what: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw optionError(what, "a finite number", value);
}

/** A number that somebody typed, or the sum of such ones, as they would write it: 1.4 rather than 1.4000000000000001. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(8)));
}

export function optionError(what: string, expected: string, received: number | string): PlatformError {
  return new PlatformError(
    "input",
    "PORTFOLIO_OPTION_INVALID",
    `${what}: expected ${expected}, received ${received}`,
    { field: what },
  );
}
