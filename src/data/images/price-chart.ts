/**
 * Windows of bars drawn as small black and white images, after Jiang, Kelly and Xiu (2023), "(Re-)Imag(in)ing price
 * trends", Journal of Finance 78(6). Each day is three pixels wide: open tick, bar from low to high, close tick. A moving
 * average runs through the middle columns, and volume stands in the bottom fifth.
 */
import { PlatformError } from "../../base/index.ts";

type Column = Float64Array | Float32Array | readonly number[];

/** Bars of one symbol in order of time, without duplicates. NaN where a value is missing. */
export interface ChartBars {
  readonly open: Column;
  readonly high: Column;
  readonly low: Column;
  readonly close: Column;
  readonly volume?: Column;
}

export interface PriceChartOptions {
  /** Number of bars in the picture. */
  readonly days?: number;
  /** Pixels from top to bottom; the paper's 32, 64 and 96 for 5, 20 and 60 days, and 64 for other numbers. */
  readonly height?: number;
  /** Bars in the moving average of closes: as many as in the picture when absent, none for 0. */
  readonly movingAverageDays?: number;
}

/** `[height, width]`, rows from the top: 255 where something is drawn, 0 elsewhere. */
export interface PriceChart {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
}

const paperHeights: Readonly<Record<number, number>> = { 5: 32, 20: 64, 60: 96 };
const dayWidth = 3;
const drawn = 255;

/**
 * Draws the `days` bars that end with bar `last`. Nothing after `last` is read.
 *
 * The lowest and the highest price in the picture, moving average included, touch the bottom and the top of the price
 * area; the largest volume fills the volume area. As in the paper, a day without high, low or close stays black, and a day
 * without open has no open tick. The average needs `days + movingAverageDays - 1` bars; a missing close interrupts it.
 *
 * @throws PlatformError `DATA_OPTION_INVALID`; `DATA_TOO_SHORT` when there are too few bars up to `last`;
 *   `DATA_BAR_IMPOSSIBLE` when a price is infinite, or open or close lies outside of low and high
 */
export function drawPriceChart(bars: ChartBars, last: number, options: PriceChartOptions = {}): PriceChart {
  const { days = 20 } = options;
  const { height = paperHeights[days] ?? 64, movingAverageDays = days } = options;
  requireWhole("days", days, 1, 1000);
  requireWhole("height", height, 8, 1024);
  requireWhole("movingAverageDays", movingAverageDays, 0, 1000);
  requireWhole("last", last, 0, bars.close.length - 1);
  const needed = days + Math.max(0, movingAverageDays - 1);
  if (last + 1 < needed) {
    const message = `price chart: expected ${needed} bars up to bar ${last}, received ${last + 1}`;
    throw new PlatformError("input", "DATA_TOO_SHORT", message);
  }

  const first = last - days + 1;
  const chart = { data: new Uint8Array(height * days * dayWidth), height, width: days * dayWidth };
  const volumeHeight = bars.volume ? Math.floor(height / 5) : 0;
  const priceHeight = bars.volume ? height - volumeHeight - 1 : height; // one black row keeps the areas apart
  const average = Float64Array.from({ length: days }, (_, day) =>
    movingAverageDays === 0 ? Number.NaN : meanClose(bars.close, first + day, movingAverageDays),
  );
  const whole = Array.from({ length: days }, (_, day) => isWhole(bars, first + day));
  const rowOf = priceScale(bars, first, whole, average, priceHeight);

  for (let day = 0; day < days; day++) {
    if (!whole[day]) continue;
    const bar = first + day;
    const left = day * dayWidth;
    const open = bars.open[bar];
    if (!Number.isNaN(open)) drawLine(chart, left, rowOf(open), left, rowOf(open));
    drawLine(chart, left + 1, rowOf(bars.high[bar]), left + 1, rowOf(bars.low[bar]));
    drawLine(chart, left + 2, rowOf(bars.close[bar]), left + 2, rowOf(bars.close[bar]));
  }
  for (let day = 0; day < days; day++) {
    if (Number.isNaN(average[day])) continue;
    const from = day > 0 && !Number.isNaN(average[day - 1]) ? day - 1 : day;
    const [x0, x1] = [from * dayWidth + 1, day * dayWidth + 1];
    drawLine(chart, x0, rowOf(average[from]), x1, rowOf(average[day]));
  }
  if (bars.volume) drawVolume(chart, bars.volume, first, days, volumeHeight);
  return chart;
}

/**
 * The chart as a matrix for a network: `[height, width]` of 0 and 1.
 *
 * @example
 * chartMatrix({ data: new Uint8Array([0, 255]), height: 1, width: 2 }); // => [0, 1]
 */
export function chartMatrix(chart: PriceChart): Float32Array {
  return Float32Array.from(chart.data, (pixel) => pixel / drawn);
}

/** Whether high, low and close are there; a bar that cannot be is refused, because it would be drawn as something else. */
function isWhole({ open, high, low, close }: ChartBars, bar: number): boolean {
  const prices = [high[bar], low[bar], close[bar]];
  if (prices.some(Number.isNaN)) return false;
  if (!Number.isNaN(open[bar])) prices.push(open[bar]);
  if (prices.every((price) => Number.isFinite(price) && low[bar] <= price && price <= high[bar])) return true;
  const received = `open ${open[bar]}, high ${high[bar]}, low ${low[bar]}, close ${close[bar]}`;
  const message = `price chart: bar ${bar}: expected finite prices between low and high, received ${received}`;
  throw new PlatformError("input", "DATA_BAR_IMPOSSIBLE", message);
}

function meanClose(close: Column, last: number, days: number): number {
  let sum = 0;
  for (let bar = last - days + 1; bar <= last; bar++) sum += close[bar];
  return sum / days;
}

/** Maps prices to rows: the highest to row 0, the lowest to the last row of the price area. */
function priceScale(
  bars: ChartBars,
  first: number,
  whole: readonly boolean[],
  average: Float64Array,
  priceHeight: number,
): (price: number) => number {
  let [top, bottom] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const include = (price: number) => {
    top = Math.max(top, price);
    bottom = Math.min(bottom, price);
  };
  whole.forEach((isDrawn, day) => {
    if (isDrawn) include(bars.high[first + day]);
    if (isDrawn) include(bars.low[first + day]);
  });
  for (const price of average) if (!Number.isNaN(price)) include(price);
  const range = top - bottom;
  // Prices that never move stand in the middle.
  if (!(range > 0)) return () => Math.floor((priceHeight - 1) / 2);
  return (price) => Math.round(((top - price) / range) * (priceHeight - 1));
}

function drawVolume(
  chart: PriceChart,
  volume: Column,
  first: number,
  days: number,
  volumeHeight: number,
): void {
  let largest = 0;
  for (let day = 0; day < days; day++) {
    if (volume[first + day] > largest) largest = volume[first + day];
  }
  for (let day = 0; day < days; day++) {
    const pixels = Math.round((volume[first + day] / largest) * volumeHeight);
    const middle = day * dayWidth + 1;
    // Missing volume, and volume in a window without any, is NaN here and draws nothing.
    if (pixels >= 1) drawLine(chart, middle, chart.height - pixels, middle, chart.height - 1);
  }
}

/** A straight line with both ends (Bresenham 1965). */
function drawLine(chart: PriceChart, x0: number, y0: number, x1: number, y1: number): void {
  const [dx, dy] = [Math.abs(x1 - x0), -Math.abs(y1 - y0)];
  const [stepX, stepY] = [Math.sign(x1 - x0), Math.sign(y1 - y0)];
  let [x, y, error] = [x0, y0, dx + dy];
  for (;;) {
    chart.data[y * chart.width + x] = drawn;
    if (x === x1 && y === y1) return;
    const twice = 2 * error;
    if (twice >= dy) {
      error += dy;
      x += stepX;
    }
    if (twice <= dx) {
      error += dx;
      y += stepY;
    }
  }
}

function requireWhole(field: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  const message = `price chart: ${field}: expected a whole number from ${low} to ${high}, received ${value}`;
  throw new PlatformError("input", "DATA_OPTION_INVALID", message, { field });
}
