import type { Values } from "../../base/index.ts";
import { escapeText, textWidth } from "../format.ts";
import { type Frame, type FrameOptions, fontSize, frame, type LegendEntry, pixel, svg } from "./frame.ts";
import { areaPath, linePath, lonePoints } from "./path.ts";
import { PointNames } from "./point-names.ts";
import { extent } from "./scale.ts";
import type { Axis, BandChart, LineChart, ScatterChart } from "./spec.ts";

/** Height of a plot for its width: flatter when wide. */
const plotHeight = (width: number) => Math.round(Math.min(300, Math.max(210, width * 0.42)));

export function lineChart(chart: LineChart, width: number): string {
  const legend = chart.series.map(({ label, line, colour }, i): LegendEntry => {
    return { label, style: strokeClass(colour ?? i, line), sample: "line" };
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
    legend: legend.length > 1 && chart.legend !== "none" ? legend : [],
  });
  const lines = chart.series.map(
    ({ x, y, line, colour }, i) =>
      `<path class="${strokeClass(colour ?? i, line)}" d="${linePath(x, y, area.x, area.y)}"/>`,
  );
  const dots = chart.series.map(({ x, y, colour }, i) => lone(x, y, area, colour ?? i));
  const marks = (chart.marks ?? []).map(({ x, label }) => {
    const at = area.x.at(x);
    const turned = at + 6 + textWidth(label, fontSize) > area.right; // no room to the right of the mark
    return `<path class="mark" d="M${pixel(at)} ${area.top}V${area.bottom}"/><text class="key${turned ? " end" : ""}" x="${pixel(at + (turned ? -6 : 6))}" y="${area.top + 12}">${escapeText(label)}</text>`;
  });
  return svg(
    chart,
    width,
    area.height,
    area.backdrop + [...marks, ...lines.reverse(), ...dots.reverse()].join(""),
  );
}

export function bandChart(chart: BandChart, width: number): string {
  const bandStyle = (i: number) => `band band${Math.min(2, i + (chart.bands.length === 1 ? 1 : 0))}`;
  const lineStyle = (i: number) => strokeClass(i, chart.lines[i].line);
  const eventStyle = (i: number) => `line s${(chart.lines.length + i) % 6}`;
  const legend = [
    ...chart.lines.map(({ label }, i): LegendEntry => ({ label, style: lineStyle(i), sample: "line" })),
    ...chart.bands.map(
      ({ label }, i): LegendEntry => ({
        label,
        style: bandStyle(i),
        under: chart.bands.slice(0, i).map((_, j) => bandStyle(j)),
        sample: "area",
      }),
    ),
    ...(chart.events ?? []).map(
      ({ label }, i): LegendEntry => ({ label, style: eventStyle(i), sample: "stroke" }),
    ),
  ];
  const yRange = range(chart.y, [
    ...chart.bands.flatMap(({ lower, upper }) => [lower, upper]),
    ...chart.lines.map(({ y }) => y),
  ]);
  const area = frame({
    width,
    plotHeight: plotHeight(width),
    x: chart.x,
    y: chart.y,
    xRange: range(chart.x, [chart.at]),
    yRange: chart.events ? roomier(yRange) : yRange,
    legend: chart.legend === "none" ? [] : legend,
  });
  const bands = chart.bands.map(
    ({ lower, upper }, i) =>
      `<path class="${bandStyle(i)}" d="${areaPath(chart.at, lower, upper, area.x, area.y)}"/>`,
  );
  const lines = chart.lines.map(
    ({ y }, i) => `<path class="${lineStyle(i)}" d="${linePath(chart.at, y, area.x, area.y)}"/>`,
  );
  const dots = chart.lines.map(({ y }, i) => lone(chart.at, y, area, i));
  const events = (chart.events ?? []).map(({ at, edge }, i) => {
    const from = edge === "top" ? area.top : area.bottom - 10;
    const strokes = Array.from(at, (time) => `M${pixel(area.x.at(time))} ${from}v10`).join("");
    return `<path class="${eventStyle(i)}" d="${strokes}"/>`;
  });
  return svg(chart, width, area.height, [area.backdrop, ...bands, ...events, ...lines, ...dots].join(""));
}

/** A range with a margin at both ends, where the strokes of events keep clear of the lines. */
function roomier([low, high]: readonly [number, number]): [number, number] {
  const margin = 0.08 * (high - low);
  return [low - margin, high + margin];
}

/** Dots where a line has a point without neighbours, as after the first epoch of a training. */
function lone(x: Values, y: Values, area: Frame, series: number): string {
  const dots = lonePoints(x, y, area.x, area.y);
  return dots ? `<path class="dots p${series % 6}" d="${dots}"/>` : "";
}

/** Points; with a diagonal the two axes share one range and the plot is square, at most 420 pixels wide, unless each has its own. */
export function scatterChart(chart: ScatterChart, available: number): string {
  const square = chart.diagonal !== undefined && chart.axes !== "own";
  const width = square ? Math.min(available, 440) : available;
  const xRange = range(
    chart.x,
    chart.series.map(({ x }) => x),
  );
  const yRange = range(chart.y, [
    ...chart.series.flatMap(({ y, lower, upper }) => [
      y,
      ...(lower ? [lower] : []),
      ...(upper ? [upper] : []),
    ]),
    (chart.levels ?? []).map(({ y }) => y),
  ]);
  const shared: [number, number] = [Math.min(xRange[0], yRange[0]), Math.max(xRange[1], yRange[1])];
  const levelStyle = (i: number) => `${strokeClass(chart.series.length + i, "dashed")} thin`;
  const legend = chart.series.map(
    ({ label, dots }, i): LegendEntry =>
      dots === "none"
        ? { label, style: strokeClass(i, undefined), sample: "line" }
        : { label, style: `point p${i % 6}`, sample: "point" },
  );
  if (chart.diagonal !== undefined) legend.push({ label: chart.diagonal, style: "mark", sample: "line" });
  (chart.levels ?? []).forEach(({ label }, i) => {
    legend.push({ label, style: levelStyle(i), sample: "line" });
  });
  const options: FrameOptions = {
    width,
    plotHeight: square ? width - 50 : plotHeight(width),
    x: chart.x,
    y: chart.y,
    xRange: square ? shared : xRange,
    yRange: square ? shared : yRange,
    niceX: true,
    legend: legend.length > 1 && chart.legend !== "none" ? legend : [],
  };
  const area = frame(options);
  const parts = [area.backdrop];
  if (chart.diagonal !== undefined) {
    const low = Math.max(...[area.x, area.y].map(({ ticks }) => ticks[0].value));
    const high = Math.max(
      low,
      Math.min(...[area.x, area.y].map(({ ticks }) => ticks[ticks.length - 1].value)),
    );
    parts.push(
      `<path class="mark" d="M${pixel(area.x.at(low))} ${pixel(area.y.at(low))}L${pixel(area.x.at(high))} ${pixel(area.y.at(high))}"/>`,
    );
  }
  (chart.levels ?? []).forEach(({ y }, i) => {
    parts.push(`<path class="${levelStyle(i)}" d="M${area.left} ${pixel(area.y.at(y))}H${area.right}"/>`);
  });
  const places = (wanted: (series: ScatterChart["series"][number]) => boolean) =>
    chart.series.map(({ x, y, ...series }) =>
      wanted({ x, y, ...series }) ? Array.from(x, (_, k) => [area.x.at(x[k]), area.y.at(y[k])] as const) : [],
    );
  const names = new PointNames(
    area,
    places(({ dots }) => dots !== "none").flat(),
    places(({ connect }) => connect === true),
  );
  const named: string[] = [];
  chart.series.forEach(({ x, y, connect, dots: points, labels, lower, upper }, i) => {
    if (connect)
      parts.push(`<path class="${strokeClass(i, undefined)} thin" d="${linePath(x, y, area.x, area.y)}"/>`);
    let dots = "";
    let bars = "";
    for (let k = 0; k < x.length; k++) {
      const [px, py] = [area.x.at(x[k]), area.y.at(y[k])];
      if (!Number.isFinite(px) || !Number.isFinite(py)) continue;
      dots += `M${pixel(px)} ${pixel(py)}h0`;
      if (lower && upper) bars += `M${pixel(px)} ${pixel(area.y.at(lower[k]))}V${pixel(area.y.at(upper[k]))}`;
    }
    if (bars) parts.push(`<path class="${strokeClass(i, undefined)} thin" d="${bars}"/>`);
    if (points !== "none")
      parts.push(`<path class="dots p${i % 6}${x.length > 300 ? " many" : ""}" d="${dots}"/>`);
    labels?.forEach((label, k) => {
      named.push(names.draw(label, area.x.at(x[k]), area.y.at(y[k])));
    });
  });
  return svg(chart, width, area.height, [...parts, ...named].join(""));
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
