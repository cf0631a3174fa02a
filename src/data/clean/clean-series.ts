/** Cleans the rows of one symbol, in the order of time. Each bar is judged and filled by what came before it only. */
import { invariant, type PriceTable } from "../../base/index.ts";
import {
  type Bar,
  clipBar,
  countMissing,
  describeBar,
  fillAroundClose,
  isImpossible,
  loadBar,
  makeBar,
  missingNames,
  repairBar,
  shown,
} from "./bar.ts";
import type { ResolvedCleanOptions } from "./options.ts";
import { OutlierJudge } from "./outliers.ts";
import type { PriceSeries } from "./prices.ts";
import type { DropReason, Tally } from "./report.ts";
import { SeriesWriter } from "./series-writer.ts";

/** `rows` are the symbol's rows of the table, one per time, in order. Null when none is left. */
export function cleanSeries(
  table: PriceTable,
  rows: Int32Array,
  options: ResolvedCleanOptions,
  tally: Tally,
): PriceSeries | null {
  if (rows.length === 0) return null;
  const { missing, outliers, stale } = options;
  const account = tally.symbols[table.symbol[rows[0]]];
  const bar: Bar = { open: 0, high: 0, low: 0, close: 0, volume: 0 };
  const written = new SeriesWriter(table, rows.length);
  const droppedTimes: number[] = [];
  tally.droppedTimes.set(account.symbol, droppedTimes);
  const drop = (reason: DropReason, row: number) => {
    tally.dropped[reason]++;
    droppedTimes.push(table.time[row]);
  };
  const judge = new OutlierJudge(outliers);
  let closeBefore = Number.NaN;
  let volumeBefore = Number.NaN;
  let made = 0; // bars in a row without a close of their own
  let sameCloses = 0;
  let observedClose = Number.NaN;
  let lastObserved = -1; // where the last bar with its own close was written
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index];
    loadBar(bar, table, row);
    let changed = false;
    // A price that was taken out because it cannot be is missing for that reason.
    let lacking: DropReason = "missing";

    const missingCells = countMissing(bar, table, tally);
    if (missingCells > 0) {
      account.missing += missingCells;
      tally.example("missing", row, () => `no ${missingNames(bar, table)}`);
      changed = true;
    }
    if (bar.volume === 0) tally.zeroVolume++;
    const inFuture = table.time[row] > options.latest;
    if (inFuture) tally.impossibleBy.inFuture++;
    if (isImpossible(bar, tally.impossibleBy) || inFuture) {
      account.impossible++;
      tally.example(
        "impossible",
        row,
        () => `${describeBar(bar)}${inFuture ? ", which is still to come" : ""}`,
      );
      // No repair makes a time known.
      if (options.impossible === "drop" || (options.impossible === "repair" && inFuture)) {
        drop("impossible", row);
        continue;
      }
      if (options.impossible === "repair") {
        const closed = !Number.isNaN(bar.close);
        repairBar(bar);
        changed = true;
        if (closed && Number.isNaN(bar.close)) lacking = "impossible";
      }
    }

    if (missing.method === "drop" && missingNames(bar, table) !== "") {
      drop(lacking, row);
      continue;
    }
    const hasClose = !Number.isNaN(bar.close);
    if (hasClose) {
      fillAroundClose(bar, closeBefore, volumeBefore);
      made = 0;
    } else {
      const price = missing.method === "median" ? medianBefore(written, missing.window) : closeBefore;
      if (Number.isNaN(price) || made === missing.limit) {
        drop(lacking, row);
        continue;
      }
      makeBar(bar, price);
      made++;
    }

    if (hasClose) {
      const { close } = bar;
      if (judge.isOutlier(close)) {
        account.outliers++;
        tally.example(
          "outlier",
          row,
          () => `close ${shown(close)}, expected ${shown(judge.lowest)} to ${shown(judge.highest)}`,
        );
        if (outliers.action === "drop") {
          drop("outlier", row);
          continue;
        }
        if (outliers.action === "winsorise") {
          clipBar(bar, judge.lowest, judge.highest);
          changed = true;
        }
      }
      sameCloses = close === observedClose ? sameCloses + 1 : 1;
      observedClose = close;
      if (sameCloses >= stale.closes) {
        account.stale++;
        tally.example("stale", row, () => `close ${shown(close)} in ${sameCloses} bars in a row`);
        if (stale.action === "drop") {
          drop("stale", row);
          continue;
        }
      }
      if (missing.method === "interpolate") interpolate(written, lastObserved, table.time[row], bar.close);
      lastObserved = written.count;
      volumeBefore = bar.volume;
    }
    written.push(table.time[row], bar, changed);
    if (changed) tally.rowsChanged++;
    closeBefore = bar.close;
  }
  account.rowsKept += written.count;
  return written.count === 0 ? null : checked(written.series(account.symbol));
}

/** The median of up to `window` closes that were written last; NaN when there is none. */
function medianBefore(written: SeriesWriter, window: number): number {
  const closes = written.close.slice(Math.max(0, written.count - window), written.count).sort();
  if (closes.length === 0) return Number.NaN;
  const middle = closes.length >>> 1;
  return closes.length % 2 === 1 ? closes[middle] : (closes[middle - 1] + closes[middle]) / 2;
}

/** Puts the bars that were made since the bar at `from` on the line from its close to the next close. */
function interpolate(written: SeriesWriter, from: number, time: number, close: number): void {
  if (from < 0) return;
  const start = written.time[from];
  for (let at = from + 1; at < written.count; at++) {
    const share = (written.time[at] - start) / (time - start);
    const price = written.close[from] + (close - written.close[from]) * share;
    written.set(at, { open: price, high: price, low: price, close: price, volume: 0 });
  }
}

function checked(series: PriceSeries): PriceSeries {
  for (let at = 0; at < series.time.length; at++) {
    invariant(at === 0 || series.time[at] > series.time[at - 1], "time strictly increases within a symbol");
    invariant(Number.isFinite(series.close[at]), "every close is a finite number");
  }
  return series;
}
