import { expect, test } from "vitest";
import { matrix, startOfDay } from "../../../base/index.ts";
import type { AreaChart } from "../../../report/index.ts";
import { weightsPictures } from "./pictures.ts";
import type { Proof } from "./prove.ts";
import type { MethodRun } from "./run.ts";

const assets = Array.from({ length: 20 }, (_, i) => `A${i}`);
const periods = 10;
const panel = {
  assets,
  times: Float64Array.from({ length: periods }, (_, t) => startOfDay("2024-01-01") + t * 86_400_000),
};

/** A method that holds assets at `[period, asset]`. */
function runOf(name: string, weight: (t: number, i: number) => number): MethodRun {
  const data = Float64Array.from({ length: periods * 20 }, (_, k) => weight(Math.floor(k / 20), k % 20));
  const path = {
    periods: Int32Array.from({ length: periods }, (_, t) => t),
    weights: matrix(periods, 20, data),
    decisions: [],
  };
  return { name, paths: [path] } as unknown as MethodRun;
}

const draw = (...runs: MethodRun[]) =>
  weightsPictures({ panel } as unknown as Proof, runs).map(({ chart }) => (chart as AreaChart).series);

test("names in each picture the assets that were ever largest in it, and says how large the others were", () => {
  // The first method holds 0 to 11 all the time, and 19 once: more of it than of any other. The second one holds 8 to 19.
  const steady = runOf("steady", (t, i) =>
    i === 19 ? (t === 4 ? 0.16 : 0) : i < 12 ? 0.02 + 0.005 * i : 0.001,
  );
  const other = runOf("other", (_, i) => (i >= 8 ? 1 / 12 : 0));
  const [first, second] = draw(steady, other);
  const named = first.filter(({ rest }) => !rest).map(({ label }) => label);
  expect(named).toHaveLength(12);
  expect(named).toContain("A19");
  expect(named).not.toContain("A0"); // 2 %, the least of those
  expect(first.at(-1)).toMatchObject({ label: "8 others, none above 2 %", rest: true });
  expect(named.slice(0, 2)).toEqual(["A11", "A10"]); // from the axis outwards by mean weight
  expect(second.map(({ label }) => label).sort()).toEqual(assets.slice(8).sort());
  // Each has a colour of its own, and one that both name has it in both.
  for (const series of [first, second]) {
    const colours = series.filter(({ rest }) => !rest).map(({ colour }) => colour);
    expect(new Set(colours).size).toBe(colours.length);
    for (const colour of colours) expect(colour).toBeLessThan(12);
  }
  const colourIn = (series: typeof first, name: string) => series.find(({ label }) => label === name)?.colour;
  for (const name of ["A8", "A9", "A10", "A11"]) expect(colourIn(second, name)).toBe(colourIn(first, name));
});

test("calls no single asset others", () => {
  const [series] = draw(runOf("thirteen", (_, i) => (i < 13 ? 1 / 13 : 0)));
  expect(series.at(-1)?.label).toBe("1 other, never above 8 %");
});
