/** Columns that have two headers each, a field and a symbol, as pandas writes the bars of several symbols side by side. */
import type { PriceFormat } from "../../base/index.ts";
import { duplicate, type HeaderPlace, missing, unknownColumn } from "./column-errors.ts";
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
  const { format } = place;
  const time = levels.findIndex((pair) => pair.some((name) => name.trim() === ""));
  const headers = [...new Set(levels.flatMap((pair) => pair.map((name) => name.trim())))].filter(Boolean);
  const namesOf = (role: NumberRole) => {
    const named = role === "adjusted" ? undefined : format[role];
    if (named === undefined) return groupedNames[role];
    if (!headers.some((header) => normalised(header) === normalised(named)))
      throw unknownColumn(named, role as keyof PriceFormat, headers, place);
    return [normalised(named)];
  };
  const names = numberRoles.map((role) => ({ role, names: namesOf(role) }));
  const roleOf = (name: string) => names.find(({ names: own }) => own.includes(normalised(name)))?.role;
  const timeName = levels[time]?.find((name) => name.trim() !== "") ?? "";
  if (format.time !== undefined && normalised(format.time) !== normalised(timeName))
    throw unknownColumn(format.time, "time", headers, place);
  const bars = levels.flatMap((pair, column) => (column === time ? [] : [{ pair, column }]));
  // A symbol may be called as a field is, but not as several.
  const known = [0, 1].map((level) => {
    const roles = bars.map(({ pair }) => roleOf(pair[level])).filter((role) => role !== undefined);
    return new Set(roles).size + roles.length / (bars.length + 1);
  });
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
  const adjust = format.adjust === true;
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
    notes:
      raw !== undefined && adjusted !== undefined && !adjust && format.close === undefined
        ? [notAdjusted(raw, adjusted)]
        : [],
  };
}

/**
 * Headers that join a field and a symbol, as `Close_AAPL`, `AAPL Volume` or R's `AAPL.Close`, all in one order; null when one that is not the
 * time's does not, or when there is no close among them.
 */
export function joinedLevels(headers: readonly string[], time: number): [string, string][] | null {
  return (
    joinedInOrder(headers, time, fieldFirst, ([, field, symbol]) => [field, symbol]) ??
    joinedInOrder(headers, time, fieldLast, ([, symbol, field]) => [field, symbol])
  );
}

function joinedInOrder(
  headers: readonly string[],
  time: number,
  pattern: RegExp,
  pairOf: (match: RegExpExecArray) => [string, string],
): [string, string][] | null {
  const levels: [string, string][] = [];
  for (const [column, header] of headers.entries()) {
    const match = pattern.exec(header.trim());
    if (column === time) levels.push([header.trim() || "date", ""]);
    else if (match === null) return null;
    else levels.push(pairOf(match));
  }
  const fields = levels.map(([field]) => normalised(field));
  return fields.some((field) => closes.includes(field)) ? levels : null;
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

const closes = [...groupedNames.close, ...groupedNames.adjusted];
const fields = Object.values(groupedNames)
  .flat()
  .map((name) => name.replaceAll(".", "[.]").replaceAll(" ", "[ ._-]?"))
  .join("|");
const fieldFirst = new RegExp(`^(${fields})[ _.:|-]+(.+)$`, "i");
const fieldLast = new RegExp(`^(.+?)[ _.:|-]+(${fields})$`, "i");
