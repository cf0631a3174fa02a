import { createHash } from "node:crypto";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PlatformError } from "../../base/index.ts";
import { readMatrix } from "./matrix.ts";
import { type ReadOptions, readPriceTable } from "./read.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fathom-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (text: string | Uint8Array, options: ReadOptions = {}, path = "p.csv") =>
  readPriceTable({ path, bytes: typeof text === "string" ? Buffer.from(text) : text }, options);

/** The code and the message of the failure. */
async function failure(work: Promise<unknown>): Promise<string> {
  const error = (await work.then(
    () => new Error("nothing failed"),
    (reason) => reason,
  )) as PlatformError;
  return `${error.code} ${error.message}`;
}

const long = `Ticker, DATE ,Open,High,Low,Close,Volume,Note
B,2024-01-02,1,3,0.5,2,10,x
A,2024-01-02,,NaN,null,5,-,y
B,2024-01-03,2,2,2,inf,0,z
`;

test("reads a long table, matching headers without case and blanks", async () => {
  const table = await read(long);
  expect(table.symbols).toEqual(["B", "A"]);
  expect([...table.symbol]).toEqual([0, 1, 0]);
  expect([...table.line]).toEqual([2, 3, 4]);
  expect([...(table.open ?? [])]).toEqual([1, Number.NaN, 2]);
  expect([...table.close]).toEqual([2, 5, Number.NaN]);
  expect(table.fingerprint).toBe(createHash("sha256").update(long).digest("hex"));
  expect(table.reading).toMatchObject({ layout: "long", ignoredColumns: ["Note"], notFinite: 2 });
});

test("reads a wide table: one row per date and symbol", async () => {
  const table = await read(",AAPL, MSFT\n2024-01-02,1,2\n2024-01-03,,4\n");
  expect(table.symbols).toEqual(["AAPL", "MSFT"]);
  expect([...table.close]).toEqual([1, 2, Number.NaN, 4]);
  expect([...table.line]).toEqual([2, 2, 3, 3]);
  expect(table.open).toBeNull();
});

test("names a file without symbols by its name", async () => {
  expect((await read("ds,y\n2024-01-02,1\n", {}, "some/folder/gold.csv.gz")).symbols).toEqual(["gold"]);
});

test("joins a date and a time column", async () => {
  const table = await read("<TICKER>,<DATE>,<TIME>,<CLOSE>\nX,20240102,093000,1\n");
  expect(new Date(table.time[0]).toISOString()).toBe("2024-01-02T09:30:00.000Z");
});

test("keeps the chosen symbols and times, both ends included", async () => {
  const table = await read(long, { symbols: ["b"], from: Date.UTC(2024, 0, 3), to: Date.UTC(2024, 0, 3) });
  expect(table.symbols).toEqual(["B"]);
  expect([...table.line]).toEqual([4]);
  expect(table.reading.rowsFiltered).toBe(2);
});

test("filters by time only after it knows the order of day and month", async () => {
  const text = "date,close\n01/02/2024,1\n02/02/2024,2\n13/02/2024,3\n";
  const table = await read(text, { from: Date.UTC(2024, 1, 1), to: Date.UTC(2024, 1, 2) });
  expect([...table.close]).toEqual([1, 2]);
  expect(table.reading.dateOrder).toEqual({ order: "day-first", certain: true });
});

test("says which reading was taken of dates that fit two", async () => {
  const table = await read("date,close\n01/02/2024,1\n02/02/2024,2\n");
  expect(table.reading.notes).toEqual([
    "Every date fits both month/day and day/month; they were read as month/day; format.dateOrder says otherwise.",
  ]);
});

test("converts mixed zones to UTC and counts them", async () => {
  const table = await read(
    "date,close\n2024-01-01T12:00:00Z,1\n2024-01-01T13:00:00Z,1\n2024-01-01T15:00:00+01:00,2\n",
  );
  expect(table.time[2] - table.time[1]).toBe(3_600_000);
  expect(table.reading.mixedZones).toBe(1);
});

test("keeps rows whose time cannot be read, for the report", async () => {
  const table = await read("date,close\n2024-01-01,1\nsoon,2\n");
  expect([...table.time]).toEqual([Date.UTC(2024, 0, 1), Number.NaN]);
});

test("reads one row", async () => {
  expect((await read("date,close\n2024-01-01,1")).close.length).toBe(1);
});

test("reads gzip whatever the name, and hashes what is stored", async () => {
  const packed = gzipSync(long);
  const table = await read(packed);
  expect(table.close.length).toBe(3);
  expect(table.fingerprint).toBe(createHash("sha256").update(packed).digest("hex"));
});

test("reads records of JSON, as an array, by line, and packed", async () => {
  const records = [
    { symbol: "A", date: "2024-01-02", close: 1.5, volume: null },
    { symbol: "A", date: "2024-01-03", close: "2.5", volume: 7 },
  ];
  const array = JSON.stringify(records);
  const lines = records.map((record) => JSON.stringify(record)).join("\n");
  for (const bytes of [Buffer.from(array), Buffer.from(lines), gzipSync(lines)]) {
    const table = await read(bytes, {}, "p.json");
    expect([...table.close]).toEqual([1.5, 2.5]);
    expect([...(table.volume ?? [])]).toEqual([Number.NaN, 7]);
    expect([...table.time]).toEqual([Date.UTC(2024, 0, 2), Date.UTC(2024, 0, 3)]);
  }
  expect(await failure(read('[{"date":"2024-01-02","close":"abc"}]', {}, "p.json"))).toBe(
    'DATA_CELL_NOT_NUMBER p.json line 1, column "close": expected a number, received "abc"',
  );
  expect(await failure(read('[{"date":"2024-01-02","close":', {}, "p.json"))).toMatch(
    /^DATA_CORRUPT p\.json: expected JSON records, received what cannot be read: Malformed JSON in the file, at byte/,
  );
});

test.each(["[]", "{}", "[1, 2]", "[[1]]"])("finds no records in the JSON %s", async (text) => {
  expect(await failure(read(text, {}, "p.json"))).toBe(
    'DATA_EMPTY_FILE p.json: expected records such as {"date": "2020-01-31", "close": 10.5}, found none such',
  );
});

describe("with Parquet", () => {
  const write = async (name: string, select: string) => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    await connection.run(
      `COPY (${select}) TO '${join(folder, name).replaceAll("'", "''")}' (FORMAT parquet)`,
    );
    connection.closeSync();
    instance.closeSync();
    return join(folder, name);
  };

  test("reads dates, timestamps, text and epochs alike", async () => {
    for (const time of [
      "DATE '2024-01-02'",
      "TIMESTAMP '2024-01-02 00:00:00'",
      "TIMESTAMPTZ '2024-01-02 00:00:00+00'",
      "TIMESTAMP_NS '2024-01-02 00:00:00'",
      "'2024-01-02'",
      "1704153600000000000::BIGINT",
    ]) {
      const path = await write(
        "a'b*.parquet",
        `SELECT ${time} AS date, 'A' AS symbol, 2::FLOAT AS close, 'inf'::DOUBLE AS open`,
      );
      const table = await readPriceTable({ path });
      expect([time, table.time[0], table.symbols, table.close[0]]).toEqual([
        time,
        Date.UTC(2024, 0, 2),
        ["A"],
        2,
      ]);
      expect([table.open?.[0], table.reading.notFinite]).toEqual([Number.NaN, 1]);
    }
  });

  test("reads wide tables of more than one chunk in order", async () => {
    const path = await write(
      "wide.parquet",
      "SELECT DATE '2000-01-01' + i::INTEGER AS date, i + 0.5 AS A, CASE WHEN i > 0 THEN i END AS B FROM range(5000) t(i)",
    );
    const table = await readPriceTable({ path });
    expect(table.close.length).toBe(10_000);
    expect([...table.close.slice(0, 4)]).toEqual([0.5, Number.NaN, 1.5, 1]);
    expect(table.close[9999]).toBe(4999);
    expect(table.reading.notFinite).toBe(0);
  });

  test("refuses a cut file", async () => {
    const path = await write("cut.parquet", "SELECT DATE '2024-01-02' AS date, 1 AS close");
    await truncate(path, 100);
    expect(await failure(readPriceTable({ path }))).toMatch(
      /^DATA_CORRUPT .*cut\.parquet: expected a whole Parquet file, received what cannot be read: No magic bytes found at end of the file$/,
    );
  });
});

describe("with bad input", () => {
  test("names file, line, column, what was expected and what was received", async () => {
    expect(await failure(read('date,note,close\n2024-01-01,"two\nlines",1\n\n2024-01-02,x,abc\n'))).toBe(
      'DATA_CELL_NOT_NUMBER p.csv line 5, column "close": expected a number, received "abc"',
    );
    expect(await failure(read("date;close\n2024-01-01;1.5\n2024-01-02;1,5\n"))).toContain(
      'received "1,5"; format.decimal says whether the comma is the decimal mark',
    );
  });

  test("refuses empty files", async () => {
    expect(await failure(read(""))).toBe(
      "DATA_EMPTY_FILE p.csv: expected a header and rows, received 0 bytes",
    );
    expect(await failure(read("date,close\n"))).toBe(
      "DATA_EMPTY_FILE p.csv: expected rows below the header, received none",
    );
    expect(await failure(read("\n\n"))).toMatch(/^DATA_EMPTY_FILE .*blank lines only/);
    expect(await failure(read(gzipSync("")))).toMatch(/^DATA_EMPTY_FILE/);
  });

  test("lists the columns it found and the nearest name", async () => {
    expect(await failure(read("date,open,high,clsoe\n2024-01-01,1,1,1\n"))).toMatch(
      /^DATA_COLUMN_MISSING p\.csv line 1: expected a close column \(close, .*found "date", "open", "high", "clsoe"; did you mean "clsoe"\?/,
    );
    expect(await failure(read("close\n1\n"))).toMatch(/expected a date column/);
    expect(await failure(read("1.5,2.5\n1,2\n"))).toMatch(/seems to have no header/);
    expect(await failure(read("date,close,Close\n2024-01-01,1,2\n"))).toMatch(/^DATA_COLUMN_DUPLICATE/);
  });

  test("says what binary files look like", async () => {
    const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
    expect(await failure(read(png))).toBe(
      "DATA_NOT_A_TABLE p.csv: expected CSV, JSON or Parquet, received what looks like a PNG image",
    );
    expect(await failure(read(Uint8Array.of(0x50, 0x4b, 3, 4)))).toContain("Excel workbook");
    expect(await failure(read("date,close\n\0\0"))).toContain("a NUL byte at offset 11");
    expect(await failure(read(Uint8Array.of(0x64, 0xff, 0x41, 0x0a)))).toContain("not UTF-8");
    expect(await failure(read("date,close", {}, "p.parquet"))).toContain("does not begin with PAR1");
  });

  test("refuses damaged gzip", async () => {
    const packed = gzipSync(long.repeat(100));
    expect(await failure(read(packed.subarray(0, packed.length - 12)))).toMatch(
      /^DATA_CORRUPT p\.csv: expected a whole gzip file/,
    );
    const flipped = Buffer.from(packed);
    flipped[packed.length - 20] ^= 0xff;
    expect(await failure(read(flipped))).toMatch(/^DATA_CORRUPT/);
  });

  test("refuses folders and files that are not there", async () => {
    expect(await failure(readPriceTable({ path: folder }))).toMatch(/^DATA_NOT_A_FILE/);
    expect(await failure(readPriceTable({ path: join(folder, "none.csv") }))).toMatch(/^DATA_FILE_MISSING/);
  });

  test("names the nearest symbols, and empty ranges", async () => {
    expect(await failure(read("symbol,date,close\nAAPL,2024-01-01,1\n", { symbols: ["AAPPL"] }))).toBe(
      'DATA_SYMBOL_UNKNOWN p.csv: there is no symbol "AAPPL" among 1 (AAPL); did you mean "AAPL"?',
    );
    expect(await failure(read("symbol,date,close\nAAPL,2024-01-01,1\n", { symbols: ["zzz", "aapl"] }))).toBe(
      'DATA_SYMBOL_UNKNOWN p.csv: there is no symbol "zzz" among 1 (AAPL)', // as it was typed
    );
    expect(await failure(read(long, { from: Date.UTC(2030, 0, 1) }))).toMatch(/^DATA_RANGE_EMPTY/);
  });

  test("refuses rows with more fields than the header, and counts those with fewer", async () => {
    expect(await failure(read("date,close\n2024-01-01,1,2\n"))).toBe(
      'DATA_ROW_MALFORMED p.csv line 2: expected 2 fields as in the header, received 3 (field 3 is "2")',
    );
    const table = await read("date,close,volume\n2024-01-01,1\n2024-01-02,1,2,\n");
    expect([table.reading.shortRows, table.volume?.[0], table.volume?.[1]]).toEqual([1, Number.NaN, 2]);
  });

  test("refuses times of which none can be read, and dates of two orders", async () => {
    expect(await failure(read("date,close\nsoon,1\nlater,2\n"))).toMatch(
      /^DATA_TIME_UNREADABLE p\.csv line 2: .*received "soon"/,
    );
    expect(await failure(read("date,close\n12/31/2020,1\n31/12/2020,2\n"))).toMatch(
      /^DATA_DATES_MIXED .*month\/day on line 2 and day\/month on line 3/,
    );
  });

  test("holds no more rows than allowed", async () => {
    const rows = Array.from({ length: 70_000 }, () => "2024-01-01,1").join("\n");
    expect(await failure(read(`date,close\n${rows}`, { maxRows: 65_536 }))).toMatch(
      /^DATA_TOO_LARGE p\.csv line 65538: /,
    );
  });

  test("stops when it is told to", async () => {
    expect(await failure(read(long, { signal: AbortSignal.abort() }))).toMatch(/^INTERRUPTED/);
  });
});

test("reads a plain matrix with and without a header", async () => {
  const bytes = Buffer.from("1,2\n3,NA\n");
  const matrix = await readMatrix({ path: "m.txt", bytes });
  expect([matrix.names, matrix.rows, matrix.columns, [...matrix.values]]).toEqual([
    null,
    2,
    2,
    [1, 2, 3, Number.NaN],
  ]);
  const named = await readMatrix({ path: "m.txt", bytes: Buffer.from("a,b\n1,2\n") });
  expect([named.names, named.rows]).toEqual([["a", "b"], 1]);
  expect(await failure(readMatrix({ path: "m.txt", bytes: Buffer.from("1,2\n3\n") }))).toMatch(
    /^DATA_ROW_MALFORMED m\.txt line 2: expected 2 numbers, received 1/,
  );
});

test("gives a file of the disk and its bytes the same table", async () => {
  const path = join(folder, "p.csv");
  await writeFile(path, long);
  const { source: _, ...fromDisk } = await readPriceTable({ path });
  const { source: __, ...fromBytes } = await read(long);
  expect(fromDisk).toEqual(fromBytes);
});
