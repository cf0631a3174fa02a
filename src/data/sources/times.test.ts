import fc from "fast-check";
import { expect, test } from "vitest";
import { TimeReader } from "./times.ts";

function read(text: string): string {
  const bytes = Buffer.from(text);
  const time = new TimeReader().read(bytes, 0, bytes.length, 0);
  return Number.isNaN(time) ? "unreadable" : new Date(time).toISOString();
}

test("reads the spellings that price files use", () => {
  const day = "2024-01-31T00:00:00.000Z";
  for (const text of [
    "2024-01-31",
    " 2024-01-31 ",
    "2024/1/31",
    "2024.01.31",
    "20240131",
    "1/31/2024",
    "31/1/2024",
    "31.01.2024",
    "31-Jan-2024",
    "Jan 31, 2024",
    "1/31/2024 12:00 AM",
    "2024-01-31T00:00:00Z",
    "2024-01-31 00:00:00+00:00",
    "2024-01-31T05:30:00+05:30",
    "2024-01-30 19:00-0500",
    "1706659200",
    "1706659200000",
    "1706659200000000",
    "1706659200000000000",
  ]) {
    expect([text, read(text)]).toEqual([text, day]);
  }
  expect(read("20240131 093000")).toBe("2024-01-31T09:30:00.000Z");
  expect(read("20240131093000")).toBe("2024-01-31T09:30:00.000Z");
  expect(read("2024-01-31 4:05 PM")).toBe("2024-01-31T16:05:00.000Z");
  expect(read("2024-01-31T09:30:00.250Z")).toBe("2024-01-31T09:30:00.250Z");
  expect(read("192607")).toBe("1926-07-01T00:00:00.000Z");
});

test("refuses what is no time", () => {
  for (const text of [
    "",
    "abc",
    "2024-02-30",
    "2024-13-01",
    "2024-01-31 25:00",
    "13/13/2024",
    "17",
    "2024-01-31 EST",
  ]) {
    expect([text, read(text)]).toEqual([text, "unreadable"]);
  }
});

test("agrees with the calendar of JavaScript on every day", () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date("1000-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }),
      (date) => {
        expect(read(date.toISOString())).toBe(date.toISOString());
        expect(read(date.toISOString().slice(0, 10))).toBe(
          `${date.toISOString().slice(0, 10)}T00:00:00.000Z`,
        );
      },
    ),
  );
});

test("turns month and day round when a later row shows that the day comes first", () => {
  const reader = new TimeReader();
  const rows = ["01/02/2020", "05/05/2020", "13/02/2020"];
  const times = rows.map((text, row) => reader.readText(text, row));
  expect(reader.dateOrder()).toEqual({ order: "day-first", certain: true, conflict: null });
  reader.misread((row, right) => {
    times[row] = right;
  });
  expect(times.map((time) => new Date(time).toISOString().slice(0, 10))).toEqual([
    "2020-02-01",
    "2020-05-05",
    "2020-02-13",
  ]);
});

test("says that a file fits both orders, and that two rows exclude each other", () => {
  const both = new TimeReader();
  both.readText("01/02/2020", 0);
  expect(both.dateOrder()).toEqual({ order: "month-first", certain: false, conflict: null });
  const torn = new TimeReader();
  torn.readText("12/31/2020", 4);
  torn.readText("31/12/2020", 7);
  expect(torn.dateOrder()?.conflict).toEqual([4, 7]);
});

test("counts zones, the most frequent first", () => {
  const reader = new TimeReader();
  for (const text of [
    "2024-01-01T00:00:00Z",
    "2024-01-01T00:00:00+0100",
    "2024-01-02T00:00:00+01:00",
    "2024-01-02",
  ]) {
    reader.readText(text, 0);
  }
  expect(reader.zoneCounts()).toEqual([
    ["+01:00", 2],
    ["none", 1],
    ["UTC", 1],
  ]);
});
