import { escapeText, formatNumber, textWidth } from "../format.ts";
import { axisTitle, fontSize, pixel, svg } from "./frame.ts";
import { extent, scale } from "./scale.ts";
import type { IntervalChart } from "./spec.ts";

const pitch = 26;

/** A dot with a bar around it in each row; the value stands at the right. */
export function intervalChart(chart: IntervalChart, width: number): string {
  const { rows } = chart;
  const left =
    Math.ceil(Math.min(width * 0.4, Math.max(0, ...rows.map(({ label }) => textWidth(label, fontSize))))) +
    16;
  const texts = rows.map(({ value }) => formatNumber(value, chart.digits));
  const right = width - Math.max(0, ...texts.map((text) => textWidth(text, fontSize))) - 16;
  const [low, high] = extent(
    "number",
    ...rows.map((row) => [row.value, row.low, row.high]),
    chart.x.include ?? [],
  ) ?? [0, 1];
  const top = 6;
  const bottom = top + pitch * rows.length;
  const x = scale({
    kind: "number",
    low,
    high,
    from: left,
    to: right,
    ticks: Math.max(2, Math.floor((right - left) / 72)),
    nice: true,
  });
  const parts = x.ticks.map(({ value, label }) => {
    const at = pixel(x.at(value));
    return `<path class="${value === 0 ? "axis" : "grid"}" d="M${at} ${top}V${bottom}"/><text class="tick middle" x="${at}" y="${bottom + 16}">${escapeText(label)}</text>`;
  });
  rows.forEach((row, i) => {
    const y = top + pitch * (i + 0.5);
    parts.push(`<text class="key end" x="${left - 10}" y="${pixel(y + 4)}">${escapeText(row.label)}</text>`);
    if (Number.isFinite(row.low) && Number.isFinite(row.high))
      parts.push(
        `<path class="line s0" d="M${pixel(x.at(row.low))} ${pixel(y)}H${pixel(x.at(row.high))}M${pixel(x.at(row.low))} ${pixel(y - 4)}v8M${pixel(x.at(row.high))} ${pixel(y - 4)}v8"/>`,
      );
    if (Number.isFinite(row.value))
      parts.push(`<circle class="point p0" cx="${pixel(x.at(row.value))}" cy="${pixel(y)}" r="4.5"/>`);
    parts.push(`<text class="value end" x="${width - 2}" y="${pixel(y + 4)}">${texts[i]}</text>`);
  });
  parts.push(
    `<text class="title end" x="${pixel(right)}" y="${bottom + 34}">${escapeText(axisTitle(chart.x))}</text>`,
  );
  return svg(chart, width, bottom + 42, parts.join(""));
}
