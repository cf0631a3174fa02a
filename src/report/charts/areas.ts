import { frame, type LegendEntry, svg } from "./frame.ts";
import { areaPath } from "./path.ts";
import { extent } from "./scale.ts";
import type { AreaChart } from "./spec.ts";
import { areaColours } from "./style.ts";

/** Stacked areas in twelve colours; what comes after them is grey, as a rest is. */
export function areaChart(chart: AreaChart, width: number): string {
  const { at, series } = chart;
  const count = at.length;
  const above = new Float64Array(count);
  const below = new Float64Array(count);
  const layers = series.map(({ y }) => {
    const sides = [above, below].map((stack, side) => {
      const lower = new Float64Array(count).fill(Number.NaN);
      const upper = new Float64Array(count).fill(Number.NaN);
      for (let t = 0; t < count; t++) {
        // Where a value is 0 or on the other side, its area is interrupted rather than drawn flat or across the axis.
        if (!(Math.abs(y[t]) > 1e-9) || y[t] > 0 === (side === 1)) continue;
        const from = stack[t];
        stack[t] += y[t];
        lower[t] = Math.min(from, stack[t]);
        upper[t] = Math.max(from, stack[t]);
      }
      return { lower, upper };
    });
    return sides;
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
        : series.map(
            (one, i): LegendEntry => ({ label: one.label, style: layerClass(one, i), sample: "area" }),
          ),
  });
  const paths = layers.map((sides, i) => {
    const drawn = sides.map(({ lower, upper }) => areaPath(at, lower, upper, area.x, area.y)).join("");
    return `<path class="${layerClass(series[i], i)}" d="${drawn}"/>`;
  });
  return svg(chart, width, area.height, area.backdrop + paths.join(""));
}

function layerClass({ rest, colour }: AreaChart["series"][number], place: number): string {
  const index = colour ?? place;
  return rest || index >= areaColours ? "area rest" : `area p${index}`;
}
