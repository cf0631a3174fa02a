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

  const wipe = () => {
    if (barShown) write("\r\u001b[K");
    barShown = false;
  };
  const show = (now: number) => {
    if (!stage) return;
    const rate = (stage.last.done - stage.startedAt) / ((now - stage.startedMs) / 1000);
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
    info: (message, values) => {
      if (!quiet) line(message + valuesText(values));
    },
    warn: (message, values) => line(messages.warning(message) + valuesText(values)),
    close: endStage,
    report(progress) {
      if (quiet) return;
      const now = elapsed();
      if (stage?.name !== progress.stage) {
        endStage();
        stage = { name: progress.stage, startedMs: now, startedAt: progress.done, last: progress };
      }
      stage.last = progress;
      const ended = progress.total > 0 && progress.done >= progress.total;
      const due = stage.shown === undefined || now - stage.shown >= (isTerminal ? redrawMs : plainLineMs);
      if (due || ended) show(now);
      if (ended) endStage();
    },
  };
}

/** `train  [######------]  21/100 epochs  3.2/s  25 s left  loss 0.0123`, cut to the width. */
export function barText(progress: Progress, rate: number, width: number): string {
  const facts = factsOf(progress, rate).join("  ");
  const label = printable(progress.stage);
  const room = Math.min(30, width - label.length - facts.length - 6);
  if (progress.total <= 0 || room < 5) return `${label}  ${facts}`.slice(0, Math.max(0, width));
  const filled = Math.round(room * Math.min(1, Math.max(0, progress.done / progress.total)));
  return `${label}  [${"#".repeat(filled)}${"-".repeat(room - filled)}]  ${facts}`;
}

function plainText(progress: Progress, rate: number): string {
  return `${printable(progress.stage)}: ${factsOf(progress, rate).join(", ")}`;
}

function factsOf({ done, total, unit, message, values }: Progress, rate: number): string[] {
  const count = total > 0 ? `${short(done)}/${short(total)}` : short(done);
  const moving = Number.isFinite(rate) && rate > 0;
  return [
    unit === undefined ? count : `${count} ${unit}`,
    ...(moving ? [`${short(rate)}/s`] : []),
    ...(moving && total > done ? [messages.timeLeft(durationText((total - done) / rate))] : []),
    ...Object.entries(values ?? {}).map(([name, value]) => `${name} ${short(value)}`),
    ...(message === undefined ? [] : [printable(message)]),
  ];
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
