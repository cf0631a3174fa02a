/** Charts as plain values. What draws them is beside this file; `renderChart` chooses by `kind`. */
import type { Values } from "../../base/index.ts";
import type { AxisKind } from "./scale.ts";

interface Titled {
  /** What the chart shows, in a few words; read out by screen readers. */
  readonly title: string;
  /** What to see in it, in a sentence; also read out. */
  readonly description?: string;
  /** `none` where the caption, or a chart beside it, says what the lines are. */
  readonly legend?: "none";
}

/** `label` names the quantity, `unit` its unit; a time axis takes UTC milliseconds. */
export interface Axis {
  readonly label: string;
  readonly unit?: string;
  readonly kind?: AxisKind;
  /** Always inside the range, such as 0. */
  readonly include?: readonly number[];
}

export interface Series {
  readonly label: string;
  readonly x: Values;
  readonly y: Values;
  readonly line?: "solid" | "dashed" | "dotted";
  /** Which of the colours, so that one thing has one colour in several pictures; by its place among the series when absent. */
  readonly colour?: number;
}

/** Several lines over one axis. A value that is not finite (or not positive on a log axis) interrupts its line. */
export interface LineChart extends Titled {
  readonly kind: "line";
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** Values worth pointing out, such as the epoch that was kept. */
  readonly marks?: readonly { readonly x: number; readonly label: string }[];
}

/** Quantile bands, widest first, with the central forecast and the outcome over them. */
export interface BandChart extends Titled {
  readonly kind: "band";
  readonly x: Axis;
  readonly y: Axis;
  readonly at: Values;
  readonly bands: readonly { readonly label: string; readonly lower: Values; readonly upper: Values }[];
  readonly lines: readonly Omit<Series, "x">[];
  /** Events in time, as short strokes along the upper or lower edge of the plot. */
  readonly events?: readonly {
    readonly label: string;
    readonly at: Values;
    readonly edge: "top" | "bottom";
  }[];
}

/**
 * Points, with the diagonal of equality when `diagonal` names it, and a line at each of `levels`. `connect` joins points in
 * order; `lower` and `upper` are the ends of their error bars.
 */
export interface ScatterChart extends Titled {
  readonly kind: "scatter";
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly (Omit<Series, "line"> & {
    readonly connect?: boolean;
    /** Only the joining line, as for a curve computed at many points. */
    readonly dots?: "none";
    /** A name beside each point, where there is room for it. */
    readonly labels?: readonly string[];
    readonly lower?: Values;
    readonly upper?: Values;
  })[];
  readonly diagonal?: string;
  /** With a diagonal: one range for both axes and a square plot, or a range of its own for each. */
  readonly axes?: "shared" | "own";
  readonly levels?: readonly { readonly label: string; readonly y: number }[];
}

/** Horizontal bars, one for each row, with their values. */
export interface BarChart extends Titled {
  readonly kind: "bars";
  readonly x: Axis;
  readonly bars: readonly { readonly label: string; readonly value: number }[];
  /** After the decimal point of the values. */
  readonly digits?: number;
}

/** Counts of values in equal bins; `bins` is chosen by Freedman and Diaconis (1981) when absent. */
export interface Histogram extends Titled {
  readonly kind: "histogram";
  readonly x: Axis;
  readonly values: Values;
  readonly bins?: number;
  /** A curve in the unit of counts' share per x, such as a normal density, to compare with. */
  readonly density?: { readonly label: string; readonly at: (x: number) => number };
}

/** A table whose cells are shaded by value: a confusion matrix, correlations, errors by symbol and horizon. */
export interface HeatTable extends Titled {
  readonly kind: "heat";
  readonly rowLabel: string;
  readonly columnLabel: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** `values[row][column]`; NaN for an empty cell. Negative values are shaded in another colour. */
  readonly values: readonly (readonly number[])[];
  readonly digits?: number;
  readonly unit?: string;
  /** Columns, by number, that are shaded by their own largest value and stand a little apart, such as totals. */
  readonly apart?: readonly number[];
}

/** One value in each row with the interval around it, on a shared axis. */
export interface IntervalChart extends Titled {
  readonly kind: "intervals";
  readonly x: Axis;
  readonly rows: readonly {
    readonly label: string;
    readonly value: number;
    readonly low: number;
    readonly high: number;
  }[];
  /** After the decimal point of the values. */
  readonly digits?: number;
}

/** Areas on top of each other, such as shares over time; values below 0 are stacked downwards. */
export interface AreaChart extends Titled {
  readonly kind: "areas";
  readonly x: Axis;
  readonly y: Axis;
  readonly at: Values;
  /** From the axis outwards. */
  readonly series: readonly {
    readonly label: string;
    readonly y: Values;
    /** Which of the twelve colours, so that one thing has one colour in several pictures; by its place among the series when absent. */
    readonly colour?: number;
    /** Everything that has no colour of its own. */
    readonly rest?: boolean;
  }[];
}

/** A tree of clusters, leaves below each other, merges to the right at their distance. */
export interface Dendrogram extends Titled {
  readonly kind: "dendrogram";
  readonly x: Axis;
  readonly labels: readonly string[];
  /** Of n leaves n - 1 merges: leaves are 0 to n - 1, merge k is n + k, the last one is the root. */
  readonly merges: readonly { readonly left: number; readonly right: number; readonly distance: number }[];
  /** The cluster of each leaf, which gives its branches a colour. */
  readonly clusters?: readonly number[];
}

export type Chart =
  | LineChart
  | BandChart
  | ScatterChart
  | BarChart
  | Histogram
  | HeatTable
  | IntervalChart
  | AreaChart
  | Dendrogram;

/** A calibration chart: the share of outcomes at or below each forecast quantile, against the level it claims. */
export function calibrationChart(
  rows: readonly { readonly level: number; readonly observed: number; readonly standardError?: number }[],
  options: { readonly title?: string; readonly label?: string; readonly legend?: "none" } = {},
): ScatterChart {
  return {
    kind: "scatter",
    title: options.title ?? "Calibration of the quantiles",
    description:
      "Points on the diagonal are calibrated; below it, the outcome exceeds the quantile too often.",
    x: { label: "Level of the quantile", unit: "share", include: [0, 1] },
    y: { label: "Outcomes at or below the quantile", unit: "share", include: [0, 1] },
    series: [
      {
        label: options.label ?? "forecast",
        x: rows.map(({ level }) => level),
        y: rows.map(({ observed }) => observed),
        connect: true,
        ...(rows.some(({ standardError }) => standardError !== undefined)
          ? {
              lower: rows.map(({ observed, standardError = 0 }) => Math.max(0, observed - 2 * standardError)),
              upper: rows.map(({ observed, standardError = 0 }) => Math.min(1, observed + 2 * standardError)),
            }
          : {}),
      },
    ],
    diagonal: "calibrated",
    ...(options.legend ? { legend: options.legend } : {}),
  };
}
