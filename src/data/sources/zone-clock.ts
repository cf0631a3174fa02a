/** Clock times of a place to UTC, by the time zones that come with Node.js. */
import { dayMs, type UtcMs } from "../../base/index.ts";

/** Changes of a zone's offset happen on quarters of an hour. */
const quarterMs = 900_000;

export class ZoneClock {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  /** Offset by quarter of an hour of local time. Rows follow each other in time, so the last one mostly serves again. */
  readonly #offsets = new Map<number, number>();
  #quarter = Number.NaN;
  #offset = 0;

  /** @param name as `isTimeZone` knows it */
  constructor(name: string) {
    this.name = name;
    const two = "2-digit";
    this.#format = new Intl.DateTimeFormat("en-US", {
      ...{ timeZone: name, hourCycle: "h23", era: "short" },
      ...{ year: "numeric", month: two, day: two, hour: two, minute: two, second: two },
    });
  }

  /**
   * The moment at which clocks show `local`, which is written as if it were UTC. Of two such moments, when clocks are put back, it
   * is the first; a time that clocks leave out is read as if they had not been put forward yet.
   */
  toUtc(local: number): UtcMs {
    const quarter = Math.floor(local / quarterMs);
    if (quarter !== this.#quarter) {
      this.#quarter = quarter;
      let offset = this.#offsets.get(quarter);
      if (offset === undefined) {
        offset = this.#offsetOfLocal(quarter * quarterMs);
        this.#offsets.set(quarter, offset);
      }
      this.#offset = offset;
    }
    return local - this.#offset;
  }

  /** What clocks show at a moment, written as if it were UTC. */
  toLocal(time: UtcMs): number {
    return time + this.#offsetAt(time);
  }

  #offsetOfLocal(local: number): number {
    const before = this.#offsetAt(local - dayMs);
    const after = this.#offsetAt(local + dayMs);
    if (before === after) return before;
    return this.#offsetAt(local - after) === after && this.#offsetAt(local - before) !== before
      ? after
      : before;
  }

  /** Milliseconds that clocks are ahead of UTC at a moment. */
  #offsetAt(time: UtcMs): number {
    const parts: Record<string, string> = {};
    for (const { type, value } of this.#format.formatToParts(time)) parts[type] = value;
    const year = parts["era"] === "BC" ? 1 - Number(parts["year"]) : Number(parts["year"]);
    const [month, day] = [Number(parts["month"]), Number(parts["day"])];
    const [hour, minute, second] = [Number(parts["hour"]), Number(parts["minute"]), Number(parts["second"])];
    const shown = Date.UTC(year, month - 1, day, hour, minute, second);
    return shown - Math.floor(time / 1000) * 1000;
  }
}
