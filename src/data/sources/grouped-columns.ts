/** Columns that have two headers each, a field and a symbol, as pandas writes the bars of several symbols side by side. */
import { duplicate, type HeaderPlace, missing } from "./column-errors.ts";
import { adjustedNames, type NumberRole, normalised, numberRoles } from "./column-names.ts";
import { notAdjusted, type WideLayout } from "./layout.ts";

/**
 * The layout of columns that have two headers each, a field and a symbol in either order, as pandas writes the bars of several
 * symbols side by side.
 *
 * @param levels both headers of each column; that of the times has "" for one of them
 */
export function findGroupedLayout(
  levels: readonly (readonly [string, string])[],
  place: HeaderPlace,
): WideLayout {
  const time = levels.findIndex((pair) => pair.some((name) => name.trim() === ""));
  const roleOf = (name: string) => numberRoles.find((role) => groupedNames[role].includes(normalised(name)));
  const bars = levels.flatMap((pair, column) => (column === time ? [] : [{ pair, column }]));
  const known = [0, 1].map((level) => bars.filter(({ pair }) => roleOf(pair[level]) !== undefined).length);
  const field = known[0] >= known[1] ? 0 : 1;
  const assets = new Map<string, { [R in NumberRole]?: number }>();
  const ignored = new Set<string>();
  let raw: string | undefined;
  let adjusted: string | undefined;
  for (const { pair, column } of bars) {
    const symbol = pair[1 - field].trim();
    const role = roleOf(pair[field]);
    if (role === undefined) {
      ignored.add(pair[field].trim());
      continue;
    }
    if (role === "close") raw = pair[field].trim();
    if (role === "adjusted") adjusted = pair[field].trim();
    const columns = assets.get(symbol) ?? {};
    if (columns[role] !== undefined) throw duplicate(`${pair[field]} of ${symbol}`, place);
    columns[role] = column;
    assets.set(symbol, columns);
  }
  const adjust = place.format.adjust === true;
  if (adjust && adjusted === undefined)
    throw missing("adjusted close", "adjusted", [...new Set(levels.map((pair) => pair[field]))], place);
  return {
    kind: "wide",
    time: Math.max(0, time),
    assets: [...assets].map(([symbol, { adjusted: scaled, ...columns }]) => {
      const close = columns.close ?? (adjust ? undefined : scaled);
      if (close === undefined) throw missing(`close of ${symbol}`, "close", [], place);
      return {
        symbol,
        columns: { ...columns, close, ...(adjust && scaled !== undefined ? { adjusted: scaled } : {}) },
      };
    }),
    ignored: [...ignored],
    notes: raw !== undefined && adjusted !== undefined && !adjust ? [notAdjusted(raw, adjusted)] : [],
  };
}

/** Names of the fields of a bar beside a symbol; words that may be a symbol are not among them. */
const groupedNames: { readonly [R in NumberRole]: readonly string[] } = {
  open: ["open"],
  high: ["high"],
  low: ["low"],
  close: ["close"],
  volume: ["volume"],
  adjusted: adjustedNames,
};

/** Headers such as `('Close', 'AAPL')`, into which pandas makes two levels when a file has but one; null when there are none. */
export function tupleLevels(headers: readonly string[]): [string, string][] | null {
  const pairs = headers.map((header) => /^\('(.*)', '(.*)'\)$/.exec(header.trim()));
  if (pairs.filter((pair) => pair === null).length > 1 || headers.length < 2) return null;
  return pairs.map((pair, column) => (pair === null ? [headers[column], ""] : [pair[1], pair[2]]));
}
