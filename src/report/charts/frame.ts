/** What the charts with two axes share: gridlines, ticks, axis titles, legend, and the place of the plot among them. */
import { escapeText, textWidth, wrapText } from "../format.ts";
import { type Scale, scale, type Tick } from "./scale.ts";
import type { Axis } from "./spec.ts";

export const fontSize = 12;

export interface LegendEntry {
  readonly label: string;
  /** Class of the sample; `line` and `point` are drawn as such, `area` as a patch, `stroke` upright. */
  readonly style: string;
  /** Classes of patches that lie under this one in the chart, so that the sample has the same shade. */
  readonly under?: readonly string[];
  readonly sample: "line" | "area" | "point" | "stroke";
}

export interface FrameOptions {
  readonly width: number;
  /** Height of the plot itself, without axes and legend. */
  readonly plotHeight: number;
  readonly x: Axis;
  readonly y: Axis;
  readonly xRange: readonly [number, number];
  readonly yRange: readonly [number, number];
  /** Widens the x range to whole ticks. */
  readonly niceX?: boolean;
  readonly legend: readonly LegendEntry[];
}

export interface Frame {
  readonly x: Scale;
  readonly y: Scale;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly width: number;
  readonly height: number;
  /** Everything that lies under the data. */
  readonly backdrop: string;
}

export function frame(options: FrameOptions): Frame {
  const { width, plotHeight, legend } = options;
  const legendRows = layLegend(legend, width);
  // The y axis title stands above the plot, where it reads without turning the head.
  const yTitle = wrapText(axisTitle(options.y), fontSize * 1.08, width);
  const xTitle = wrapText(axisTitle(options.x), fontSize * 1.08, width);
  const top = legendRows.height + 10 + 16 * yTitle.length;
  const bottom = top + plotHeight;
  const y = scale({
    kind: options.y.kind ?? "number",
    low: options.yRange[0],
    high: options.yRange[1],
    from: bottom,
    to: top,
    ticks: Math.max(3, Math.round(plotHeight / 48)),
    nice: true,
  });
  const left = Math.ceil(Math.max(20, ...y.ticks.map(({ label }) => textWidth(label, fontSize)))) + 10;
  const right = width - 14;
  const kind = options.x.kind ?? "number";
  const x = scale({
    kind,
    low: options.xRange[0],
    high: options.xRange[1],
    from: left,
    to: right,
    ticks: Math.max(2, Math.floor((right - left) / (kind === "time" ? 64 : 56))),
    nice: options.niceX === true,
  });
  const shown = apart(x);
  const context = shown.some((tick) => tick.context !== undefined);
  const below = bottom + (context ? 34 : 20);
  const height = below + 8 + 16 * xTitle.length;

  const parts: string[] = [legendRows.markup];
  for (const { value, label } of y.ticks) {
    const at = pixel(y.at(value));
    parts.push(`<path class="grid" d="M${left} ${at}H${right}"/>`);
    parts.push(
      `<text class="tick end" x="${left - 8}" y="${pixel(y.at(value) + 4)}">${escapeText(label)}</text>`,
    );
  }
  let lastContext: string | undefined;
  for (const tick of shown) {
    const at = pixel(x.at(tick.value));
    parts.push(`<path class="axis" d="M${at} ${bottom}v5"/>`);
    parts.push(`<text class="tick middle" x="${at}" y="${bottom + 18}">${escapeText(tick.label)}</text>`);
    if (tick.context !== undefined && tick.context !== lastContext) {
      parts.push(`<text class="tick middle" x="${at}" y="${bottom + 32}">${escapeText(tick.context)}</text>`);
      lastContext = tick.context;
    }
  }
  parts.push(`<path class="axis" d="M${left} ${bottom}H${right}"/>`);
  yTitle.forEach((line, i) => {
    parts.push(`<text class="title" x="0" y="${legendRows.height + 12 + 16 * i}">${escapeText(line)}</text>`);
  });
  xTitle.forEach((line, i) => {
    parts.push(`<text class="title end" x="${right}" y="${below + 18 + 16 * i}">${escapeText(line)}</text>`);
  });
  return { x, y, left, right, top, bottom, width, height, backdrop: parts.join("") };
}

export function axisTitle({ label, unit }: Axis): string {
  return unit === undefined ? label : `${label} (${unit})`;
}

/** The whole `<svg>` around the parts, with title and description for those who cannot see it. */
export function svg(
  { title, description }: { readonly title: string; readonly description?: string },
  width: number,
  height: number,
  body: string,
): string {
  const about = description === undefined ? "" : `<desc>${escapeText(description)}</desc>`;
  const spoken = escapeText(description === undefined ? title : `${title}. ${description}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-label="${spoken}" viewBox="0 0 ${width} ${Math.ceil(height)}" width="${width}" height="${Math.ceil(height)}"><title>${escapeText(title)}</title>${about}${body}</svg>`;
}

/** A pixel position, short. */
export function pixel(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** The ticks whose labels do not touch the one before, on either line. */
function apart({ ticks, at }: Scale): Tick[] {
  const shown: Tick[] = [];
  const gap = 6;
  let labelEnd = Number.NEGATIVE_INFINITY;
  let contextEnd = Number.NEGATIVE_INFINITY;
  let context: string | undefined;
  for (const tick of ticks) {
    const half = textWidth(tick.label, fontSize) / 2;
    const contextHalf = textWidth(tick.context ?? "", fontSize) / 2;
    const changes = tick.context !== undefined && tick.context !== context;
    if (at(tick.value) - half < labelEnd + gap) continue;
    if (changes && at(tick.value) - contextHalf < contextEnd + gap) continue;
    shown.push(tick);
    labelEnd = at(tick.value) + half;
    if (changes) {
      contextEnd = at(tick.value) + contextHalf;
      context = tick.context;
    }
  }
  return shown;
}

/** Entries in rows, as many beside each other as there is room. One series needs no legend. */
function layLegend(entries: readonly LegendEntry[], width: number): { markup: string; height: number } {
  if (entries.length === 0) return { markup: "", height: 0 };
  let x = 0;
  let row = 0;
  const parts: string[] = [];
  for (const { label, style, under = [], sample } of entries) {
    const need = 30 + textWidth(label, fontSize);
    if (x > 0 && x + need > width) {
      x = 0;
      row++;
    }
    const y = row * 20 + 10;
    const drawn = {
      line: `<path class="${style}" d="M${pixel(x)} ${y}h22"/>`,
      area: [...under, style]
        .map((patch) => `<rect class="${patch}" x="${pixel(x)}" y="${y - 6}" width="22" height="12"/>`)
        .join(""),
      stroke: `<path class="${style}" d="M${pixel(x + 11)} ${y - 5}v10"/>`,
      point: `<circle class="${style}" cx="${pixel(x + 11)}" cy="${y}" r="4"/>`,
    }[sample];
    parts.push(`${drawn}<text class="key" x="${pixel(x + 28)}" y="${y + 4}">${escapeText(label)}</text>`);
    x += need + 18;
  }
  return { markup: parts.join(""), height: (row + 1) * 20 + 8 };
}
