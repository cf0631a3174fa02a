/** What a person may say of how a price file is written: the schema of `PriceFormat`. */
import { z } from "zod";
import { isTimeZone, PlatformError, type PriceFormat } from "../../base/index.ts";

const column = (what: string) => z.string().trim().min(1).optional().describe(`column that holds ${what}`);

/**
 * The fields of a `PriceFormat`, as capabilities take them.
 *
 * @example
 * priceFormat.parse({ close: "Adj Close", decimal: "," }); // => { close: "Adj Close", decimal: "," }
 */
export const priceFormat = z
  .strictObject({
    header: z
      .array(z.string().trim())
      .min(2)
      .optional()
      .describe("names of all columns, in their order, of a file without a header line"),
    time: column("dates or times"),
    clock: column("the time of the day, beside one of dates"),
    symbol: column("symbols"),
    open: column("the first price of a bar"),
    high: column("the highest price"),
    low: column("the lowest price"),
    close: column("the last price"),
    volume: column("volume"),
    adjust: z
      .boolean()
      .optional()
      .describe("scale prices by adjusted close / close, so that splits and dividends leave no jump"),
    decimal: z.enum([".", ","]).optional().describe("decimal mark; by default read off the file"),
    dateOrder: z
      .enum(["month-first", "day-first"])
      .optional()
      .describe("how 01/02/2020 is read; by default read off the file"),
    timeZone: z
      .string()
      .refine(isTimeZone, {
        error: ({ input }) =>
          `expected a time zone such as America/New_York, EST or Etc/GMT+5, received ${JSON.stringify(input)}`,
      })
      .optional()
      .describe("zone of times that name none; by default UTC"),
  })
  .describe("how the price file is written, where it does not say so itself");

/** @throws PlatformError `DATA_OPTION_INVALID` naming the field */
export function checkedFormat(format: PriceFormat): PriceFormat {
  const parsed = priceFormat.safeParse(format);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  const field = ["format", ...path].join(".");
  const received = path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown>)?.[key],
    format,
  );
  const whole = /received/.test(message) ? message : `${message}, received ${JSON.stringify(received)}`;
  throw new PlatformError("input", "DATA_OPTION_INVALID", `reading: ${field}: ${whole}`, { field });
}
