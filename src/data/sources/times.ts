/**
 * Times as people write them, read to UTC milliseconds. ISO 8601 is read from bytes; rarer spellings go through patterns.
 *
 * `01/02/2020` has two readings. Month first is taken until a row shows that only day first can be meant (13/02/2020); the
 * rows read before are then turned round, so the whole file has one reading, and the caller can say which and how sure it is.
 */
import { dayMs, type PriceFormat, type UtcMs } from "../../base/index.ts";
import { ZoneClock } from "./zone-clock.ts";

/** How the two small numbers of 01/02/2020 were read; `certain` when some row allowed only this. */
export interface DateOrder {
  readonly order: "month-first" | "day-first";
  readonly certain: boolean;
}

const months = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const clockPattern = String.raw`(?:(?:\s*T|,?\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*([ap]m)?)?\s*(z|utc|gmt|[+-]\d{2}(?::?\d{2})?)?$`;
const yearFirst = new RegExp(String.raw`^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})${clockPattern}`, "i");
const yearLast = new RegExp(String.raw`^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})${clockPattern}`, "i");
const compact = new RegExp(String.raw`^(\d{4})(\d{2})(\d{2})${clockPattern}`, "i");
const dayMonthName = new RegExp(
  String.raw`^(\d{1,2})[- ]([a-z]{3})[a-z]*\.?[- ,]+(\d{4})${clockPattern}`,
  "i",
);
const monthNameDay = new RegExp(String.raw`^([a-z]{3})[a-z]*\.? (\d{1,2}),? (\d{4})${clockPattern}`, "i");

export class TimeReader {
  /** Readable times by how they wrote their zone: "none", "UTC" or an offset such as "+05:30". */
  readonly zones = new Map<string, number>();
  /** The first text that could not be read. */
  firstUnreadable: string | null = null;
  #naive = 0;
  #utc = 0;
  /** A row whose date can only be month first, and one that can only be day first. */
  #monthFirst = -1;
  #dayFirst = -1;
  /** Rows whose date has two readings, with what they are when the day stands first. */
  readonly #ambiguous: { readonly row: number; readonly time: UtcMs; readonly local: number }[] = [];
  /** Whether some time was written so that day and month cannot be confused. */
  #isPlain = false;
  /** Whether every clock so far showed midnight, and then what clocks showed in the rows that a zone moved. */
  #areMidnights = true;
  #midnights: { readonly row: number; readonly local: number }[] = [];
  /** What was said of the order, and whether some date has one. */
  readonly #order: DateOrder["order"] | undefined;
  #hasOrder = false;
  /** Of times that name no zone; null for UTC. */
  readonly #clock: ZoneClock | null;

  constructor({ dateOrder, timeZone }: Pick<PriceFormat, "dateOrder" | "timeZone"> = {}) {
    this.#order = dateOrder;
    this.#clock = timeZone === undefined ? null : new ZoneClock(timeZone);
  }

  /** The zone of times that name none. */
  get zone(): string {
    return this.#clock?.name ?? "UTC";
  }

  /**
   * The time in a cell, or NaN when it cannot be read.
   *
   * @param row the number under which `misread` will speak of it; null for a row that is not kept and only shows how dates are written
   */
  read(bytes: Buffer, start: number, end: number, row: number | null): UtcMs {
    while (start < end && bytes[start] <= 0x20) start++;
    while (end > start && bytes[end - 1] <= 0x20) end--;
    const length = end - start;
    if (length >= 10 && bytes[start + 4] === 0x2d && bytes[start + 7] === 0x2d) {
      const day = dayOf(digits(bytes, start, 4), digits(bytes, start + 5, 2), digits(bytes, start + 8, 2));
      if (length === 10 && !Number.isNaN(day)) {
        this.#isPlain = true;
        this.#naive++;
        return day;
      }
      const clock = clockOf(bytes, start + 11, end);
      const separator = bytes[start + 10];
      if (clock >= 0 && !Number.isNaN(day) && (separator === 0x20 || separator === 0x54)) {
        this.#isPlain = true;
        if (bytes[end - 1] !== 0x5a) {
          this.#naive++;
          return this.fromLocal(day + clock, row);
        }
        this.#utc++;
        return this.#moved(day + clock, day + clock, row);
      }
    }
    if (length === 0) return Number.NaN;
    return this.readText(bytes.toString("utf8", start, end), row);
  }

  /** The same for text. */
  readText(text: string, row: number | null): UtcMs {
    const time = this.#parse(text.trim(), row);
    if (Number.isNaN(time)) this.firstUnreadable ??= text.trim();
    return time;
  }

  /** A time that shows clocks of no named zone, written as if it were UTC. */
  fromLocal(local: number, row: number | null): UtcMs {
    return this.#moved(this.#clock?.toUtc(local) ?? local, local, row);
  }

  /** A time with what clocks showed then. */
  #moved(time: UtcMs, local: number, row: number | null): UtcMs {
    if (!this.#areMidnights) return time;
    if (local % dayMs !== 0) {
      this.#areMidnights = false;
      this.#midnights = [];
    } else if (time !== local && row !== null) this.#midnights.push({ row, local });
    return time;
  }

  #parse(word: string, row: number | null): UtcMs {
    const match = yearLast.exec(word);
    if (match) return this.#yearLast(match, row);
    const time = this.#plain(word, row);
    if (!Number.isNaN(time)) this.#isPlain = true;
    return time;
  }

  /** A time whose day and month cannot be confused. */
  #plain(word: string, row: number | null): UtcMs {
    if (/^-?\d+(\.\d+)?$/.test(word)) return this.#number(word, row);
    let match = yearFirst.exec(word);
    if (match) return this.#timeOf(dayOf(+match[1], +match[3], +match[4]), match, 5, row);
    match = compact.exec(word);
    if (match) return this.#timeOf(dayOf(+match[1], +match[2], +match[3]), match, 4, row);
    const joined = /^(\d{8})[ T]?(\d{2})(\d{2})(\d{2})$/.exec(word);
    if (joined) return this.#plain(`${joined[1]} ${joined[2]}:${joined[3]}:${joined[4]}`, row);
    match = dayMonthName.exec(word);
    if (match) return this.#timeOf(dayOf(+match[3], monthOf(match[2]), +match[1]), match, 4, row);
    match = monthNameDay.exec(word);
    if (match) return this.#timeOf(dayOf(+match[3], monthOf(match[1]), +match[2]), match, 4, row);
    return Number.NaN;
  }

  /** How dates like 01/02/2020 were read, or null when there were none. `conflict`: two rows that exclude each other. */
  dateOrder(): (DateOrder & { readonly conflict: readonly [number, number] | null }) | null {
    if (this.#order !== undefined)
      return this.#hasOrder ? { order: this.#order, certain: true, conflict: null } : null;
    if (this.#monthFirst < 0 && this.#dayFirst < 0 && this.#ambiguous.length === 0) return null;
    const conflict = this.#monthFirst >= 0 && this.#dayFirst >= 0;
    return {
      order: this.#dayFirst >= 0 ? "day-first" : "month-first",
      certain: this.#monthFirst >= 0 || this.#dayFirst >= 0,
      conflict: conflict ? [this.#monthFirst, this.#dayFirst] : null,
    };
  }

  /** Calls `turn` for each row whose time was not read as all rows together say, with its right time. */
  misread(turn: (row: number, right: UtcMs) => void): void {
    // What has no clock but is stored as if it had one, as the days of many files are, is that day whatever its zone.
    for (const { row, local } of this.#midnights) turn(row, local);
    if (this.dateOrder()?.order !== "day-first") return;
    for (const { row, time, local } of this.#ambiguous) turn(row, this.#areMidnights ? local : time);
  }

  /** Whether times were read as dates, because all of them were midnight where they were written. */
  get areDays(): boolean {
    return this.#midnights.length > 0;
  }

  /** Whether rows that are not kept may still show in which order day and month stand. */
  get wantsWitnesses(): boolean {
    return this.#order === undefined && !this.#isPlain && this.#monthFirst < 0 && this.#dayFirst < 0;
  }

  /** True while an earlier time may still change its reading. */
  get undecided(): boolean {
    if (this.#midnights.length > 0) return true;
    if (this.#order !== undefined) return false;
    return this.#ambiguous.length > 0 || this.#dayFirst >= 0 || this.#monthFirst >= 0;
  }

  /** Readable times by zone, the most frequent spelling first. */
  zoneCounts(): [zone: string, rows: number][] {
    const counts = new Map(this.zones);
    if (this.#naive > 0) counts.set(this.#clock === null ? "none" : this.zone, this.#naive);
    if (this.#utc > 0) counts.set("UTC", (counts.get("UTC") ?? 0) + this.#utc);
    return [...counts].sort((a, b) => b[1] - a[1]);
  }

  #yearLast(match: RegExpExecArray, row: number | null): UtcMs {
    const [first, separator, second, year] = [+match[1], match[2], +match[3], +match[4]];
    const at = (day: UtcMs) => this.#timeOf(day, match, 5, row);
    const dayFirst = dayOf(year, second, first);
    if (separator === ".") {
      this.#isPlain = true; // 31.12.2019 is day first wherever it is written
      return at(dayFirst);
    }
    const monthFirst = dayOf(year, first, second);
    if (this.#order !== undefined) {
      this.#hasOrder = true;
      return at(this.#order === "month-first" ? monthFirst : dayFirst);
    }
    if (Number.isNaN(monthFirst)) {
      if (!Number.isNaN(dayFirst) && this.#dayFirst < 0) this.#dayFirst = row ?? 0;
      return at(dayFirst);
    }
    if (Number.isNaN(dayFirst)) {
      if (this.#monthFirst < 0) this.#monthFirst = row ?? 0;
    } else if (first !== second && row !== null) {
      const local = localOf(dayFirst, match, 5);
      this.#ambiguous.push({ row, local, time: this.#utcOf(local, match, 5) });
    }
    return at(monthFirst);
  }

  #timeOf(day: UtcMs, match: readonly string[], at: number, row: number | null): UtcMs {
    const local = localOf(day, match, at);
    if (Number.isNaN(local)) return local;
    this.#count(match[at + 5]);
    // A date without a clock is that date wherever it is read.
    return match[at] === undefined ? local : this.#moved(this.#utcOf(local, match, at), local, row);
  }

  #utcOf(local: number, match: readonly (string | undefined)[], at: number): UtcMs {
    const [hour, zone] = [match[at], match[at + 5]];
    if (hour === undefined || Number.isNaN(local)) return local;
    return zone === undefined ? (this.#clock?.toUtc(local) ?? local) : local - offsetOf(zone);
  }

  #count(zone: string | undefined): void {
    const minutes = offsetOf(zone) / 60_000;
    if (zone === undefined) this.#naive++;
    else if (minutes === 0) this.#utc++;
    else {
      const spelled = `${zone.slice(0, 3)}:${zone.slice(3).replace(":", "").padStart(2, "0")}`;
      this.zones.set(spelled, (this.zones.get(spelled) ?? 0) + 1);
    }
  }

  /** `YYYYMMDD`, `YYYYMM` or `YYYYMMDDHHMMSS` where that is a date, else seconds, ms, us or ns since 1970 by their size. */
  #number(text: string, row: number | null): UtcMs {
    const whole = text.replace(/^-|\..*$/g, "");
    const date = /^(\d{4})(\d{2})(\d{2})?(?:(\d{2})(\d{2})(\d{2}))?$/.exec(text);
    if (date && [6, 8, 14].includes(text.length)) {
      const day = dayOf(+date[1], +date[2], +(date[3] ?? 1));
      if (!Number.isNaN(day)) return this.#timeOf(day, ["", date[4], date[5], date[6]], 1, row);
    }
    if (whole.length < 9 || whole.length > 19) return Number.NaN;
    this.#utc++;
    const sign = text.startsWith("-") ? -1 : 1;
    if (whole.length <= 11) return Math.round(Number(text) * 1000);
    if (whole.length <= 14) return Math.round(Number(text));
    return sign * Number(whole.slice(0, whole.length <= 17 ? -3 : -6)); // the digits after milliseconds exceed a double
  }
}

/** A date and the clock of another column as one text: `0930`, `93000` and `930` are clocks without their marks. */
export function dateWithClock(date: string, clock: string): string {
  const digits = /^\d{3}$|^\d{5}$/.test(clock) ? `0${clock}` : clock;
  const marked = /^(\d{2})(\d{2})(\d{2})?$/.exec(digits);
  return `${date} ${marked === null ? clock : marked.slice(1).filter(Boolean).join(":")}`;
}

/** What clocks show: a day and the clock of a match, whose groups from `at` on are hour, minute, second, fraction, half and zone. */
function localOf(day: UtcMs, match: readonly (string | undefined)[], at: number): number {
  const [hour, minute, second, fraction, half] = match.slice(at, at + 5);
  let hours = Number(hour ?? 0);
  if (half !== undefined) {
    if (hours < 1 || hours > 12) return Number.NaN;
    hours = (hours % 12) + (half.toLowerCase() === "pm" ? 12 : 0);
  }
  const minutes = Number(minute ?? 0);
  const seconds = Number(second ?? 0);
  if (Number.isNaN(day) || hours > 23 || minutes > 59 || seconds > 59) return Number.NaN;
  const milliseconds = Number((fraction ?? "").padEnd(3, "0").slice(0, 3));
  return day + ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
}

/** Milliseconds that a zone such as `+05:30` is ahead of UTC; 0 for UTC and for none. */
function offsetOf(zone: string | undefined): number {
  if (zone === undefined || /^[a-z]/i.test(zone)) return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(":", "") || 0);
  return (zone[0] === "-" ? -minutes : minutes) * 60_000;
}

function monthOf(name: string): number {
  return months.indexOf(name.toLowerCase()) + 1;
}

/** Start of a day of the Gregorian calendar, or NaN when there is no such day (Hinnant's days-from-civil). */
function dayOf(year: number, month: number, day: number): UtcMs {
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month) && year >= 1000))
    return Number.NaN;
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * 146_097 + dayOfEra - 719_468) * dayMs;
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** A number of `count` digits, or NaN. */
function digits(bytes: Buffer, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) {
    const digit = bytes[at] - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Milliseconds of `HH:MM:SS` with an optional `+00:00`-free end: nothing or `Z`; -1 for every other spelling. */
function clockOf(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length < 8 || length > 9 || (length === 9 && bytes[end - 1] !== 0x5a)) return -1;
  if (bytes[start + 2] !== 0x3a || bytes[start + 5] !== 0x3a) return -1;
  const hours = digits(bytes, start, 2);
  const minutes = digits(bytes, start + 3, 2);
  const seconds = digits(bytes, start + 6, 2);
  if (!(hours < 24 && minutes < 60 && seconds < 60)) return -1;
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}
