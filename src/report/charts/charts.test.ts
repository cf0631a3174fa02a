import { describe, expect, test } from "vitest";
import { startOfDay } from "../../base/index.ts";
import { textWidth } from "../format.ts";
import { drawChart, renderChart } from "./render.ts";
import { type BandChart, type Chart, calibrationChart } from "./spec.ts";
import { areaColours, darkColours, lightColours } from "./style.ts";

const x = [1, 2, 3, 4];
const nasty = `<script>alert("1")</script>&'`;

const charts: Record<Chart["kind"], Chart> = {
  line: {
    kind: "line",
    title: "Loss by epoch",
    x: { label: "Epoch" },
    y: { label: "Loss", unit: "MSE" },
    series: [
      { label: "training", x, y: [4, 2, 1, 1] },
      { label: "validation", x, y: [4, Number.NaN, 3, 3.5], line: "dashed" },
    ],
    marks: [{ x: 3, label: "kept" }],
  },
  band: {
    kind: "band",
    title: "Forecast and outcome",
    x: { label: "Date", unit: "UTC", kind: "time" },
    y: { label: "Return", unit: "%" },
    at: ["2024-01-02", "2024-01-03", "2024-01-04"].map(startOfDay),
    bands: [{ label: "5 % to 95 %", lower: [-2, -2, -1], upper: [2, 3, 2] }],
    lines: [
      { label: "median", y: [0, 0.5, 0.5] },
      { label: "outcome", y: [1, -1, 0] },
    ],
  },
  scatter: calibrationChart([
    { level: 0.1, observed: 0.12, standardError: 0.02 },
    { level: 0.9, observed: 0.85, standardError: 0.02 },
  ]),
  bars: {
    kind: "bars",
    title: "Cleaning",
    x: { label: "Rows" },
    bars: [
      { label: "read", value: 40_392 },
      { label: "dropped", value: 61 },
    ],
  },
  areas: {
    kind: "areas",
    title: "Weights over time",
    x: { label: "Date", kind: "time" },
    y: { label: "Share", unit: "%", include: [0, 100] },
    at: ["2024-01-02", "2024-01-03", "2024-01-04"].map(startOfDay),
    series: [
      { label: "A", y: [60, 50, 40] },
      { label: "B", y: [40, 60, 80] },
      { label: "C", y: [-5, -10, -20] },
    ],
  },
  dendrogram: {
    kind: "dendrogram",
    title: "Which move together",
    x: { label: "Distance" },
    labels: ["A", "B", "C"],
    merges: [
      { left: 0, right: 2, distance: 1 },
      { left: 1, right: 3, distance: 2 },
    ],
    clusters: [0, 1, 0],
  },
  intervals: {
    kind: "intervals",
    title: "Sharpe ratios",
    x: { label: "Sharpe ratio", include: [0] },
    digits: 2,
    rows: [
      { label: "A", value: 1, low: 0.5, high: 1.5 },
      { label: "B", value: Number.NaN, low: Number.NaN, high: Number.NaN },
    ],
  },
  histogram: {
    kind: "histogram",
    title: "Errors",
    x: { label: "Error" },
    values: [0, 0.5, 1, 1.5, 1.6, 3],
    bins: 3,
  },
  heat: {
    kind: "heat",
    title: "Confusion",
    rowLabel: "outcome",
    columnLabel: "forecast",
    rows: ["down", "up"],
    columns: ["down", "up"],
    values: [
      [3, 1],
      [-2, Number.NaN],
    ],
  },
};

test.each(Object.values(charts))("draws a $kind chart as it did", (chart) => {
  expect(drawChart(chart, 360).replaceAll("><", ">\n<")).toMatchSnapshot();
});

test.each(Object.values(charts))("writes no NaN and balances its elements in a $kind chart", (chart) => {
  for (const width of [344, 760]) {
    const drawn = renderChart(chart, { width });
    expect(drawn).not.toMatch(/NaN|Infinity|undefined/);
    const opened = drawn.match(/<(?!\/)[a-z]+[^>]*[^/]>/g)?.length;
    expect(drawn.match(/<\/[a-z]+>/g)?.length).toBe(opened);
  }
});

test("interrupts a line where a value is missing", () => {
  const drawn = drawChart(charts.line, 360);
  const validation = /<path class="line s1 dashed" d="([^"]+)"\/><path class="line s0"/.exec(drawn)?.[1];
  expect(validation?.match(/M/g)?.length).toBe(2); // the point before the gap, the line behind it
});

test("draws a dot where a line has one point, which would be no line", () => {
  const once = { label: "training", x: [1], y: [0.7] };
  const drawn = drawChart(
    { ...charts.line, marks: [], series: [once, { ...once, label: "validation" }] } as Chart,
    360,
  );
  expect(drawn.match(/<path class="dots p[01]" d="M[\d.]+ [\d.]+h0"\/>/g)).toHaveLength(2);
});

test("draws events along the edges, and levels through the points, with names in the legend", () => {
  const at = Array.from((charts.band as BandChart).at);
  const events = [
    { label: "rose", at: at.slice(0, 2), edge: "top" as const },
    { label: "fell", at: at.slice(2), edge: "bottom" as const },
  ];
  const band = drawChart({ ...charts.band, events } as Chart, 360);
  expect(band.match(/v10/g)).toHaveLength(3 + 2); // and two in the legend
  expect(band).toContain(">rose<");
  const scatter = drawChart({ ...charts.scatter, levels: [{ label: "base rate", y: 0.5 }] } as Chart, 360);
  expect(scatter).toContain(">base rate<");
  expect(drawChart({ ...charts.scatter, legend: "none" } as Chart, 360)).not.toContain(">calibrated<");
});

test("spreads points that lie close together when each axis has its own range", () => {
  const points = { label: "forecast", x: [0.48, 0.5, 0.52], y: [0.4, 0.5, 0.6] };
  const drawn = drawChart(
    { ...charts.scatter, x: { label: "x" }, y: { label: "y" }, axes: "own", series: [points] } as Chart,
    400,
  );
  const [, first, last] = /class="dots p0" d="M([\d.]+) .*M([\d.]+) [\d.]+h0"/.exec(drawn)!.map(Number);
  expect(last - first).toBeGreaterThan(300);
  expect(drawn).toContain('<path class="mark"'); // the diagonal, flatter
});

test("keeps the picture of a long line in a few points of each pixel column", () => {
  const many = Float64Array.from({ length: 100_000 }, (_, i) => i);
  const wave = many.map((i) => Math.sin(i / 300) + (i === 55_555 ? 9 : 0));
  const chart: Chart = {
    ...charts.line,
    kind: "line",
    marks: [],
    series: [{ label: "wave", x: many, y: wave }],
  } as Chart;
  const drawn = drawChart(chart, 720);
  expect(drawn.length).toBeLessThan(60_000);
  expect(drawn).toContain(">10<"); // the single spike of 9 is still seen by the axis
});

test("escapes every text it is given", () => {
  const spoiled = JSON.parse(JSON.stringify(charts), (key, value) =>
    typeof value === "string" && !["kind", "line"].includes(key) ? nasty : value,
  ) as typeof charts;
  for (const chart of Object.values(spoiled)) {
    const drawn = drawChart(chart, 500);
    expect(drawn).toContain("&lt;script&gt;");
    expect(drawn).not.toContain("<script");
    expect(drawn).not.toContain('"1"');
  }
});

test("draws charts that have no values", () => {
  expect(drawChart({ ...charts.line, series: [] } as Chart, 400)).toContain("<svg");
  expect(drawChart({ ...charts.histogram, values: [Number.NaN] } as Chart, 400)).toContain(
    "1 values not shown",
  );
  expect(drawChart({ ...charts.bars, bars: [] } as Chart, 400)).toContain("<svg");
  expect(drawChart({ ...charts.heat, rows: [], values: [] } as Chart, 400)).toContain("<svg");
});

test("carries its style when it stands alone", () => {
  const alone = renderChart(charts.bars);
  expect(alone).toMatch(/^<svg [^>]*width="720"[^>]*><style>/);
  expect(alone).toContain("prefers-color-scheme:dark");
});

test("stacks areas so that each lies on the one before, and what is negative below the axis", () => {
  const drawn = drawChart(charts.areas, 400);
  const paths = [...drawn.matchAll(/class="area p(\d)" d="M([^"]*)Z"/g)].map(([, , d]) =>
    d.split("L").map((point) => point.split(" ").map(Number)),
  );
  expect(paths).toHaveLength(3);
  const [a, b, c] = paths;
  // An outline goes along the upper edge and back along the lower one.
  expect(b.slice(3).reverse()).toEqual(a.slice(0, 3));
  expect(c[0][1]).toBe(a.at(-1)?.[1]); // C begins at the axis, where A begins
  expect(c[3][1]).toBeGreaterThan(c[2][1]); // and hangs down from it: first the upper edge, then the lower one
});

describe.each([
  ["light", lightColours],
  ["dark", darkColours],
])("the %s colours of areas", (_, properties) => {
  const colours = [...properties.matchAll(/--c(\d+):(#\w{6})/g)].map(([, , colour]) => labOf(colour));
  const paper = labOf(properties.match(/--paper:(#\w+)/)?.[1].replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3") ?? "");
  const distance = (a: number[], b: number[]) => Math.hypot(...a.map((value, k) => value - b[k]));

  test("are told from each other and from the paper", () => {
    expect(colours).toHaveLength(areaColours);
    colours.forEach((colour, i) => {
      expect(distance(colour, paper)).toBeGreaterThan(25);
      for (const other of colours.slice(i + 1)) expect(distance(colour, other)).toBeGreaterThan(25);
    });
  });
});

/** CIELAB of an sRGB colour such as #0072b2, for daylight (D65): a distance of 2 is just seen. */
function labOf(colour: string): number[] {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const [x, y, z] = [
    (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
    0.2126 * r + 0.7152 * g + 0.0722 * b,
    (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
  ].map((value) => (value > 216 / 24389 ? Math.cbrt(value) : (24389 / 27) * (value / 116) + 16 / 116));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

test("interrupts an area where its value is 0 or changes sides", () => {
  const y = [10, 0, 10, -10];
  const drawn = drawChart({ ...charts.areas, at: [1, 2, 3, 4], series: [{ label: "A", y }] } as Chart, 400);
  expect(/class="area p0" d="([^"]*)"/.exec(drawn)?.[1].match(/M/g)).toHaveLength(3);
});

test("joins the leaves of a dendrogram where they merge, alike ones beside each other", () => {
  const drawn = drawChart(charts.dendrogram, 400);
  const place = (label: string) => Number(new RegExp(`y="([\\d.]+)">${label}<`).exec(drawn)?.[1]);
  expect(Math.abs(place("A") - place("C"))).toBeLessThan(20);
  expect([...drawn.matchAll(/class="branch s0"/g)]).toHaveLength(1); // A and C are one cluster
  expect([...drawn.matchAll(/class="branch"/g)]).toHaveLength(1); // the root joins two
});

describe("names of points", () => {
  const labels = Array.from({ length: 40 }, (_, k) => `point ${k}`);
  const scatter = (x: readonly number[], y: readonly number[], connect = false): Chart => ({
    kind: "scatter",
    title: "Assets",
    x: { label: "x" },
    y: { label: "y" },
    series: [
      { label: "assets", x, y, labels: labels.slice(0, x.length) },
      ...(connect ? [{ label: "line", x: [0, 1], y: [0.5, 0.5], connect, dots: "none" as const }] : []),
    ],
  });
  /** Where texts stand, by the widths that the chart reckons with. */
  const boxes = (drawn: string) =>
    [...drawn.matchAll(/class="key( end| middle)?" x="([\d.]+)" y="([\d.]+)">(point \d+)</g)].map(
      ([, anchor, x, y, text]) => {
        const size = textWidth(text, 12);
        const left = Number(x) - (anchor === " end" ? size : anchor === " middle" ? size / 2 : 0);
        return { text, left, right: left + size, top: Number(y) - 10, bottom: Number(y) + 3 };
      },
    );

  test.each([
    ["on a line", labels.map((_, k) => k), labels.map((_, k) => k), 36],
    ["in a cloud", labels.map((_, k) => Math.sin(k)), labels.map((_, k) => Math.cos(2.3 * k)), 36],
    ["in one place", labels.map(() => 1), labels.map(() => 1), 5],
  ])("are never over each other or over a point %s", (_, x, y, least) => {
    const drawn = drawChart(scatter(x, y), 760);
    const names = boxes(drawn);
    expect(names.length).toBeGreaterThanOrEqual(least);
    for (const a of names)
      for (const b of names)
        if (a !== b)
          expect(
            a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom,
            `${a.text} over ${b.text}`,
          ).toBe(false);
    const dots = [...drawn.matchAll(/M([\d.]+) ([\d.]+)h0/g)].map(([, px, py]) => [Number(px), Number(py)]);
    expect(dots.length).toBe(40);
    for (const { left, right, top, bottom, text } of names)
      expect(
        dots.some(([px, py]) => px > left && px < right && py > top && py < bottom),
        text,
      ).toBe(false);
  });

  test("stand away from their point, with a line to it, where others are close, and clear of lines", () => {
    const drawn = drawChart(
      scatter([0, 1, 0.5, 0.51, 0.5, 0.51, 0.505], [0, 1, 0.5, 0.5, 0.53, 0.53, 0.515]),
      760,
    );
    expect(boxes(drawn)).toHaveLength(7);
    expect(drawn).toContain('<path class="lead"');
    const [alone] = boxes(drawChart(scatter([0.5], [0.5], true), 760));
    const dot = /M([\d.]+) ([\d.]+)h0/.exec(drawChart(scatter([0.5], [0.5], true), 760));
    const line = Number(dot?.[2]); // the line goes through the point: its name is above or below
    expect(alone.bottom <= line || alone.top >= line).toBe(true);
  });
});

test("a line has the colour that it is given, in its legend too", () => {
  const series = [
    { label: "b", x: [0, 1], y: [1, 2], colour: 1 },
    { label: "d", x: [0, 1], y: [2, 1], colour: 3 },
  ];
  const axes = { x: { label: "x" }, y: { label: "y" } };
  const svg = renderChart({ kind: "line", title: "t", description: "d", ...axes, series }, { width: 600 });
  const colours = [...svg.matchAll(/class="line s(\d)"/g)].map(([, colour]) => colour).sort();
  expect(colours).toEqual(["1", "1", "3", "3"]);
});
