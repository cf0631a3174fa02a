/** Words and figures that several sections use. */
import type { Block, Chart } from "../../../report/index.ts";

export function figure(chart: Chart): Block {
  return { kind: "figure", chart };
}

export function percent(level: number): string {
  return `${Number((100 * level).toPrecision(4))} %`;
}

export function capitalised(text: string): string {
  return text[0].toUpperCase() + text.slice(1);
}

/** "1, 5 and 10 bars". */
export function listed(horizons: readonly number[]): string {
  const [last, ...before] = [...horizons].reverse();
  const numbers = before.length === 0 ? String(last) : `${before.reverse().join(", ")} and ${last}`;
  return `${numbers} bar${numbers === "1" ? "" : "s"}`;
}

export function barsAhead(horizon: number): string {
  return `${listed([horizon])} ahead`;
}
