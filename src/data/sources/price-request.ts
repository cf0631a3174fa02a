/** The part of a request that says which prices to read, the same for every capability that reads some. */
import { z } from "zod";
import { dayMs, type PriceFormat, type PriceSource, startOfDay } from "../../base/index.ts";
import { priceFormat } from "./price-format.ts";

export const priceRequestFields = {
  symbols: z.array(z.string()).optional().describe("only these symbols"),
  from: z.iso.date().optional().describe("first date"),
  to: z.iso.date().optional().describe("last date"),
  format: priceFormat.optional(),
};

/** The meaning of the field that names the source. */
export const priceSourceMeaning =
  "price file (CSV, CSV.gz, Parquet, JSON), '-' for standard input, or 'simulated'";

interface PriceRequest {
  readonly symbols?: readonly string[] | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly format?: PriceFormat | undefined;
  readonly seed?: number | undefined;
}

/**
 * What to read; dates include the whole of their day.
 *
 * @throws PlatformError `DATE_INVALID`
 */
export function priceSource(path: string, { symbols, from, to, seed, format }: PriceRequest): PriceSource {
  return {
    path,
    ...(seed === undefined ? {} : { seed }),
    ...(symbols && symbols.length > 0 ? { symbols } : {}),
    ...(from === undefined ? {} : { from: startOfDay(from) }),
    ...(to === undefined ? {} : { to: startOfDay(to) + dayMs - 1 }),
    ...(format === undefined ? {} : { format }),
  };
}
