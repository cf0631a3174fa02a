/** Faults of the kind that real price files have, planted at known places so that cleaning can be counted. */
import { foldIn, type Key, uniform } from "../../base/index.ts";
import { cleanEdgeBars, defectRates } from "./constants.ts";

export type Defect = keyof typeof defectRates;

/** One published bar: open, high, low, close, volume. */
export type Bar = [open: number, high: number, low: number, close: number, volume: number];

const columns = 5;

/** The defect of each bar of one symbol, `[day]`; drawn per day, so that more days do not move earlier defects. */
export function drawDefects(key: Key, days: number): (Defect | undefined)[] {
  const draws = uniform(foldIn(key, "defect"), days);
  return Array.from(draws, (draw, t) => {
    if (t < cleanEdgeBars || t >= days - cleanEdgeBars) return undefined;
    let below = 0;
    for (const [defect, rate] of Object.entries(defectRates) as [Defect, number][]) {
      below += rate;
      if (draw < below) return defect;
    }
    return undefined;
  });
}

/** The rows that stand in the table in place of a clean bar: none, one or two. */
export function publishedRows(bar: Bar, defect: Defect | undefined, key: Key): Bar[] {
  if (defect === undefined) return [bar];
  return rows[defect](bar, uniform(foldIn(key, "detail"), 2));
}

const rows: { readonly [D in Defect]: (bar: Bar, draw: Float64Array) => Bar[] } = {
  missingRow: () => [],
  missingCell: (bar, [draw]) => {
    const missing = Math.floor(draw * columns);
    return [bar.map((value, column) => (column === missing ? Number.NaN : value)) as Bar];
  },
  duplicate: (bar) => [bar, [...bar]],
  // A false last trade at 0.4 to 0.67 or 1.5 to 2.7 times the price: the bar stays consistent with itself.
  badTick: ([open, high, low, close, volume], [draw, side]) => {
    const tick = close * Math.exp((side < 0.5 ? -1 : 1) * (0.4 + 0.6 * draw));
    return [[open, Math.max(high, tick), Math.min(low, tick), tick, volume]];
  },
  impossibleBar: ([open, high, low, close, volume], [draw]) => {
    if (draw < 1 / 3) return [[open, low, high, close, volume]]; // high below low
    if (draw < 2 / 3) return [[open, high, low, high * 1.01, volume]]; // close above high
    return [[open, high, 0, 0, volume]]; // price of zero
  },
};
