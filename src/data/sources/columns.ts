/** Finds out what the columns of a price table mean from their headers. */
import type { PriceFormat } from "../../base/index.ts";
import { duplicate, type HeaderPlace, missing, unknownColumn } from "./column-errors.ts";
import { acceptedNames, dateNames, normalised, type Role } from "./column-names.ts";
import { findGroupedLayout, joinedLevels, tupleLevels } from "./grouped-columns.ts";
import { type Layout, notAdjusted, notAllAdjusted } from "./layout.ts";

/**
 * The layout of a table with these headers.
 *
 * @throws PlatformError `DATA_COLUMN_MISSING`, `DATA_COLUMN_DUPLICATE`
 */
export function findLayout(headers: readonly string[], place: HeaderPlace): Layout {
  const levels = tupleLevels(headers);
  if (levels !== null) return findGroupedLayout(levels, place);
  const { format } = place;
  const names = headers.map(normalised);
  const find = (role: Role, accepted: readonly string[] = acceptedNames[role]): number | null => {
    for (const name of accepted) {
      const index = names.indexOf(name);
      if (index < 0) continue;
      if (names.indexOf(name, index + 1) >= 0) throw duplicate(headers[index], place);
      return index;
    }
    return null;
  };
  const named = (role: keyof PriceFormat & Role): number | null => {
    const wanted = format[role];
    if (wanted === undefined) return find(role);
    return find(role, [normalised(wanted)]) ?? unknownColumn(wanted, role, headers, place);
  };
  const columns = {
    time: named("time") ?? (names[0] === "" && names.length > 1 ? 0 : null), // pandas writes its index without a name
    clock: null as number | null,
    symbol: named("symbol"),
    open: named("open"),
    high: named("high"),
    low: named("low"),
    close: named("close"),
    volume: named("volume"),
    adjusted: null as number | null,
  };
  const { time } = columns;
  if (time === null) throw missing("date", "time", headers, place);
  const isDay = format.time !== undefined || dateNames.includes(names[time]);
  columns.clock = format.clock !== undefined || isDay ? named("clock") : null;
  if (columns.clock === time) columns.clock = null;
  const adjusted = find("adjusted");
  if (format.adjust === true) {
    if (adjusted === null) throw missing("adjusted close", "adjusted", headers, place);
    if (columns.close === adjusted)
      throw missing("close", "close", headers, place, " beside the adjusted one");
    columns.adjusted = adjusted;
  }
  const used = new Set(Object.values(columns));
  const others = names.flatMap((name, index) => (used.has(index) || name === "" ? [] : [index]));
  const bars = [columns.open, columns.high, columns.low, columns.volume].filter((column) => column !== null);
  const assetNamedY =
    format.close === undefined &&
    columns.close !== null &&
    names[columns.close] === "y" &&
    names[time] !== "ds" &&
    others.length > 0 &&
    bars.length === 0;
  const joined = joinedLevels(headers, time);
  if (joined !== null && columns.symbol === null && format.close === undefined)
    return findGroupedLayout(joined, place);
  // A symbol may be called LOW, but not volume: a table with a part of a bar is long, and lacks its close.
  const hasBar = bars.length > 1 || columns.volume !== null || (bars.length === 1 && others.length === 1);
  const long =
    columns.symbol !== null || hasBar || (columns.close !== null && !assetNamedY) || others.length === 0;
  if (long) {
    const { close } = columns;
    if (close === null) throw missing("close", "close", headers, place);
    const unadjusted = adjusted !== null && !used.has(adjusted) && format.close === undefined;
    return {
      kind: "long",
      columns,
      ignored: others
        .filter((index) => !unadjusted || index !== adjusted)
        .map((index) => headers[index].trim()),
      notes: [
        ...(unadjusted ? [notAdjusted(headers[close], headers[adjusted])] : []),
        ...(close === adjusted && bars.length > (columns.volume === null ? 0 : 1) ? [notAllAdjusted] : []),
      ],
    };
  }
  const assets = headers.flatMap((header, column) =>
    column === time || column === columns.clock || header.trim() === ""
      ? []
      : [{ symbol: header.trim(), columns: { close: column } }],
  );
  const seen = new Set<string>();
  for (const { symbol } of assets) {
    if (seen.has(symbol)) throw duplicate(symbol, place);
    seen.add(symbol);
  }
  const shown = assets.slice(0, 8).map(({ symbol }) => symbol);
  if (assets.length > shown.length) shown.push("...");
  // Whoever had to name one column may find others taken for what they are not.
  const notes =
    format.time === undefined
      ? []
      : [
          `Each column is the closing price of a symbol: ${shown.join(", ")}; format.close names the one of a single symbol.`,
        ];
  return { kind: "wide", time, assets, ignored: [], notes };
}
