/**
 * Standard error while work goes on: log lines, and progress as a bar on a terminal or as now and then a line elsewhere.
 * The bar is wiped before anything else is written, so that neither disturbs the other.
 */
import type { Logger, Progress, ProgressPort } from "../../base/index.ts";
import { messages } from "./messages.ts";

export interface TerminalOptions {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  /** Width in characters, asked anew for each drawing, since a window may be resized. */
  readonly columns: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed: () => number;
  readonly quiet: boolean;
}

export interface Terminal extends ProgressPort, Logger {
  line(text: string): void;
  /** Several lines as they are, of our own making: a key that is shown once. */
  lines(text: string): void;
  /** Leaves the last bar standing and moves below it. */
  close(): void;
}

const redrawMs = 100;
const plainLineMs = 5_000;

export function openTerminal({ write, isTerminal, columns, elapsed, quiet }: TerminalOptions): Terminal {
  let stage:
    | { name: string; startedMs: number; startedAt: number; shown?: number; last: Progress }
    | undefined;
  let barShown = false;
  /** The stage that ended last, which may be said to be over more than once. */
  let ended: Progress | undefined;

  const wipe = () => {
    if (barShown) write("\r\u001b[K");
    barShown = false;
  };
  const show = (now: number) => {
    if (!stage) return;
    // What comes all at once, as when the past of a job is told, has no rate.
    const seconds = (now - stage.startedMs) / 1000;
    const rate = seconds < leastSeconds ? Number.NaN : (stage.last.done - stage.startedAt) / seconds;
    if (isTerminal) {
      write(`\r\u001b[K${barText(stage.last, rate, columns() - 1)}`);
      barShown = true;
    } else {
      write(`${plainText(stage.last, rate)}\n`);
    }
    stage.shown = now;
  };
  const endStage = () => {
    if (barShown) write("\n");
    barShown = false;
    stage = undefined;
  };
  const line = (text: string) => {
    wipe();
    write(`${printable(text)}\n`);
  };

  return {
    line,
    lines: (text) => {
      wipe();
      write(`${text}\n`);
    },
    info: (message, values) => {
      if (!quiet) line(message + valuesText(values));
    },
    warn: (message, values) => line(messages.warning(message) + valuesText(values)),
    close: endStage,
    report(progress) {
      if (quiet) return;
      const now = elapsed();
      const { stage: name, done, total } = progress;
      if (stage === undefined && name === ended?.stage && done === ended.done && total === ended.total)
        return;
      if (stage?.name !== progress.stage) {
        endStage();
        stage = { name: progress.stage, startedMs: now, startedAt: progress.done, last: progress };
      }
      stage.last = progress;
      const isOver = total > 0 && done >= total;
      const due = stage.shown === undefined || now - stage.shown >= (isTerminal ? redrawMs : plainLineMs);
      if (due || isOver) show(now);
      ended = isOver ? progress : undefined;
      if (isOver) endStage();
    },
  };
}

/** A rate that was measured for less than so long says nothing. */
const leastSeconds = 0.2;

const narrowestBar = 10;
const widestBar = 30;

/**
 * `train  [######------]  21/100 epochs  3.2/s  25 s left  loss 0.0123`, cut to the width: what says least goes first, and the
 * bar and the count stay longest.
 */
export function barText(progress: Progress, rate: number, width: number): string {
  const { done, total } = progress;
  const label = printable(progress.stage);
  const facts = factsOf(progress, rate);
  const textOf = () => facts.map(({ text }) => text).join("  ");
  const least = total > 0 ? label.length + narrowestBar + 6 : label.length + 2;
  for (const kind of ["rate", "message", "value", "left"] as const) {
    while (least + textOf().length > width) {
      const last = facts.findLastIndex((fact) => fact.kind === kind);
      if (last < 0) break;
      facts.splice(last, 1);
    }
  }
  const room = Math.min(widestBar, width - label.length - textOf().length - 6);
  if (total <= 0 || room < narrowestBar) return `${label}  ${textOf()}`.slice(0, Math.max(0, width));
  const filled = Math.round(room * Math.min(1, Math.max(0, done / total)));
  return `${label}  [${"#".repeat(filled)}${"-".repeat(room - filled)}]  ${textOf()}`;
}

function plainText(progress: Progress, rate: number): string {
  return `${printable(progress.stage)}: ${factsOf(progress, rate)
    .map(({ text }) => text)
    .join(", ")}`;
}

interface Fact {
  readonly kind: "count" | "rate" | "left" | "value" | "message";
  readonly text: string;
}

function factsOf({ done, total, unit, message, values }: Progress, rate: number): Fact[] {
  const count = total > 0 ? `${short(done)}/${short(total)}` : short(done);
  const moving = Number.isFinite(rate) && rate > 0 && total !== 1; // one step has begun or is over, at no rate
  const facts: (Fact | false)[] = [
    { kind: "count", text: unit === undefined ? count : `${count} ${unit}` },
    moving && { kind: "rate", text: `${short(rate)}/s` },
    moving && total > done && { kind: "left", text: messages.timeLeft(durationText((total - done) / rate)) },
    ...Object.entries(values ?? {}).map(
      ([name, value]): Fact => ({ kind: "value", text: `${name} ${short(value)}` }),
    ),
    message !== undefined && { kind: "message", text: printable(message) },
  ];
  return facts.filter((fact) => fact !== false);
}

/**
 * A length of time in its two largest units.
 *
 * @example
 * durationText(3725); // => "1 h 2 min"
 */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Whole numbers in full, others to four digits. */
function short(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

function valuesText(values: Readonly<Record<string, unknown>> | undefined): string {
  const parts = Object.entries(values ?? {}).map(
    ([name, value]) =>
      `${name}=${typeof value === "number" ? short(value) : typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

/** Text from files and requests may hold control characters; none of them reaches the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}
