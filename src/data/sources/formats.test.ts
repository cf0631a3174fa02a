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
    'DATA_CELL_NOT_NUMBER p.csv line 2, column "close": expected a number, received "1,234"; format.decimal says whether the comma is the decimal mark',
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

test("symbols side by side that have not the same fields, in text and as records", async () => {
  const none = Number.NaN;
  const expected = [
    ["A", "2024-01-02T00:00", 1, none, none, 2, 77],
    ["B", "2024-01-02T00:00", none, none, none, 9, none],
  ];
  const headers = ["('Open', 'A')", "('Close', 'A')", "('Volume', 'A')", "('Close', 'B')"];
  const record = Object.fromEntries([
    ["Date", "2024-01-02"],
    ...headers.map((name, i) => [name, [1, 2, 77, 9][i]]),
  ]);
  expect(await bars(JSON.stringify([record]))).toEqual(expected);
  expect(await bars(`Date,${headers.map((name) => `"${name}"`).join(",")}\n2024-01-02,1,2,77,9\n`)).toEqual(
    expected,
  );
});

test.each([
  ["Date,Close_AAPL,Volume_AAPL,Close_LOW,Volume_LOW", ["AAPL", "LOW"]],
  ["Date,AAPL Close,AAPL Volume,LOW Close,LOW Volume", ["AAPL", "LOW"]],
  ["Index,AAPL.Close,AAPL.Volume,BRK.B.Close,BRK.B.Volume", ["AAPL", "BRK.B"]],
  ["Date,Adj Close_AAPL,Volume_AAPL,Adj Close_MSFT,Volume_MSFT", ["AAPL", "MSFT"]],
])("fields and symbols joined in one header: %s", async (header, symbols) => {
  const text = `${header}\n2024-01-02,1,10,2,20\n`;
  const format = header.startsWith("Index") ? { time: "Index" } : {};
  const table = await read(text, format);
  expect(table.symbols).toEqual(symbols);
  expect([[...table.close], [...(table.volume ?? [])]]).toEqual([
    [1, 2],
    [10, 20],
  ]);
});

test("a column of a bar is no symbol, unless it stands among many", async () => {
  expect(await failure("Date,Fixing,Volume\n2024-01-02,1,2\n")).toContain("expected a close column");
  expect(await failure("Date,Last price,High\n2024-01-02,1,2\n")).toContain("expected a close column");
  expect((await read("Date,AAPL,LOW,MSFT\n2024-01-02,1,2,3\n")).symbols).toEqual(["AAPL", "LOW", "MSFT"]);
  const table = await read("Datum,Erster,Schluss\n2024-01-02,1,2\n", { time: "Datum" });
  expect(table.reading.notes).toEqual([
    "Each column is the closing price of a symbol: Erster, Schluss; format.close names the one of a single symbol.",
  ]);
});

test("columns that the format names, side by side too", async () => {
  const text = "Price,Adj Close,Close,Adj Close,Close\nTicker,A,A,B,B\nDate,,,,\n2024-01-02,51,102,7,8\n";
  expect((await bars(text, { close: "Adj Close" })).map((bar) => bar[5])).toEqual([51, 7]);
  expect(await failure(text, { close: "Adjusted" })).toContain(
    'expected a column "Adjusted", which format.close names',
  );
  expect(await failure(text, { time: "Day" })).toContain('expected a column "Day", which format.time names');
});

test("a date and a clock in two columns", async () => {
  const time = async (date: string, clock: string, header = "date,time,close", format: PriceFormat = {}) =>
    new Date((await read(`${header}\n${date},${clock},1\n`, format)).time[0]).toISOString().slice(0, 19);
  for (const clock of ["0930", "930", "09:30", "9:30", "093000", "93000"])
    expect(await time("2024.01.02", clock), clock).toBe("2024-01-02T09:30:00");
  expect(await time("01/31/2024", "1600")).toBe("2024-01-31T16:00:00");
  expect(await time("2024-01-02", "09:30", "trade_date,time,close")).toBe("2024-01-02T09:30:00");
  expect(await time("2024-01-02", "09:30", "Tag,Uhrzeit,close", { time: "Tag", clock: "Uhrzeit" })).toBe(
    "2024-01-02T09:30:00",
  );
  const records = '[{"date": "20240102", "time": "0930", "close": 1}]';
  expect(new Date((await read(records)).time[0]).toISOString()).toBe("2024-01-02T09:30:00.000Z");
});

test("days that are stored as midnights of some zone stay those days", async () => {
  const text =
    "Date,close\n2024-01-02 00:00:00-05:00,1\n2024-07-02 00:00:00-04:00,2\n2024-07-03 00:00:00+02:00,3\n";
  const days = async (...args: Parameters<typeof read>) =>
    Array.from((await read(...args)).time, (time) => new Date(time).toISOString().slice(0, 16));
  expect(await days(text)).toEqual(["2024-01-02T00:00", "2024-07-02T00:00", "2024-07-03T00:00"]);
  expect((await read(text)).reading.notes).toEqual([
    "All times are midnight in the zones that they are written with; they were read as dates.",
  ]);
  expect(
    await days("Date,close\n2024-01-08 00:00:00,1\n2024-01-09 00:00:00,2\n", { timeZone: "Asia/Tokyo" }),
  ).toEqual(["2024-01-08T00:00", "2024-01-09T00:00"]);
  expect(await days(`${text}2024-07-03 16:00:00-04:00,3\n`)).toEqual([
    "2024-01-02T05:00",
    "2024-07-02T04:00",
    "2024-07-02T22:00",
    "2024-07-03T20:00",
  ]);
});

test("day and month are turned round where they were written", async () => {
  const times = async (text: string, format: PriceFormat = {}) =>
    Array.from((await read(`date,close\n${text}\n`, format)).time, (time) =>
      new Date(time).toISOString().slice(0, 16),
    );
  expect(await times("01/02/2020 02:00 +05:30,1\n13/02/2020 10:00 +05:30,2")).toEqual([
    "2020-01-31T20:30",
    "2020-02-13T04:30",
  ]);
  const newYork = { timeZone: "America/New_York" };
  expect(await times("03/10/2024 02:30,1\n13/10/2024 10:00,2", newYork)).toEqual([
    "2024-10-03T06:30",
    "2024-10-13T14:00",
  ]);
  const symbols = "date,symbol,close\n13/02/2020,B,1\n01/02/2020,A,2\n02/02/2020,A,3\n";
  const only = await readPriceTable({ path: "p.csv", bytes: Buffer.from(symbols) }, { symbols: ["A"] });
  expect(Array.from(only.time, (time) => new Date(time).toISOString().slice(0, 10))).toEqual([
    "2020-02-01",
    "2020-02-02",
  ]);
});

test("a decimal mark is the same in all of a file, and never guessed from what came later", async () => {
  const grouped = "date;open;close;volume\n2020-01-02;1,085;1,086;12.345\n2020-01-03;1,085;1,087;12.346\n";
  expect(await failure(grouped)).toContain('received "1,085"; format.decimal says whether');
  expect((await bars(grouped, { decimal: "," }))[0].slice(2)).toEqual([
    1.085,
    Number.NaN,
    Number.NaN,
    1.086,
    12_345,
  ]);
  expect((await bars("date;close\n2020-01-02;0,512\n2020-01-03;0,514\n"))[0][5]).toBe(0.512);
  const late = `date;close\n${"2020-01-02;12\n".repeat(30_000)}2020-01-03;1.234\n2020-01-04;12,5\n`;
  expect(await failure(late)).toContain('received "12,5"; format.decimal says whether');
  const records =
    '[{"date": "2020-01-02", "close": "1.234", "volume": 1.5}, {"date": "2020-01-03", "close": "1.234,5", "volume": 2}]';
  expect(await failure(records)).toContain('received "1.234,5"; format.decimal says whether');
  const read = await readPriceTable(
    { path: "p.json", bytes: Buffer.from(records) },
    { format: { decimal: "," } },
  );
  expect([[...read.close], [...(read.volume ?? [])]]).toEqual([
    [1234, 1234.5],
    [1.5, 2],
  ]);
});

test("a format that cannot be", async () => {
  expect(await failure("date,close\n2024-01-02,1\n", { timeZone: "Mars/Olympus" })).toBe(
    'DATA_OPTION_INVALID reading: format.timeZone: expected a time zone such as America/New_York, EST or Etc/GMT+5, received "Mars/Olympus"',
  );
});
