import { areaChart } from "./areas.ts";
import { barChart, heatTable, histogram } from "./bars.ts";
import { dendrogram } from "./dendrogram.ts";
import { intervalChart } from "./intervals.ts";
import { bandChart, lineChart, scatterChart } from "./lines.ts";
import type { Chart } from "./spec.ts";
import { chartStyle, darkColours, lightColours } from "./style.ts";

/** A chart as an `<svg>` without its style, for a page that brings `chartStyle` and the colours. */
export function drawChart(chart: Chart, width: number): string {
  switch (chart.kind) {
    case "line":
      return lineChart(chart, width);
    case "band":
      return bandChart(chart, width);
    case "scatter":
      return scatterChart(chart, width);
    case "bars":
      return barChart(chart, width);
    case "histogram":
      return histogram(chart, width);
    case "heat":
      return heatTable(chart, width);
    case "intervals":
      return intervalChart(chart, width);
    case "areas":
      return areaChart(chart, width);
    case "dendrogram":
      return dendrogram(chart, width);
  }
}

/**
 * A chart as a file of its own: an SVG document with style and colours inside, light or dark as the reader's system is.
 *
 * @param options `width` in pixels, default 720; text keeps its size, so a narrow chart is laid out anew, not shrunk
 */
export function renderChart(chart: Chart, options: { readonly width?: number } = {}): string {
  const dark = `@media (prefers-color-scheme:dark){.chart{${darkColours}}}`;
  const style = `<style>.chart{${lightColours};background:var(--paper)}\n${dark}\n${chartStyle}</style>`;
  const drawn = drawChart(chart, options.width ?? 720);
  const open = drawn.indexOf(">") + 1;
  return drawn.slice(0, open) + style + drawn.slice(open);
}
