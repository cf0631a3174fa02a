/** Files as the sources that people use write them. */
import { expect, test } from "vitest";
import type { PlatformError, PriceFormat } from "../../base/index.ts";
import { readPriceTable } from "./read.ts";

const read = (text: string, format: PriceFormat = {}, path = "p.csv") =>
  readPriceTable({ path, bytes: Buffer.from(text) }, { format });

async function bars(text: string, format: PriceFormat = {}, path = "p.csv"): Promise<(string | number)[][]> {
  const { symbols, symbol, time, open, high, low, close, volume } = await read(text, format, path);
  return Array.from(time, (at, row) => [
    symbols[symbol[row]],
    new Date(at).toISOString().replace(":00.000Z", ""),
    ...[open, high, low, close, volume].map((column) => column?.[row] ?? Number.NaN),
  ]);
}

const failure = (text: string, format: PriceFormat = {}) =>
  read(text, format).then(
    () => "nothing failed",
    (error: PlatformError) => `${error.code} ${error.message}`,
  );

test("one symbol of yfinance, under three lines of headers", async () => {
  const text =
    "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n2024-01-02,185.5,188,183,187,82488700\n2024-01-03,184,185.8,183.4,184.2,58414500\n";
  expect(await bars(text)).toEqual([
    ["AAPL", "2024-01-02T00:00", 187, 188, 183, 185.5, 82_488_700],
    ["AAPL", "2024-01-03T00:00", 184.2, 185.8, 183.4, 184, 58_414_500],
  ]);
});

test.each([
  [
    "fields first",
    "Price,Close,Close,Open,Open\nTicker,AAPL,MSFT,AAPL,MSFT\nDate,,,,\n2024-01-02,1,2,3,4\n2024-01-03,5,,7,8\n",
  ],
  [
    "symbols first",
    "Ticker,AAPL,MSFT,AAPL,MSFT\nPrice,Close,Close,Open,Open\nDate,,,,\n2024-01-02,1,2,3,4\n2024-01-03,5,,7,8\n",
  ],
  [
    "no names of the levels",
    ",Close,Close,Open,Open\n,AAPL,MSFT,AAPL,MSFT\nDate,,,,\n2024-01-02,1,2,3,4\n2024-01-03,5,,7,8\n",
  ],
  [
    "both levels in one header",
    "Date,\"('Close', 'AAPL')\",\"('Close', 'MSFT')\",\"('Open', 'AAPL')\",\"('Open', 'MSFT')\"\n2024-01-02,1,2,3,4\n2024-01-03,5,,7,8\n",
  ],
])("several symbols of yfinance, %s", async (_, text) => {
  const none = Number.NaN;
  expect(await bars(text)).toEqual([
    ["AAPL", "2024-01-02T00:00", 3, none, none, 1, none],
    ["MSFT", "2024-01-02T00:00", 4, none, none, 2, none],
    ["AAPL", "2024-01-03T00:00", 7, none, none, 5, none],
    ["MSFT", "2024-01-03T00:00", 8, none, none, none, none],
  ]);
});

test("prices beside adjusted ones: as they are, with a note, or scaled", async () => {
  const text = "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,100,104,98,102,51,10\n";
  expect(await bars(text)).toEqual([["p", "2024-01-02T00:00", 100, 104, 98, 102, 10]]);
  expect((await read(text)).reading.notes).toEqual([
    'Prices are those of "Close"; format.adjust scales them by "Adj Close", for splits and dividends.',
  ]);
  expect(await bars(text, { adjust: true })).toEqual([["p", "2024-01-02T00:00", 50, 52, 49, 51, 10]]);
  expect((await read(text, { adjust: true })).reading).toMatchObject({
    notes: [],
    columns: { adjusted: "Adj Close" },
  });
  expect(await failure("Date,Close\n2024-01-02,1\n", { adjust: true })).toBe(
    'DATA_COLUMN_MISSING p.csv line 1: expected an adjusted close column (adj close, adjusted close, adjclose, adj. close), found "Date", "Close"',
  );
  const grouped =
    "Price,Adj Close,Close,Open\nTicker,AAPL,AAPL,AAPL\nDate,,,\n2024-01-02,51,102,100\n2024-01-03,52,104,102\n";
  expect((await bars(grouped, { adjust: true })).map((bar) => [bar[2], bar[5]])).toEqual([
    [50, 51],
    [51, 52],
  ]);
});

test("Nasdaq's, with currency signs, and investing.com's, with thousands and units", async () => {
  const nasdaq =
    "Date,Close/Last,Volume,Open,High,Low\n01/31/2024,$184.40,55467800,$187.04,$187.095,$184.35\n";
  expect(await bars(nasdaq)).toEqual([["p", "2024-01-31T00:00", 187.04, 187.095, 184.35, 184.4, 55_467_800]]);
  const investing =
    '"Date","Price","Open","High","Low","Vol.","Change %"\n"01/31/2024","4,845.65","4,899.19","4,906.75","4,845.15","2.13B","-1.61%"\n';
  expect(await bars(investing)).toEqual([
    ["p", "2024-01-31T00:00", 4899.19, 4906.75, 4845.15, 4845.65, 2.13e9],
  ]);
});

test("a German spreadsheet's, with Excel's hint, decimal commas and its own headers", async () => {
  const text =
    "sep=;\nDatum;Eröffnung;Hoch;Tief;Schluss;Stücke\n31.01.2024;1.234,50;1.240;1.230,25;1.239,75;12.345\n01.02.2024;1240;1.241,5;1.239;1.240,5;999\n";
  const format = {
    ...{ time: "Datum", open: "eröffnung", high: "Hoch", low: "Tief", close: "Schluss", volume: "Stücke" },
  };
  expect(await bars(text, format)).toEqual([
    ["p", "2024-01-31T00:00", 1234.5, 1240, 1230.25, 1239.75, 12_345],
    ["p", "2024-02-01T00:00", 1240, 1241.5, 1239, 1240.5, 999],
  ]);
  expect((await read(text, format)).reading.notes).toEqual(["Numbers are written with a decimal comma."]);
  expect(await failure(text, { ...format, close: "Schlus" })).toContain(
    'p.csv line 2: expected a column "Schlus", which format.close names, found "Datum"',
  );
});

test("a comma that may be either mark is asked about", async () => {
  const text = 'date,close\n2024-01-02,"1,234"\n2024-01-03,"1,250"\n';
  expect(await failure(text)).toBe(
    'DATA_CELL_NOT_NUMBER p.csv line 2, column "close": expected a number, received "1,234"; format.decimal says whether its comma is the decimal mark',
  );
  expect((await read(text, { decimal: "," })).close[0]).toBe(1.234);
  expect((await read(text, { decimal: "." })).close[0]).toBe(1234);
  const records = '[{"date": "2024-01-02", "close": "1,5"}, {"date": "2024-01-03", "close": "1.250,5"}]';
  expect([...(await read(records, { decimal: "," })).close]).toEqual([1.5, 1250.5]);
});

test("no header: named by the format, and asked for without it", async () => {
  const text = "20240102 093000;1.5;1.6;1.4;1.55;0\n20240102 093100;1.5;1.6;1.4;1.56;0\n";
  const header = ["time", "open", "high", "low", "close", "volume"];
  expect(await bars(text, { header })).toEqual([
    ["p", "2024-01-02T09:30", 1.5, 1.6, 1.4, 1.55, 0],
    ["p", "2024-01-02T09:31", 1.5, 1.6, 1.4, 1.56, 0],
  ]);
  expect((await read(text, { header })).line[0]).toBe(1);
  const message = await failure("1704067200000,42283.58,42554.57,42261.02,42475.23,1271.68\n");
  expect(message).toContain(
    "the file seems to have no header: name its columns in their order by format.header",
  );
  expect(await failure(text, { header: header.slice(1) })).toContain("expected a date column");
});

test("times without a zone, in the zone that is said", async () => {
  const text =
    "date,close\n2024-01-31 16:00:00,1\n2024-07-31 16:00,2\n2024-07-31T16:00:00Z,3\n2024-07-31,4\n2024-07-31T16:00:00+02:00,5\n";
  const table = await read(text, { timeZone: "America/New_York" });
  expect(Array.from(table.time, (time) => new Date(time).toISOString().slice(0, 16))).toEqual([
    "2024-01-31T21:00",
    "2024-07-31T20:00",
    "2024-07-31T16:00",
    "2024-07-31T00:00",
    "2024-07-31T14:00",
  ]);
  expect(table.reading.zones).toEqual({ "America/New_York": 3, UTC: 1, "+02:00": 1 });
  const turned = "date,close\n05/07/2024 20:00,1\n31/07/2024 16:00,2\n";
  const days = await read(turned, { timeZone: "America/New_York" });
  expect(new Date(days.time[0]).toISOString()).toBe("2024-07-06T00:00:00.000Z");
});

test("the order of day and month that is said", async () => {
  const text = "date,close\n01/02/2024,1\n02/02/2024,2\n";
  const table = await read(text, { dateOrder: "day-first" });
  expect(Array.from(table.time, (time) => new Date(time).toISOString().slice(0, 10))).toEqual([
    "2024-02-01",
    "2024-02-02",
  ]);
  expect(table.reading).toMatchObject({ notes: [], dateOrder: { order: "day-first", certain: true } });
  const wrong = await read("date,close\n01/13/2024,1\n02/01/2024,2\n", { dateOrder: "day-first" });
  expect(wrong.time[0]).toBeNaN();
});

test("records inside of an object", async () => {
  expect(await failure('{"symbol": "X", "data": [{"date": "2024-01-02", "close": 1}]}')).toBe(
    'DATA_NOT_A_TABLE p.csv: expected records such as {"date": "2020-01-31", "close": 10.5}, received an object whose field "data" holds a list of them: give that list alone',
  );
});

test("a format that cannot be", async () => {
  expect(await failure("date,close\n2024-01-02,1\n", { timeZone: "Mars/Olympus" })).toBe(
    "DATA_OPTION_INVALID reading: format.timeZone: expected a time zone such as America/New_York",
  );
});
