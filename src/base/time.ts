import { PlatformError } from "./errors.ts";

/** An instant: milliseconds since 1970-01-01T00:00:00Z. */
export type UtcMs = number;

/** A day of the calendar without a time or a zone, written YYYY-MM-DD. */
export type CalendarDate = string;

export const dayMs = 86_400_000;

/**
 * The instant at which a calendar date begins in UTC.
 *
 * @throws PlatformError `DATE_INVALID` when `date` is not a day of the calendar
 * @example
 * startOfDay("2024-02-29"); // => 1709164800000
 */
export function startOfDay(date: CalendarDate): UtcMs {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  const ms = match ? Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) : Number.NaN;
  if (!match || calendarDate(ms) !== date) {
    throw new PlatformError("input", "DATE_INVALID", `expected a date as YYYY-MM-DD, received "${date}"`);
  }
  return ms;
}

/**
 * The calendar date of an instant, in UTC.
 *
 * @example
 * calendarDate(1709164800000); // => "2024-02-29"
 */
export function calendarDate(time: UtcMs): CalendarDate {
  return Number.isFinite(time) ? new Date(time).toISOString().slice(0, 10) : "";
}

/**
 * An instant as short as it can be read back: a date at midnight UTC, else ISO 8601 with seconds.
 *
 * @example
 * formatTime(1709164800000); // => "2024-02-29"
 */
export function formatTime(time: UtcMs): string {
  return time % dayMs === 0 ? calendarDate(time) : new Date(time).toISOString().replace(".000Z", "Z");
}

/** 0 for Sunday to 6 for Saturday. */
export function dayOfWeek(time: UtcMs): number {
  return (Math.floor(time / dayMs) + 4) % 7;
}

/**
 * Whether a name is a time zone that Node.js knows: one of the IANA database, or an alias.
 *
 * @example
 * isTimeZone("Europe/Berlin"); // => true
 */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false; // a RangeError is how Intl says no
  }
}
