/** One measurement of `rows.ts`: reads, cleans and windows the file named by the first argument, and prints what it took. */
import { cleanPrices, priceFrame, readPriceTable, windowsOf } from "../../src/data/index.ts";

const path = process.argv[2];
const start = process.hrtime.bigint();
const table = await readPriceTable({ path });
const afterRead = process.hrtime.bigint();
const { prices, report } = cleanPrices(table);
const afterClean = process.hrtime.bigint();
const frame = priceFrame(prices, ["open", "high", "low", "close", "volume"]);
windowsOf(frame, { lookback: 60, horizon: 5 });
const end = process.hrtime.bigint();
const seconds = (from: bigint, to: bigint) => Number(to - from) / 1e9;
const result = {
  rows: report.rowsRead,
  seconds: seconds(start, end),
  peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  readSeconds: seconds(start, afterRead),
  cleanSeconds: seconds(afterRead, afterClean),
  windowSeconds: seconds(afterClean, end),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
