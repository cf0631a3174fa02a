import { expect, test } from "vitest";
import { ZoneClock } from "./zone-clock.ts";

const newYork = new ZoneClock("America/New_York");
const utc = (zone: ZoneClock, text: string) => new Date(zone.toUtc(Date.parse(`${text}Z`))).toISOString();

test("knows summer and winter of a zone", () => {
  expect(utc(newYork, "2024-01-31T16:00:00")).toBe("2024-01-31T21:00:00.000Z");
  expect(utc(newYork, "2024-07-31T16:00:00")).toBe("2024-07-31T20:00:00.000Z");
  expect(utc(new ZoneClock("Asia/Kolkata"), "2024-01-31T15:30:00")).toBe("2024-01-31T10:00:00.000Z");
});

test("goes over the night of a change minute by minute", () => {
  // 10 March 2024: after 01:59 clocks show 03:00.
  expect(utc(newYork, "2024-03-10T01:59:00")).toBe("2024-03-10T06:59:00.000Z");
  expect(utc(newYork, "2024-03-10T03:00:00")).toBe("2024-03-10T07:00:00.000Z");
  expect(utc(newYork, "2024-03-10T02:30:00")).toBe("2024-03-10T07:30:00.000Z"); // no clock shows it
  // 3 November 2024: 01:00 to 01:59 come twice.
  expect(utc(newYork, "2024-11-03T01:30:00")).toBe("2024-11-03T05:30:00.000Z");
  expect(utc(newYork, "2024-11-03T02:00:00")).toBe("2024-11-03T07:00:00.000Z");
});

test("goes back to what clocks show", () => {
  for (const text of ["2024-03-10T03:00:00Z", "2024-11-03T02:00:00Z", "1999-12-31T23:59:59Z"]) {
    expect(newYork.toLocal(newYork.toUtc(Date.parse(text)))).toBe(Date.parse(text));
  }
});
