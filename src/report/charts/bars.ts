import { quantiles } from "../../base/index.ts";
import { escapeText, formatNumber, textWidth } from "../format.ts";
import { axisTitle, fontSize, frame, pixel, svg } from "./frame.ts";
import { extent, numberTicks, scale } from "./scale.ts";
import type { BarChart, HeatTable, Histogram } from "./spec.ts";

/** Horizontal bars. The labels stand left of the bars, or above them where they would take more than two fifths. */
export function barChart(chart: BarChart, width: number): string {
  const labelWidth = Math.max(0, ...chart.bars.map(({ label }) => textWidth(label, fontSize)));
  const above = labelWidth > width * 0.4;
  const left = above ? 0 : Math.ceil(labelWidth) + 12;
  const texts = chart.bars.map(({ value }) => formatNumber(value, chart.digits));
  const valueWidth = Math.max(0, ...texts.map((text) => textWidth(text, fontSize))) + 14;
  const range = extent(
    "number",
    chart.bars.map(({ value }) => value),
    [0],
  ) ?? [0, 1];
  const room = range[0] < 0 ? valueWidth : 0;
  const x = scale({
    kind: "number",
    low: range[0],
    high: range[1],
    from: left + room,
    to: width - valueWidth,
    ticks: 4,
    nice: false,
  });
  const pitch = above ? 40 : 26;
  const zero = x.at(0);
  const rows = chart.bars.map(({ label, value }, i) => {
    const y = 24 + i * pitch + (above ? 16 : 0);
    const caption = above
      ? `<text class="key" x="0" y="${y - 4}">${escapeText(label)}</text>`
      : `<text class="key end" x="${left - 10}" y="${y + 13}">${escapeText(label)}</text>`;
    if (!Number.isFinite(value))
      return `${caption}<text class="value" x="${pixel(zero + 6)}" y="${y + 13}">–</text>`;
    const end = x.at(value);
    const text = `<text class="value${value < 0 ? " end" : ""}" x="${pixel(end + (value < 0 ? -6 : 6))}" y="${y + 13}">${texts[i]}</text>`;
    return `${caption}<rect class="bar${value < 0 ? " below" : ""}" x="${pixel(Math.min(zero, end))}" y="${y}" width="${pixel(Math.abs(end - zero))}" height="18"/>${text}`;
  });
  const height = 24 + chart.bars.length * pitch + 6;
  // Labels above the bars begin where the axis is; there it would strike through them.
  const axis = above && range[0] >= 0 ? "" : `<path class="axis" d="M${pixel(zero)} 20V${height - 4}"/>`;
  const title = `<text class="title" x="0" y="12">${escapeText(axisTitle(chart.x))}</text>`;
  return svg(chart, width, height, `${title}${rows.join("")}${axis}`);
}

/** Counts in equal bins with round borders. Values that are not finite are left out, and the axis says how many. */
export function histogram(chart: Histogram, width: number): string {
  const finite = Array.from(chart.values).filter(Number.isFinite);
  const left = chart.values.length - finite.length;
  const edges = binEdges(finite, chart.bins, Math.floor(width / 8));
  const counts = new Array<number>(edges.length - 1).fill(0);
  const step = edges[1] - edges[0];
  for (const value of finite) {
    counts[Math.min(counts.length - 1, Math.max(0, Math.floor((value - edges[0]) / step)))]++;
  }
  const curveX = Array.from(
    { length: 121 },
    (_, i) => edges[0] + (i / 120) * (edges[edges.length - 1] - edges[0]),
  );
  const curveY = chart.density ? curveX.map((x) => chart.density!.at(x) * finite.length * step) : [];
  const area = frame({
    width,
    plotHeight: Math.round(Math.min(260, Math.max(190, width * 0.36))),
    x: chart.x,
    y: {
      label: "Count",
      ...(left > 0 ? { unit: `${formatNumber(left)} values not shown: not finite` } : {}),
    },
    xRange: [edges[0], edges[edges.length - 1]],
    yRange: extent("number", counts, curveY, [0]) ?? [0, 1],
    legend: chart.density
      ? [
          { label: chart.x.label, style: "bar", sample: "area" },
          { label: chart.density.label, style: "line s1", sample: "line" },
        ]
      : [],
  });
  const bars = counts.map((count, i) => {
    if (count === 0) return "";
    const [from, to] = [area.x.at(edges[i]), area.x.at(edges[i + 1])];
    const y = area.y.at(count);
    return `<rect class="bar" x="${pixel(from + 0.5)}" y="${pixel(y)}" width="${pixel(Math.max(0.5, to - from - 1))}" height="${pixel(area.bottom - y)}"/>`;
  });
  const curve = curveY.length
    ? `<path class="line s1" d="M${curveX.map((x, i) => `${pixel(area.x.at(x))} ${pixel(area.y.at(curveY[i]))}`).join("L")}"/>`
    : "";
  return svg(chart, width, area.height, area.backdrop + bars.join("") + curve);
}

/** Borders at multiples of a round step, close to the width of Freedman and Diaconis, `2 IQR / n^(1/3)`. */
function binEdges(values: readonly number[], bins: number | undefined, most: number): number[] {
  const range = extent("number", values) ?? [0, 1];
  const [low, high] = range[0] < range[1] ? range : [range[0] - 0.5, range[1] + 0.5];
  let count = bins;
  if (count === undefined) {
    const [q1, q3] = values.length > 1 ? quantiles(values, [0.25, 0.75]) : [0, 0];
    const width = (2 * (q3 - q1)) / Math.cbrt(values.length);
    count = width > 0 ? Math.ceil((high - low) / width) : 10;
  }
  const target = Math.max(1, Math.min(most, count));
  const ticks = numberTicks(low, high, target);
  const step = ticks.length > 1 ? ticks[1].value - ticks[0].value : (high - low) / target;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** A table of shaded cells; the number stands in each, so that the shade is never the only sign. */
export function heatTable(chart: HeatTable, width: number): string {
  const apart = new Set(chart.apart ?? []);
  const largestOf = (own: boolean) =>
    Math.max(
      0,
      ...chart.values
        .flatMap((row) => row.filter((_, j) => apart.has(j) === own))
        .filter(Number.isFinite)
        .map(Math.abs),
    ) || 1;
  const largest = { among: largestOf(false), apart: largestOf(true) };
  const gap = apart.size > 0 ? 8 : 0;
  const labelWidth = Math.min(
    width * 0.34,
    Math.max(...chart.rows.map((label) => textWidth(label, fontSize)), 20) + 12,
  );
  const cell = Math.min(92, (width - labelWidth - gap) / Math.max(1, chart.columns.length));
  const size = cell < 30 ? 8 : cell < 44 ? 10 : fontSize;
  // In narrow cells whole numbers are what can be read, and an empty one is empty.
  const digits = cell < 30 && chart.digits !== undefined ? 0 : chart.digits;
  const empty = cell < 30 ? "" : formatNumber(Number.NaN);
  const tilt = chart.columns.some((label) => textWidth(label, fontSize) > cell - 6);
  const longest = Math.max(0, ...chart.columns.map((label) => textWidth(label, fontSize)));
  const top = 40 + (tilt ? Math.ceil(longest * 0.71) + 4 : 14);
  const parts: string[] = [];
  const unit = chart.unit === undefined ? "" : ` (${chart.unit})`;
  parts.push(
    `<text class="title" x="0" y="12">${escapeText(`Rows: ${chart.rowLabel}. Columns: ${chart.columnLabel}${unit}`)}</text>`,
  );
  chart.columns.forEach((label, j) => {
    const x = pixel(labelWidth + (j + 0.5) * cell + (apart.has(j) ? gap : 0));
    parts.push(
      tilt
        ? `<text class="key" transform="translate(${x} ${top - 8}) rotate(-45)">${escapeText(label)}</text>`
        : `<text class="key middle" x="${x}" y="${top - 8}">${escapeText(label)}</text>`,
    );
  });
  chart.rows.forEach((label, i) => {
    const y = top + i * 30;
    parts.push(
      `<text class="key end" x="${pixel(labelWidth - 8)}" y="${y + 19}">${escapeText(label)}</text>`,
    );
    chart.columns.forEach((_, j) => {
      const value = chart.values[i]?.[j] ?? Number.NaN;
      const x = labelWidth + j * cell + (apart.has(j) ? gap : 0);
      const shade = Number.isFinite(value)
        ? (0.04 + 0.51 * (Math.abs(value) / (apart.has(j) ? largest.apart : largest.among))).toFixed(2)
        : "0";
      parts.push(
        `<rect class="cell${value < 0 ? " below" : ""}" x="${pixel(x + 1)}" y="${y + 1}" width="${pixel(cell - 2)}" height="28" fill-opacity="${shade}"/><text class="value middle" x="${pixel(x + cell / 2)}" y="${y + 19}" style="font-size:${size}px">${Number.isFinite(value) ? formatNumber(value, digits) : empty}</text>`,
      );
    });
  });
  return svg(chart, width, top + chart.rows.length * 30 + 6, parts.join(""));
}
