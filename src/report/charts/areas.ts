import { frame, type LegendEntry, svg } from "./frame.ts";
import { areaPath } from "./path.ts";
import { extent } from "./scale.ts";
import type { AreaChart } from "./spec.ts";

/** Stacked areas. Six colours in three strengths; what comes after them is grey, as a rest is. */
export function areaChart(chart: AreaChart, width: number): string {
  const { at, series } = chart;
  const count = at.length;
  const above = new Float64Array(count);
  const below = new Float64Array(count);
  const layers = series.map(({ y }) => {
    const lower = new Float64Array(count);
    const upper = new Float64Array(count);
    const short = Array.from(y).every((value) => value <= 0); // where it is 0 it begins at the axis below
    for (let t = 0; t < count; t++) {
      const stack = y[t] > 0 || (y[t] === 0 && !short) ? above : below;
      const from = stack[t];
      stack[t] += y[t];
      lower[t] = Math.min(from, stack[t]);
      upper[t] = Math.max(from, stack[t]);
    }
    return { lower, upper };
  });
  const area = frame({
    width,
    plotHeight: Math.round(Math.min(320, Math.max(220, width * 0.42))),
    x: chart.x,
    y: chart.y,
    xRange: extent(chart.x.kind ?? "number", at) ?? [0, 1],
    yRange: extent("number", above, below, chart.y.include ?? []) ?? [0, 1],
    legend:
      chart.legend === "none"
        ? []
        : series.map(({ label }, i): LegendEntry => ({ label, style: layerClass(i), sample: "area" })),
  });
  const paths = layers.map(
    ({ lower, upper }, i) =>
      `<path class="${layerClass(i)}" d="${areaPath(at, lower, upper, area.x, area.y)}"/>`,
  );
  return svg(chart, width, area.height, area.backdrop + paths.join(""));
}

function layerClass(index: number): string {
  if (index >= 18) return "area rest";
  const tier = Math.floor(index / 6);
  return `area p${index % 6}${tier === 0 ? "" : ` tier${tier}`}`;
}
