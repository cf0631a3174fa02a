/** Finds out what the columns of a price table mean from their headers. */
import { PlatformError } from "../../base/index.ts";
import { didYouMean } from "./nearest.ts";

export type Role = "time" | "clock" | "symbol" | "open" | "high" | "low" | "close" | "volume";

/** Accepted headers, best first. Letter case, surrounding blanks, `<>` and the difference between `_`, `-` and blank do not count. */
export const acceptedNames: { readonly [R in Role]: readonly string[] } = {
  time: [
    "datetime",
    "timestamp",
    "date time",
    "date",
    "time",
    "ds",
    "time utc",
    "date utc",
    "open time",
    "gmt time",
    "local time",
    "trade date",
    "trading date",
    "day",
    "month",
    "period",
    "index level 0",
    "unnamed: 0",
  ],
  clock: ["time"], // beside a `date` column: the time of the day
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
    "adj close",
    "adjusted close",
    "adjclose",
    "last",
    "price",
    "value",
    "y",
  ],
  volume: ["volume", "vol", "vol.", "tick volume", "tickvol"],
};

/** What each column of a table is; numbers are positions of columns. */
export type Layout = LongLayout | WideLayout;

export interface LongLayout {
  readonly kind: "long";
  readonly columns: { readonly [R in Role]: number | null };
  readonly ignored: readonly string[];
}

/** A date column and one column of closing prices per symbol. */
export interface WideLayout {
  readonly kind: "wide";
  readonly time: number;
  readonly assets: readonly { readonly column: number; readonly symbol: string }[];
}

/**
 * The layout of a table with these headers.
 *
 * @throws PlatformError `DATA_COLUMN_MISSING`, `DATA_COLUMN_DUPLICATE`
 */
export function findLayout(headers: readonly string[], source: string): Layout {
  const names = headers.map(normalised);
  const find = (role: Role): number | null => {
    for (const accepted of acceptedNames[role]) {
      const index = names.indexOf(accepted);
      if (index < 0) continue;
      if (names.indexOf(accepted, index + 1) >= 0) throw duplicate(headers[index], source);
      return index;
    }
    return null;
  };
  const columns = {
    time: find("time") ?? (names[0] === "" && names.length > 1 ? 0 : null), // pandas writes its index without a name
    clock: null as number | null,
    symbol: find("symbol"),
    open: find("open"),
    high: find("high"),
    low: find("low"),
    close: find("close"),
    volume: find("volume"),
  };
  const { time } = columns;
  if (time === null) throw missing("date", "time", headers, source);
  if (names[time] === "date") columns.clock = find("clock");
  const used = new Set(Object.values(columns));
  const others = names.flatMap((name, index) => (used.has(index) || name === "" ? [] : [index]));
  const bars = [columns.open, columns.high, columns.low, columns.volume].filter((column) => column !== null);
  const assetNamedY =
    columns.close !== null &&
    names[columns.close] === "y" &&
    names[time] !== "ds" &&
    others.length > 0 &&
    bars.length === 0;
  const long =
    columns.symbol !== null ||
    bars.length > 1 ||
    (columns.close !== null && !assetNamedY) ||
    others.length === 0;
  if (long) {
    if (columns.close === null) throw missing("close", "close", headers, source);
    return { kind: "long", columns, ignored: others.map((index) => headers[index].trim()) };
  }
  const assets = headers.flatMap((header, column) =>
    column === time || column === columns.clock || header.trim() === ""
      ? []
      : [{ column, symbol: header.trim() }],
  );
  const seen = new Set<string>();
  for (const { symbol } of assets) {
    if (seen.has(symbol)) throw duplicate(symbol, source);
    seen.add(symbol);
  }
  return { kind: "wide", time, assets };
}

function normalised(header: string): string {
  const bare = header.trim().replace(/^<(.*)>$/, "$1");
  return bare
    .toLowerCase()
    .replace(/[_\-\s]+/g, " ")
    .trim();
}

function missing(what: string, role: Role, headers: readonly string[], source: string): PlatformError {
  const numeric = headers.every((header) => header.trim() !== "" && Number.isFinite(Number(header)));
  const hint = numeric
    ? "; the first line holds numbers only, so the file seems to have no header"
    : didYouMean(what, headers);
  const shown = headers.slice(0, 20).map((header) => JSON.stringify(header.trim().slice(0, 40)));
  if (headers.length > 20) shown.push(`and ${headers.length - 20} more`);
  return new PlatformError(
    "input",
    "DATA_COLUMN_MISSING",
    `${source} line 1: expected a ${what} column (${acceptedNames[role].slice(0, 8).join(", ")}), found ${shown.join(", ")}${hint}`,
    { file: source, line: 1, field: what },
  );
}

function duplicate(header: string, source: string): PlatformError {
  return new PlatformError(
    "input",
    "DATA_COLUMN_DUPLICATE",
    `${source} line 1: expected column names to differ, received "${header.trim()}" twice`,
    { file: source, line: 1, field: header.trim() },
  );
}
