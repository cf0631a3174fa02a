import { expect, test } from "vitest";
import { dayMs, formatTime } from "../../base/index.ts";
import { barsAfter } from "./predict.ts";

const hourMs = 3_600_000;
const at = (text: string) => Date.parse(`${text}${text.length === 10 ? "T00:00:00Z" : ""}`);
const after = (times: readonly string[], count: number) =>
  barsAfter(Float64Array.from(times, at), count).map(formatTime);
/** Days from a first one on, without Saturdays and Sundays. */
const weekdays = (first: string, count: number) => {
  const days: number[] = [];
  for (let time = at(first); days.length < count; time += dayMs)
    if (![0, 6].includes(new Date(time).getUTCDay())) days.push(time);
  return Float64Array.from(days);
};

test("goes past the weekend when the series has none", () => {
  const later = barsAfter(weekdays("2024-01-01", 12), 3); // ends on Tuesday the 16th
  expect(later.map(formatTime)).toEqual(["2024-01-17", "2024-01-18", "2024-01-19"]);
  expect(barsAfter(weekdays("2024-01-01", 10), 2).map(formatTime)).toEqual(["2024-01-15", "2024-01-16"]);
});

test("takes weekends as they come when the series has them", () => {
  const daily = Float64Array.from({ length: 10 }, (_, i) => at("2024-01-01") + i * dayMs);
  expect(barsAfter(daily, 3).map(formatTime)).toEqual(["2024-01-11", "2024-01-12", "2024-01-13"]);
});

test("keeps the distance of weeks and of hours", () => {
  expect(after(["2024-01-05", "2024-01-12", "2024-01-19"], 2)).toEqual(["2024-01-26", "2024-02-02"]);
  const hours = Float64Array.from({ length: 30 }, (_, i) => at("2024-01-06T00:00:00Z") + i * hourMs);
  expect(barsAfter(hours, 1)).toEqual([hours[29] + hourMs]);
});

test("steps by the calendar when the bars are months, quarters or years", () => {
  expect(after(["2023-11-01", "2023-12-01", "2024-01-01"], 3)).toEqual([
    "2024-02-01",
    "2024-03-01",
    "2024-04-01",
  ]);
  expect(after(["2023-10-31", "2023-11-30", "2023-12-31"], 3)).toEqual([
    "2024-01-31",
    "2024-02-29",
    "2024-03-31",
  ]);
  expect(after(["2023-03-31", "2023-06-30", "2023-09-30"], 2)).toEqual(["2023-12-31", "2024-03-31"]);
  expect(after(["2020-01-01", "2021-01-01", "2022-01-01"], 1)).toEqual(["2023-01-01"]);
});

test("is not misled by a gap", () => {
  const daily = [1, 2, 3, 4, 20, 21, 22].map((day) => `2024-06-${String(day).padStart(2, "0")}`);
  expect(after(daily, 1)).toEqual(["2024-06-23"]);
});

test("takes a single bar for a daily one", () => {
  expect(after(["2024-01-06"], 1)).toEqual(["2024-01-07"]);
});
