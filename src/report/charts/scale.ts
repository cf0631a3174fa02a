/** From values to pixels, and the round numbers at which an axis is marked. */
import { calendarDate, dayMs, invariant } from "../../base/index.ts";
import { formatNumber } from "../format.ts";

export interface Tick {
  readonly value: number;
  readonly label: string;
  /** A second line below the label, shown where it changes: the year of a month, the date of an hour. */
  readonly context?: string;
}

export interface Scale {
  readonly ticks: readonly Tick[];
  /** Pixel position of a value. */
  at(value: number): number;
}

/** `whole` marks whole numbers only, such as epochs. */
export type AxisKind = "number" | "whole" | "log" | "time";

/** Options of `scale`: `[low, high]` in values, `[from, to]` in pixels, and about how many ticks there is room for. */
export interface ScaleOptions {
  readonly kind: AxisKind;
  readonly low: number;
  readonly high: number;
  readonly from: number;
  readonly to: number;
  readonly ticks: number;
  /** Widens the range to whole ticks; a time axis keeps its range. */
  readonly nice: boolean;
}

/** The scale of an axis. A range without extent is widened around its value. */
export function scale(options: ScaleOptions): Scale {
  const { kind, from, to } = options;
  let { low, high } = widen(kind, options.low, options.high);
  invariant(Number.isFinite(low) && Number.isFinite(high) && low < high, "an axis has a finite range");
  invariant(kind !== "log" || low > 0, "a log axis is positive");
  // Over less than a factor of three, round numbers mark a log axis better than parts of powers do.
  const even = kind === "number" || (kind === "log" && high < 3 * low);
  const marks = even
    ? numberTicks
    : { number: numberTicks, whole: wholeTicks, log: logTicks, time: timeTicks }[kind];
  let ticks = marks(low, high, options.ticks);
  if (options.nice && even) {
    const step = roundStep(low, high, options.ticks); // not read off the ticks: there may be one only
    // Rounded as the ticks are: 1.2000000000000002 would lose the tick at 1.2.
    low = Math.min(low, exact(Math.floor(low / step + 1e-9) * step));
    high = Math.max(high, exact(Math.ceil(high / step - 1e-9) * step));
    ticks = marks(low, high, (high - low) / step);
  }
  if (options.nice && kind === "log" && !even) {
    const span = high / low;
    const around = logTicks(low / 10, high * 10, options.ticks, span).map(({ value }) => value);
    low = around.findLast((value) => value <= low * (1 + 1e-9)) ?? low;
    high = around.find((value) => value >= high * (1 - 1e-9)) ?? high;
    ticks = logTicks(low, high, options.ticks, span);
  }
  const warp = kind === "log" ? Math.log : (value: number) => value;
  const [start, end] = [warp(low), warp(high)];
  return {
    ticks: ticks.filter(({ value }) => value >= low && value <= high),
    at: (value) => from + ((warp(value) - start) / (end - start)) * (to - from),
  };
}

/** Round values `k · {1, 2, 5} · 10^n`, at most about `count` of them. */
export function numberTicks(low: number, high: number, count: number): Tick[] {
  const step = roundStep(low, high, count);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks: Tick[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    const value = exact(k * step);
    ticks.push({
      value,
      label: step < 1e-5 || step >= 1e9 ? formatNumber(value) : formatNumber(value, digits),
    });
  }
  return ticks;
}

/** The smallest `{1, 2, 5} · 10^n` that goes into a range at most `count` times. */
function roundStep(low: number, high: number, count: number): number {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough) + 1e-9);
  return power * [1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9))!;
}

/** Without the last digits, which are noise after a multiplication. */
function exact(value: number): number {
  return Number(value.toPrecision(12));
}

/** Round whole numbers. */
function wholeTicks(low: number, high: number, count: number): Tick[] {
  return numberTicks(low, high, Math.min(count, high - low));
}

/** Powers of ten, every so many when there are many; round parts of each when there are few. */
function logTicks(low: number, high: number, count: number, span = high / low): Tick[] {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.ceil(Math.log10(high) - 1e-9);
  const decades = Math.log10(span);
  const factors = decades < 0.8 ? [1, 1.5, 2, 3, 4, 6, 8] : decades * 3 <= count + 2 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / Math.max(1, count)));
  const ticks: Tick[] = [];
  for (let exponent = first; exponent <= last; exponent += every) {
    for (const factor of factors) {
      const value = factor * 10 ** exponent;
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) {
        ticks.push({ value, label: formatNumber(Number(value.toPrecision(6))) });
      }
    }
  }
  return ticks.length > 1 ? ticks : numberTicks(low, high, count);
}

const hourMs = dayMs / 24;
const clockSteps = [1000, 5000, 15_000, 30_000, 60_000, 300_000, 900_000, 1_800_000, 1, 3, 6, 12].map(
  (step) => (step < 1000 ? step * hourMs : step),
);
const dayStep = [1, 2, 7, 14];
const monthSteps = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200];
const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Instants at round places of the calendar, in UTC; the label is the part that changes, the context the part that stays. */
function timeTicks(low: number, high: number, count: number): Tick[] {
  const rough = (high - low) / Math.max(1, count);
  const clock = clockSteps.find((step) => step >= rough);
  if (clock) {
    return multiples(low, high, clock).map((value) => {
      const time = new Date(value).toISOString().slice(11, clock < 60_000 ? 19 : 16);
      return { value, label: time, context: calendarDate(value) };
    });
  }
  const days = dayStep.find((step) => step * dayMs >= rough);
  if (days) {
    const monday = 4 * dayMs; // 1970-01-05
    const starts =
      days < 7 ? multiples(low, high, days * dayMs) : multiples(low - monday, high - monday, days * dayMs);
    return starts.map((start) => {
      const value = days < 7 ? start : start + monday;
      const date = new Date(value);
      return {
        value,
        label: `${date.getUTCDate()} ${monthNames[date.getUTCMonth()]}`,
        context: String(date.getUTCFullYear()),
      };
    });
  }
  const months = monthSteps.find((step) => step * 30.44 * dayMs >= rough) ?? 2400;
  const ticks: Tick[] = [];
  const origin = new Date(low).getUTCFullYear();
  for (let month = Math.floor((origin * 12) / months) * months; ; month += months) {
    const value = Date.UTC(Math.floor(month / 12), month % 12, 1);
    if (value > high) return ticks;
    if (value < low) continue;
    const year = String(Math.floor(month / 12));
    ticks.push(
      months >= 12 ? { value, label: year } : { value, label: monthNames[month % 12], context: year },
    );
  }
}

function multiples(low: number, high: number, step: number): number[] {
  const values: number[] = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) values.push(value);
  return values;
}

function widen(kind: AxisKind, low: number, high: number): { low: number; high: number } {
  if (low < high) return { low, high };
  if (kind === "log") return { low: low / 2, high: high * 2 };
  if (kind === "whole") return { low: low - 0.5, high: high + 0.5 };
  const margin = kind === "time" ? dayMs : Math.abs(low) * 0.1 || 1;
  return { low: low - margin, high: high + margin };
}

/** Smallest and largest of the finite values that a scale of this kind can show; null when there is none. */
export function extent(kind: AxisKind, ...columns: readonly ArrayLike<number>[]): [number, number] | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const column of columns) {
    for (let i = 0; i < column.length; i++) {
      const value = column[i];
      if (!Number.isFinite(value) || (kind === "log" && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : null;
}
