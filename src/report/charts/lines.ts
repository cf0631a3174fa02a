import { escapeText, textWidth } from "../format.ts";
import { type FrameOptions, fontSize, frame, type LegendEntry, pixel, svg } from "./frame.ts";
import { areaPath, linePath } from "./path.ts";
import { extent } from "./scale.ts";
import type { Axis, BandChart, LineChart, ScatterChart } from "./spec.ts";

/** Height of a plot for its width: flatter when wide. */
const plotHeight = (width: number) => Math.round(Math.min(300, Math.max(210, width * 0.42)));

export function lineChart(chart: LineChart, width: number): string {
  const legend = chart.series.map(({ label, line }, i): LegendEntry => {
    return { label, style: strokeClass(i, line), sample: "line" };
  });
  const area = frame({
    width,
    plotHeight: plotHeight(width),
    x: chart.x,
    y: chart.y,
    xRange: range(
      chart.x,
      chart.series.map((series) => series.x),
    ),
    yRange: range(
      chart.y,
      chart.series.map((series) => series.y),
    ),
    legend: legend.length > 1 ? legend : [],
  });
  const lines = chart.series.map(
    ({ x, y, line }, i) => `<path class="${strokeClass(i, line)}" d="${linePath(x, y, area.x, area.y)}"/>`,
  );
  const marks = (chart.marks ?? []).map(({ x, label }) => {
    const at = area.x.at(x);
    const turned = at + 6 + textWidth(label, fontSize) > area.right; // no room to the right of the mark
    return `<path class="mark" d="M${pixel(at)} ${area.top}V${area.bottom}"/><text class="key${turned ? " end" : ""}" x="${pixel(at + (turned ? -6 : 6))}" y="${area.top + 12}">${escapeText(label)}</text>`;
  });
  return svg(chart, width, area.height, area.backdrop + marks.join("") + lines.reverse().join(""));
}

export function bandChart(chart: BandChart, width: number): string {
  const bandStyle = (i: number) => `band band${Math.min(2, i + (chart.bands.length === 1 ? 1 : 0))}`;
  const lineStyle = (i: number) => strokeClass(i, chart.lines[i].line);
  const area = frame({
    width,
    plotHeight: plotHeight(width),
    x: chart.x,
    y: chart.y,
    xRange: range(chart.x, [chart.at]),
    yRange: range(chart.y, [
      ...chart.bands.flatMap(({ lower, upper }) => [lower, upper]),
      ...chart.lines.map(({ y }) => y),
    ]),
    legend: [
      ...chart.lines.map(({ label }, i): LegendEntry => ({ label, style: lineStyle(i), sample: "line" })),
      ...chart.bands.map(
        ({ label }, i): LegendEntry => ({
          label,
          style: bandStyle(i),
          under: chart.bands.slice(0, i).map((_, j) => bandStyle(j)),
          sample: "area",
        }),
      ),
    ],
  });
  const bands = chart.bands.map(
    ({ lower, upper }, i) =>
      `<path class="${bandStyle(i)}" d="${areaPath(chart.at, lower, upper, area.x, area.y)}"/>`,
  );
  const lines = chart.lines.map(
    ({ y }, i) => `<path class="${lineStyle(i)}" d="${linePath(chart.at, y, area.x, area.y)}"/>`,
  );
  return svg(chart, width, area.height, area.backdrop + bands.join("") + lines.join(""));
}

/** Points; with a diagonal the two axes share one range and the plot is square, at most 420 pixels wide. */
export function scatterChart(chart: ScatterChart, available: number): string {
  const square = chart.diagonal !== undefined;
  const width = square ? Math.min(available, 440) : available;
  const xRange = range(
    chart.x,
    chart.series.map(({ x }) => x),
  );
  const yRange = range(
    chart.y,
    chart.series.map(({ y }) => y),
  );
  const shared: [number, number] = [Math.min(xRange[0], yRange[0]), Math.max(xRange[1], yRange[1])];
  const legend = chart.series.map(
    ({ label }, i): LegendEntry => ({ label, style: `point p${i % 6}`, sample: "point" }),
  );
  if (chart.diagonal !== undefined) legend.push({ label: chart.diagonal, style: "mark", sample: "line" });
  const options: FrameOptions = {
    width,
    plotHeight: square ? width - 70 : plotHeight(width),
    x: chart.x,
    y: chart.y,
    xRange: square ? shared : xRange,
    yRange: square ? shared : yRange,
    niceX: true,
    legend: legend.length > 1 ? legend : [],
  };
  const area = frame(options);
  const parts = [area.backdrop];
  if (square) {
    const low = Math.max(...[area.x, area.y].map(({ ticks }) => ticks[0].value));
    const high = Math.min(...[area.x, area.y].map(({ ticks }) => ticks[ticks.length - 1].value));
    parts.push(
      `<path class="mark" d="M${pixel(area.x.at(low))} ${pixel(area.y.at(low))}L${pixel(area.x.at(high))} ${pixel(area.y.at(high))}"/>`,
    );
  }
  chart.series.forEach(({ x, y, connect, error }, i) => {
    if (connect)
      parts.push(`<path class="${strokeClass(i, undefined)} thin" d="${linePath(x, y, area.x, area.y)}"/>`);
    let dots = "";
    let bars = "";
    for (let k = 0; k < x.length; k++) {
      const [px, py] = [area.x.at(x[k]), area.y.at(y[k])];
      if (!Number.isFinite(px) || !Number.isFinite(py)) continue;
      dots += `M${pixel(px)} ${pixel(py)}h0`;
      if (error)
        bars += `M${pixel(px)} ${pixel(area.y.at(y[k] - error[k]))}V${pixel(area.y.at(y[k] + error[k]))}`;
    }
    if (bars) parts.push(`<path class="${strokeClass(i, undefined)} thin" d="${bars}"/>`);
    parts.push(`<path class="dots p${i % 6}${x.length > 300 ? " many" : ""}" d="${dots}"/>`);
  });
  return svg(chart, width, area.height, parts.join(""));
}

/** Colour and dash of a series: after six colours they repeat, dashed. */
function strokeClass(index: number, line: "solid" | "dashed" | "dotted" | undefined): string {
  const style = line ?? (index >= 6 ? "dashed" : "solid");
  return `line s${index % 6}${style === "solid" ? "" : ` ${style}`}`;
}

/** The range that an axis has to show. Without any value it is [0, 1]. */
function range(axis: Axis, columns: readonly ArrayLike<number>[]): [number, number] {
  return (
    extent(axis.kind ?? "number", ...columns, axis.include ?? []) ?? (axis.kind === "log" ? [1, 10] : [0, 1])
  );
}
