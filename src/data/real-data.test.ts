/** The price files of the shared folder, with the defects that its README lists. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dayMs, formatTime } from "../base/index.ts";
import { cleanPrices, readMatrix, readPriceTable } from "./index.ts";

const shared = process.env["FATHOM_SHARED"] ?? join(import.meta.dirname, "../../../shared");
const file = (path: string) => join(shared, "data", path);
const present = existsSync(file("README.md"));
if (!present) console.warn(`skipped: the real data sets are not in ${shared}`);
const testWithData = test.skipIf(!present);

testWithData("reports the known defects of the Dow 30 bars with their counts", async () => {
  const table = await readPriceTable({ path: file("equities-dow30-ohlcv/dow30_ohlcv_2006_2017.csv.gz") });
  const { prices, report } = cleanPrices(table);
  expect([report.rowsRead, report.rowsKept, prices.symbols.length]).toEqual([93_612, 93_612, 31]);
  expect(report.missingCells).toEqual({ open: 25, high: 10, low: 20, close: 0, volume: 0 });
  expect(report.impossibleBy.boundsBroken).toBe(151);
  expect(report.zeroVolume).toBe(1);
  expect(new Set(report.symbols.map(({ rowsRead }) => rowsRead))).toEqual(new Set([3019, 3020]));
  expect(report.gaps).toBe(report.symbols.filter(({ rowsRead }) => rowsRead === 3019).length);
  for (const { open, high, low, close } of prices.series) {
    for (let at = 0; at < close.length; at++) {
      expect(low?.[at]).toBeLessThanOrEqual(Math.min(open?.[at] ?? Number.NaN, close[at]));
      expect(high?.[at]).toBeGreaterThanOrEqual(Math.max(open?.[at] ?? Number.NaN, close[at]));
    }
  }
});

testWithData("drops the blanks before a listing and no others", async () => {
  const table = await readPriceTable({ path: file("equities-close-pypfopt/stock_prices.csv.gz") });
  const { prices, report } = cleanPrices(table);
  expect([report.rowsRead, prices.symbols.length]).toEqual([7126 * 20, 20]);
  expect(report.dropped.missing).toBe(report.missing);
  expect(report.symbols.filter(({ missing }) => missing > 0).length).toBe(10);
  expect(prices.series.every(({ time }) => formatTime(time[time.length - 1]) === "2018-04-11")).toBe(true);
});

testWithData("finds the 47 rows of the VIX that break their bounds", async () => {
  const { report } = cleanPrices(await readPriceTable({ path: file("risk-reference/vix_daily.csv.gz") }));
  expect([report.rowsRead, report.impossible]).toEqual([9235, 47]);
});

testWithData.each([
  ["backtest-ohlcv/goog_daily_2004_2013.csv", 2148, "2004-08-19", "2013-03-01"],
  ["backtest-ohlcv/eurusd_hourly_2017_2018.csv", 5000, "2017-04-19T09:00:00Z", "2018-02-07T15:00:00Z"],
  ["backtest-ohlcv/btcusd_monthly.csv", 156, "2012-01-31", "2024-12-31"],
  ["crypto-minute-unittest/unittest_btc_1m.csv.gz", 13_681, "2017-11-04T23:02:00Z", "2017-11-14T22:59:00Z"],
  ["fx-minute-gbpusd/gbpusd_m1_bid_2012.csv.gz", 30_117, "2012-02-01", "2012-03-01"],
  ["risk-reference/sp500_daily_1999_2018.csv.gz", 5031, "1999-01-04", "2018-12-31"],
  ["risk-reference/ff_factors_monthly.csv.gz", 1109 * 4, "1926-07-01", "2018-11-01"],
])("reads %s", async (path, rows, first, last) => {
  const { time, close, reading } = await readPriceTable({ path: file(path) });
  expect([time.length, formatTime(time[0]), formatTime(time[rows - 1])]).toEqual([rows, first, last]);
  expect(close.some(Number.isNaN)).toBe(false);
  expect(reading.mixedZones).toBe(0);
});

testWithData("reads the exchange rates with dates, and without as a matrix", async () => {
  const wide = await readPriceTable({ path: file("forecast-exchange-rate/exchange_rate.csv.gz") });
  const matrix = await readMatrix({ path: file("forecast-exchange-rate/exchange_rate.txt.gz") });
  expect([wide.symbols.length, wide.time.length]).toEqual([8, 7588 * 8]);
  expect([matrix.rows, matrix.columns]).toEqual([7588, 8]);
  expect(wide.time[7587 * 8] - wide.time[0]).toBe(7587 * dayMs);
  // The README: the same numbers, but for the last two columns in the other order.
  expect([...wide.close.slice(0, 8)]).toEqual(
    [0, 1, 2, 3, 4, 5, 7, 6].map((column) => matrix.values[column]),
  );
});
