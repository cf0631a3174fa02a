/** What the columns of price files are called. */
export type Role = "time" | "clock" | "symbol" | NumberRole;
export type NumberRole = (typeof numberRoles)[number];
export const numberRoles = ["open", "high", "low", "close", "volume", "adjusted"] as const;

export const adjustedNames = ["adj close", "adjusted close", "adjclose", "adj. close"] as const;

/** Accepted headers, best first. Letter case, surrounding blanks, `<>` and the difference between `_`, `-` and blank do not count. */
export const acceptedNames: { readonly [R in Role]: readonly string[] } = {
  time: [
    "datetime",
    "timestamp",
    "date time",
    "date",
    "trade date",
    "trading date",
    "day",
    "time",
    "ds",
    "time utc",
    "date utc",
    "open time",
    "gmt time",
    "local time",
    "month",
    "period",
    "index level 0",
    "unnamed: 0",
  ],
  clock: ["time", "clock", "time of day"], // beside a column of dates
  symbol: [
    "symbol",
    "ticker",
    "unique id",
    "asset",
    "code",
    "instrument",
    "security",
    "sym",
    "name",
    "isin",
    "ric",
  ],
  open: ["open", "open price", "opening price", "first"],
  high: ["high", "high price", "max"],
  low: ["low", "low price", "min"],
  close: [
    "close",
    "close price",
    "closing price",
    "close/last",
    ...adjustedNames,
    "settle",
    "settle price",
    "settlement price",
    "last",
    "price",
    "value",
    "y",
  ],
  volume: ["volume", "vol", "vol.", "tick volume", "tickvol"],
  adjusted: adjustedNames,
};

/** Times that are days: a clock may stand beside them. */
export const dateNames: readonly string[] = ["date", "trade date", "trading date", "day"];

/** Whether a header names a column of times. */
export function isTimeName(header: string): boolean {
  return acceptedNames.time.includes(normalised(header));
}

export function normalised(header: string): string {
  const bare = header.trim().replace(/^<(.*)>$/, "$1");
  return bare
    .toLowerCase()
    .replace(/[_\-\s]+/g, " ")
    .trim();
}
