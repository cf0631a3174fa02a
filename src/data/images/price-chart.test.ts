import { describe, expect, test } from "vitest";
import { PlatformError } from "../../base/index.ts";
import { chartMatrix, drawPriceChart, type PriceChart } from "./price-chart.ts";

/** One character per pixel, one line per row. */
function textArt({ data, height, width }: PriceChart): string[] {
  return Array.from({ length: height }, (_, row) =>
    Array.from(data.subarray(row * width, (row + 1) * width), (pixel) => (pixel === 255 ? "#" : ".")).join(
      "",
    ),
  );
}

/** Three days: up, down, flat. Prices 10 to 17 fall on the eight rows of the price area, one unit to a row. */
const bars = {
  open: [11, 16, 13],
  high: [16, 17, 14],
  low: [10, 12, 12],
  close: [15, 13, 13],
  volume: [50, 100, 0],
};

describe("drawPriceChart", () => {
  test("draws open tick, bar and close tick, with volume in the bottom fifth", () => {
    // Height 11: volume floor(11 / 5) = 2 rows, one black row, and 8 rows for the prices 17 down to 10.
    const chart = drawPriceChart(bars, 2, { days: 3, height: 11, movingAverageDays: 0 });
    expect(textArt(chart)).toEqual([
      "....#....", // 17
      ".#.##....", // 16: high of day 1, open of day 2
      ".##.#....", // 15: close of day 1
      ".#..#..#.", // 14
      ".#..#####", // 13: close of day 2, open and close of day 3
      ".#..#..#.", // 12
      "##.......", // 11: open of day 1
      ".#.......", // 10
      ".........",
      "....#....", // volume 100 fills the area
      ".#..#....", // volume 50 fills half, volume 0 nothing
    ]);
  });

  test("joins the moving average from middle to middle", () => {
    const flat = { open: [1, 1, 1], high: [8, 8, 8], low: [1, 1, 1], close: [2, 4, 8] };
    const withAverage = drawPriceChart(flat, 2, { days: 2, height: 8, movingAverageDays: 2 });
    // Averages (2 + 4) / 2 = 3 and (4 + 8) / 2 = 6 on rows 5 and 2; the line between them goes one row up per pixel.
    expect(textArt(withAverage)).toEqual([
      ".#..##",
      ".#..#.",
      ".#..#.",
      ".#.##.",
      ".##.#.", // the line passes through the first close tick
      ".#..#.",
      ".#..#.",
      "##.##.",
    ]);
  });

  test("has the sizes of the paper", () => {
    const many = Array.from({ length: 130 }, (_, t) => 100 + Math.sin(t));
    const wave = {
      open: many,
      high: many.map((price) => price + 1),
      low: many.map((price) => price - 1),
      close: many,
      volume: many,
    };
    const size = (days: number) => {
      const { height, width, data } = drawPriceChart(wave, 129, { days });
      expect(data).toHaveLength(height * width);
      return [height, width];
    };
    expect([5, 20, 60].map(size)).toEqual([
      [32, 15],
      [64, 60],
      [96, 180],
    ]);
  });

  test("does not change when prices are stretched, shifted, or change after the last bar", () => {
    const options = { days: 3, height: 32, movingAverageDays: 1 };
    const chart = drawPriceChart(bars, 2, options);
    const moved = Object.fromEntries(
      Object.entries(bars).map(([name, column]) => [
        name,
        name === "volume" ? column : column.map((price) => 4 * price + 8),
      ]),
    ) as typeof bars;
    expect(drawPriceChart(moved, 2, options)).toEqual(chart);
    const longer = Object.fromEntries(
      Object.entries(bars).map(([name, column]) => [name, [...column, 1e6]]),
    ) as typeof bars;
    expect(drawPriceChart(longer, 2, options)).toEqual(chart);
  });

  test("leaves a day black that lacks high, low or close, and a tick that lacks its open", () => {
    const holes = { ...bars, high: [16, Number.NaN, 14], open: [Number.NaN, 16, 13] };
    const art = textArt(drawPriceChart(holes, 2, { days: 3, height: 9, movingAverageDays: 0 }));
    const column = (index: number) =>
      art
        .slice(0, 7)
        .map((row) => row[index])
        .join("");
    expect([3, 4, 5].map(column)).toEqual([".......", ".......", "......."]);
    expect(column(0)).toBe(".......");
    expect(column(1)).toBe("#######");
  });

  test("interrupts the average at a missing close", () => {
    const close = [13, 13, Number.NaN, 13, 13, 13];
    const column = (value: number) => close.map(() => value);
    const flat = { open: column(10), high: column(17), low: column(10), close };
    const art = textArt(drawPriceChart(flat, 5, { days: 4, height: 8, movingAverageDays: 2 }));
    // On the row of 13: no first day; bar and close tick of the second, whose average lacks a close; then bar, tick, line, bar,
    // tick.
    expect(art[4]).toBe("....##.#####");
    expect(art[3]).toBe("....#..#..#.");
  });

  test("puts prices that never move in the middle, and draws no volume where there is none", () => {
    const still = { open: [5], high: [5], low: [5], close: [5], volume: [0] };
    expect(textArt(drawPriceChart(still, 0, { days: 1, height: 8, movingAverageDays: 0 }))).toEqual([
      "...",
      "...",
      "###",
      "...",
      "...",
      "...",
      "...",
      "...",
    ]);
  });

  test("refuses impossible bars and windows that are not there", () => {
    const crossed = { ...bars, low: [10, 18, 12] };
    const draw = () => drawPriceChart(crossed, 2, { days: 3, movingAverageDays: 0 });
    expect(draw).toThrow(PlatformError);
    expect(draw).toThrow(
      "bar 1: expected finite prices between low and high, received open 16, high 17, low 18",
    );
    expect(() => drawPriceChart(bars, 2, { days: 3 })).toThrow("expected 5 bars up to bar 2, received 3");
    expect(() => drawPriceChart(bars, 3, { days: 1 })).toThrow("last: expected a whole number from 0 to 2");
  });
});

test("chartMatrix has 1 where the chart is drawn", () => {
  const chart = drawPriceChart(bars, 2, { days: 3, height: 11, movingAverageDays: 0 });
  expect(chartMatrix(chart).reduce((sum, value) => sum + value, 0)).toBe(
    textArt(chart).join("").replaceAll(".", "").length,
  );
});
